"""Where two ways of running a program part: found on a batch, made small, told, and kept so that it replays.

Called by whoever compares runs: `differential` and `translation.search`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ncl.language.opcodes import Trap
from ncl.language.program import Program
from ncl.language.syntax import Function
from ncl.language.trace import Result
from ncl.properties.minimise import minimise
from ncl.verify.engine import executors
from ncl.verify.engine.counterexample import program_case
from ncl.verify.engine.obligation import Outcome
from ncl.verify.runs.input_spaces import Arguments


@dataclass(frozen=True)
class Divergence:
    """Two executors that disagree on one input."""

    arguments: Arguments
    budget: int
    trusted: tuple[str, Result]
    suspect: tuple[str, Result]


def first_divergence(
    names: Sequence[str], program: Program, function: Function | None, batch: Sequence[Arguments], budget: int
) -> Divergence | None:
    """The first input on which some executor parts from the first of `names`, or from another that counts steps."""
    return divergence({name: executors.run(name, program, function, batch, budget) for name in names}, batch, budget)


def divergence(results: Mapping[str, Sequence[Result]], batch: Sequence[Arguments], budget: int) -> Divergence | None:
    """The same of runs that were made: results by executor, in the order of the batch."""
    names = list(results)
    for index, arguments in enumerate(batch):
        for place, trusted in enumerate(names[:-1]):
            for suspect in names[place + 1 :]:
                mine, theirs = results[trusted][index], results[suspect][index]
                if not executors.agree(trusted, mine, suspect, theirs):
                    return Divergence(arguments, budget, (trusted, mine), (suspect, theirs))
    return None


def cut_short(results: Sequence[Result]) -> int:
    """How many runs the budget ended."""
    return sum(result.trap is not None and result.trap.kind is Trap.BUDGET for result in results)


def refuted(method: str, program: Program, function: Function | None, found: Divergence) -> Outcome:
    """The divergence made small, as an outcome that can be replayed."""
    trusted, suspect = found.trusted[0], found.suspect[0]

    def pair(arguments: Arguments) -> tuple[Result, Result]:
        mine = executors.run(trusted, program, function, [arguments], found.budget)[0]
        return mine, executors.run(suspect, program, function, [arguments], found.budget)[0]

    def fails(arguments: Arguments) -> bool:
        mine, theirs = pair(arguments)
        return not executors.agree(trusted, mine, suspect, theirs)

    small = minimise(found.arguments, fails, trials=400)
    mine, theirs = pair(small)
    case = program_case(program, function, small, found.budget, (trusted, mine), (suspect, theirs))
    shown = ", ".join(map(str, small))
    detail = f"{program.name}({shown}) at width {program.sizes.width}: {trusted} gives {_described(mine)}, "
    return Outcome("refuted", method, detail=detail + f"{suspect} gives {_described(theirs)}", counterexample=case)


def _described(result: Result) -> str:
    value = str(result.trap) if result.trap else str(result.result)
    steps = "" if result.steps is None else f", {result.steps} steps"
    return f"{value} after {result.ticks} ticks{steps}"
