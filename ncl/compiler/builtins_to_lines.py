"""Instructions for the functions of the language itself, without branches: so values carry gradients through them.

Written from the prose of `language.builtins`, not from its meanings: the two are compared by tests and by proof. Called
by `words_to_blocks`, whose writer makes the lines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

from ncl.compiler.writer import Writer
from ncl.language.opcodes import CALLED, Opcode
from ncl.language.program import Position


def builtin(writer: Writer, name: str, words: Sequence[int], place: Position) -> int:
    """The register with the result."""
    if name in CALLED:  # an op of the machine, so one instruction
        return writer.made(Opcode[name.upper()], *words, position=place)
    return _INSTRUCTIONS[name](_Lines(writer, place), *words)


class _Lines:
    """The instructions by short names, all at one place."""

    def __init__(self, writer: Writer, place: Position) -> None:
        self.writer, self.place = writer, place

    def make(self, opcode: Opcode, *sources: int) -> int:
        return self.writer.made(opcode, *sources, position=self.place)

    def constant(self, value: int) -> int:
        return self.writer.constant(value, self.place)

    def half(self) -> int:
        return self.constant(1 << (self.writer.width - 1))


def _smallest(to: _Lines, *words: int) -> int:
    """y + (x - y)·(x < y), from the left."""

    def smaller(x: int, y: int) -> int:
        gap = to.make(Opcode.SUBTRACT, x, y)
        return to.make(Opcode.ADD, y, to.make(Opcode.MULTIPLY, gap, to.make(Opcode.LESS, x, y)))

    return reduce(smaller, words)


def _largest(to: _Lines, *words: int) -> int:
    def larger(x: int, y: int) -> int:
        gap = to.make(Opcode.SUBTRACT, x, y)
        return to.make(Opcode.ADD, y, to.make(Opcode.MULTIPLY, gap, to.make(Opcode.LESS, y, x)))

    return reduce(larger, words)


def _apart(to: _Lines, x: int, y: int) -> int:
    """x - y, with its sign turned when x < y."""
    return _turned(to, to.make(Opcode.SUBTRACT, x, y), to.make(Opcode.LESS, x, y))


def _turned(to: _Lines, x: int, turn: int) -> int:
    """x when `turn` is 0, and -x when it is 1: x - 2·x·turn."""
    part = to.make(Opcode.MULTIPLY, x, turn)
    return to.make(Opcode.SUBTRACT, x, to.make(Opcode.ADD, part, part))


def _is_negative(to: _Lines, x: int) -> int:
    return to.make(Opcode.LESS_EQUAL, to.half(), x)


def _magnitude(to: _Lines, x: int) -> int:
    return _turned(to, x, _is_negative(to, x))


def _signed_less(to: _Lines, x: int, y: int) -> int:
    """Moved by N/2 the negative words come before the others."""
    half = to.half()
    return to.make(Opcode.LESS, to.make(Opcode.ADD, x, half), to.make(Opcode.ADD, y, half))


def _signed_divide(to: _Lines, x: int, y: int) -> int:
    """Of the magnitudes, rounded up and turned where the signs differ."""
    turn = to.make(Opcode.NOT_EQUAL, _is_negative(to, x), _is_negative(to, y))
    above, below = _magnitude(to, x), _magnitude(to, y)
    more = to.make(Opcode.MULTIPLY, to.make(Opcode.SUBTRACT, below, to.constant(1)), turn)
    return _turned(to, to.make(Opcode.DIVIDE, to.make(Opcode.ADD, above, more), below), turn)


def _signed_remainder(to: _Lines, x: int, y: int) -> int:
    return to.make(Opcode.SUBTRACT, x, to.make(Opcode.MULTIPLY, y, _signed_divide(to, x, y)))


_INSTRUCTIONS: dict[str, Callable[..., int]] = {
    "min": _smallest,
    "max": _largest,
    "abs": _apart,
    "is_negative": _is_negative,
    "magnitude": _magnitude,
    "signed_less": _signed_less,
    "signed_divide": _signed_divide,
    "signed_remainder": _signed_remainder,
}
