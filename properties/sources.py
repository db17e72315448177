"""Source functions of the language, written out as text and read back by the parser.

Each is a whole readable program: words, array parameters and locals, if/elif/else, counted while and for loops, break,
continue and early returns, tuple and augmented assignments, asserts, short circuits. Every one is inside the language
by construction: a scope says which variables are surely assigned, and a block ends where control leaves it. They may
trap, and a budget of ticks ends those that would run for long. They shrink to what a person would have written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from hypothesis import strategies as st

from ncl.language.parse import parse_text
from ncl.language.program import Parameter, Signature
from ncl.language.syntax import Function

FILE = "generated.py"
HEAD = "from ncl import Array, Word, program\n\n\n@program\n"
BUDGET = 300  # ticks; enough for two nested loops over four-bit words

Draw = Callable[..., Any]


class Source:
    """The text of a file with one program, shown as it is."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def function(self) -> Function:
        return parse_text(self.text, FILE)[0]

    def __repr__(self) -> str:
        return f"\n{self.text}"


@dataclass(frozen=True)
class _Scope:
    """Where a statement stands: what is surely assigned, what must not be, and how deep it is."""

    words: tuple[str, ...]
    arrays: tuple[str, ...]
    counters: tuple[str, ...] = ()  # of the loops around: never assigned by their bodies
    in_loop: bool = False
    depth: int = 0

    def with_word(self, name: str) -> _Scope:
        return self if name in self.words else replace(self, words=(*self.words, name))

    def with_array(self, name: str) -> _Scope:
        return self if name in self.arrays else replace(self, arrays=(*self.arrays, name))

    def inside(self, *counters: str, loop: bool = False) -> _Scope:
        words = self.words + tuple(c for c in counters if c not in self.words)
        return replace(self, words=words, counters=self.counters + counters, in_loop=self.in_loop or loop,
                       depth=self.depth + 1)  # fmt: skip

    def met(self, other: _Scope) -> _Scope:
        return replace(self, words=tuple(w for w in self.words if w in other.words),
                       arrays=tuple(a for a in self.arrays if a in other.arrays))  # fmt: skip


Block = tuple[list[str], _Scope | None]  # lines, and the scope behind them: None when control never gets there


@st.composite
def sources(draw: Draw, width: int = 4, statements: int = 4) -> Source:
    """A program whose literals are words of `width`; at most `statements` in its outermost block, fewer inside."""
    sorts = draw(st.lists(st.sampled_from(["word", "array"]), min_size=1, max_size=3))
    names = {"word": iter("abc"), "array": iter(("xs", "ys", "zs"))}
    signature = Signature(
        tuple(Parameter(next(names[sort]), sort) for sort in sorts), draw(st.sampled_from(["word", "array"]))
    )
    scope = _Scope(
        tuple(p.name for p in signature.parameters if p.sort == "word"),
        tuple(p.name for p in signature.parameters if p.sort == "array"),
    )
    body = _Writer(draw, width, signature.result).function(scope, statements)
    return Source(f"{HEAD}def f{signature}:\n" + "".join(f"    {line}\n" for line in body))


# Each statement and expression is drawn as one piece, so that shrinking can take it out, or put a part in its place.


@st.composite
def _more(draw: Draw, writer: _Writer, scope: _Scope, surely: bool) -> Block | None:
    """One more statement, or None at the end of a block."""
    return writer.by(draw).statement(scope) if surely or draw(st.integers(0, 3)) else None


@st.composite
def _expression(draw: Draw, writer: _Writer, scope: _Scope, depth: int) -> str:
    return writer.by(draw).unpacked(scope, depth)


