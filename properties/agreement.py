"""Checks of whole runs: the two reference interpreters agree, and every executor agrees with them.

Equal means equal: the result, the ticks, the trap and its place in the source, and the steps where they are counted.
An executor is a function of a program, argument lists and a budget: the same checks hold anybody's own backend to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ncl.language.interpret.machine import run_machine, trace_machine
from ncl.language.interpret.plain import compared
from ncl.language.interpret.source import run_source
from ncl.language.program import Program, Value
from ncl.language.syntax import Function
from ncl.language.trace import Result, State, first_divergence
from ncl.machine import executors
from ncl.properties.failure import Failed, call
from ncl.properties.strategies import Batch

Executor = Callable[[Program, Sequence[list[Value]], int], list[Result]]
Tracer = Callable[[Program, list[Value], int], list[State]]


def by_reference(program: Program, rows: Sequence[list[Value]], budget: int) -> list[Result]:
    return [run_machine(program, arguments, budget) for arguments in rows]


def _by(name: str) -> Executor:
    """The executor of that name, loaded when it first runs."""
    return lambda program, rows, budget: executors.runner(name)(program, rows, budget)


# Those that cost a millisecond a step stand apart: they are given fewer and shorter runs. Pathwise holds a number for
# every word up to the largest, so it is run on narrow machines.
FAST: Mapping[str, Executor] = {row.name: _by(row.name) for row in executors.ROWS if not row.slow}
SLOW: Mapping[str, Executor] = {row.name: _by(row.name) for row in executors.ROWS if row.slow}
# They do not count machine steps of their own.
UNSTEPPED = ("source", *(row.name for row in executors.ROWS if not row.steps))
by_loop = FAST["integer"]


def check_source(function: Function, program: Program, batch: Batch) -> None:
    """The machine code gives what its source gives: result, ticks, trap and its place."""
    for arguments in batch.rows:
        mine = run_source(function, _copy(arguments), program.sizes, batch.budget)
        theirs = run_machine(program, _copy(arguments), batch.budget)
        _compare(program, arguments, batch.budget, ("source", mine), ("reference", theirs))


def check_python(function: Function, program: Program, batch: Batch) -> None:
    """Where no number leaves the words, plain Python gives what the source gives, its lists left alike."""
    for arguments in batch.rows:
        found = compared(function, _copy(arguments), program.sizes, batch.budget)
        if found.kind == "differ":
            raise Failed(call(program, arguments, batch.budget), "plain Python to agree", found.difference)


def check_executors(program: Program, batch: Batch, executors: Mapping[str, Executor]) -> None:
    """Every executor gives what the reference machine gives, each row of a batch on its own."""
    expected = by_reference(program, batch.rows, batch.budget)
    for name, run in executors.items():
        got = run(program, [_copy(arguments) for arguments in batch.rows], batch.budget)
        for arguments, mine, theirs in zip(batch.rows, expected, got, strict=True):
            _compare(program, arguments, batch.budget, ("reference", mine), (name, theirs))


def dense_trace(program: Program, arguments: list[Value], budget: int) -> list[State]:
    from ncl.machine.executors import dense

    return dense.trace(program, arguments, budget)


def loop_trace(program: Program, arguments: list[Value], budget: int) -> list[State]:
    from ncl.machine.executors import integer

    return integer.trace(program, arguments, budget)


TRACERS: Mapping[str, Tracer] = {"integer": loop_trace, "dense": dense_trace}


def check_states(
    program: Program, arguments: list[Value], budget: int, tracers: Mapping[str, Tracer] = TRACERS
) -> None:
    """Every executor that shows its states goes through the reference machine's, one by one."""
    expected = list(trace_machine(program, _copy(arguments), budget))
    for name, trace in tracers.items():
        divergence = first_divergence(expected, trace(program, _copy(arguments), budget))
        if divergence is not None:
            what = f"{call(program, arguments, budget)}, {name} at step {divergence.step}"
            raise Failed(what, f"{divergence.component} {divergence.expected}", str(divergence.got))


def _compare(
    program: Program, arguments: list[Value], budget: int, trusted: tuple[str, Result], suspect: tuple[str, Result]
) -> None:
    (left, mine), (right, theirs) = trusted, suspect
    steps = not {left, right} & set(UNSTEPPED)
    if not mine.same_meaning(theirs) or (steps and mine.steps != theirs.steps):
        raise Failed(call(program, arguments, budget), result_text(left, mine), result_text(right, theirs))


def result_text(name: str, result: Result) -> str:
    value = str(result.trap) if result.trap else str(result.result)
    steps = "" if result.steps is None else f", {result.steps} steps"
    return f"{value} after {result.ticks} ticks{steps} ({name})"


def _copy(arguments: list[Value]) -> list[Value]:
    return [list(value) if isinstance(value, list) else value for value in arguments]
