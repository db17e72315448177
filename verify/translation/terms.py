"""Words of both sides as solver terms: one algebra with folding, and names that cannot collide.

Source and machine code are read through the same `Terms`, so equal computations become the very same term and no solver
is asked about them. Products and quotients are uninterpreted; `Question` adds their meaning only when it must. Called
by the other `translate_*` modules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import z3

from ncl.verify.engine import solvers
from ncl.verify.smt.algebra import NATURAL, Vectors

Term = Any
SECONDS = 10.0

_WIDE = z3.BitVecSort(NATURAL)
MEANING = {
    name: (z3.Function(name, _WIDE, _WIDE, _WIDE), meaning)
    for name, meaning in (("the product", lambda x, y: x * y), ("the quotient", z3.UDiv), ("the rest", z3.URem))
}
_PRODUCT, _QUOTIENT, _REST = (function for function, _ in MEANING.values())


@dataclass(frozen=True)
class Terms(Vectors):
    """The algebra on terms that folds what is closed, and conditions that a truth value was made of."""

    product: Any = _PRODUCT
    quotient: Any = _QUOTIENT
    rest: Any = _REST

    def word(self, value: int) -> Term:
        return _number(value % (1 << self.width), self.width)

    def natural(self, value: int) -> Term:
        return _number(value, NATURAL)

    def to_natural(self, word: Term) -> Term:
        return self.natural(word.as_long()) if z3.is_bv_value(word) else super().to_natural(word)

    def to_word(self, natural: Term) -> Term:
        if z3.is_bv_value(natural):
            return self.word(natural.as_long())
        if natural.decl().kind() == z3.Z3_OP_ZERO_EXT and natural.arg(0).size() == self.width:
            return natural.arg(0)
        return super().to_word(natural)

    def add(self, x: Term, y: Term) -> Term:
        if _numbers(x, y):
            return z3.simplify(x + y)
        for one, other in ((x, y), (y, x)):
            if _is_zero(other):
                return one
            if other.decl().kind() == z3.Z3_OP_BSUB and other.arg(1).eq(one):
                return other.arg(0)  # one + (a - one)
        lifted = self._lifted(self.add, x, y)
        if lifted is None and _has_zero_arm(x):
            lifted = self._lifted(self.add, y, x)
        return x + y if lifted is None else lifted

    def subtract(self, x: Term, y: Term) -> Term:
        if _numbers(x, y):
            return z3.simplify(x - y)
        if x.eq(y):
            return self.word(0)
        if _is_zero(y):
            return x
        if y.decl().kind() == z3.Z3_OP_BADD and y.arg(0).eq(x) and y.arg(1).eq(x):
            return self.subtract(self.word(0), x)  # x - (x + x)
        if _is_zero(x) and y.decl().kind() == z3.Z3_OP_BSUB:
            return self.subtract(y.arg(1), y.arg(0))  # -(a - b)
        lifted = self._lifted(self.subtract, x, y)
        return x - y if lifted is None else lifted

    def _lifted(self, operate: Callable[[Term, Term], Term], x: Term, y: Term) -> Term | None:
        """A choice taken out of a sum or difference, where the sum does not grow by it: `x + (a if c else 0)`."""
        if not _is_choice(y):
            return None
        condition = y.arg(0)
        if _is_choice(x) and x.arg(0).eq(condition):
            return self.choose(condition, operate(x.arg(1), y.arg(1)), operate(x.arg(2), y.arg(2)))
        if _has_zero_arm(y):
            return self.choose(condition, operate(x, y.arg(1)), operate(x, y.arg(2)))
        return None

    def multiply(self, x: Term, y: Term) -> Term:
        if _numbers(x, y):
            return self.word(x.as_long() * y.as_long())
        for truth, other in ((x, y), (y, x)):
            if (condition := _condition_of(truth)) is not None:
                return self.choose(condition, other, self.word(0))
            if z3.is_bv_value(truth) and truth.as_long() <= 1:
                return other if truth.as_long() else truth
        return super().multiply(x, y)

    def divide(self, x: Term, y: Term) -> Term:
        if z3.is_bv_value(y) and y.as_long() == 1:
            return x
        if _numbers(x, y) and y.as_long():
            return self.word(x.as_long() // y.as_long())
        if _is_choice(x):
            return self.choose(x.arg(0), self.divide(x.arg(1), y), self.divide(x.arg(2), y))
        return super().divide(x, y)

    def remainder(self, x: Term, y: Term) -> Term:
        if _numbers(x, y) and y.as_long():
            return self.word(x.as_long() % y.as_long())
        return super().remainder(x, y)

    def conjoin(self, x: Term, y: Term) -> Term:
        return _closed(x & y, x, y)

    def disjoin(self, x: Term, y: Term) -> Term:
        return x if _is_zero(y) else y if _is_zero(x) else _closed(x | y, x, y)

    def differ(self, x: Term, y: Term) -> Term:
        return x if _is_zero(y) else y if _is_zero(x) else _closed(x ^ y, x, y)

    def invert(self, x: Term) -> Term:
        return _closed(~x, x)

    def shift_left(self, x: Term, y: Term) -> Term:
        return x if _is_zero(y) else _closed(super().shift_left(x, y), x, y)

    def shift_right(self, x: Term, y: Term) -> Term:
        return x if _is_zero(y) else _closed(super().shift_right(x, y), x, y)

    def equal(self, x: Term, y: Term) -> Term:
        if x.eq(y):
            return z3.BoolVal(True)
        if z3.is_bv_value(y) and y.as_long() == 0 and (condition := _condition_of(x)) is not None:
            return self.negate(condition)
        return _closed(x == y, x, y)

    def less(self, x: Term, y: Term) -> Term:
        return _closed(super().less(x, y), x, y)

    def either(self, p: Term, q: Term) -> Term:
        if z3.is_false(p) or z3.is_true(q):
            return q
        return p if z3.is_false(q) or z3.is_true(p) else z3.Or(p, q)

    def negate(self, p: Term) -> Term:
        if z3.is_not(p):
            return p.arg(0)
        return z3.BoolVal(z3.is_false(p)) if z3.is_true(p) or z3.is_false(p) else z3.Not(p)

    def choose(self, p: Term, x: Term, y: Term) -> Term:
        if z3.is_not(p):
            p, x, y = p.arg(0), y, x
        if _is_choice(x) and x.arg(0).eq(p):
            x = x.arg(1)
        if _is_choice(y) and y.arg(0).eq(p):
            y = y.arg(2)
        if z3.is_true(p) or x.eq(y):
            return x
        if z3.is_false(p):
            return y
        return z3.If(*self._ordered(p, x, y))

    def _ordered(self, p: Term, x: Term, y: Term) -> tuple[Term, Term, Term]:
        """Minimum, maximum and distance of two words are the same whichever is named first."""
        if p.decl().kind() == z3.Z3_OP_ULT and p.arg(0).get_id() > p.arg(1).get_id():
            one, other = p.arg(0), p.arg(1)
            apart = (other - one, one - other)
            for yes, no in ((one, other), (other, one), apart):
                if x.eq(yes) and y.eq(no):
                    return self.less(other, one), no, yes
        return p, x, y

    def plus(self, x: Term, y: Term) -> Term:
        return _closed(x + y, x, y)

    def nonzero(self, word: Term) -> Term:
        """Whether a word counts as true."""
        return self.negate(self.equal(word, self.word(0)))


@lru_cache(maxsize=4096)
def _number(value: int, width: int) -> Term:
    return z3.BitVecVal(value, width)


def _is_zero(term: Term) -> bool:
    return z3.is_bv_value(term) and term.as_long() == 0


def _is_choice(term: Term) -> bool:
    return bool(z3.is_app_of(term, z3.Z3_OP_ITE))


def _has_zero_arm(term: Term) -> bool:
    return _is_choice(term) and (_is_zero(term.arg(1)) or _is_zero(term.arg(2)))


def _numbers(*operands: Term) -> bool:
    return all(map(z3.is_bv_value, operands))


def _closed(term: Term, *operands: Term) -> Term:
    return z3.simplify(term) if _numbers(*operands) else term


def _condition_of(word: Term) -> Term | None:
    """The condition of a truth value, which is 1 where it holds and else 0."""
    if not z3.is_app_of(word, z3.Z3_OP_ITE):
        return None
    yes, no = word.arg(1), word.arg(2)
    if not _numbers(yes, no) or {yes.as_long(), no.as_long()} != {0, 1}:
        return None
    return word.arg(0) if yes.as_long() else z3.Not(word.arg(0))


# --- symbols ---------------------------------------------------------------------------------------------------------

# Soundness 9: a name says whose it is and of what kind, and no source term holds a blank; so names cannot collide.


def source_word(term: str, width: int) -> Term:
    """A variable, a base, a length or a hidden variable of the source that nothing is known about."""
    return z3.BitVec(f"source {term}", width)


def machine_word(location: str, width: int) -> Term:
    """A register or frame slot that nothing is known about."""
    return z3.BitVec(f"machine {location}", width)


def shared_memory(name: str, width: int) -> Term:
    return z3.Array(f"shared {name}", z3.BitVecSort(width), z3.BitVecSort(width))


def shared_word(name: str, width: int) -> Term:
    return z3.BitVec(f"shared {name}", width)


def shared_natural(name: str) -> Term:
    return z3.BitVec(f"shared {name}", NATURAL)


# --- questions to the solver -----------------------------------------------------------------------------------------


def satisfiable(terms: Sequence[Term], seconds: float = SECONDS) -> solvers.Answer:
    """Whether the conditions can hold together. `unsat` counts even where products mean nothing; `sat` does not."""
    first = solvers.ask_z3(terms, seconds)
    if first.said == "unsat":
        return first
    meanings = [_meaning(product) for product in _products(terms)]
    return solvers.ask_z3([*terms, *meanings], seconds) if meanings else first


def _products(terms: Iterable[Term]) -> Iterator[Term]:
    waiting, seen = list(terms), set()
    while waiting:
        term = waiting.pop()
        if term.get_id() in seen:
            continue
        seen.add(term.get_id())
        if term.decl().name() in MEANING:
            yield term
        waiting.extend(term.children())


def _meaning(application: Term) -> Term:
    _, meaning = MEANING[application.decl().name()]
    return application == meaning(application.arg(0), application.arg(1))
