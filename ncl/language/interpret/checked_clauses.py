"""Clauses of contracts as Python expressions, with what these call: the same values as `contracts.number` gives.

Called by `checked_text`, and where the distance of an input from what is required is measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

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

CONDITIONS = (Comparison, Not, Junction, Sorted, Permutation, Same)


class Meaningless(Exception):
    """A contract asks for an element or a quotient that is not there."""


@dataclass(frozen=True)
class Clauses:
    """Names of the Python text for what a contract names, by (name, time). `signed` ones may be below 0; M is N - 1."""

    words: Mapping[tuple[str, str], str]
    arrays: Mapping[tuple[str, str], str]
    signed: frozenset[str] = frozenset()
    bound: Mapping[str, tuple[str, bool]] | None = None  # variables of quantifiers: text, and whether never below 0

    # --- numbers

    def number(self, node: Expression) -> str:
        """The Python expression of a number or condition."""
        match node:
            case Literal(value=value, inverted=inverted):
                return f"(M - {value})" if inverted else str(value)
            case Name():
                return self.name(node)
            case Size(array=array):
                return f"len({self.array(array)})"
            case Cell(array=array, index=index):
                at, cells = self.number(index), self.array(array)
                return f"{cells}[{at}]" if self.natural(index) else f"cell({cells}, {at})"
            case Calculation(operator="//" | "%" as operator, left=left, right=right):
                x, y = self.number(left), self.number(right)
                sure = isinstance(right, Literal) and not right.inverted and right.value > 0
                return f"({x} {operator} {y})" if sure else f"({x} {operator} divisor({y}))"
            case Calculation(operator=operator, left=left, right=right):
                return f"({self.number(left)} {operator} {self.number(right)})"
            case Choice(condition=condition, then=then, otherwise=otherwise):
                return f"({self.number(then)} if {self.number(condition)} else {self.number(otherwise)})"
            case Comparison(operator=operator, left=left, right=right):
                return f"({self.number(left)} {operator} {self.number(right)})"
            case Not(operand=operand):
                return f"(not {self.number(operand)})"
            case Junction(operator=operator, parts=parts):
                return f"({f' {operator} '.join(map(self.truth, parts))})"
            case Quantified():
                return self.quantified(node)
            case Sorted(sequence=sequence):
                return f"ascending({self.sequence(sequence)})"
            case Permutation(left=left, right=right):
                return f"(sorted({self.sequence(left)}) == sorted({self.sequence(right)}))"
            case Same(left=left, right=right):
                return f"({self.sequence(left)} == {self.sequence(right)})"

    def truth(self, node: Expression) -> str:
        """False or True, and no other number."""
        text = self.number(node)
        sure = isinstance(node, CONDITIONS) or (isinstance(node, Quantified) and node.kind != "sum")
        return text if sure else f"({text} != 0)"

    def name(self, node: Name) -> str:
        """The Python name of a word; of a bound variable, the text that it stands for."""
        if self.bound and node.name in self.bound:
            return self.bound[node.name][0]
        return self.words[node.name if node.time != "result" else "", node.time]

    def quantified(self, node: Quantified) -> str:
        """`all`, `any` or `sum` over a generator expression."""
        inner, variable, span = self.within(node)
        chosen = "" if node.condition is None else f" if {inner.number(node.condition)}"
        return f"{node.kind}({inner.number(node.body)} for {variable} in {span}{chosen})"

    def within(self, node: Quantified) -> tuple[Clauses, str, str]:
        """What the body may name, its variable, and the range of that."""
        bound = self.bound or {}
        variable = f"b{len(bound)}"
        span = f"span({self.number(node.start)}, {self.number(node.stop)})"
        return replace(self, bound={**bound, node.variable: (variable, self.natural(node.start))}), variable, span

    def natural(self, node: Expression) -> bool:
        """Surely not below 0, so that Python counts no index from the end."""
        match node:
            case Literal(value=value, inverted=inverted):
                return not inverted or value == 0
            case Name(name=name):
                if self.bound and name in self.bound:
                    return self.bound[name][1]
                return node.name not in self.signed or node.time != "now"
            case Size() | Cell():
                return True
            case Calculation(operator=operator, left=left, right=right):
                return operator != "-" and self.natural(left) and self.natural(right)
        return False

    # --- arrays

    def array(self, name: ArrayName) -> str:
        """The Python name of an array."""
        return self.arrays["" if name.time == "result" else name.name, name.time]

    def sequence(self, node: Sequence) -> str:
        """The Python expression of a slice or display."""
        if isinstance(node, Display):
            parts = [f"*{self.sequence(p)}" if isinstance(p, Slice) else self.number(p) for p in node.parts]
            return f"[{', '.join(parts)}]"
        if node.start is None and node.stop is None:
            return self.array(node.array)
        return f"{self.array(node.array)}[{self._end(node.start)}:{self._end(node.stop)}]"

    def _end(self, node: Expression | None) -> str:
        if node is None:
            return ""
        return self.number(node) if self.natural(node) else f"max(0, {self.number(node)})"


# --- what the text calls ---------------------------------------------------------------------------------------------


def cell(cells: list[int], at: int) -> int:
    """An element; raises Meaningless for an index below 0, which Python would count from the end."""
    if at < 0:
        raise Meaningless
    return cells[at]


def divisor(y: int) -> int:
    """The divisor itself; raises Meaningless where it is below 1."""
    if y < 1:
        raise Meaningless
    return y


def ascending(cells: list[int]) -> bool:
    """Whether each element is at least the one before."""
    return cells == sorted(cells)


CALLED: dict[str, Any] = {"cell": cell, "divisor": divisor, "ascending": ascending}
