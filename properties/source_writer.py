"""Draws the statements and expressions of one function, as text that is inside the language by construction.

A scope says which variables are surely assigned, and a block ends where control leaves it. Calls go to the functions
that the writer knows. Called by `sources`, which makes whole files of it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from ncl.language.builtins import BUILTINS
from ncl.language.opcodes import CALLED
from ncl.language.program import Parameter

Draw = Callable[..., Any]
NEW_ARRAYS = ("us", "vs", "ws")  # names that never stand for a parameter


@dataclass(frozen=True)
class Callee:
    """A function that may be called. `gives`: "word", "new" for a new array, else the parameter that it gives back.

    The first parameter of one that is `bounded` says how deep it may still go. `first` is what to pass for it, where
    the call is inside such a function.
    """

    name: str
    parameters: tuple[Parameter, ...]
    gives: str
    bounded: bool = False
    first: str = ""

    def __str__(self) -> str:
        inner = ", ".join(f"{p.name}: {p.sort.capitalize()}" for p in self.parameters)
        return f"def {self.name}({inner}) -> {'Word' if self.gives == 'word' else 'Array'}:"


@dataclass(frozen=True)
class Scope:
    """Where a statement stands: what is surely assigned, what must not be, and how deep it is."""

    words: tuple[str, ...]
    arrays: tuple[str, ...]
    counters: tuple[str, ...] = ()  # of the loops around: never assigned by their bodies
    in_loop: bool = False
    depth: int = 0

    def with_word(self, name: str) -> Scope:
        return self if name in self.words else replace(self, words=(*self.words, name))

    def with_array(self, name: str) -> Scope:
        return self if name in self.arrays else replace(self, arrays=(*self.arrays, name))

    def inside(self, *counters: str, loop: bool = False) -> Scope:
        words = self.words + tuple(c for c in counters if c not in self.words)
        return replace(self, words=words, counters=self.counters + counters, in_loop=self.in_loop or loop,
                       depth=self.depth + 1)  # fmt: skip

    def met(self, other: Scope) -> Scope:
        return replace(self, words=tuple(w for w in self.words if w in other.words),
                       arrays=tuple(a for a in self.arrays if a in other.arrays))  # fmt: skip


Block = tuple[list[str], Scope | None]  # lines, and the scope behind them: None when control never gets there


# Each statement and expression is drawn as one piece, so that shrinking can take it out, or put a part in its place.


@st.composite
def _more(draw: Draw, writer: Writer, scope: Scope, number: int, most: int) -> Block | None:
    """One more statement, or None at the end of a block; the question is put even where the answer is known, so that
    shrinking can take out any statement of a full block."""
    more = draw(st.integers(0, 3))
    return writer.by(draw).statement(scope) if number == 0 or (more and number < most) else None


@st.composite
def _expression(draw: Draw, writer: Writer, scope: Scope, depth: int) -> str:
    return writer.by(draw).unpacked(scope, depth)


class Writer:
    """Draws and writes one function. Methods that draw return text, lines, or a block.

    `gives` is of the function being written; "array" when it may return any array.
    """

    def __init__(self, draw: Draw, width: int, gives: str, callees: tuple[Callee, ...] = ()) -> None:
        self.draw, self.width, self.top, self.gives, self.callees = draw, width, (1 << width) - 1, gives, callees

    def by(self, draw: Draw) -> Writer:
        return Writer(draw, self.width, self.gives, self.callees)

    def pick(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def function(self, scope: Scope, statements: int) -> list[str]:
        lines: list[str] = []
        if self.gives == "new" or (self.gives == "array" and not scope.arrays):
            lines, scope = [f"ws = [{self.expression(scope, 1)}] * {self.number(3)}"], scope.with_array("ws")
        body, behind = self.block(scope, statements)
        return lines + body + ([] if behind is None else [self.returned(behind)])

    # --- expressions

    def number(self, most: int = 9) -> str:
        return str(self.draw(st.integers(0, min(most, self.top))))

    def atom(self, scope: Scope) -> str:
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

    def element(self, scope: Scope) -> str:
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

    def expression(self, scope: Scope, depth: int = 2) -> str:
        return str(self.draw(_expression(self, scope, depth)))

    def unpacked(self, scope: Scope, depth: int) -> str:
        if not depth:
            return self.atom(scope)
        kinds = ["atom", "atom", "arithmetic", "arithmetic", "compare", "logic", "unary", "choice", "chain", "builtin"]
        words = self.callable(scope, "word")
        match self.pick(*kinds, *["call"] * (8 * bool(words))):
            case "call":
                return self.call(scope, self.pick(*words), depth - 1)[0]
            case "choice":
                condition = self.comparison(scope, 1)
                return f"{self.grouped(scope, depth - 1)} if {condition} else {self.grouped(scope, depth - 1)}"
            case "chain":
                return f"{self.comparison(scope, depth)} {self.pick('<', '<=', '==')} {self.grouped(scope, depth - 1)}"
            case "builtin":
                return self.builtin(scope, depth)
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

    def builtin(self, scope: Scope, depth: int) -> str:
        left, right = self.expression(scope, depth - 1), self.grouped(scope, depth - 1)
        match self.pick("min", "max", "abs", "signed_less", "is_negative", *CALLED):
            case "abs":
                return f"abs({self.side(scope, depth - 1)} - {self.side(scope, depth - 1)})"
            case name if BUILTINS[name].most == 1:
                return f"{name}({left})"
            case name:
                return f"{name}({left}, {right})"

    def side(self, scope: Scope, depth: int) -> str:
        """One of the two between which `abs` measures: no difference is a part of it, as the language demands."""
        text = self.grouped(scope, depth)
        return self.atom(scope) if holds_difference(ast.parse(text, mode="eval").body) else text

    def callable(self, scope: Scope, *gives: str) -> list[Callee]:
        """Those whose arrays can all be passed under different names; every kind but "word" when none is asked for."""
        fit = [c for c in self.callees if sum(p.sort == "array" for p in c.parameters) <= len(scope.arrays)]
        return [c for c in fit if (c.gives in gives if gives else c.gives != "word")]

    def call(self, scope: Scope, callee: Callee, depth: int) -> tuple[str, dict[str, str]]:
        """The text, and which array each array parameter gets."""
        arguments, passed = [], dict[str, str]()
        for number, parameter in enumerate(callee.parameters):
            if parameter.sort == "array":
                passed[parameter.name] = self.pick(*(a for a in scope.arrays if a not in passed.values()))
                arguments.append(passed[parameter.name])
            elif number == 0 and callee.bounded:
                arguments.append(callee.first or self.pick(self.bound(scope), self.number()))
            else:
                arguments.append(self.expression(scope, depth))
        return f"{callee.name}({', '.join(arguments)})", passed

    def grouped(self, scope: Scope, depth: int) -> str:
        """In brackets unless it is one piece: what is written is what was meant, whatever binds tighter."""
        text = self.expression(scope, depth)
        return f"({text})" if " " in text else text

    def comparison(self, scope: Scope, depth: int) -> str:
        operator = self.pick("==", "!=", "<", "<=", ">", ">=")
        return f"{self.grouped(scope, depth - 1)} {operator} {self.grouped(scope, depth - 1)}"

    def condition(self, scope: Scope) -> str:
        return self.comparison(scope, 2) if self.pick(True, True, False) else self.expression(scope)

    def bound(self, scope: Scope) -> str:
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

    def block(self, scope: Scope, most: int) -> Block:
        lines: list[str] = []
        now: Scope | None = scope
        for number in range(most + 1):
            if now is None:
                break
            more = self.draw(_more(self, now, number, most))
            if more is None:
                break
            lines, now = lines + more[0], more[1]
        return lines, now

    def statement(self, scope: Scope) -> Block:
        simple = ["assign", "assign", "assign", "augment", "augment", "tuple", "assert"]
        simple += ["store", "array"] if scope.arrays else ["array"]
        simple += ["perform"] * 3 if self.arrays_changed(scope) else []
        simple += ["receive"] * 3 if self.callable(scope) else []
        nested = ["if", "if", "for", "for", "while"] if scope.depth < 2 else []
        leaving = ["leave", "leave"] if scope.depth else []
        kind = self.pick(*simple, *nested, *leaving)
        return {
            "assign": self.assign, "augment": self.augment, "tuple": self.pair, "assert": self.asserted,
            "store": self.store, "array": self.new_array, "if": self.branch, "for": self.counted,
            "while": self.loop, "leave": self.leave, "perform": self.perform, "receive": self.receive,
        }[kind](scope)  # fmt: skip

    def target(self, scope: Scope) -> str:
        """A word variable, old or new, that counts no loop."""
        known = [w for w in scope.words if w not in scope.counters]
        fresh = next(name for name in "defmpqrtuvwxyz" if name not in scope.words)
        return str(self.pick(*known, fresh))

    def assign(self, scope: Scope) -> Block:
        value, name = self.expression(scope), self.target(scope)
        return [f"{name} = {value}"], scope.with_word(name)

    def augment(self, scope: Scope) -> Block:
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

    def pair(self, scope: Scope) -> Block:
        if scope.arrays and self.draw(st.integers(0, 2)) == 2:
            left, right = self.element(scope), self.element(scope)
            return [f"{left}, {right} = {right}, {left}"], scope
        first, second = self.target(scope), self.target(scope)
        values = f"{self.expression(scope, 1)}, {self.expression(scope, 1)}"
        return [f"{first}, {second} = {values}"], scope.with_word(first).with_word(second)

    def asserted(self, scope: Scope) -> Block:
        return [f"assert {self.condition(scope)}"], scope

    def store(self, scope: Scope) -> Block:
        return [f"{self.element(scope)} = {self.expression(scope)}"], scope

    def new_array(self, scope: Scope) -> Block:
        name = self.pick("us", "vs")
        line = f"{name} = [{self.expression(scope, 1)}] * {self._factor(self.bound(scope))}"
        return [line], scope.with_array(name)

    def arrays_changed(self, scope: Scope) -> list[Callee]:
        """What is worth calling for what it does to arrays."""
        fit = self.callable(scope, *(c.gives for c in self.callees))
        return [c for c in fit if any(p.sort == "array" for p in c.parameters)]

    def perform(self, scope: Scope) -> Block:
        return [self.call(scope, self.pick(*self.arrays_changed(scope)), 1)[0]], scope

    def receive(self, scope: Scope) -> Block:
        callee = self.pick(*self.callable(scope))
        text, passed = self.call(scope, callee, 1)
        name = self.pick("us", "vs") if callee.gives == "new" else passed[callee.gives]
        return [f"{name} = {text}"], scope.with_array(name)

    @staticmethod
    def _factor(text: str) -> str:
        return f"({text})" if " " in text else text

    def leave(self, scope: Scope) -> Block:
        kind = self.pick("return", "break", "continue") if scope.in_loop else "return"
        return [self.returned(scope) if kind == "return" else kind], None

    def returned(self, scope: Scope) -> str:
        match self.gives:
            case "word":
                return f"return {self.expression(scope)}"
            case "array":
                return f"return {self.pick(*scope.arrays)}"
            case "new":
                return f"return {self.pick(*(a for a in scope.arrays if a in NEW_ARRAYS))}"
            case parameter:
                return f"return {parameter}"

    def branch(self, scope: Scope) -> Block:
        lines: list[str] = []
        ways: list[Scope | None] = []
        shape = self.pick(("if",), ("if", "else"), ("if", "elif"), ("if", "elif", "else"))
        for word in shape:
            lines.append("else:" if word == "else" else f"{word} {self.condition(scope)}:")
            body, behind = self.block(scope.inside(), 2)
            lines += [f"    {line}" for line in body]
            ways.append(behind and replace(behind, depth=scope.depth))
        if shape[-1] != "else":
            ways.append(scope)
        now: Scope | None = None
        for way in ways:
            now = way if now is None else now if way is None else now.met(way)
        return lines, now

    def counted(self, scope: Scope) -> Block:
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

    def loop(self, scope: Scope) -> Block:
        """`while`, mostly with a counter that falls; the others go until the budget or a way out."""
        if self.draw(st.integers(0, 4)) == 4:
            body, _ = self.block(scope.inside(loop=True), 3)
            return [f"while {self.condition(scope)}:", *(f"    {line}" for line in body)], scope
        name = next(n for n in ("left", "rest", "more") if n not in scope.counters)
        body, _ = self.block(scope.inside(name, loop=True), 3)
        head = [f"{name} = {self.bound(scope)}", f"while {name} > 0:", f"    {name} -= 1"]
        return [*head, *(f"    {line}" for line in body)], scope.with_word(name)


def holds_difference(side: ast.expr) -> bool:
    """Whether a side of a difference has another one among the sums and products that it is made of."""
    match side:
        case ast.BinOp(left=left, op=operator, right=right):
            if isinstance(operator, ast.Add | ast.Mult):
                return holds_difference(left) or holds_difference(right)
            return isinstance(operator, ast.Sub)
    return False
