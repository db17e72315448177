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

    def word(self, value: int) -> Term: ...
    def natural(self, value: int) -> Term: ...
    def to_natural(self, word: Term) -> Term: ...
    def to_word(self, natural: Term) -> Term: ...  # modulo N

    # words → word
    def add(self, x: Term, y: Term) -> Term: ...
    def subtract(self, x: Term, y: Term) -> Term: ...
    def multiply(self, x: Term, y: Term) -> Term: ...
    def divide(self, x: Term, y: Term) -> Term: ...  # floor; unspecified at y = 0, where the spec traps
    def remainder(self, x: Term, y: Term) -> Term: ...  # likewise
    def conjoin(self, x: Term, y: Term) -> Term: ...  # bit by bit
    def disjoin(self, x: Term, y: Term) -> Term: ...
    def differ(self, x: Term, y: Term) -> Term: ...
    def invert(self, x: Term) -> Term: ...
    def shift_left(self, x: Term, y: Term) -> Term: ...  # 0 when y ≥ W
    def shift_right(self, x: Term, y: Term) -> Term: ...  # 0 when y ≥ W

    # conditions
    def equal(self, x: Term, y: Term) -> Term: ...  # two words or two naturals
    def less(self, x: Term, y: Term) -> Term: ...  # unsigned; two words or two naturals
    def either(self, p: Term, q: Term) -> Term: ...
    def negate(self, p: Term) -> Term: ...
    def choose(self, p: Term, x: Term, y: Term) -> Term: ...

    # naturals
    def plus(self, x: Term, y: Term) -> Term: ...
    def minus(self, x: Term, y: Term) -> Term: ...  # only where x ≥ y


@dataclass(frozen=True)
class Integers:
    """The algebra on Python ints; the reference that everything else is held to."""

    width: int

    @cached_property
    def size(self) -> int:
        return 1 << self.width

    def word(self, value: int) -> int:
        return value % self.size

    def natural(self, value: int) -> int:
        return value

    def to_natural(self, word: int) -> int:
        return word

    def to_word(self, natural: int) -> int:
        return natural % self.size

    def add(self, x: int, y: int) -> int:
        return (x + y) % self.size

    def subtract(self, x: int, y: int) -> int:
        return (x - y) % self.size

    def multiply(self, x: int, y: int) -> int:
        return (x * y) % self.size

    def divide(self, x: int, y: int) -> int:
        return x // y if y else 0

    def remainder(self, x: int, y: int) -> int:
        return x % y if y else 0

    def conjoin(self, x: int, y: int) -> int:
        return x & y

    def disjoin(self, x: int, y: int) -> int:
        return x | y

    def differ(self, x: int, y: int) -> int:
        return x ^ y

    def invert(self, x: int) -> int:
        return self.size - 1 - x

    def shift_left(self, x: int, y: int) -> int:
        return (x << y) % self.size if y < self.width else 0

    def shift_right(self, x: int, y: int) -> int:
        return x >> y if y < self.width else 0

    def equal(self, x: int, y: int) -> bool:
        return x == y

    def less(self, x: int, y: int) -> bool:
        return x < y

    def either(self, p: bool, q: bool) -> bool:
        return p or q

    def negate(self, p: bool) -> bool:
        return not p

    def choose(self, p: bool, x: int, y: int) -> int:
        return x if p else y

    def plus(self, x: int, y: int) -> int:
        return x + y

    def minus(self, x: int, y: int) -> int:
        return x - y
