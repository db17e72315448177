"""What a function does on small inputs: the states in which it returns, and those at the heads of its loops.

A run is one of the source interpreter, with the `requires` of every function checked. A state is a namespace in which
the text of a clause can be evaluated as Python: arrays hold Python's numbers, refuse an element that is not there, and
`old(n)` is the name `old_n`. Called by `contract_facts`, and where it is evaluated whether a clause holds on runs.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise, product
from types import CodeType
from typing import Any

from ncl.language.interpret.contracts import Broken, demand
from ncl.language.interpret.source_run import Action, Leaving, Run, Trapped
from ncl.language.interpret.source_statements import Statements
from ncl.language.opcodes import Trap
from ncl.language.program import Sizes, Value
from ncl.language.syntax import For, Function, While
from ncl.language.typecheck import check_width

State = dict[str, Any]
WIDTHS = (1, 2, 3)
TICKS = 160  # of a run
MOST = 400  # inputs at each width; where there are more, as many are drawn
LONGEST = 2  # cells of an array whose length is not given


class Cells(tuple[int, ...]):
    """Elements that are there; slices are cut to the array as contracts cut them."""

    __slots__ = ()

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            start = 0 if at.start is None else max(0, at.start)
            return tuple.__getitem__(self, slice(start, len(self) if at.stop is None else max(0, at.stop)))
        if at < 0:
            raise IndexError(at)
        return tuple.__getitem__(self, at)


def _rising(values: Any) -> bool:
    return all(x <= y for x, y in pairwise(values))


WORDS: dict[str, Any] = {
    "len": len, "min": min, "max": max, "sum": sum, "all": all, "any": any, "range": range, "sorted": _rising,
    "permutation": lambda left, right: sorted(left) == sorted(right),
}  # fmt: skip


@dataclass
class Runs:
    """`returns` and `heads` hold the states; of a head, one list for each time its loop was begun.

    `broken` says what ran against a contract that is given: a `requires` of a function called, or a trap. `cut` counts
    runs that no end was seen of, `ended` the others.
    """

    returns: list[State] = field(default_factory=list)
    heads: dict[int, list[list[State]]] = field(default_factory=dict)
    entries: list[tuple[State, State]] = field(default_factory=list)  # of calls of itself: outside, inside
    broken: list[str] = field(default_factory=list)
    ended: int = 0
    cut: int = 0


class _Watched(Statements):
    """Keeps the state whenever a loop's head is reached."""

    def __init__(self, runs: Runs, places: dict[int, int], *rest: Any) -> None:
        super().__init__(*rest)
        self.runs, self.places = runs, places

    def arrivals(self, statement: While | For) -> Callable[[Run], Callable[[int | None], None]] | None:
        variable, size = statement.variable if isinstance(statement, For) else "", self.algebra.size
        into = self.runs.heads.setdefault(self.places[id(statement)], [])

        def begin(run: Run) -> Callable[[int | None], None]:
            states: list[State] = []
            into.append(states)

            def arrive(following: int | None) -> None:
                words = run.words if following is None else {**run.words, variable: following}
                states.append(_state(words, run.arrays, run.entry, None, size))

            return arrive

        return begin


def _state(
    words: dict[str, int], arrays: dict[str, list[int]], entry: dict[str, Value], result: Value | None, size: int
) -> State:
    state: State = {"__builtins__": WORDS, **words, "top": size - 1}
    for name, cells in arrays.items():
        state[name] = Cells(cells)
    for name, value in entry.items():
        state[f"old_{name}"] = Cells(value) if isinstance(value, list) else value
    if result is not None:
        state["result"] = Cells(result) if isinstance(result, list) else result
    return state


def observe(function: Function, inputs: dict[int, list[list[Value]]]) -> Runs:
    """Run a function on inputs by width, each of which meets its `requires`."""
    runs = Runs()
    for width, rows in inputs.items():
        body = _made(function, Sizes(width=width, memory=1 << width, depth=24), runs)
        for row in rows:
            _once(function, body, row, runs)
    return runs


def _once(function: Function, body: Action, row: list[Value], runs: Runs) -> None:
    run = Run({}, {}, 0, TICKS)
    for parameter, value in zip(function.signature.parameters, row, strict=True):
        if isinstance(value, list):
            run.arrays[parameter.name] = list(value)
        else:
            run.words[parameter.name] = value
    try:
        body(run)
        runs.ended += 1
    except Broken as broken:
        runs.broken.append(broken.breach.kind)
    except Trapped as trapped:
        if trapped.report.kind in (Trap.MEMORY, Trap.STACK, Trap.BUDGET):
            runs.cut += 1
        else:
            runs.broken.append(f"trap {trapped.report.kind.label}")


