"""Integer circuits: what each word op computes, on words held in 64-bit integers.

One pure function per op, written only with operators that mean the same on torch's int64 tensors and on numba's int64
scalars (and on Python's ints): no calls, no branches, truth values as `(x < y) * 1`. No intermediate value leaves
-2^63 … 2^63 - 1 and no operand of `<<`, `>>`, `//`, `%` is one on which the three could differ; nothing relies on
wrapping. Operands must be words of `width` bits, width 1 … 32.

This is the machine's own reading of the op table's prose. It may not see the table's meanings: that the two agree is
what is proved. Callers: the torch step, the compiled loop (whose dispatch is made from `CIRCUITS`), the general one-hot
form, enumeration and the solver lift.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ncl.language.halves import Halves, by_name
from ncl.language.opcodes import Opcode

Words = Any  # an int64 tensor, a numba int64, or an int


def add(x: Words, y: Words, width: int) -> Words:
    """x + y modulo N."""
    return (x + y) & ((1 << width) - 1)


def subtract(x: Words, y: Words, width: int) -> Words:
    """x - y modulo N."""
    # Adding N first keeps the difference from falling below 0.
    return (x - y + (1 << width)) & ((1 << width) - 1)


def multiply(x: Words, y: Words, width: int) -> Words:
    """x * y modulo N."""
    # By halves of x: a product of two 32-bit words need not fit below 2^63, one of 16 and 32 bits does.
    low = (x & 65535) * y
    high = ((x >> 16) * y) & ((1 << width) - 1)
    return (low + high * 65536) & ((1 << width) - 1)


def divide(x: Words, y: Words, width: int) -> Words:
    """x // y; x where y = 0."""
    # Division by 0 traps before its result is seen; here it divides by 1.
    return x // (y + (y == 0) * 1)


def remainder(x: Words, y: Words, width: int) -> Words:
    """x % y; 0 where y = 0."""
    return x % (y + (y == 0) * 1)


def conjoin(x: Words, y: Words, width: int) -> Words:
    """And, bit by bit."""
    return x & y


def disjoin(x: Words, y: Words, width: int) -> Words:
    """Or, bit by bit."""
    return x | y


def differ(x: Words, y: Words, width: int) -> Words:
    """Exclusive or, bit by bit."""
    return x ^ y


def invert(x: Words, width: int) -> Words:
    """Every bit turned round: N - 1 - x."""
    return x ^ ((1 << width) - 1)


def shift_left(x: Words, y: Words, width: int) -> Words:
    """x * 2^y modulo N; 0 where y is the width or more."""
    # A distance past the width becomes 0, and then the whole result does.
    within = (y < width) * 1
    return ((x << (y * within)) & ((1 << width) - 1)) * within


def shift_right(x: Words, y: Words, width: int) -> Words:
    """x // 2^y; 0 where y is the width or more."""
    within = (y < width) * 1
    return (x >> (y * within)) * within


def equal(x: Words, y: Words, width: int) -> Words:
    """1 where x = y, else 0."""
    return (x == y) * 1


def not_equal(x: Words, y: Words, width: int) -> Words:
    """0 where x = y, else 1."""
    return (x != y) * 1


def less(x: Words, y: Words, width: int) -> Words:
    """1 where x < y, else 0."""
    return (x < y) * 1


def less_equal(x: Words, y: Words, width: int) -> Words:
    """1 where x ≤ y, else 0."""
    return (x <= y) * 1


def is_zero(x: Words, width: int) -> Words:
    """1 where x = 0, else 0."""
    return (x == 0) * 1


# (x, y, width) → word for ops of two operands, (x, width) → word for those of one.
CIRCUITS: Halves[Callable[..., Words]] = by_name(
    "circuit",
    {
        "add": add,
        "subtract": subtract,
        "multiply": multiply,
        "divide": divide,
        "remainder": remainder,
        "and": conjoin,
        "or": disjoin,
        "xor": differ,
        "invert": invert,
        "shift_left": shift_left,
        "shift_right": shift_right,
        "equal": equal,
        "not_equal": not_equal,
        "less": less,
        "less_equal": less_equal,
        "is_zero": is_zero,
    },
)

# Where these meet 0 as the last operand the machine traps, and nobody sees what the circuit gives.
DIVISIONS = (Opcode.DIVIDE, Opcode.REMAINDER)
