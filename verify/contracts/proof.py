"""Proves what `paths` lists, goal by goal, and looks for the state that an invariant does not carry over.

A goal that the solver does not decide is not proved; nothing else follows from that. Whatever the solver or the prover
raises is a gap of the proof and never its end. Called by `check`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import z3

from ncl.language.program import Position
from ncl.language.syntax import Function
from ncl.verify.contracts.goals import Goal, State
from ncl.verify.contracts.paths import Paths
from ncl.verify.contracts.terms import Unprovable, World

STEPS = 5_000_000  # of the solver, for one goal
FEW_STEPS = 750_000  # once one was not proved
SMALL_STEPS = 4_000_000
SMALL_SIZES = (1, 2, 3)
SMALL_HALF = 4  # N/2: words of three bits


@dataclass(frozen=True)
class Gap:
    """One goal that was not proved; `state` is where a round begins that does not carry its invariant over."""

    kind: str
    function: str
    place: Position
    text: str
    state: str = ""

    def __str__(self) -> str:
        what = {
            "invariant-entry": "does not surely hold when the loop begins",
            "invariant-kept": "is not shown to be carried over by a round",
            "decreases": "is not shown to fall and to stay at 0 or above",
            "call": "is not shown to hold where the function is called",
        }.get(self.kind, "is not shown")
        if self.kind.endswith("-meaning"):
            what = "may ask for an element or a quotient that is not there"
        return f"{self.place.row}: {self.text} {what}"


@dataclass(frozen=True)
class Proof:
    """`goals` were asked, `gaps` of them not proved; `lacking` says why the end of every run is not shown."""

    goals: int
    gaps: tuple[Gap, ...]
    lacking: tuple[str, ...]

    @property
    def complete(self) -> bool:
        return not self.gaps and not self.lacking

    @property
    def description(self) -> str:
        return "; ".join(dict.fromkeys((*map(str, self.gaps), *self.lacking)))


def prove_function(function: Function) -> Proof:
    """Of one program: every function of it that has a contract, each by the others' contracts."""
    goals = 0
    gaps: list[Gap] = []
    lacking: list[str] = []
    for one in function.program.values():
        if not one.contract:
            if one.name == function.name:
                raise ValueError(f"{one.name} has no contract")
            lacking.append(f"{one.name} has no contract")
            continue
        try:
            paths = Paths(one, function.program)
            asked = paths.run()
        except Unprovable as fault:
            lacking.append(f"{one.name}: {fault}")
            continue
        except Exception as fault:  # of the solver or of the prover: what it says is no part of a proof
            lacking.append(_failed(one.name, fault))
            continue
        goals += len(asked)
        for goal in asked:
            try:
                if not proved(goal, paths.world, FEW_STEPS if gaps else STEPS):
                    gaps.append(_gap(one, goal, paths.world))
            except Exception as fault:
                lacking.append(_failed(f"{one.name}, {goal.position.row}", fault))
        lacking += paths.lacking
    return Proof(goals, tuple(gaps), tuple(lacking))


def _failed(where: str, fault: Exception) -> str:
    told = " ".join(f"{type(fault).__name__}: {fault}".split())
    return f"{where}: the prover failed: {told[:200]}"


def proved(goal: Goal, world: World, steps: int) -> bool:
    """Asked again without the solver's idea of what is relevant, which hides terms that patterns would find."""
    for relevancy in (2, 0):
        solver = _solver(world, goal, steps, False)
        solver.set(relevancy=relevancy)
        if solver.check() == z3.unsat:
            return True
    return goal.again is not None and proved(replace(goal, claim=goal.again, again=None), world, steps)


def _solver(world: World, goal: Goal, steps: int, models: bool) -> Any:
    """By patterns alone, which either closes a proof soon or gives up; with `models`, looking for one."""
    solver = z3.SimpleSolver()
    solver.set(rlimit=steps, mbqi=models)
    terms = (*goal.given, z3.Not(goal.claim))
    solver.add(*world.about(terms), *terms)
    return solver


def _gap(function: Function, goal: Goal, world: World) -> Gap:
    state = _lost(goal, world) if goal.kind == "invariant-kept" else ""
    return Gap(goal.kind, function.name, goal.position, goal.text, state)


def _lost(goal: Goal, world: World) -> str:
    """A small state at the loop's head from which one round leads to where the invariant fails; "" if none is found."""
    if goal.head is None:
        return ""
    for size in SMALL_SIZES:
        solver = _solver(world, goal, SMALL_STEPS, True)
        solver.add(world.half == SMALL_HALF, *(array.size <= size for array in goal.head.arrays.values()))
        if solver.check() == z3.sat:
            return _described(goal.head, solver.model())
    return ""


def _described(state: State, model: Any) -> str:
    def value(term: Any) -> str:
        return str(model.eval(term, model_completion=True))

    words = [f"{name} = {value(term)}" for name, term in state.words.items()]
    arrays = []
    for name, array in state.arrays.items():
        cells = ", ".join(value(array.cells[i]) for i in range(int(value(array.size))))
        arrays.append(f"{name} = [{cells}]")
    return ", ".join([*arrays, *words])
