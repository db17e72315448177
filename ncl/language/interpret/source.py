"""The reference interpreter of source: the typed tree, turned into Python closures once and then run.

It shares nothing with the compiler but the tree, and nothing with the machine but what a word op means. The closures
are made in `source_words` (expressions) and `source_statements`, over the state in `source_run`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

from ncl.errors import CapacityError
from ncl.language.interpret.contracts import Breach, Broken, demand, measured
from ncl.language.interpret.source_exact import Exact, Wrap, Wrapped
from ncl.language.interpret.source_run import Action, Leaving, Mark, Run, Trapped
from ncl.language.interpret.source_statements import Statements
from ncl.language.opcodes import Trap
from ncl.language.program import Position, Program, Sizes, Value
from ncl.language.syntax import Function
from ncl.language.trace import DEFAULT_BUDGET, Result, check_budget
from ncl.language.typecheck import check_width
from ncl.language.walks import calls, circle


def run_source(
    function: Function, arguments: list[Value], sizes: Sizes | None = None, budget: int = DEFAULT_BUDGET
) -> Result:
    """Run to the end. Raises InputError for bad arguments, LanguageError for a literal too large for the width."""
    prepared = _prepared(_This(function), sizes or Sizes())
    run = prepared.start(arguments, budget)
    with prepared.room():
        return prepared.finish(run)


def run_checked(
    function: Function, arguments: list[Value], sizes: Sizes | None = None, budget: int = DEFAULT_BUDGET
) -> tuple[Result | None, Breach | None]:
    """The result of `run_source`, or the first contract that the run broke.

    Division, index and assert are traps that a function with a contract must not meet; memory, stack and budget depend
    on the machine and break nothing.
    """
    return run_marked(function, arguments, sizes, budget)[:2]


def run_marked(
    function: Function, arguments: list[Value], sizes: Sizes | None = None, budget: int = DEFAULT_BUDGET
) -> tuple[Result | None, Breach | None, set[Mark]]:
    """As `run_checked`, with the contracts that the run came to."""
    prepared = _prepared(_This(function), sizes or Sizes(), checked=True)
    run = prepared.start(arguments, budget)
    with prepared.room():
        try:
            result = prepared.finish(run)
        except Broken as broken:
            return None, broken.breach, run.reached
    trap = result.trap
    if trap is None or trap.position is None or trap.kind in (Trap.MEMORY, Trap.STACK, Trap.BUDGET):
        return result, None, run.reached
    return None, Breach("trap", trap.position, f"trap {trap.kind.label}", function=function.name), run.reached


@dataclass(frozen=True)
class ExactRun:
    """A run up to the first number that left the words. `arrays` are the arguments' own, as the run left them."""

    result: Result | None  # None where a number left
    wrap: Wrap | None
    arrays: tuple[list[int], ...]


def run_exact(
    function: Function, arguments: list[Value], sizes: Sizes | None = None, budget: int = DEFAULT_BUDGET
) -> ExactRun:
    """The run of `run_source`, ended where an operation gives another number in Python."""
    prepared = _prepared(_This(function), sizes or Sizes(), exact=True)
    run = prepared.start(arguments, budget)
    arrays = tuple(run.arrays.values())
    with prepared.room():
        try:
            return ExactRun(prepared.finish(run), None, arrays)
        except Wrapped as fault:
            return ExactRun(None, fault.wrap, arrays)


def trace_source(
    function: Function, arguments: list[Value], sizes: Sizes | None = None, budget: int = DEFAULT_BUDGET
) -> Iterator[tuple[Position, dict[str, Value]]]:
    """(position, variables before it) of every statement in order; a trap simply ends it."""
    prepared = _prepared(_This(function), sizes or Sizes(), watched=True)
    run = prepared.start(arguments, budget)
    seen: list[tuple[Position, dict[str, Value]]] = []

    def watch(place: Position) -> None:
        arrays = {name: list(cells) for name, cells in run.arrays.items()}
        seen.append((place, {**run.words, **arrays}))

    run.watch = watch
    with prepared.room():
        prepared.finish(run)
    yield from seen


# --- made once, run often --------------------------------------------------------------------------------------------

# Python frames for one open call of the language: statements and expressions nest at most 100 deep, two frames each.
ROOM = 250


@dataclass(frozen=True)
class _Prepared:
    """A function made for one machine."""

    shape: Program  # without code: what the arguments are checked against
    body: Action
    calls: bool

    def start(self, arguments: list[Value], budget: int) -> Run:
        self.shape.check_arguments(arguments)
        run = Run({}, {}, 0, check_budget(budget))
        for parameter, value in zip(self.shape.signature.parameters, arguments, strict=True):
            if isinstance(value, list):
                run.arrays[parameter.name] = list(value)
                run.cells += len(value)
            else:
                run.words[parameter.name] = value
        return run

    def finish(self, run: Run) -> Result:
        try:
            self.body(run)
        except Trapped as trapped:
            return Result(None, run.ticks, None, trapped.report)
        return Result(run.result, run.ticks, None)

    @contextmanager
    def room(self) -> Iterator[None]:
        """A Python stack deep enough for every call that the language allows; programs without calls need none."""
        before = sys.getrecursionlimit()
        if self.calls:
            sys.setrecursionlimit(max(before, before + ROOM * (self.shape.sizes.depth + 1)))
        try:
            yield
        finally:
            sys.setrecursionlimit(before)


class _This:
    """One function as an object: comparing and hashing whole trees would take longer than most runs."""

    def __init__(self, function: Function) -> None:
        self.function = function

    def __hash__(self) -> int:
        return id(self.function)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _This) and other.function is self.function


@lru_cache(maxsize=256)
def _prepared(
    this: _This, sizes: Sizes, watched: bool = False, checked: bool = False, exact: bool = False
) -> _Prepared:
    function = this.function
    shape = Program(function.name, function.signature, sizes, ())
    calling = bool(function.others) or function.name in calls(function.body)
    return _Prepared(shape, _body(function, sizes, watched, checked, exact), calling)


def _body(function: Function, sizes: Sizes, watched: bool, checked: bool, exact: bool) -> Action:
    check_width(function, sizes.width)
    kind = Exact if exact else Statements
    bodies: dict[str, Action] = {}
    try:
        for name, one in function.program.items():
            body = kind(function.program, bodies, sizes, watched, checked and name).block(one.body)
            bodies[name] = _kept(function.program, one, body, 1 << sizes.width) if checked else body
        return bodies[function.name]
    except RecursionError as fault:
        raise CapacityError("the nesting is too deep to run", where=f"{function.file}:{function.name}") from fault


def _kept(program: dict[str, Function], function: Function, body: Action, size: int) -> Action:
    """The body between its `requires` and its `ensures`; a call that may come back here must have a smaller measure.

    A function without either has invariants all the same, in which `old` means what it was passed.
    """
    name, contract, around = function.name, function.contract, circle(function.name, program)
    mark = Mark("requires", name, function.position)

    def run_kept(run: Run) -> Leaving:
        outside = run.entry, run.measure, run.promised
        run.entry = {**run.words, **{n: list(cells) for n, cells in run.arrays.items()}}
        demand("call" if run.calls else "requires", contract.requires, run.view(size), name)
        if contract:
            run.reached.add(mark)
            run.promised = True
        if contract.decreases:
            before = outside[1][1] if outside[1] and outside[1][0] in around else None
            run.measure = name, measured(contract.decreases, before, run.view(size), name)
        leaving = body(run)
        demand("ensures", contract.ensures, run.view(size), name)
        run.entry, run.measure, run.promised = outside
        return leaving

    return run_kept
