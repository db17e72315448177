"""Products and quotients of words in the step's proof: three functions without a body, and what is known of them.

Directly, a 32-bit product is out of reach of the solvers. So both sides use the same function `product`, of which only
instances of these laws are told, each for the operands that really occur; every law is itself proved here for 64-bit
vectors. The laws hold of the true operations, so nothing proved from them can be false.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import z3

from ncl.verify.engine.solvers import ask_z3
from ncl.verify.smt.lifted import BITS, Term, number

HALF = 16
_VECTOR = z3.BitVecSort(BITS)


@dataclass
class Arithmetic:
    """The three functions, remembering what they were applied to."""

    products: dict[tuple[int, int], tuple[Term, Term]] = field(default_factory=dict)
    quotients: dict[tuple[int, int], tuple[Term, Term]] = field(default_factory=dict)
    product: Any = field(default_factory=lambda: z3.Function("product", _VECTOR, _VECTOR, _VECTOR))
    quotient: Any = field(default_factory=lambda: z3.Function("quotient", _VECTOR, _VECTOR, _VECTOR))
    rest: Any = field(default_factory=lambda: z3.Function("rest", _VECTOR, _VECTOR, _VECTOR))

    def multiply(self, x: Term, y: Term) -> Term:
        self.products.setdefault((x.get_id(), y.get_id()), (x, y))
        return self.product(x, y)

    def divide(self, x: Term, y: Term) -> Term:
        self.quotients.setdefault((x.get_id(), y.get_id()), (x, y))
        return self.quotient(x, y)

    def remain(self, x: Term, y: Term) -> Term:
        self.quotients.setdefault((x.get_id(), y.get_id()), (x, y))
        return self.rest(x, y)

    def instances(self) -> list[Term]:
        """The laws at all operands seen so far."""
        found = []
        for x, y in self.products.values():
            low, high = x & number((1 << HALF) - 1), z3.LShR(x, number(HALF))
            found.append(halves(self.product, x, y))
            found += [self.product(x, y) == self.product(y, x)]
            found += [short(self.product, factor, y) for factor in (x, low, high)]
        for x, y in self.quotients.values():
            found += [smaller(self.quotient, x, y), smaller(self.rest, x, y)]
        return found

    def exact(self) -> list[tuple[Any, Any]]:
        """What the functions stand for, to look for real counterexamples with."""
        x, y = z3.Var(0, _VECTOR), z3.Var(1, _VECTOR)
        return [(self.product, x * y), (self.quotient, z3.UDiv(x, y)), (self.rest, z3.URem(x, y))]


def halves(product: Any, x: Term, y: Term) -> Term:
    low, high = x & number((1 << HALF) - 1), z3.LShR(x, number(HALF))
    return product(x, y) == product(low, y) + product(high, y) * number(1 << HALF)


def short(product: Any, x: Term, y: Term) -> Term:
    """A product of 16 and 32 bits has at most 48."""
    small = z3.And(z3.ULT(x, number(1 << HALF)), z3.ULT(y, number(1 << 32)))
    return z3.Implies(small, z3.ULT(product(x, y), number(1 << 48)))


def smaller(function: Any, x: Term, y: Term) -> Term:
    """Neither quotient nor rest is more than what is divided."""
    return z3.Implies(y != 0, z3.ULE(function(x, y), x))


def unproved(seconds: float = 20.0) -> list[str]:
    """The laws that are not shown; empty when all are."""
    laws = {"halves": _halves(), "commutes": _commutes(), "short": _short(seconds), **_divisions(seconds)}
    return [name for name, shown in laws.items() if not shown]


def _halves() -> bool:
    """x is its halves put together (bits), and the product distributes over that sum (a ring identity)."""
    x, y, a, b = z3.BitVecs("x y a b", BITS)
    low, high = x & number((1 << HALF) - 1), z3.LShR(x, number(HALF))
    split = ask_z3([x != low + high * number(1 << HALF)], 10).said == "unsat"
    return split and _vanishes((a + b * number(1 << HALF)) * y - (a * y + (b * y) * number(1 << HALF)))


def _commutes() -> bool:
    x, y = z3.BitVecs("x y", BITS)
    return _vanishes(x * y - y * x)


def _vanishes(term: Term) -> bool:
    left = z3.simplify(term, som=True)
    return bool(z3.is_bv_value(left)) and left.as_long() == 0


def _short(seconds: float) -> bool:
    """In integers: below 2^64 the vectors' product is the integers' one."""
    x, y = z3.Ints("x y")
    bounds = [x >= 0, x < 1 << HALF, y >= 0, y < 1 << 32]
    return ask_z3([*bounds, z3.Not(z3.And(x * y >= 0, x * y < 1 << 48))], seconds).said == "unsat"


def _divisions(seconds: float) -> dict[str, bool]:
    """From what division is: x = q·y + r with 0 ≤ r < y, in integers."""
    x, y, q, r = z3.Ints("x y q r")
    divides = [x >= 0, y >= 1, q >= 0, r >= 0, r < y, x == q * y + r]
    # A product of q ≥ 0 and y ≥ 1 is q more than that of q and y - 1, which is not negative.
    step = [q * y == q * (y - 1) + q, q * (y - 1) >= 0]
    sign = ask_z3([q >= 0, y >= 1, q * (y - 1) < 0], seconds).said == "unsat"
    ring = z3.is_true(z3.simplify(q * y - (q * (y - 1) + q) == 0, som=True))
    held = sign and ring
    return {
        "quotient": held and ask_z3([*divides, *step, q > x], seconds).said == "unsat",
        "rest": held and ask_z3([*divides, q * y >= 0, r > x], seconds).said == "unsat",
    }
