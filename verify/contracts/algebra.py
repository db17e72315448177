"""What the operators of the language do to integers in 0 … N-1, for every N at once: the wrap written out.

Where it can be seen at once that nothing wraps, the plain sum, difference or product stands; else an if-then-else, and
for products and bit operations, whose wrap is beyond linear arithmetic, any word. Used by `expressions`; the parts
of `language.word.Algebra` that builtins need are here under their names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import z3

from ncl.language.word import MAX_WIDTH
from ncl.verify.contracts.terms import Term, World


@dataclass(frozen=True)
class Numbers:
    """`certain` says whether a condition surely holds here; `learned` is what holds of the results here, and only here:
    operands are words on this path alone.
    """

    world: World
    certain: Callable[[Term], bool]
    learned: list[Term] = field(default_factory=list)

    def operate(self, operator: str, x: Term, y: Term) -> Term:
        match operator:
            case "+":
                return self.add(x, y)
            case "-":
                return self.subtract(x, y)
            case "*":
                return self.multiply(x, y)
            case "//":
                return self.world.divide(x, y, True)[0]
            case "%":
                return self.world.divide(x, y, True)[1]
            case ">>" | "<<" if z3.is_int_value(y) and y.as_long() >= MAX_WIDTH:
                return z3.IntVal(0)
            case ">>" if z3.is_int_value(y):
                return x / (1 << y.as_long())  # N is a power of two, so a shift by W or more gives 0 here too
            case "<<" if z3.is_int_value(y):
                return self.multiply(x, z3.IntVal(1 << y.as_long()))
            case "&" if z3.is_int_value(y) and _all_ones(y.as_long()):
                return x % (y.as_long() + 1)
            case "&" if z3.is_int_value(x) and _all_ones(x.as_long()):
                return y % (x.as_long() + 1)
        return self.bits(operator, x, y)

    def add(self, x: Term, y: Term) -> Term:
        if self.certain(x + y < self.world.size):
            return x + y
        return z3.If(x + y < self.world.size, x + y, x + y - self.world.size)

    def subtract(self, x: Term, y: Term) -> Term:
        if self.certain(x >= y):
            return x - y
        return z3.If(x >= y, x - y, x - y + self.world.size)

    def multiply(self, x: Term, y: Term) -> Term:
        if self.certain(x * y < self.world.size):
            return self.world.multiple(x, y)
        wrapped = self.world.word("product")
        self.learned.append(z3.Implies(x * y < self.world.size, wrapped == x * y))
        return wrapped

    def bits(self, operator: str, x: Term, y: Term) -> Term:
        """Any word, as far as the operator bounds it."""
        term = self.world.word("bits")
        bound = {"&": [term <= x, term <= y], "|": [term >= x, term >= y], ">>": [term <= x]}
        self.learned.extend(bound.get(operator, []))
        return term

    # --- what builtins are written in

    def less(self, x: Term, y: Term) -> Term:
        return x < y

    def choose(self, condition: Term, x: Term, y: Term) -> Term:
        return z3.If(condition, x, y)


def _all_ones(value: int) -> bool:
    return value & (value + 1) == 0
