"""Words, the algebra that op meanings are written over, and its integer model.

A *word* is a value in 0 … N-1 with N = 2^W. A *natural* is a machine quantity that is no word (a program counter, a
heap pointer, a tick count). `Algebra` names the few operations that `ops.py` may use; `Integers` is the model on
Python's own ints, and `ncl.verify.smt.algebra` holds the model on solver terms. Neither may see the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

MAX_WIDTH = 32
DEFAULT_WIDTH = 16
NATURALS = 1 << 62  # every natural stays below

Term = Any  # an element of the model: an int here, a solver term in verify


class Algebra(Protocol):
    """What a spec may say. Words wrap modulo N; naturals never reach 2^62; conditions are truth values."""

    width: int

    def word(self, value: int) -> Term:
        """The word of a number, modulo N."""

    def natural(self, value: int) -> Term:
        """The natural of a number."""

    def to_natural(self, word: Term) -> Term:
        """A word as a natural."""

    def to_word(self, natural: Term) -> Term:
        """A natural as a word, modulo N."""

    # words → word
    def add(self, x: Term, y: Term) -> Term:
        """x + y modulo N."""

    def subtract(self, x: Term, y: Term) -> Term:
        """x - y modulo N."""

    def multiply(self, x: Term, y: Term) -> Term:
        """x * y modulo N."""

    def divide(self, x: Term, y: Term) -> Term:
        """x / y rounded down; unspecified at y = 0, where the spec traps."""

    def remainder(self, x: Term, y: Term) -> Term:
        """x modulo y; unspecified at y = 0, where the spec traps."""

    def conjoin(self, x: Term, y: Term) -> Term:
        """And, bit by bit."""

    def disjoin(self, x: Term, y: Term) -> Term:
        """Or, bit by bit."""

    def differ(self, x: Term, y: Term) -> Term:
        """Exclusive or, bit by bit."""

    def invert(self, x: Term) -> Term:
        """Every bit turned round: N - 1 - x."""

    def shift_left(self, x: Term, y: Term) -> Term:
        """x * 2^y modulo N; 0 when y ≥ W."""

    def shift_right(self, x: Term, y: Term) -> Term:
        """x / 2^y rounded down; 0 when y ≥ W."""

    # conditions
    def equal(self, x: Term, y: Term) -> Term:
        """Whether two words or two naturals are equal."""

    def less(self, x: Term, y: Term) -> Term:
        """Whether x < y, unsigned, of two words or two naturals."""

    def either(self, p: Term, q: Term) -> Term:
        """Whether p or q holds."""

    def negate(self, p: Term) -> Term:
        """Whether p does not hold."""

    def choose(self, p: Term, x: Term, y: Term) -> Term:
        """x where p holds, else y."""

    # naturals
    def plus(self, x: Term, y: Term) -> Term:
        """The sum of two naturals."""

    def minus(self, x: Term, y: Term) -> Term:
        """The difference of two naturals; only where x ≥ y."""


@dataclass(frozen=True)
class Integers:
    """The algebra on Python ints; the reference that everything else is held to."""

    width: int

    @cached_property
    def size(self) -> int:
        """N = 2^W."""
        return 1 << self.width

    def word(self, value: int) -> int:
        """The number modulo N."""
        return value % self.size

    def natural(self, value: int) -> int:
        """The number itself."""
        return value

    def to_natural(self, word: int) -> int:
        """The same number."""
        return word

    def to_word(self, natural: int) -> int:
        """The number modulo N."""
        return natural % self.size

    def add(self, x: int, y: int) -> int:
        """x + y modulo N."""
        return (x + y) % self.size

    def subtract(self, x: int, y: int) -> int:
        """x - y modulo N."""
        return (x - y) % self.size

    def multiply(self, x: int, y: int) -> int:
        """x * y modulo N."""
        return (x * y) % self.size

    def divide(self, x: int, y: int) -> int:
        """x // y, and 0 at y = 0."""
        return x // y if y else 0

    def remainder(self, x: int, y: int) -> int:
        """x % y, and 0 at y = 0."""
        return x % y if y else 0

    def conjoin(self, x: int, y: int) -> int:
        """And, bit by bit."""
        return x & y

    def disjoin(self, x: int, y: int) -> int:
        """Or, bit by bit."""
        return x | y

    def differ(self, x: int, y: int) -> int:
        """Exclusive or, bit by bit."""
        return x ^ y

    def invert(self, x: int) -> int:
        """Every bit turned round: N - 1 - x."""
        return self.size - 1 - x

    def shift_left(self, x: int, y: int) -> int:
        """x * 2^y modulo N; 0 when y ≥ W."""
        return (x << y) % self.size if y < self.width else 0

    def shift_right(self, x: int, y: int) -> int:
        """x / 2^y rounded down; 0 when y ≥ W."""
        return x >> y if y < self.width else 0

    def equal(self, x: int, y: int) -> bool:
        """Whether x = y."""
        return x == y

    def less(self, x: int, y: int) -> bool:
        """Whether x < y."""
        return x < y

    def either(self, p: bool, q: bool) -> bool:
        """Whether p or q holds."""
        return p or q

    def negate(self, p: bool) -> bool:
        """Whether p does not hold."""
        return not p

    def choose(self, p: bool, x: int, y: int) -> int:
        """x where p holds, else y."""
        return x if p else y

    def plus(self, x: int, y: int) -> int:
        """x + y, without wrapping."""
        return x + y

    def minus(self, x: int, y: int) -> int:
        """x - y, without wrapping."""
        return x - y
