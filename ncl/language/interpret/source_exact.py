"""The source interpreter that stops where a number leaves 0 … N-1: there plain Python goes on with another one.

Operators and functions of the language are evaluated twice, for the word and for Python's number. Called by `source`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ncl.language import declare
from ncl.language.builtins import BUILTINS
from ncl.language.interpret.source_run import Run, Trapped, Word
from ncl.language.interpret.source_statements import Statements
from ncl.language.opcodes import Trap
from ncl.language.program import Position
from ncl.language.syntax import Builtin, Expression, Number, Unary


@dataclass(frozen=True)
class Wrap:
    """An operation whose word is not Python's number. `python` is None for a number too large to be worked out."""

    operation: str  # with its operands, as in "3 - 5"
    word: int
    python: int | None
    position: Position

    def to_json(self) -> dict[str, object]:
        """As `ncl run --check --json` writes it."""
        return {"operation": self.operation, "word": self.word, "python": self.python, **self.position.named()}

    @property
    def comparison(self) -> str:
        """The word beside Python's number."""
        number = "a larger number" if self.python is None else self.python
        return f"{self.word} here and {number} in Python"

    def __str__(self) -> str:
        return f"{self.operation} at {self.position} is {self.comparison}"


class Wrapped(Exception):
    """Ends the run."""

    def __init__(self, wrap: Wrap) -> None:
        super().__init__(wrap)
        self.wrap = wrap


class Exact(Statements):
    """Makes closures that raise Wrapped at the first operation that leaves the words."""

    def word(self, node: Expression) -> Word:
        """A closure that raises Wrapped at `~`, which is below 0 in Python; else as `Words.word`."""
        match node:
            case Number(value=value, inverted=True, position=place):
                return self.inverted(lambda run: value, place)
            case Unary(operator="~", operand=operand, position=place):
                return self.inverted(self.word(operand), place)
        return super().word(node)

    def inverted(self, operand: Word, place: Position) -> Word:
        """Python's ~x is below 0, whatever x is."""

        def leave(run: Run) -> int:
            value = operand(run)
            raise Wrapped(Wrap(f"~{value}", self.algebra.invert(value), ~value, place))

        return leave

    def operator(self, operator: str, place: Position) -> Callable[[int, int], int]:
        """An operator that raises Wrapped where its word is not Python's number."""
        combine, plain, width = super().operator(operator, place), _PLAIN.get(operator), self.algebra.width
        if plain is None:
            return combine

        def exactly(x: int, y: int) -> int:
            word = combine(x, y)
            number = None if operator == "<<" and x and y >= width else plain(x, y)
            if word != number:
                raise Wrapped(Wrap(f"{x} {operator} {y}", word, number, place))
            return word

        return exactly

    def builtin(self, node: Builtin) -> Word:
        """Those of signed words read N/2 and above as numbers below 0, which Python does not."""
        row, algebra, place = BUILTINS[node.name], self.algebra, node.position
        if not row.imported:
            return super().builtin(node)
        words, plain = [self.word(argument) for argument in node.arguments], getattr(declare, node.name)

        def give(run: Run) -> int:
            values = [word(run) for word in words]
            if row.traps_on_zero and values[-1] == 0:
                raise Trapped(Trap.DIVISION, place)
            word, number = int(row.meaning(algebra, *values)), int(plain(*values))
            if word != number:
                raise Wrapped(Wrap(f"{node.name}({', '.join(map(str, values))})", word, number, place))
            return word

        return give


_PLAIN: dict[str, Callable[[int, int], int]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "<<": lambda x, y: x << y if x else 0,
}
