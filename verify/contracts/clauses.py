"""Contracts as solver terms: what a clause says of one state of a function, and where it has a meaning.

A quantifier that is to be proved becomes a fresh constant; for a proof by induction, the same is assumed of all smaller
ones. One that is assumed has as patterns the array elements at its own variable. Used by `goals`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
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
    Slice,
    Sorted,
)  # fmt: skip
from ncl.verify.contracts.terms import Term, Unprovable, Version, World, chooses, occurs

# Who proves the formula: "goal" it is to be proved, "given" it is assumed, "both" where it counts either way.
_OTHER = {"goal": "given", "given": "goal", "both": "both"}


@dataclass(frozen=True)
class Clauses:
    """What the names of a contract stand for. `certain(condition)` is true where a condition is known to hold."""

    world: World
    words: Mapping[str, Term]
    arrays: Mapping[str, Version]
    old_words: Mapping[str, Term]
    old_arrays: Mapping[str, Version]
    certain: Callable[[Term], bool]
    result: Term | Version | None = None
    bound: Mapping[str, Term] = field(default_factory=dict)
    open: tuple[Term, ...] = ()  # variables of quantifiers around
    inductive: bool = False  # what is to be proved for all is proved by strong induction

    # --- arrays and their parts

    def array(self, name: ArrayName) -> Version:
        if name.time == "result":
            assert isinstance(self.result, Version)
            return self.result
        return (self.old_arrays if name.time == "old" else self.arrays)[name.name]

    def ends(self, piece: Slice) -> tuple[Version, Term, Term]:
        """(array, start, stop) cut to the array; a stop before the start is kept."""
        array = self.array(piece.array)
        start = z3.IntVal(0) if piece.start is None else self._cut(self.number(piece.start), array.size)
        stop = array.size if piece.stop is None else self._cut(self.number(piece.stop), array.size)
        return array, start, stop

    def _cut(self, value: Term, size: Term) -> Term:
        if z3.is_int_value(value) and value.as_long() == 0:
            return value
        if self.certain(z3.And(value >= 0, value <= size)):
            return value
        return z3.If(value < 0, 0, z3.If(value > size, size, value))

    # --- numbers

    def number(self, node: Expression) -> Term:
        match node:
            case Literal(value=value, inverted=inverted):
                return self.world.size - 1 - value if inverted else z3.IntVal(value)
            case Name(name=name, time=time):
                if name in self.bound:
                    return self.bound[name]
                if time == "result":
                    return self.result
                return (self.old_words if time == "old" else self.words)[name]
            case Size(array=array):
                return self.array(array).size
            case Cell(array=array, index=index):
                return self.array(array).cells[self.number(index)]
            case Calculation(operator=operator, left=left, right=right):
                return self.calculated(operator, self.number(left), self.number(right))
            case Choice(condition=condition, then=then, otherwise=otherwise):
                return z3.If(self.truth(condition, "both"), self.number(then), self.number(otherwise))
            case Quantified(kind="sum"):
                return self.total(node)
        return z3.If(self.truth(node, "both"), z3.IntVal(1), z3.IntVal(0))

    def calculated(self, operator: str, x: Term, y: Term) -> Term:
        match operator:
            case "+":
                return x + y
            case "-":
                return x - y
            case "*":
                return x * y
        quotient, remainder = self.world.divide(x, y, self.ground(x) and self.ground(y))
        return quotient if operator == "//" else remainder

    def ground(self, term: Term) -> bool:
        return not any(occurs(variable, term) for variable in self.open)

    def total(self, node: Quantified) -> Term:
        start, stop = self.number(node.start), self.number(node.stop)
        place = z3.Int("place!")
        inner = replace(self, bound={**self.bound, node.variable: place}, open=(*self.open, place))
        body = inner.number(node.body)
        if node.condition is not None:
            body = z3.If(inner.truth(node.condition, "both"), body, 0)
        if not self.ground(body) or not self.ground(start):
            raise Unprovable("a sum whose terms depend on a quantifier around it")
        signs = "truth" if _is_truth(node.body) else "natural" if _is_natural(node.body) else "any"
        versions = [
            *self.arrays.values(),
            *self.old_arrays.values(),
            *([self.result] if isinstance(self.result, Version) else []),
        ]
        within = [v for v in dict.fromkeys(versions) if occurs(v.cells, body)]
        return self.world.sum(body, place, start, stop, within, signs, self.ground(stop))

    # --- conditions

    def truth(self, node: Expression, role: str) -> Term:
        match node:
            case Comparison(operator=operator, left=left, right=right):
                return self.compared(operator, left, right)
            case Not(operand=operand):
                return z3.Not(self.truth(operand, _OTHER[role]))
            case Junction(operator=operator, parts=parts):
                terms = [self.truth(part, role) for part in parts]
                return z3.And(*terms) if operator == "and" else z3.Or(*terms)
            case Choice(condition=condition, then=then, otherwise=otherwise):
                return z3.If(self.truth(condition, "both"), self.truth(then, role), self.truth(otherwise, role))
            case Quantified(kind="all" | "any"):
                return self.quantified(node, role)
            case Sorted(sequence=sequence):
                return self.ascending(sequence, role)
            case Permutation(left=left, right=right):
                return self.permuted(left, right, role)
            case Same(left=left, right=right):
                return self.same(left, right, role)
        return self.number(node) != 0

    def compared(self, operator: str, left: Expression, right: Expression) -> Term:
        if operator in ("==", "!=") and _is_truth(left) and _is_truth(right):
            equal = self.truth(left, "both") == self.truth(right, "both")
            return equal if operator == "==" else z3.Not(equal)
        x, y = self.number(left), self.number(right)
        return {
            "==": x == y, "!=": x != y, "<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y,
        }[operator]  # fmt: skip

    def quantified(self, node: Quantified, role: str) -> Term:
        """Quantifiers of one kind in each other become one, so that one pattern holds all variables."""
        universal = node.kind == "all"
        variables: list[Term] = []
        guards: list[Term] = []
        clauses, inner = self, node
        # A constant stands for all values only where no other quantifier stands around it.
        skolem = not self.open and role == ("goal" if universal else "given")
        while True:
            start, stop = clauses.number(inner.start), clauses.number(inner.stop)
            variable = clauses.world.choice(inner.variable) if skolem else clauses.world.fresh(inner.variable)
            variables.append(variable)
            more = () if skolem else (variable,)
            clauses = replace(clauses, bound={**clauses.bound, inner.variable: variable}, open=(*clauses.open, *more))
            guards += [start <= variable, variable < stop]
            if inner.condition is not None:
                guards.append(clauses.truth(inner.condition, _OTHER[role] if universal else role))
            if not isinstance(inner.body, Quantified) or inner.body.kind != node.kind:
                break
            inner = inner.body
        if skolem and universal and self.inductive and len(variables) == 1:
            guards.append(self._smaller_ones(node, start, variables[0]))
        body = clauses.truth(inner.body, role)
        whole = z3.Implies(z3.And(*guards), body) if universal else z3.And(*guards, body)
        if skolem:
            return whole
        return bind(variables, whole, universal)

    def _smaller_ones(self, node: Quantified, start: Term, variable: Term) -> Term:
        """That it holds for every value below this one: what strong induction may assume."""
        below = self.world.fresh(node.variable)
        clauses = replace(self, bound={**self.bound, node.variable: below}, open=(*self.open, below))
        guards = [start <= below, below < variable]
        if node.condition is not None:
            guards.append(clauses.truth(node.condition, "goal"))
        return bind([below], z3.Implies(z3.And(*guards), clauses.truth(node.body, "given")), True)

    def ascending(self, sequence: Sequence, role: str) -> Term:
        if isinstance(sequence, Display):
            raise Unprovable("sorted of a list of parts")
        array, start, stop = self.ends(sequence)
        i, j = self.world.choice("i"), self.world.choice("j")
        whole = z3.Implies(z3.And(start <= i, i < j, j < stop), array.cells[i] <= array.cells[j])
        return whole if role == "goal" and not self.open else bind([i, j], whole, True)

    def permuted(self, left: Sequence, right: Sequence, role: str) -> Term:
        value = self.world.choice("value")
        whole = self.counted(left, value) == self.counted(right, value)
        return whole if role == "goal" and not self.open else bind([value], whole, True)

    def counted(self, sequence: Sequence, value: Term) -> Term:
        if isinstance(sequence, Display):
            parts = [
                self.counted(part, value) if isinstance(part, Slice)
                else z3.If(self.number(part) == value, z3.IntVal(1), z3.IntVal(0))
                for part in sequence.parts
            ]  # fmt: skip
            return z3.Sum(parts) if parts else z3.IntVal(0)
        array, start, stop = self.ends(sequence)
        ground = self.ground(start) and self.ground(stop)
        upto = self.world.count(array, stop, value, ground)
        if z3.is_int_value(start) and start.as_long() == 0:
            return upto
        return z3.If(start < stop, upto - self.world.count(array, start, value, ground), 0)

    def same(self, left: Sequence, right: Sequence, role: str) -> Term:
        if isinstance(left, Display) or isinstance(right, Display):
            raise Unprovable("an equation with a list of parts")
        (a, start, stop), (b, begin, end) = self.ends(left), self.ends(right)
        i = self.world.choice("i")
        first, second = (a.cells[i], b.cells[i - start + begin])
        alike = z3.Implies(z3.And(start <= i, i < stop), first == second)
        size, other = z3.If(start < stop, stop - start, 0), z3.If(begin < end, end - begin, 0)
        return z3.And(size == other, alike if role == "goal" and not self.open else bind([i], alike, True))

    # --- where it has a meaning

    def meaning(self, node: Expression) -> Term:
        """What must hold for every element asked for to be there, and every divisor to be positive; to be proved."""
        match node:
            case Cell(array=array, index=index):
                at = self.number(index)
                return z3.And(self.meaning(index), at >= 0, at < self.array(array).size)
            case Calculation(operator=operator, left=left, right=right):
                both = z3.And(self.meaning(left), self.meaning(right))
                return z3.And(both, self.number(right) > 0) if operator in ("//", "%") else both
            case Comparison(left=left, right=right):
                return z3.And(self.meaning(left), self.meaning(right))
            case Not(operand=operand):
                return self.meaning(operand)
            case Choice(condition=condition, then=then, otherwise=otherwise):
                inner = z3.If(self.truth(condition, "both"), self.meaning(then), self.meaning(otherwise))
                return z3.And(self.meaning(condition), inner)
            case Junction(operator=operator, parts=parts):
                whole = z3.BoolVal(True)
                for part in reversed(parts):
                    needed = self.truth(part, "both")
                    whole = z3.And(
                        self.meaning(part), z3.Implies(needed if operator == "and" else z3.Not(needed), whole)
                    )
                return whole
            case Quantified(start=start, stop=stop):
                # As many variables as there are quantifiers, each a fresh constant: it is to be proved.
                variable = self.world.choice(node.variable)
                inside = replace(self, bound={**self.bound, node.variable: variable})
                needed = z3.BoolVal(True) if node.condition is None else inside.truth(node.condition, "both")
                asked = z3.BoolVal(True) if node.condition is None else inside.meaning(node.condition)
                reached = z3.And(self.number(start) <= variable, variable < self.number(stop))
                body = z3.Implies(reached, z3.And(asked, z3.Implies(needed, inside.meaning(node.body))))
                return z3.And(self.meaning(start), self.meaning(stop), body)
            case Sorted(sequence=sequence):
                return self.meaning_of(sequence)
            case Permutation(left=left, right=right) | Same(left=left, right=right):
                return z3.And(self.meaning_of(left), self.meaning_of(right))
        return z3.BoolVal(True)

    def meaning_of(self, sequence: Sequence) -> Term:
        if isinstance(sequence, Display):
            parts = [self.meaning_of(p) if isinstance(p, Slice) else self.meaning(p) for p in sequence.parts]
            return z3.And(*parts)
        return z3.And(*(self.meaning(end) for end in (sequence.start, sequence.stop) if end is not None))


def bind(variables: list[Term], body: Term, universal: bool) -> Term:
    found = _patterns(variables, body)
    quantifier: Any = z3.ForAll if universal else z3.Exists
    return quantifier(variables, body, patterns=found) if found else quantifier(variables, body)


def _patterns(variables: list[Term], body: Term) -> list[Term]:
    """Array elements and function values at the variables themselves; for one variable, each alone may do."""
    choices = [_at(variable, variables, body) for variable in variables]
    if not all(choices):
        return []
    if len(variables) == 1:
        return choices[0][:4]
    return [z3.MultiPattern(*(c[0] for c in choices))]


def _at(variable: Term, variables: list[Term], body: Term) -> list[Term]:
    """Terms `array[variable]` or `f(…, variable, …)` in which no arithmetic is done on a variable."""
    found: list[Term] = []
    waiting, seen = [body], set()
    while waiting:
        node = waiting.pop(0)
        if node.get_id() in seen or z3.is_quantifier(node):
            continue
        seen.add(node.get_id())
        arguments = node.children()
        applied = z3.is_select(node) or (z3.is_app(node) and node.decl().kind() == z3.Z3_OP_UNINTERPRETED and arguments)
        if applied and any(a.eq(variable) for a in arguments):
            rest = [a for a in arguments if not any(a.eq(v) for v in variables)]
            if not any(occurs(v, a) for a in rest for v in variables) and not any(chooses(a) for a in rest):
                found.append(node)
        waiting += arguments
    return found


def _is_truth(node: Expression) -> bool:
    return isinstance(node, Comparison | Not | Junction | Sorted | Permutation | Same) or (
        isinstance(node, Quantified) and node.kind != "sum"
    )


def _is_natural(node: Expression) -> bool:
    """Surely not below 0."""
    match node:
        case Literal(value=value, inverted=inverted):
            return not inverted or value == 0
        case Size() | Cell():
            return True
        case Calculation(operator=operator, left=left, right=right):
            return operator != "-" and _is_natural(left) and _is_natural(right)
        case Quantified(body=body):
            return _is_natural(body)
    return _is_truth(node)
