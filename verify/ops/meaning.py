"""What the op table says of many operands at once: rows evaluated over numpy arrays, a million pairs in milliseconds.

`Arrays` is an algebra of its own; that it agrees with `Integers`, the reference of everything, is enumerated row by row
at small widths (`misread`). Called by the checks of ops.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np

from ncl.language.opcodes import UNARY, Opcode
from ncl.language.ops import OPS
from ncl.language.word import Integers

Array = Any
AGREEMENT_WIDTH = 5
TRAPS = -1  # stands where an op traps


@dataclass(frozen=True)
class Arrays:
    """The algebra on numpy arrays of int64 words, for the few operations that a word op's row uses."""

    width: int

    def word(self, value: int) -> Array:
        return np.int64(value % (1 << self.width))

    def _wrap(self, value: Array) -> Array:
        return np.mod(value, np.int64(1 << self.width))

    def add(self, x: Array, y: Array) -> Array:
        return self._wrap(x + y)

    def subtract(self, x: Array, y: Array) -> Array:
        return self._wrap(x - y)

    def multiply(self, x: Array, y: Array) -> Array:
        return self._wrap(x * y)  # enumerated widths are small: no product passes 2^63

    def divide(self, x: Array, y: Array) -> Array:
        return np.where(y == 0, 0, np.floor_divide(x, np.maximum(y, 1)))

    def remainder(self, x: Array, y: Array) -> Array:
        return np.where(y == 0, 0, x - y * np.floor_divide(x, np.maximum(y, 1)))

    def conjoin(self, x: Array, y: Array) -> Array:
        return np.bitwise_and(x, y)

    def disjoin(self, x: Array, y: Array) -> Array:
        return np.bitwise_or(x, y)

    def differ(self, x: Array, y: Array) -> Array:
        return np.bitwise_xor(x, y)

    def invert(self, x: Array) -> Array:
        return np.int64((1 << self.width) - 1) - x

    def shift_left(self, x: Array, y: Array) -> Array:
        return np.where(y < self.width, self._wrap(x * np.left_shift(1, np.minimum(y, self.width))), 0)

    def shift_right(self, x: Array, y: Array) -> Array:
        return np.where(y < self.width, np.floor_divide(x, np.left_shift(1, np.minimum(y, self.width))), 0)

    def equal(self, x: Array, y: Array) -> Array:
        return np.equal(x, y)

    def less(self, x: Array, y: Array) -> Array:
        return np.less(x, y)

    def either(self, p: Array, q: Array) -> Array:
        return np.logical_or(p, q)

    def negate(self, p: Array) -> Array:
        return np.logical_not(p)

    def choose(self, p: Array, x: Array, y: Array) -> Array:
        return np.where(p, x, y)


@lru_cache(maxsize=4)
def words(width: int) -> tuple[Array, Array]:
    """All pairs of words, as two vectors."""
    line: Array = np.arange(1 << width, dtype=np.int64)
    return np.repeat(line, 1 << width), np.tile(line, 1 << width)


def operands(opcode: Opcode, width: int) -> tuple[Array, Array]:
    """All operands of an op; an op of one operand has each word once, beside zeros."""
    if opcode in UNARY:
        line: Array = np.arange(1 << width, dtype=np.int64)
        return line, np.zeros_like(line)
    return words(width)


@lru_cache(maxsize=8)
def table(opcode: Opcode, width: int) -> Array:
    """What the row says of all operands, `TRAPS` where it traps."""
    return image(opcode, *operands(opcode, width), width)


def image(opcode: Opcode, x_P: Array, y_P: Array, width: int) -> Array:
    """What the row says of pairs of words, `TRAPS` where it traps."""
    row, algebra = OPS[opcode], Arrays(width)
    assert row.word is not None
    z_P = row.word(algebra, x_P) if opcode in UNARY else row.word(algebra, x_P, y_P)
    z_P = np.broadcast_to(z_P, x_P.shape).astype(np.int64)
    return np.where(y_P == 0, TRAPS, z_P) if row.traps_on_zero else z_P


def spec(opcode: Opcode, width: int, x: int, y: int) -> int:
    """What the row says over Python's ints, the reference of everything."""
    row, algebra = OPS[opcode], Integers(width)
    assert row.word is not None
    if row.traps_on_zero and y == 0:
        return TRAPS
    return int(row.word(algebra, x) if opcode in UNARY else row.word(algebra, x, y))


@cache
def misread(opcode: Opcode) -> str:
    """Where the row over arrays parts from the row over ints at small widths; empty when nowhere."""
    for width in range(1, AGREEMENT_WIDTH + 1):
        x_P, y_P = operands(opcode, width)
        for x, y, z in zip(x_P.tolist(), y_P.tolist(), table(opcode, width).tolist()):
            if spec(opcode, width, x, y) != z:
                return f"width {width}, ({x}, {y}): arrays {z}, ints {spec(opcode, width, x, y)}"
    return ""
