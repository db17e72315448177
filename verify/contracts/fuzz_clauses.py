"""One program with many possible clauses, read once: contracts of it are put together as trees, walked and asked.

Goals that begin at the same state are asked of one solver, since most of the time goes into telling it what is known.
Called by `fuzz`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import z3

from ncl.language.contracts import Clause, LoopContract, Measure
from ncl.language.parse import parse_text
from ncl.language.syntax import For, Function, If, Statement, While
from ncl.properties.contract_cases import FILE
from ncl.properties.contract_runs import loops
from ncl.properties.contract_text import Loop, Written
from ncl.verify.contracts.goals import Goal
from ncl.verify.contracts.paths import Paths
from ncl.verify.contracts.terms import Term


@dataclass(frozen=True)
class Bank:
    """Clauses by their text: of the function, and of each loop by its number."""

    function: Function
    ensures: dict[str, Clause]
    invariants: tuple[dict[str, Clause], ...]
    measures: tuple[dict[str, Measure], ...]

    @staticmethod
    def of(written: Written, falling: list[list[str]]) -> Bank:
        """Of a text that holds every clause there is. Raises LanguageError."""
        wide = tuple(replace(loop, decreases=", ".join(falling[n])) for n, loop in enumerate(written.loops))
        full = replace(written, loops=wide)
        function = parse_text(full.text, FILE, written.name)[0]
        own = loops(function)
        measures = []
        for loop, texts in zip(own, falling, strict=True):
            numbers = loop.contract.decreases.numbers if loop.contract.decreases else ()
            measures.append({t: Measure((n,), f"decreases({t})", loop.contract.decreases.position)  # type: ignore[union-attr]
                             for t, n in zip(texts, numbers, strict=True)})  # fmt: skip
        return Bank(
            function,
            dict(zip(written.ensures, function.contract.ensures, strict=True)),
            tuple(
                dict(zip(w.invariants, at.contract.invariants, strict=True)) for w, at in zip(wide, own, strict=True)
            ),
            tuple(measures),
        )

    def contract(self, ensures: Iterable[str], chosen: tuple[Loop, ...]) -> Function:
        """The function with these clauses."""
        own = {id(loop): n for n, loop in enumerate(loops(self.function))}

        def body(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
            return tuple(map(one, statements))

        def one(statement: Statement) -> Statement:
            match statement:
                case While() | For():
                    number = own[id(statement)]
                    return replace(statement, body=body(statement.body), contract=self._loop(number, chosen[number]))
                case If():
                    return replace(statement, then=body(statement.then), otherwise=body(statement.otherwise))
            return statement

        contract = replace(self.function.contract, ensures=tuple(self.ensures[text] for text in ensures))
        return replace(self.function, body=body(self.function.body), contract=contract)

    def _loop(self, number: int, loop: Loop) -> LoopContract:
        clauses = tuple(self.invariants[number][text] for text in loop.invariants)
        return LoopContract(clauses, self.measures[number][loop.decreases] if loop.decreases else None)


@dataclass
class Walk:
    """Every goal of one function, and the answers so far. Raises Unprovable, z3.Z3Exception where it is begun."""

    function: Function
    steps: int
    program: dict[str, Function] | None = None  # its own when None
    goals: list[Goal] = field(init=False)
    lacking: list[str] = field(init=False)
    questions: int = 0

    def __post_init__(self) -> None:
        paths = Paths(self.function, self.program or self.function.program)
        self.goals, self.lacking, self.world = paths.run(), paths.lacking, paths.world
        chosen = [(axiom, self.world.choices(axiom)) for axiom in self.world.axioms]
        self._common = [axiom for axiom, choices in chosen if not choices]
        self._special = [(axiom, choices) for axiom, choices in chosen if choices]
        self._solvers: dict[int, z3.Solver] = {}
        self._answers: dict[int, bool] = {}

    def proves(self, goal: Goal) -> bool:
        key = id(goal)
        if key not in self._answers:
            self.questions += 1
            self._answers[key] = self._proves(goal, goal.claim) or (
                goal.again is not None and self._proves(goal, goal.again)
            )
        return self._answers[key]

    def _proves(self, goal: Goal, claim: Term) -> bool:
        solver = self._solvers.get(id(goal.given))
        if solver is None:
            solver = self._solvers[id(goal.given)] = z3.SimpleSolver()
            solver.set(rlimit=self.steps, mbqi=False)
            solver.add(*self._common, *goal.given)
        mine = frozenset[str]().union(*map(self.world.choices, (*goal.given, claim)))
        solver.push()
        solver.add(z3.Not(claim), *(axiom for axiom, choices in self._special if choices <= mine))
        answer = solver.check()
        solver.pop()
        return bool(answer == z3.unsat)
