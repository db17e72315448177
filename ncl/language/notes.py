"""What is worth a line though it is allowed: reported when a program is compiled, run or verified, and never an error.

Called by the command line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ncl.language.program import Position
from ncl.language.syntax import Augment, Binary, Expression, Function, Number
from ncl.language.walks import all_expressions, everything


@dataclass(frozen=True)
class Note:
    """One remark on a place in a file."""

    file: str
    position: Position
    text: str

    def __str__(self) -> str:
        return f"note: {self.file}:{self.position.line}:{self.position.column}: {self.text}"


def notes(program: Function, width: int) -> tuple[Note, ...]:
    """Shifts by a written number of W or more: every bit is gone, where Python's `<<` makes a larger number."""
    found = [
        Note(function.file, place, f"a shift by {by} gives 0 at width {width}")
        for function in program.program.values()
        for operator, amount, place in _shifts(function)
        if operator in ("<<", ">>") and (by := _value(amount, width)) is not None and by >= width
    ]
    return tuple(dict.fromkeys(found))


def _shifts(function: Function) -> Iterator[tuple[str, Expression, Position]]:
    for statement in everything(function.body):
        if isinstance(statement, Augment):
            yield statement.operator, statement.value, statement.position
    for node in all_expressions(function.body):
        if isinstance(node, Binary):
            yield node.operator, node.right, node.position


def _value(node: Expression, width: int) -> int | None:
    if not isinstance(node, Number):
        return None
    return (1 << width) - 1 - node.value if node.inverted else node.value