def _made(function: Function, sizes: Sizes, runs: Runs) -> Action:
    bodies: dict[str, Action] = {}
    places = {id(loop): number for number, loop in enumerate(loops(function))}
    for name, one in function.program.items():
        mine = name == function.name
        statements = (
            _Watched(runs, places, function.program, bodies, sizes, False, name)
            if mine
            else Statements(function.program, bodies, sizes, False)
        )
        body = statements.block(one.body)
        bodies[name] = _kept(one, body, 1 << sizes.width, runs if mine else None)
    return bodies[function.name]


def _kept(function: Function, body: Action, size: int, runs: Runs | None) -> Action:
    name, requires = function.name, function.contract.requires

    def run_kept(run: Run) -> Leaving:
        outside = run.entry
        run.entry = {**run.words, **{n: list(cells) for n, cells in run.arrays.items()}}
        demand("call", requires, run.view(size), name)
        entry = run.entry
        if runs is not None and run.calls and outside:
            runs.entries.append((_state({}, {}, outside, None, size), _state({}, {}, entry, None, size)))
        leaving = body(run)
        if runs is not None:
            words = {n: v for n, v in entry.items() if isinstance(v, int)}
            runs.returns.append(_state(words, run.arrays, entry, run.result, size))
        run.entry = outside
        return leaving

    return run_kept


def loops(function: Function) -> list[While | For]:
    """In the order of the text."""
    from ncl.language.walks import everything

    found = [s for s in everything(function.body) if isinstance(s, While | For)]
    return sorted(found, key=lambda loop: (loop.position.line, loop.position.column))


# --- clauses on states -----------------------------------------------------------------------------------------------


def compiled(text: str) -> CodeType:
    """A clause's text, as written in a contract, for evaluation in a state. `~n` is read for literals only."""
    plain = re.sub(r"\bold\((\w+)\)", r"old_\1", text)
    plain = re.sub(r"~(\d+)", r"(top - \1)", plain)
    if re.search(r" for \w+ in ", _outermost(plain)):
        plain = f"all({plain})"
    return compile(plain, "clause", "eval")


def _outermost(text: str) -> str:
    """The text without what stands in brackets."""
    while (less := re.sub(r"\([^()]*\)|\[[^\[\]]*\]", "", text)) != text:
        text = less
    return text


def holds(code: CodeType, state: State) -> bool:
    """Whether a clause has a meaning in a state, and is true."""
    try:
        return bool(eval(code, state))  # of a text that this package wrote
    except (IndexError, ZeroDivisionError):
        return False


def value(code: CodeType, state: State) -> int | None:
    """What a term is in a state, None where it has no meaning."""
    try:
        return int(eval(code, state))  # of a text that this package wrote
    except (IndexError, ZeroDivisionError):
        return None


# --- small inputs ----------------------------------------------------------------------------------------------------


def small_inputs(
    function: Function,
    requires: tuple[str, ...],
    lengths: dict[str, int | None],
    chance: random.Random,
    most: int = MOST,
) -> dict[int, list[list[Value]]]:
    """Inputs at each width that takes the literals, which meet `requires`; all of them where they are not too many."""
    clauses = [compiled(text) for text in requires]
    tried = most * (16 if any(" for " in text for text in requires) else 4)
    names = [p.name for p in function.signature.parameters]
    found: dict[int, list[list[Value]]] = {}
    for width in WIDTHS:
        try:
            check_width(function, width)
        except Exception:  # a literal that is no word of this width
            continue
        states = ((row, _before(names, row, 1 << width)) for row in _rows(function, 1 << width, lengths, chance, tried))
        good = [row for row, state in states if all(holds(clause, state) for clause in clauses)]
        if good:
            found[width] = good if len(good) <= most else chance.sample(good, most)
    return found


def _before(names: list[str], row: list[Value], size: int) -> State:
    given = dict(zip(names, row, strict=True))
    return _state({n: v for n, v in given.items() if isinstance(v, int)},
                  {n: v for n, v in given.items() if isinstance(v, list)}, given, None, size)  # fmt: skip


def _rows(
    function: Function, size: int, lengths: dict[str, int | None], chance: random.Random, tried: int
) -> Iterator[list[Value]]:
    choices: list[list[Value]] = []
    total = 1
    for parameter in function.signature.parameters:
        if parameter.sort == "word":
            choices.append(list(range(size)))
        else:
            fixed = lengths.get(parameter.name)
            sizes = range(min(LONGEST, size - 1) + 1) if fixed is None else [fixed] if fixed < size else []
            choices.append([list(row) for n in sizes for row in product(range(size), repeat=n)])
        total *= len(choices[-1])
    if total <= tried:
        yield from (list(row) for row in product(*choices))
    elif total:
        yield from ([chance.choice(c) for c in choices] for _ in range(tried))
