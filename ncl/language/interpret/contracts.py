"""Contracts evaluated while a program runs: what the source interpreter calls when it checks.

Numbers here are Python's own and do not wrap. Where a contract has no meaning (an element outside its array, a divisor
below 1) it is broken. Called by `interpret.source`, whose state it reads and never writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from ncl.language.contracts import (
    ArrayName,
    Calculation,
    Cell,
    Choice,
    Clause,
    Comparison,
    Display,
    Expression,
    Junction,
    Literal,
    Measure,
    Name,
    Not,
    Permutation,
    Quantified,
    Same,
    Sequence,
    Size,
    Slice,
    Sorted,
)  # fmt: skip
from ncl.language.program import Position, Value


@dataclass(frozen=True)
class Breach:
    """A contract that a run broke. `kind`: requires (of the caller outside), call (`requires` of a function called),
    ensures, invariant, decreases, trap (one without an excuse), or endless.
    """

    kind: str
    position: Position
    text: str
    detail: str = ""
    function: str = ""

    def to_json(self) -> dict[str, object]:
        """As `ncl run --check --json` writes it."""
        return {
            "kind": self.kind, "function": self.function, **self.position.named(), "text": self.text,
            "detail": self.detail,
        }  # fmt: skip

    def __str__(self) -> str:
        said = self.text if self.kind in ("trap", "endless") else f"{self.text} does not hold"
        why = f": {self.detail}" if self.detail else ""
        return f"{said} at {self.position}{why}"


class Broken(Exception):
    """Ends a run that breaks a contract; `breach` says which."""

    def __init__(self, breach: Breach) -> None:
        super().__init__(breach)
        self.breach = breach


class _Meaningless(Exception):
    pass


@dataclass
class View:
    """What a contract sees: variables now, parameters as passed, and what is returned."""

    size: int  # N
    words: Mapping[str, int]
    arrays: Mapping[str, list[int]]
    entry: Mapping[str, Value] = field(default_factory=dict)
    result: Value | None = None
    bound: dict[str, int] = field(default_factory=dict)


def demand(kind: str, clauses: tuple[Clause, ...], view: View, function: str) -> None:
    """Raise Broken for the first clause that does not hold."""
    for clause in clauses:
        try:
            if number(clause.expression, view):
                continue
            detail = _told(view)
        except _Meaningless as fault:
            detail = f"it has no meaning here: {fault}; {_told(view)}"
        raise Broken(Breach(kind, clause.position, clause.text, detail, function))


def measured(measure: Measure, before: tuple[int, ...] | None, view: View, function: str) -> tuple[int, ...]:
    """The measure now. Raise Broken when it is not smaller than before, or fell from below 0."""
    try:
        now = tuple(number(part, view) for part in measure.numbers)
        detail = f"it is {_row(now)}"
        wrong = before is not None and (min(before) < 0 or now >= before)
        if before is not None:
            detail += f" after {_row(before)}"
    except _Meaningless as fault:
        now, wrong, detail = (), True, f"it has no meaning here: {fault}"
    if wrong:
        raise Broken(Breach("decreases", measure.position, measure.text, f"{detail}; {_told(view)}", function))
    return now


def endless(text: str, place: Position, view: View, function: str) -> Breach:
    """The breach of a run that never ends, at the loop or call that comes back."""
    return Breach("endless", place, text, _told(view), function)


def _row(numbers: tuple[int, ...]) -> str:
    return str(numbers[0]) if len(numbers) == 1 else str(numbers)


MOST_DISPLAYED = 12  # elements of an array that a message shows


def _told(view: View) -> str:
    """The state in a line."""

    def shown(value: Value) -> str:
        if isinstance(value, int) or len(value) <= MOST_DISPLAYED:
            return str(value)
        return f"[{', '.join(map(str, value[:MOST_DISPLAYED]))}, … {len(value)} in all]"

    variables: dict[str, Value] = {**view.arrays, **view.words}
    parts = [f"{name} = {shown(value)}" for name, value in variables.items()]
    if view.result is not None:
        parts.append(f"result = {shown(view.result)}")
    return ", ".join(parts)


# --- values ----------------------------------------------------------------------------------------------------------

_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "==": lambda x, y: x == y, "!=": lambda x, y: x != y, "<": lambda x, y: x < y, "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y, ">=": lambda x, y: x >= y,
}  # fmt: skip


def number(node: Expression, view: View) -> int:
    """The value of an expression; raises `_Meaningless` for an element or quotient that is not there."""
    match node:
        case Literal(value=value, inverted=inverted):
            return view.size - 1 - value if inverted else value
        case Name(name=name, time=time):
            return _word(name, time, view)
        case Size(array=array):
            return len(cells(array, view))
        case Cell(array=array, index=index):
            at, values = number(index, view), cells(array, view)
            if not 0 <= at < len(values):
                raise _Meaningless(f"{array.name} has {len(values)} elements, none at {at}")
            return values[at]
        case Calculation(operator=operator, left=left, right=right):
            return _calculated(operator, number(left, view), number(right, view))
        case Choice(condition=condition, then=then, otherwise=otherwise):
            return number(then if number(condition, view) else otherwise, view)
        case Comparison(operator=operator, left=left, right=right):
            return int(_COMPARE[operator](number(left, view), number(right, view)))
        case Not(operand=operand):
            return int(not number(operand, view))
        case Junction(operator=operator, parts=parts):
            together = all if operator == "and" else any
            return int(together(number(part, view) for part in parts))
        case Quantified():
            return _quantified(node, view)
        case Sorted(sequence=sequence):
            values = elements(sequence, view)
            return int(all(x <= y for x, y in pairwise(values)))
        case Permutation(left=left, right=right):
            return int(sorted(elements(left, view)) == sorted(elements(right, view)))
        case Same(left=left, right=right):
            return int(elements(left, view) == elements(right, view))


def _word(name: str, time: str, view: View) -> int:
    if name in view.bound:
        return view.bound[name]
    value = view.result if time == "result" else view.entry[name] if time == "old" else view.words[name]
    assert isinstance(value, int)
    return value


def _calculated(operator: str, x: int, y: int) -> int:
    match operator:
        case "+":
            return x + y
        case "-":
            return x - y
        case "*":
            return x * y
    if y < 1:
        raise _Meaningless(f"the divisor is {y}")
    return x // y if operator == "//" else x % y


def _quantified(node: Quantified, view: View) -> int:
    values = _values(node, view)
    if node.kind == "sum":
        return sum(values)
    return int(all(values) if node.kind == "all" else any(values))


def _values(node: Quantified, view: View) -> Iterator[int]:
    start, stop = number(node.start, view), number(node.stop, view)
    outside = view.bound
    try:
        for value in range(start, stop):
            view.bound = {**outside, node.variable: value}
            if node.condition is None or number(node.condition, view):
                yield number(node.body, view)
    finally:
        view.bound = outside


def cells(array: ArrayName, view: View) -> list[int]:
    """The elements of an array as it is now, as it was passed, or as it is returned."""
    value = {"result": view.result, "old": view.entry.get(array.name)}.get(array.time, view.arrays.get(array.name))
    assert isinstance(value, list)
    return value


def elements(sequence: Sequence, view: View) -> list[int]:
    """The elements of a slice or display."""
    if isinstance(sequence, Display):
        whole: list[int] = []
        for part in sequence.parts:
            whole += elements(part, view) if isinstance(part, Slice) else [number(part, view)]
        return whole
    values = cells(sequence.array, view)
    start = 0 if sequence.start is None else max(0, number(sequence.start, view))
    stop = len(values) if sequence.stop is None else max(0, number(sequence.stop, view))
    return values[start:stop]
