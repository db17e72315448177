"""Inputs that meet `requires`, from the solver: at one width and with arrays of given lengths, quantifiers written out.

What it finds is run like any other input, so a mistake here can lose an input and decide nothing. Called by
`check`, where the search has found none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import Any

import z3

from ncl.language.contracts import (
    ArrayName,
    Calculation,
    Cell,
    Choice,
    Comparison,
    Display,
    Expression,
    Junction,
    Literal,
    Name,
    Not,
    Permutation,
    Quantified,
    Same,
    Sequence,
    Size,
    Sorted,
)  # fmt: skip
from ncl.language.program import Sizes
from ncl.language.syntax import Function
from ncl.properties.minimise import Arguments
from ncl.verify.contracts.search import bits, fits, sizes_at

Term = Any
STEPS = 3_000_000  # of the solver, for one width and one choice of lengths
LENGTHS = (0, 1, 2, 3, 5)
MOST_CHOICES = 30  # of lengths
WIDTHS = (3, 4, 8, 16, 32)
MOST_VALUES = 70  # of a quantifier's variable whose range the solver chooses


class _NotExpressed(Exception):
    """Something that is not written out here."""


def solver_inputs(function: Function) -> Iterator[tuple[Sizes, Arguments]]:
    """Inputs that should meet `requires`, at the widths that can hold the program's literals."""
    for width in dict.fromkeys((*WIDTHS, bits(function))):
        sizes = sizes_at(width) if 1 <= width <= 32 else None
        if sizes is None or not fits(function, sizes):
            continue
        arrays = sum(p.sort == "array" for p in function.signature.parameters)
        choices = sorted(product(LENGTHS, repeat=arrays), key=lambda lengths: (len(set(lengths)), sum(lengths)))
        for lengths in choices[:MOST_CHOICES]:
            if sum(lengths) <= sizes.memory and (given := _solved(function, sizes, lengths)):
                yield sizes, given


def _solved(function: Function, sizes: Sizes, lengths: tuple[int, ...]) -> Arguments | None:
    left = list(lengths)
    values: dict[str, Any] = {}
    for p in function.signature.parameters:
        values[p.name] = z3.Int(p.name) if p.sort == "word" else [z3.Int(f"{p.name} {n}") for n in range(left.pop(0))]
    words = [w for v in values.values() for w in (v if isinstance(v, list) else [v])]
    solver = z3.Solver()
    solver.set(rlimit=STEPS)
    solver.add(*(z3.And(w >= 0, w < 1 << sizes.width) for w in words))
    try:
        for clause in function.contract.requires:
            solver.add(_Written(sizes, values).truth(clause.expression))
        if solver.check() != z3.sat:
            return None
    except (_NotExpressed, z3.Z3Exception, RecursionError):
        return None
    model = solver.model()

    def word(term: Term) -> int:
        return int(model.eval(term, model_completion=True).as_long())

    return [[word(w) for w in v] if isinstance(v, list) else word(v) for v in values.values()]


