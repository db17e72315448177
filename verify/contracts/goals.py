"""Goals of a proof that a function keeps its contract: what is to follow, from what is known on a path.

Called by `expressions`, whose expressions make some of them, and `proof`, which proves them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import z3

from ncl.language.contracts import Clause, Quantified
from ncl.language.program import Position
from ncl.language.reach import origins
from ncl.language.syntax import Function, Number
from ncl.language.walks import all_expressions
from ncl.verify.contracts.clauses import Clauses
from ncl.verify.contracts.terms import QUICK, Term, Version, World


@dataclass(frozen=True)
class Goal:
    """`claim` is to follow from `given` and the world's axioms. `kind`: invariant-entry, invariant-kept, ensures, …"""

    kind: str
    position: Position
    text: str
    given: tuple[Term, ...]
    claim: Term
    head: State | None = None  # where the round that leads here began
    again: Term = None  # the claim once more, for a proof by induction


@dataclass(frozen=True)
class State:
    """Variables by name, and what is known on the way here."""

    words: dict[str, Term]
    arrays: dict[str, Version]
    known: tuple[Term, ...]

    def word(self, name: str, term: Term) -> State:
        return replace(self, words={**self.words, name: term})

    def array(self, name: str, version: Version) -> State:
        return replace(self, arrays={**self.arrays, name: version})

    def knowing(self, *terms: Term) -> State:
        return replace(self, known=(*self.known, *terms))


class Goals:
    """What is claimed of one function; `goals` fills up. Raises Unprovable for what cannot be expressed."""

    def __init__(self, function: Function, program: dict[str, Function]) -> None:
        self.function, self.program = function, program
        self.world = World()
        self.goals: list[Goal] = []
        self.heads: list[State | None] = [None]
        self.entry = State({}, {}, ())
        self.entry_measure: list[Term] = []
        self.origins = origins(program)
        self.lacking: list[str] = []  # why termination is not shown
        for node in all_expressions(function.body):
            if isinstance(node, Number):
                self.world.literal(node.value)

    def clauses(self, state: State, result: Term | Version | None = None) -> Clauses:
        return Clauses(
            self.world, state.words, state.arrays, self.entry.words, self.entry.arrays,
            lambda condition: self.certain(state, condition), result,
        )  # fmt: skip

    def claim(self, kind: str, position: Position, text: str, state: State, claim: Term, again: Term = None) -> None:
        if not z3.is_true(z3.simplify(claim)):
            self.goals.append(Goal(kind, position, text, state.known, claim, self.heads[-1], again))

    def demand(self, kind: str, clause: Clause, state: State, clauses: Clauses | None = None) -> None:
        """The clause has a meaning and holds."""
        stated = clauses or self.clauses(state)
        self.meaningful(kind, clause, state, stated)
        again = None
        if isinstance(clause.expression, Quantified):
            again = replace(stated, inductive=True).truth(clause.expression, "goal")
        self.claim(kind, clause.position, clause.text, state, stated.truth(clause.expression, "goal"), again)

    def meaningful(self, kind: str, clause: Clause, state: State, clauses: Clauses | None) -> None:
        meaning = (clauses or self.clauses(state)).meaning(clause.expression)
        self.claim(f"{kind}-meaning", clause.position, clause.text, state, meaning)

    def certain(self, state: State, condition: Term) -> bool:
        """Whether a condition surely holds: asked without quantifiers first, then with them, each for a moment."""
        known = (*state.known, z3.Not(condition))
        everything = (*self.world.about(known), *known)
        return self._contradicts([t for t in everything if self.world.plain(t)]) or self._contradicts(everything)

    def _contradicts(self, terms: Sequence[Term]) -> bool:
        solver = z3.SimpleSolver()
        solver.set(rlimit=QUICK, mbqi=False)
        solver.add(*terms)
        return bool(solver.check() == z3.unsat)

    def reachable(self, state: State) -> bool:
        return not self._contradicts([t for t in (*self.world.axioms, *state.known) if self.world.plain(t)])


def smaller(now: list[Term], before: list[Term]) -> Term:
    """Lexicographically."""
    if not now or not before:
        return z3.BoolVal(False)
    return z3.Or(now[0] < before[0], z3.And(now[0] == before[0], smaller(now[1:], before[1:])))
