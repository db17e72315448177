"""The solver's model of the spec's algebra, and that it means what the integers' model means.

Words are bit-vectors of the width, naturals bit-vectors of 64, conditions Bools. z3py's `<`, `/`, `%` and `>>` on
bit-vectors are signed, so the unsigned ones are named. Products and quotients of words go through 64 bits and three
functions that a proof may leave uninterpreted: both sides of an equation then share the same ones (see `step.check`).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import z3

from ncl.language.word import Algebra, Integers
from ncl.verify.engine.obligation import Obligation, Outcome

NATURAL = 64
Term = Any
SMALL_WIDTH = 3
SAMPLES = 60


def exact_multiply(x: Term, y: Term) -> Term:
    return x * y


def exact_divide(x: Term, y: Term) -> Term:
    return z3.UDiv(x, y)


def exact_remainder(x: Term, y: Term) -> Term:
    return z3.URem(x, y)


@dataclass(frozen=True)
class Vectors:
    """The algebra on z3 terms. The three functions act on 64-bit vectors."""

    width: int
    product: Callable[[Term, Term], Term] = exact_multiply
    quotient: Callable[[Term, Term], Term] = exact_divide
    rest: Callable[[Term, Term], Term] = exact_remainder

    def word(self, value: int) -> Term:
        return z3.BitVecVal(value, self.width)

    def natural(self, value: int) -> Term:
        return z3.BitVecVal(value, NATURAL)

    def to_natural(self, word: Term) -> Term:
        return z3.ZeroExt(NATURAL - self.width, word)

    def to_word(self, natural: Term) -> Term:
        return z3.Extract(self.width - 1, 0, natural)

    def _wide(self, function: Callable[[Term, Term], Term], x: Term, y: Term) -> Term:
        return self.to_word(function(self.to_natural(x), self.to_natural(y)))

    def add(self, x: Term, y: Term) -> Term:
        return x + y

    def subtract(self, x: Term, y: Term) -> Term:
        return x - y

    def multiply(self, x: Term, y: Term) -> Term:
        return self._wide(self.product, x, y)

    def divide(self, x: Term, y: Term) -> Term:
        return self._wide(self.quotient, x, y)

    def remainder(self, x: Term, y: Term) -> Term:
        return self._wide(self.rest, x, y)

    def conjoin(self, x: Term, y: Term) -> Term:
        return x & y

    def disjoin(self, x: Term, y: Term) -> Term:
        return x | y

    def differ(self, x: Term, y: Term) -> Term:
        return x ^ y

    def invert(self, x: Term) -> Term:
        return ~x

    def shift_left(self, x: Term, y: Term) -> Term:
        # A distance of the width or more already gives 0 in SMT-LIB.
        return x << y

    def shift_right(self, x: Term, y: Term) -> Term:
        return z3.LShR(x, y)

    def equal(self, x: Term, y: Term) -> Term:
        return x == y

    def less(self, x: Term, y: Term) -> Term:
        return z3.ULT(x, y)

    def either(self, p: Term, q: Term) -> Term:
        return z3.Or(p, q)

    def negate(self, p: Term) -> Term:
        return z3.Not(p)

    def choose(self, p: Term, x: Term, y: Term) -> Term:
        return z3.If(p, x, y)

    def plus(self, x: Term, y: Term) -> Term:
        return x + y

    def minus(self, x: Term, y: Term) -> Term:
        return x - y


# --- spec(int) = spec(solver) ----------------------------------------------------------------------------------------

# What each operation takes; "w" word, "n" natural, "c" condition, "s" a word that must not be 0, "i" a Python int.
OPERANDS: dict[str, tuple[str, ...]] = {
    "word": ("i",), "natural": ("i",), "to_natural": ("w",), "to_word": ("n",),
    "add": ("w", "w"), "subtract": ("w", "w"), "multiply": ("w", "w"), "divide": ("w", "s"), "remainder": ("w", "s"),
    "conjoin": ("w", "w"), "disjoin": ("w", "w"), "differ": ("w", "w"), "invert": ("w",),
    "shift_left": ("w", "w"), "shift_right": ("w", "w"), "equal": ("w", "w"), "less": ("w", "w"),
    "either": ("c", "c"), "negate": ("c",), "choose": ("c", "w", "w"), "plus": ("n", "n"), "minus": ("n", "n"),
}  # fmt: skip


# Operations that take two naturals as well.
NATURALS_TOO: dict[str, tuple[tuple[str, ...], ...]] = {
    "equal": (("n", "n"),),
    "less": (("n", "n"),),
    "choose": (("c", "n", "n"),),
}


def obligations(width: int) -> tuple[Obligation, ...]:
    """One for each operation of the algebra at this width."""
    names = [name for name in vars(Algebra) if not name.startswith("_") and name != "width"]
    return tuple(
        Obligation(f"algebra/{name}", name, "algebra", "ncl.verify.smt.algebra:check_operation", (name, width))
        for name in names
    )


def check_operation(name: str, width: int) -> Outcome:
    """Evaluate closed terms: all operands at a small width, edges and random ones at this width."""
    if name not in OPERANDS:
        return Outcome("unknown", "closed terms", detail=f"no operand sorts are known for {name}")
    small, large = set[tuple[Any, ...]](), set[tuple[Any, ...]]()
    for sorts in (OPERANDS[name], *NATURALS_TOO.get(name, ())):
        for at, cases, tried in ((SMALL_WIDTH, _all(sorts), small), (width, _edges(name, sorts, width), large)):
            for operands in cases:
                if name == "minus" and operands[0] < operands[1]:
                    continue  # means nothing
                tried.add((sorts, operands))
                if (told := _difference(name, sorts, at, operands)) is not None:
                    return Outcome("refuted", "closed terms", detail=told)
    some = " and some naturals" if any("n" in sorts for sorts, _ in small) else ""
    bound = (
        f"{len(small)} operands at width {SMALL_WIDTH}, with all words{some}; "
        f"{len(large)} edge and random ones at width {width}"
    )
    samples = len(small) + len(large)
    limits = {"enumerated_width": SMALL_WIDTH, "samples": samples}
    return Outcome("tested", "closed terms", bound, solver=f"z3 {z3.get_version_string()}", limits=limits)


def _difference(name: str, sorts: tuple[str, ...], width: int, operands: tuple[int, ...]) -> str | None:
    plain, vectors = Integers(width), Vectors(width)
    expected = getattr(plain, name)(*(bool(o) if s == "c" else o for o, s in zip(operands, sorts, strict=True)))
    lifted = [_lift(vectors, sort, operand) for sort, operand in zip(sorts, operands, strict=True)]
    got = z3.simplify(getattr(vectors, name)(*lifted))
    value = z3.is_true(got) if z3.is_bool(got) else got.as_long()
    return None if value == expected else f"{name}{operands} at width {width}: ints {expected}, solver {value}"


def _lift(vectors: Vectors, sort: str, operand: int) -> Term:
    if sort == "i":
        return operand
    if sort == "c":
        return z3.BoolVal(bool(operand))
    return vectors.natural(operand) if sort == "n" else vectors.word(operand)


def _all(sorts: tuple[str, ...]) -> list[tuple[int, ...]]:
    words = range(1 << SMALL_WIDTH)
    ranges = {"w": words, "s": words[1:], "c": (0, 1), "n": (0, 1, 7, 8, 9, 1 << 40), "i": words}
    return list(product(*(ranges[sort] for sort in sorts)))


def _edges(name: str, sorts: tuple[str, ...], width: int) -> list[tuple[int, ...]]:
    rng = random.Random(f"{name}/{width}")
    top = (1 << width) - 1

    def pick(sort: str) -> int:
        if sort == "c":
            return rng.randrange(2)
        if sort == "n":
            return rng.choice((0, 1, top, top + 1, (1 << 62) - 1, rng.randrange(1 << 62))) // (
                2 if name == "plus" else 1
            )
        edge = rng.choice((1 if sort == "s" else 0, 1, width, top, top >> 1, (top >> 1) + 1, rng.randint(1, top)))
        return max(edge, 1) if sort == "s" else min(edge, top)

    return [tuple(pick(sort) for sort in sorts) for _ in range(SAMPLES)]
