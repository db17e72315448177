"""One file per way of running a program, and one row here: everything that runs or compares them takes them from it.

Imports no executor, and so no torch, until one is needed. Called by `build`, the property tests and verify.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from ncl.errors import InputError
from ncl.language.program import Program, Value
from ncl.language.trace import Result

Run = Callable[[Program, Sequence[list[Value]], int], list[Result]]


@dataclass(frozen=True)
class Executor:
    """`run` is `module:function` in this folder: (program, argument lists, budget) → results in their order.

    `steps`: it counts the machine's steps, which must then be the reference's. `slow` ones take a millisecond a step
    and are compared on fewer and shorter runs. `machine`: where they are compared; narrow, where distributions over all
    words are few numbers, soft, where a full superposition fits too.
    """

    name: str
    run: str
    steps: bool = True
    slow: bool = False
    machine: Literal["wide", "narrow", "soft"] = "wide"


ROWS: tuple[Executor, ...] = (
    Executor("integer", "integer:run"),
    Executor("pathwise", "pathwise:run", steps=False, machine="narrow"),
    Executor("step", "integer:run_by_step", slow=True),
    Executor("dense", "dense:run", slow=True, machine="soft"),
)
EXECUTORS: dict[str, Executor] = {row.name: row for row in ROWS}


def runner(name: str) -> Run:
    """The function of an executor. Raises InputError for a name that no row has."""
    if name not in EXECUTORS:
        raise InputError(f"no executor {name!r}; one of {', '.join(EXECUTORS)}")
    module, _, function = EXECUTORS[name].run.partition(":")
    found: Run = getattr(import_module(f"{__name__}.{module}"), function)
    return found
