"""Writes the body of a random function: small, mostly without traps, and full of effects.

Calls of functions that write arrays stand wherever the language lets them: in the conditions of loops and branches, in
arguments, indices, operands, bounds. Each loop keeps a place for its contract. Called by `contract_programs`.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

from ncl.properties.contract_text import Loop, Written


@dataclass
class Scope:
    """Words and arrays that are surely assigned; counters are never assigned by the body they count."""

    words: list[str]
    arrays: list[str]
    counters: tuple[str, ...] = ()
    depth: int = 0
    looping: bool = False

    def inside(self, *counters: str, looping: bool = False) -> Scope:
        return Scope([*self.words, *counters], list(self.arrays), (*self.counters, *counters), self.depth + 1,
                      looping or self.looping)  # fmt: skip


@dataclass
class Writer:
    """Writes the body of one function. Lines of the body come out; `loops` and `kinds` fill up."""

    chance: random.Random
    callees: tuple[Written, ...]
    least: dict[str, int]
    positive: tuple[str, ...] = ()  # words that are surely not 0
    loops: list[Loop] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)
    used: dict[str, Written] = field(default_factory=dict)
    writes: set[str] = field(default_factory=set)
    straight: bool = False  # no loops
    calling: int = 0  # calls in the expression being written
    most_calls: int = 2

    # --- expressions

    def pick(self, *choices: str) -> str:
        return self.chance.choice(choices)

    def literal(self) -> str:
        return str(self.chance.choice((0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 5)))

    def cell(self, scope: Scope) -> str:
        array = self.pick(*scope.arrays)
        within = [c for c in scope.counters if c in "ij"]
        if within and self.chance.random() < 0.4:
            return f"{array}[{self.chance.choice(within)}]"
        return f"{array}[{self.chance.randrange(max(1, self.least[array]))}]"

    def atom(self, scope: Scope) -> str:
        kinds = ["literal"] + ["word"] * 3 * bool(scope.words) + ["cell"] * 3 * bool(scope.arrays)
        kinds += ["length"] * bool(scope.arrays)
        match self.pick(*kinds):
            case "literal":
                return self.literal()
            case "word":
                return self.pick(*scope.words)
            case "length":
                return f"len({self.pick(*scope.arrays)})"
        return self.cell(scope)

    def fitting(self, scope: Scope) -> list[Written]:
        if self.calling >= self.most_calls:
            return []
        arrays = len(scope.arrays)
        return [c for c in self.callees if sum(p.sort == "array" for p in c.parameters) <= arrays
                and all(n <= max(self.least[a] for a in scope.arrays) for n in c.least.values())]  # fmt: skip

    def nested(self, scope: Scope) -> str:
        """A call with another among its arguments that writes arrays; any expression where none fit."""
        fit = self.fitting(scope)
        outer = [one for one in fit if any(p.sort == "word" for p in one.parameters)]
        inner = [one for one in fit if one.writes]
        if not outer or not inner:
            return self.expression(scope, 2)
        return self.call(scope, "operands", 1, self.chance.choice(outer), self.chance.choice(inner))

    def call(
        self, scope: Scope, place: str, depth: int = 1, callee: Written | None = None, inner: Written | None = None
    ) -> str:
        """A call of a function that fits; `place` is where it stands, as the report names it. `inner` is called for
        its words."""
        if callee is None:
            fit = self.fitting(scope)
            writing = [one for one in fit if one.writes] if place != "operands" and self.chance.random() < 0.7 else []
            callee = self.chance.choice(writing or fit)
        self.calling += 1
        self.used[callee.name] = callee
        arguments: list[str] = []
        passed: list[str] = []
        for parameter in callee.parameters:
            if parameter.sort == "array":
                free = [a for a in scope.arrays if a not in passed]
                long = [a for a in free if self.least[a] >= callee.least[parameter.name]]
                passed.append(self.chance.choice(long or free))
                arguments.append(passed[-1])
                if parameter.name in callee.writes:
                    self.writes.add(passed[-1])
            elif inner is not None:
                arguments.append(self.call(scope, "arguments", 0, inner))
            elif self.fitting(scope) and depth and self.chance.random() < 0.75:
                arguments.append(self.call(scope, "arguments", depth - 1))
            else:
                arguments.append(self.atom(scope) if self.chance.random() < 0.8 else self.expression(scope, 1))
        if callee.writes:
            self.kinds.add(f"effects in {place}")
        self.kinds.add("calls")
        self.kinds |= callee.kinds & {"recursion", "loop"}
        return f"{callee.name}({', '.join(arguments)})"

    def expression(self, scope: Scope, depth: int = 2, place: str = "operands") -> str:
        if not depth:
            return self.atom(scope)
        kinds = ["atom"] * 3 + ["sum"] * 3 + ["divide", "choice", "least", "compare"]
        kinds += ["call"] * 4 if self.fitting(scope) else []
        match self.pick(*kinds):
            case "call":
                return self.call(scope, place)
            case "sum":
                left, right = self.operand(scope, depth - 1), self.operand(scope, depth - 1)
                return f"{left} {self.pick('+', '+', '-')} {right}"
            case "divide":
                divisor = self.pick("2", "3", *self.positive, *self.positive)
                return f"{self.operand(scope, depth - 1)} {self.pick('//', '%')} {divisor}"
            case "choice":
                condition = f"{self.atom(scope)} {self.pick('<', '==', '>')} {self.atom(scope)}"
                return f"{self.operand(scope, depth - 1)} if {condition} else {self.operand(scope, depth - 1)}"
            case "least":
                return f"{self.pick('min', 'max')}({self.expression(scope, depth - 1)}, {self.atom(scope)})"
            case "compare":
                return f"{self.operand(scope, depth - 1)} {self.pick('<', '<=', '==', '!=')} {self.atom(scope)}"
        return self.atom(scope)

    def operand(self, scope: Scope, depth: int) -> str:
        text = self.expression(scope, depth)
        return f"({text})" if " " in re.sub(r"\([^()]*\)", "", text) else text

    def condition(self, scope: Scope, effects: float = 0.5) -> str:
        if self.fitting(scope) and self.chance.random() < effects:
            call = self.call(scope, "conditions")
            match self.pick("alone", "compare", "compare", "compare", "chain", "both", "not"):
                case "alone":
                    return call
                case "not":
                    return f"not {call}"
                case "chain":
                    return f"{call} <= {self.atom(scope)} < {self.literal()}"
                case "both":
                    return f"{call} < {self.literal()} and {self.atom(scope)} < {self.literal()}"
            bound = self.pick("2", "3", self.literal(), self.atom(scope))
            return f"{call} {self.pick('<', '<', '<', '==', '!=', '>')} {bound}"
        return f"{self.atom(scope)} {self.pick('<', '<', '==', '!=', '>')} {self.atom(scope)}"

    # --- statements

    def block(self, scope: Scope, most: int) -> list[str]:
        lines: list[str] = []
        for _ in range(self.chance.randint(1, most)):
            self.calling = 0
            lines += self.statement(scope)
            if re.match(r"return|break|continue", lines[-1]):
                break
        return lines

    def statement(self, scope: Scope) -> list[str]:
        kinds = ["assign"] * 3 + ["store"] * 3 * bool(scope.arrays) + ["pair"]
        kinds += (
            ["if", "if"]
            + (["while", "for"] if scope.depth < 2 and not self.straight else [])
            + ["leave"] * bool(scope.depth)
        )
        kinds += ["perform"] * 2 * bool(self.fitting(scope)) + ["make"] * (scope.depth == 0)
        match self.pick(*kinds):
            case "store":
                return [self.store(scope)]
            case "pair":
                return [self.pair(scope)]
            case "if":
                return self.branch(scope)
            case "while":
                return self.while_loop(scope)
            case "for":
                return self.for_loop(scope)
            case "leave":
                return [self.leave(scope)]
            case "perform":
                return [self.call(scope, "statements")]
            case "make":
                return [self.make(scope)]
        return [self.assign(scope)]

    def assign(self, scope: Scope) -> str:
        own = [w for w in scope.words if w not in scope.counters]
        if own and self.chance.random() < 0.3:
            return f"{self.pick(*own)} {self.pick('+', '-')}= {self.expression(scope, 1)}"
        value = self.expression(scope, 2)
        name = self.pick("u", "v", *own)
        if name not in scope.words:
            scope.words.append(name)
        return f"{name} = {value}"

    def store(self, scope: Scope) -> str:
        target = self.cell(scope)
        array = target.split("[")[0]
        self.writes.add(array)
        if self.fitting(scope) and self.chance.random() < 0.25:
            target = f"{array}[{self.call(scope, 'indices')}{self.pick('', f' % len({array})')}]"
        if self.chance.random() < 0.5:
            return f"{target} {self.pick('+', '+', '-')}= {self.expression(scope, 1)}"
        return f"{target} = {self.expression(scope, 2)}"

    def pair(self, scope: Scope) -> str:
        if not scope.arrays or self.chance.random() < 0.3:
            first, second = self.pick("u", *scope.words), self.expression(scope, 1)
            if first in scope.counters:
                return self.assign(scope)
            value = self.expression(scope, 1)
            scope.words += [w for w in (first, "v") if w not in scope.words]
            return f"{first}, v = {value}, {second}" if first != "v" else f"v = {value}"
        left, right = self.cell(scope), self.cell(scope)
        self.writes |= {left.split("[")[0], right.split("[")[0]}
        return f"{left}, {right} = {right}, {left if self.chance.random() < 0.7 else self.expression(scope, 1)}"

    def make(self, scope: Scope) -> str:
        size = self.chance.randint(1, 2)
        self.least["us"] = size
        fill = self.expression(scope, 1)
        if "us" not in scope.arrays:
            scope.arrays.append("us")
        self.kinds.add("new arrays")
        return f"us = [{fill}] * {size}"

    def branch(self, scope: Scope) -> list[str]:
        head = [f"if {self.condition(scope)}:"]
        then = self.block(scope.inside(), 2)
        lines = head + indented(then)
        if self.chance.random() < 0.3:
            lines += ["else:", *indented(self.block(scope.inside(), 2))]
        if any(re.match(r"return|break|continue", line.strip()) for line in lines):
            self.kinds.add("early ends")
        if lines[-1].strip() and all(leaves(part) for part in ways(lines)):
            lines = lines[: len(head) + len(then)]
        return lines

    def leave(self, scope: Scope) -> str:
        self.kinds.add("early ends")
        if scope.looping and self.chance.random() < 0.7:
            return self.pick("break", "continue")
        return self.returned(scope)

    def returned(self, scope: Scope) -> str:
        return f"return {self.expression(scope, 2)}"

    def _loop(self, scope: Scope, variable: str = "") -> str:
        self.kinds.add("nested loops" if scope.looping else "loop")
        self.loops.append(Loop(tuple(scope.words), tuple(scope.arrays), variable))
        return f"    # loop {len(self.loops) - 1}"

    def while_loop(self, scope: Scope, counter: str | None = None) -> list[str]:
        """With a counter or without; what its condition or its body moves may be what should fall."""
        self.calling = 0
        wanted = counter
        counter = wanted if wanted is not None else self.pick("n", "m", "") if scope.depth == 0 else ""
        before: list[str] = []
        ahead: list[str] = []
        if counter and counter not in scope.counters:
            start = self.pick("0", "0", self.atom(scope))
            up = start == "0" or self.chance.random() < 0.5
            before = [f"{counter} = {start}"]
            if counter not in scope.words:
                scope.words.append(counter)
            ahead = [f"{counter} {'+' if up else '-'}= 1"]
            bounded = f"{counter} < {self.pick(self.literal(), self.atom(scope))}" if up else f"{counter} > 0"
            calls = self.chance.random() < (0.9 if wanted else 0.45)
            condition = self.condition(scope, 0.9) if calls else bounded
        else:
            counter, condition = "", self.condition(scope, 0.9)
        mark = self._loop(scope)
        inner = scope.inside(*([counter] if counter else []), looping=True)
        inner.words = list(dict.fromkeys(inner.words))
        body = [] if counter and self.chance.random() < 0.7 else self.moving(inner)
        lines = ahead + body if self.chance.random() < 0.5 else body + ahead
        if any(leaves([line]) for line in lines[:-1]):
            lines = ahead + body
        return [*before, f"while {condition}:", mark, *indented(lines)]

    def moving(self, scope: Scope) -> list[str]:
        """A body that changes an array by a step, or any."""
        if scope.arrays and self.chance.random() < 0.6:
            target = self.cell(scope)
            self.writes.add(target.split("[")[0])
            return [f"{target} {self.pick('-= 1', '-= 1', '+= 1', '= 0', '= 1')}"]
        return self.block(scope, 2)

    def for_loop(self, scope: Scope) -> list[str]:
        self.calling = 0
        name = "i" if "i" not in scope.counters else "j"
        bound = self.pick(self.literal(), *(f"len({a})" for a in scope.arrays), *(f"len({a})" for a in scope.arrays))
        if self.fitting(scope) and self.chance.random() < 0.2:
            bound = self.call(scope, "bounds")
        elif self.chance.random() < 0.15 and scope.words:
            bound = self.pick(*scope.words)
        mark = self._loop(scope, name)
        inner = scope.inside(name, looping=True)
        down = bound.startswith("len(") and self.chance.random() < 0.25
        limits = f"{bound} - 1, -1, -1" if down else bound
        return [f"for {name} in range({limits}):", mark, *indented(self.counted(inner))]

    def counted(self, scope: Scope) -> list[str]:
        own = [w for w in scope.words if w not in scope.counters]
        if own and self.chance.random() < 0.4:
            value = self.cell(scope) if scope.arrays and self.chance.random() < 0.6 else self.literal()
            return [f"{self.pick(*own)} += {value}"]
        return self.block(scope, 2)


def leaves(lines: list[str]) -> bool:
    return bool(re.match(r"return|break|continue", lines[-1].strip())) if lines else False


def ways(lines: list[str]) -> list[list[str]]:
    """The bodies of an if and an else."""
    if "else:" not in lines:
        return [lines, []]
    at = lines.index("else:")
    return [lines[:at], lines[at + 1 :]]


def indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]
