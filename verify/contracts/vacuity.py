"""Whether anything can meet what a contract requires, and come to its loops and to the functions that it calls.

A contradiction among premises proves whatever one likes, so each is to be seen by a run. Where none came, the prover is
asked whether one can: what it shows to be out of reach is vacuous, of the rest nothing is known. Called by `check`.
"""

from __future__ import annotations

from typing import Any

import z3

from ncl.language.interpret.source_run import Mark
from ncl.language.program import Position
from ncl.language.syntax import Call, For, Function, While
from ncl.language.walks import everything
from ncl.verify.contracts.goals import State
from ncl.verify.contracts.paths import Paths
from ncl.verify.contracts.terms import Term


def expected(function: Function) -> list[Mark]:
    """The contracts that the runs of a program should come to, the outermost first."""
    marks = []
    for name, one in function.program.items():
        if one.contract:
            marks.append(Mark("requires", name, one.position))
        for statement in everything(one.body):
            if isinstance(statement, While | For) and statement.contract:
                marks += [Mark("head", name, statement.position), Mark("round", name, statement.position)]
    return marks


def described(function: Function, mark: Mark) -> str:
    """What no run came to."""
    place = f"{mark.position.row}"
    one = function.program[mark.function]
    if mark.what == "requires":
        clauses = " and ".join(clause.text for clause in one.contract.requires) or f"{one.name} itself"
        return f"{place}: no run meets {clauses}" if one.contract.requires else f"{place}: no run comes to {clauses}"
    loop = next(s for s in everything(one.body) if s.position == mark.position and isinstance(s, While | For))
    first = [clause.text for clause in loop.contract.invariants]
    if loop.contract.decreases:
        first.append(loop.contract.decreases.text)
    way = "comes to the loop with" if mark.what == "head" else "begins a round of the loop with"
    return f"{place}: no run {way} {first[0]}"


def contradictory(function: Function) -> str:
    """The first clause of `requires` that nothing meets together with those before it; "" where none is shown to be."""
    try:
        visits = _Visits(function, function.program)
        state = visits.begin()
        for clause in function.contract.requires:
            state = state.knowing(visits.clauses(state).truth(clause.expression, "given"))
            if not visits.possible(state):
                return f"{clause.position.row}: nothing meets {clause.text}"
    except Exception:  # of the solver or of the prover: nothing is shown then
        return ""
    return ""


def possible(function: Function) -> frozenset[Mark] | None:
    """The contracts of one function that the prover does not show to be out of reach; None where it cannot say."""
    visits = _Visits(function, function.program)
    try:
        visits.run()
    except Exception:  # likewise
        return None
    return frozenset(visits.marks)


class _Visits(Paths):
    """Walks a function and notes where it comes to; it claims nothing."""

    def __init__(self, function: Function, program: dict[str, Function]) -> None:
        super().__init__(function, program)
        self.marks: set[Mark] = set()

    def begin(self) -> State:
        parameters = self.function.signature.parameters
        words = {p.name: self.world.word(p.name) for p in parameters if p.sort == "word"}
        arrays = {p.name: self.world.array(p.name) for p in parameters if p.sort == "array"}
        self.entry = State(words, arrays, ())
        return self.entry

    def claim(self, kind: str, position: Position, text: str, state: State, claim: Term, again: Term = None) -> None:
        pass

    def possible(self, state: State) -> bool:
        return not self.certain(state, z3.BoolVal(False))

    def cut(self, loop: Any, *rest: Any) -> Any:
        self._noted("head", loop.position, rest)
        return super().cut(loop, *rest)

    def round(self, loop: Any, *rest: Any) -> Any:
        self._noted("round", loop.position, rest)
        return super().round(loop, *rest)

    def _noted(self, what: str, place: Position, given: tuple[Any, ...]) -> None:
        if self.possible(next(part for part in given if isinstance(part, State))):
            self.marks.add(Mark(what, self.function.name, place))

    def call(self, node: Call, state: State) -> tuple[Any, State]:
        if self.possible(state):
            callee = self.program[node.function]
            self.marks.add(Mark("requires", callee.name, callee.position))
        return super().call(node, state)
