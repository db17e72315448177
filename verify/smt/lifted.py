"""What a tensor is in the solver: its shape, its dtype, and its entry at index terms; and what rules file beside it.

No arrays, no unrolling: an entry is a function of terms. Called by the lift and by its rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import z3

Term = Any
Size = int | str  # a number, or the name of a symbolic size
BITS = 64


class NoRule(Exception):
    """Something in the graph that the lift does not understand."""


@dataclass(frozen=True)
class Lifted:
    """A tensor: shape, dtype ("int64" or "bool") and its entry at index terms (64-bit vectors), memoised."""

    shape: tuple[Size, ...]
    dtype: str
    entry: Callable[[tuple[Term, ...]], Term]
    known: dict[tuple[int, ...], tuple[Term, Term]] = field(default_factory=dict, compare=False)

    def at(self, *index: Term) -> Term:
        if len(index) != len(self.shape):
            raise NoRule(f"{len(index)} indices for {len(self.shape)} dimensions")
        key = tuple(i.get_id() for i in index)
        if key not in self.known:
            # The index terms are kept with the entry: a key is an address, and stays true only while they live.
            self.known[key] = (index, self.entry(index))
        return self.known[key][1]


@dataclass
class Context:
    """What the rules share: sizes by name, side conditions filed so far."""

    sizes: dict[str, Term]
    conditions: list[tuple[str, Term]] = field(default_factory=list)
    multiply: Callable[[Term, Term], Term] = lambda x, y: x * y
    divide: Callable[[Term, Term], Term] = z3.UDiv
    remain: Callable[[Term, Term], Term] = z3.URem

    def size(self, size: Size) -> Term:
        return number(size) if isinstance(size, int) else self.sizes[size]

    def require(self, what: str, condition: Term) -> None:
        self.conditions.append((what, condition))


def number(value: int) -> Term:
    return z3.BitVecVal(value, BITS)


def every(terms: Sequence[Term]) -> Term:
    """All of them; not `And` of a single term, which is no SMT-LIB."""
    return terms[0] if len(terms) == 1 else z3.And(*terms)


def some(terms: Sequence[Term]) -> Term:
    return terms[0] if len(terms) == 1 else z3.Or(*terms)


def probed(size: Size, again: int = 0) -> Term:
    """The arbitrary index into a dimension of this size; a premise says that it is in range."""
    return z3.BitVec(f"probe!{size}!{again}", BITS)