class _Writer:
    """Draws and writes one function. Methods that draw return text, lines, or a block."""

    def __init__(self, draw: Draw, width: int, result: str) -> None:
        self.draw, self.width, self.top, self.result = draw, width, (1 << width) - 1, result

    def by(self, draw: Draw) -> _Writer:
        return _Writer(draw, self.width, self.result)

    def pick(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def function(self, scope: _Scope, statements: int) -> list[str]:
        lines: list[str] = []
        if self.result == "array" and not scope.arrays:
            lines, scope = [f"ws = [{self.expression(scope, 1)}] * {self.number(3)}"], scope.with_array("ws")
        body, behind = self.block(scope, statements)
        return lines + body + ([] if behind is None else [self.returned(behind)])

    # --- expressions

    def number(self, most: int = 9) -> str:
        return str(self.draw(st.integers(0, min(most, self.top))))

    def atom(self, scope: _Scope) -> str:
        kinds = ["number", "number"]
        kinds += ["variable"] * (5 if scope.words else 0) + ["length", "element"] * bool(scope.arrays)
        match self.pick(*kinds):
            case "number":
                return self.number() if self.draw(st.integers(0, 7)) < 7 else self.pick(str(self.top), "~0")
            case "variable":
                return str(self.pick(*scope.words))
            case "length":
                return f"len({self.pick(*scope.arrays)})"
        return self.element(scope)

    def element(self, scope: _Scope) -> str:
        """Of any array. Most indices are those of loops, or kept inside, which traps only on an empty array."""
        array = self.pick(*scope.arrays)
        counted = [f"{array}[{counter}]" for counter in scope.counters]
        match self.pick("first", "counted", "counted", "inside", "any"):
            case "counted" if counted:
                return str(self.pick(*counted))
            case "any" if scope.words:
                return f"{array}[{self.pick(*scope.words)}]"
            case "first":
                return f"{array}[0]"
        return f"{array}[{self.grouped(scope, 1)} % len({array})]"

    def expression(self, scope: _Scope, depth: int = 2) -> str:
        return str(self.draw(_expression(self, scope, depth)))

    def unpacked(self, scope: _Scope, depth: int) -> str:
        kind = self.pick("atom", "atom", "arithmetic", "arithmetic", "compare", "logic", "unary") if depth else "atom"
        match kind:
            case "atom":
                return self.atom(scope)
            case "unary":
                return f"{self.pick('~', 'not ')}{self.grouped(scope, depth - 1)}"
            case "compare":
                return self.comparison(scope, depth)
            case "logic":
                left, right = self.grouped(scope, depth - 1), self.grouped(scope, depth - 1)
                return f"{left} {self.pick('and', 'or')} {right}"
        operator = self.pick("+", "-", "*", "+", "-", "//", "%", "&", "|", "^", "<<", ">>")
        left = self.grouped(scope, depth - 1)
        if operator in ("//", "%") and self.draw(st.integers(0, 6)):
            return f"{left} {operator} {self.draw(st.integers(1, min(5, self.top)))}"
        return f"{left} {operator} {self.grouped(scope, depth - 1)}"

    def grouped(self, scope: _Scope, depth: int) -> str:
        """In brackets unless it is one piece: what is written is what was meant, whatever binds tighter."""
        text = self.expression(scope, depth)
        return f"({text})" if " " in text else text

    def comparison(self, scope: _Scope, depth: int) -> str:
        operator = self.pick("==", "!=", "<", "<=", ">", ">=")
        return f"{self.grouped(scope, depth - 1)} {operator} {self.grouped(scope, depth - 1)}"

    def condition(self, scope: _Scope) -> str:
        return self.comparison(scope, 2) if self.pick(True, True, False) else self.expression(scope)

    def bound(self, scope: _Scope) -> str:
        """Of a loop or of a new array's size: mostly small."""
        match self.pick("number", "length", "small", "any"):
            case "length" if scope.arrays:
                return f"len({self.pick(*scope.arrays)})"
            case "small":
                return f"{self.grouped(scope, 1)} % {self.pick(*range(1, min(5, self.top) + 1))}"
            case "any" if scope.words:
                return str(self.pick(*scope.words))
        return self.number(4)

    # --- statements

    def block(self, scope: _Scope, most: int) -> Block:
        lines: list[str] = []
        now: _Scope | None = scope
        for number in range(most):
            if now is None:
                break
            more = self.draw(_more(self, now, number == 0))
            if more is None:
                break
            lines, now = lines + more[0], more[1]
        return lines, now

    def statement(self, scope: _Scope) -> Block:
        simple = ["assign", "assign", "assign", "augment", "augment", "tuple", "assert"]
        simple += ["store", "array"] if scope.arrays else ["array"]
        nested = ["if", "if", "for", "for", "while"] if scope.depth < 2 else []
        leaving = ["leave"] if scope.depth else []
        kind = self.pick(*simple, *nested, *leaving)
        return {
            "assign": self.assign, "augment": self.augment, "tuple": self.pair, "assert": self.asserted,
            "store": self.store, "array": self.new_array, "if": self.branch, "for": self.counted,
            "while": self.loop, "leave": self.leave,
        }[kind](scope)  # fmt: skip

    def target(self, scope: _Scope) -> str:
        """A word variable, old or new, that counts no loop."""
        known = [w for w in scope.words if w not in scope.counters]
        fresh = next(name for name in "defghmnpqrst" if name not in scope.words)
        return str(self.pick(*known, fresh))

    def assign(self, scope: _Scope) -> Block:
        value, name = self.expression(scope), self.target(scope)
        return [f"{name} = {value}"], scope.with_word(name)

    def augment(self, scope: _Scope) -> Block:
        known = [w for w in scope.words if w not in scope.counters]
        if scope.arrays and (not known or self.draw(st.integers(0, 2)) == 2):
            target = self.element(scope)
        elif known:
            target = self.pick(*known)
        else:
            return self.assign(scope)
        operator = self.pick("+", "-", "*", "^", "|", "&", "<<", ">>", "//", "%")
        divides = operator in ("//", "%") and self.draw(st.integers(0, 6))
        value = self.draw(st.integers(1, min(5, self.top))) if divides else self.expression(scope, 1)
        return [f"{target} {operator}= {value}"], scope

    def pair(self, scope: _Scope) -> Block:
        if scope.arrays and self.draw(st.integers(0, 2)) == 2:
            left, right = self.element(scope), self.element(scope)
            return [f"{left}, {right} = {right}, {left}"], scope
        first, second = self.target(scope), self.target(scope)
        values = f"{self.expression(scope, 1)}, {self.expression(scope, 1)}"
        return [f"{first}, {second} = {values}"], scope.with_word(first).with_word(second)

    def asserted(self, scope: _Scope) -> Block:
        return [f"assert {self.condition(scope)}"], scope

    def store(self, scope: _Scope) -> Block:
        return [f"{self.element(scope)} = {self.expression(scope)}"], scope

    def new_array(self, scope: _Scope) -> Block:
        name = self.pick("us", "vs")
        line = f"{name} = [{self.expression(scope, 1)}] * {self._factor(self.bound(scope))}"
        return [line], scope.with_array(name)

    @staticmethod
    def _factor(text: str) -> str:
        return f"({text})" if " " in text else text

    def leave(self, scope: _Scope) -> Block:
        kind = self.pick("return", "break", "continue") if scope.in_loop else "return"
        return [self.returned(scope) if kind == "return" else kind], None

    def returned(self, scope: _Scope) -> str:
        value = self.pick(*scope.arrays) if self.result == "array" else self.expression(scope)
        return f"return {value}"

    def branch(self, scope: _Scope) -> Block:
        lines: list[str] = []
        ways: list[_Scope | None] = []
        shape = self.pick(("if",), ("if", "else"), ("if", "elif"), ("if", "elif", "else"))
        for word in shape:
            lines.append("else:" if word == "else" else f"{word} {self.condition(scope)}:")
            body, behind = self.block(scope.inside(), 2)
            lines += [f"    {line}" for line in body]
            ways.append(behind and replace(behind, depth=scope.depth))
        if shape[-1] != "else":
            ways.append(scope)
        now: _Scope | None = None
        for way in ways:
            now = way if now is None else now if way is None else now.met(way)
        return lines, now

    def counted(self, scope: _Scope) -> Block:
        """`for` over a range that rises, or falls."""
        name = next(n for n in "ijk" if n not in scope.counters)
        match self.pick("stop", "stop", "both", "step", "to zero", "falling"):
            case "stop":
                bounds = f"len({self.pick(*scope.arrays)})" if scope.arrays else self.bound(scope)
            case "both":
                bounds = f"{self.bound(scope)}, {self.bound(scope)}"
            case "step":
                bounds = f"{self.bound(scope)}, {self.bound(scope)}, {self.bound(scope)}"
            case "to zero":
                bounds = f"{self.bound(scope)}, -1, -{self.pick(1, 2)}"
            case _:
                bounds = f"{self.bound(scope)}, {self.bound(scope)}, -{self.pick(1, 2)}"
        body, _ = self.block(scope.inside(name, loop=True), 3)
        return [f"for {name} in range({bounds}):", *(f"    {line}" for line in body)], scope

    def loop(self, scope: _Scope) -> Block:
        """`while`, mostly with a counter that falls; the others go until the budget or a way out."""
        if self.draw(st.integers(0, 4)) == 4:
            body, _ = self.block(scope.inside(loop=True), 3)
            return [f"while {self.condition(scope)}:", *(f"    {line}" for line in body)], scope
        name = next(n for n in ("left", "rest", "more") if n not in scope.counters)
        body, _ = self.block(scope.inside(name, loop=True), 3)
        head = [f"{name} = {self.bound(scope)}", f"while {name} > 0:", f"    {name} -= 1"]
        return [*head, *(f"    {line}" for line in body)], scope.with_word(name)
