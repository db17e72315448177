"""The ways of running a program, by name, for whoever compares them: one batch in, one list of results out.

`step` is the torch step that is proved against the spec, looped; `integer` is the bytecode loop that users run.
"""

from __future__ import annotations

from collections.abc import Sequence

from ncl.errors import InputError
from ncl.language.interpret.machine import finish, loaded
from ncl.language.program import Program, Value
from ncl.language.syntax import Function
from ncl.language.trace import Result
from ncl.language.wellformed import check
from ncl.machine import executors

MACHINE = ("reference", *executors.EXECUTORS)
NAMES = ("source", *MACHINE)
# These report machine steps, which must be equal too.
STEPPING = frozenset({"reference", *(row.name for row in executors.ROWS if row.steps)})


def run(
    executor: str, program: Program, function: Function | None, batch: Sequence[list[Value]], budget: int
) -> list[Result]:
    """Results in the order of the batch. Raises InputError for an unknown name or for `source` without a function."""
    inputs = [[list(v) if isinstance(v, list) else v for v in arguments] for arguments in batch]
    match executor:
        case "source":
            if function is None:
                raise InputError("the source executor needs the source function")
            from ncl.language.interpret.source import run_source

            return [run_source(function, arguments, program.sizes, budget) for arguments in inputs]
        case "reference":
            check(program)
            return [finish(loaded(program, arguments, budget)) for arguments in inputs]
    if executor not in executors.EXECUTORS:
        raise InputError(f"no executor {executor!r}; one of {', '.join(NAMES)}")
    return executors.runner(executor)(program, inputs, budget)


def agree(left: str, mine: Result, right: str, theirs: Result) -> bool:
    """Equal in result, ticks and trap with its place, and in steps where both executors count them."""
    if left in STEPPING and right in STEPPING and mine.steps != theirs.steps:
        return False
    return mine.same_meaning(theirs)