@dataclass(frozen=True)
class _Written:
    """A clause as a term without quantifiers. What has no meaning is false where it stands."""

    sizes: Sizes
    values: Mapping[str, Any]

    def number(self, node: Expression) -> Term:
        match node:
            case Literal(value=value, inverted=inverted):
                return z3.IntVal((1 << self.sizes.width) - 1 - value if inverted else value)
            case Name(name=name):
                return self.values[name]
            case Size(array=array):
                return z3.IntVal(len(self.array(array)))
            case Cell(array=array, index=index):
                at, term = self.number(index), z3.IntVal(0)
                for n, value in reversed(list(enumerate(self.array(array)))):
                    term = z3.If(at == n, value, term)
                return term
            case Calculation(operator=operator, left=left, right=right):
                x, y = self.number(left), self.number(right)
                return (
                    {"+": x + y, "-": x - y, "*": x * y}.get(operator)
                    if operator in "+-*"
                    else self._divided(operator, x, y)
                )
            case Choice(condition=condition, then=then, otherwise=otherwise):
                return z3.If(self.truth(condition), self.number(then), self.number(otherwise))
            case Quantified(kind="sum"):
                return z3.Sum(
                    [z3.IntVal(0), *(z3.If(holds, one.number(node.body), 0) for holds, one in self.each(node))]
                )
        return z3.If(self.truth(node), z3.IntVal(1), z3.IntVal(0))

    @staticmethod
    def _divided(operator: str, x: Term, y: Term) -> Term:
        return x / y if operator == "//" else x % y

    def array(self, name: ArrayName) -> list[Term]:
        return list(self.values[name.name])

    def truth(self, node: Expression) -> Term:
        match node:
            case Comparison(operator=operator, left=left, right=right):
                x, y = self.number(left), self.number(right)
                told = {"==": x == y, "!=": x != y, "<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y}[operator]
                return z3.And(told, *self.meaning(left), *self.meaning(right))
            case Not(operand=operand):
                return z3.Not(self.truth(operand))
            case Junction(operator=operator, parts=parts):
                return (z3.And if operator == "and" else z3.Or)(*map(self.truth, parts))
            case Choice(condition=condition, then=then, otherwise=otherwise):
                return z3.If(self.truth(condition), self.truth(then), self.truth(otherwise))
            case Quantified(kind="all"):
                return z3.And(*(z3.Implies(holds, one.truth(node.body)) for holds, one in self.each(node)))
            case Quantified(kind="any"):
                return z3.Or(*(z3.And(holds, one.truth(node.body)) for holds, one in self.each(node)))
            case Sorted(sequence=sequence):
                cells = self.elements(sequence)
                return z3.And(*(x <= y for x, y in pairwise(cells)))
            case Permutation(left=left, right=right):
                mine, theirs = self.elements(left), self.elements(right)
                counts = [
                    z3.Sum([z3.If(x == y, 1, 0) for y in mine]) == z3.Sum([z3.If(x == y, 1, 0) for y in theirs])
                    for x in mine
                ]
                return z3.And(len(mine) == len(theirs), *counts) if mine else z3.BoolVal(not theirs)
            case Same(left=left, right=right):
                mine, theirs = self.elements(left), self.elements(right)
                same = len(mine) == len(theirs)
                return z3.And(same, *(x == y for x, y in zip(mine, theirs, strict=False)))
        return self.number(node) != 0

    def meaning(self, node: Expression) -> list[Term]:
        """That elements asked for are there and divisors are at least 1, of what is not a condition."""
        match node:
            case Cell(array=array, index=index):
                at = self.number(index)
                return [at >= 0, at < len(self.array(array)), *self.meaning(index)]
            case Calculation(operator=operator, left=left, right=right):
                divisor = [self.number(right) > 0] if operator in ("//", "%") else []
                return [*self.meaning(left), *self.meaning(right), *divisor]
        return []

    def each(self, node: Quantified) -> Iterator[tuple[Term, _Written]]:
        """For each value of a quantifier's variable: whether it counts, and what may be said of it."""
        start, stop = z3.simplify(self.number(node.start)), z3.simplify(self.number(node.stop))
        if not z3.is_int_value(start):
            raise _NotExpressed
        first = start.as_long()
        last = stop.as_long() if z3.is_int_value(stop) else min(first + MOST_VALUES, 1 << self.sizes.width)
        if last - first > 40 * MOST_VALUES:
            raise _NotExpressed
        for value in range(first, last):
            one = replace(self, values={**self.values, node.variable: z3.IntVal(value)})
            chosen = [] if node.condition is None else [one.truth(node.condition)]
            yield z3.And(value < stop, *chosen), one

    def elements(self, node: Sequence) -> list[Term]:
        if isinstance(node, Display):
            raise _NotExpressed
        ends = []
        for end in (node.start, node.stop):
            term = None if end is None else z3.simplify(self.number(end))
            if term is not None and not z3.is_int_value(term):
                raise _NotExpressed
            ends.append(None if term is None else max(0, term.as_long()))
        return self.array(node.array)[ends[0] : ends[1]]
