"""Writes random programs for contracts to speak of: small, mostly without traps, and full of effects.

A function that is called may write the arrays it is given, and such calls stand wherever the language lets them: in the
conditions of loops and branches, in arguments, indices, operands, bounds. Each loop keeps a place for its contract, and
every function says what it requires; what holds besides is found by `contract_facts` on runs. Called by `contract_runs`
and by whoever asks a prover about contracts.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

from ncl.language.program import Parameter

HEAD = "from ncl import Array, Word, decreases, ensures, invariant, old, permutation, program, requires, result"
MARK = re.compile(r"^( *)# loop (\d+)$")


@dataclass(frozen=True)
class Loop:
    """What is surely assigned at a loop's head, and what its contract says. `variable` is of a `for`."""

    words: tuple[str, ...]
    arrays: tuple[str, ...]
    variable: str = ""
    invariants: tuple[str, ...] = ()
    decreases: str = ""


@dataclass(frozen=True)
class Written:
    """One function. `least` is the length that an array has at least, by `requires` or because it was made so."""

    name: str
    parameters: tuple[Parameter, ...]
    least: dict[str, int]
    fixed: frozenset[str]  # arrays of just that length
    lines: tuple[str, ...]
    loops: tuple[Loop, ...]
    kinds: frozenset[str]
    gives: str = "word"
    writes: frozenset[str] = frozenset()
    requires: tuple[str, ...] = ()
    ensures: tuple[str, ...] = ()
    decreases: str = ""
    callees: tuple[Written, ...] = ()

    @property
    def recursive(self) -> bool:
        return "recursion" in self.kinds

    @property
    def text(self) -> str:
        """A whole file: the functions that are called, then this one."""
        parts = [HEAD, *(one.alone for one in self.callees), f"@program\n{self.alone}"]
        return "\n\n\n".join(parts) + "\n"

    @property
    def alone(self) -> str:
        inner = ", ".join(f"{p.name}: {p.sort.capitalize()}" for p in self.parameters)
        lines = [f"def {self.name}({inner}) -> {self.gives.capitalize()}:"]
        lines += [f"    requires({clause})" for clause in self.requires]
        lines += [f"    ensures({clause})" for clause in self.ensures]
        lines += [f"    decreases({self.decreases})"] * bool(self.decreases)
        for line in self.lines:
            if mark := MARK.match(line):
                loop, margin = self.loops[int(mark[2])], f"    {mark[1]}"
                lines += [f"{margin}invariant({clause})" for clause in loop.invariants]
                lines += [f"{margin}decreases({loop.decreases})"] * bool(loop.decreases)
            else:
                lines.append(f"    {line}")
        return "\n".join(lines)


@dataclass
class _Scope:
    words: list[str]
    arrays: list[str]
    counters: tuple[str, ...] = ()
    depth: int = 0
    looping: bool = False

    def inside(self, *counters: str, looping: bool = False) -> _Scope:
        return _Scope([*self.words, *counters], list(self.arrays), (*self.counters, *counters), self.depth + 1,
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

    def cell(self, scope: _Scope) -> str:
        array = self.pick(*scope.arrays)
        within = [c for c in scope.counters if c in "ij"]
        if within and self.chance.random() < 0.4:
            return f"{array}[{self.chance.choice(within)}]"
        return f"{array}[{self.chance.randrange(max(1, self.least[array]))}]"

    def atom(self, scope: _Scope) -> str:
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

    def fitting(self, scope: _Scope) -> list[Written]:
        if self.calling >= self.most_calls:
            return []
        arrays = len(scope.arrays)
        return [c for c in self.callees if sum(p.sort == "array" for p in c.parameters) <= arrays
                and all(n <= max(self.least[a] for a in scope.arrays) for n in c.least.values())]  # fmt: skip

    def call(self, scope: _Scope, place: str, depth: int = 1) -> str:
        """A call of a function that fits; `place` is where it stands, as the report names it."""
        callee = self.chance.choice(self.fitting(scope))
        self.calling += 1
        self.used[callee.name] = callee
        arguments: list[str] = []
        passed: list[str] = []
        for parameter in callee.parameters:
            if parameter.sort == "array":
                free = [a for a in scope.arrays if a not in passed]
                fit = [a for a in free if self.least[a] >= callee.least[parameter.name]] or free
                passed.append(self.chance.choice(fit))
                arguments.append(passed[-1])
                if parameter.name in callee.writes:
                    self.writes.add(passed[-1])
            elif self.fitting(scope) and depth and self.chance.random() < 0.6:
                arguments.append(self.call(scope, "arguments", depth - 1))
            else:
                arguments.append(self.atom(scope) if self.chance.random() < 0.8 else self.expression(scope, 1))
        if callee.writes:
            self.kinds.add(f"effects in {place}")
        self.kinds.add("calls")
        self.kinds |= callee.kinds & {"recursion", "loop"}
        return f"{callee.name}({', '.join(arguments)})"

    def expression(self, scope: _Scope, depth: int = 2, place: str = "operands") -> str:
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

    def operand(self, scope: _Scope, depth: int) -> str:
        text = self.expression(scope, depth)
        return f"({text})" if " " in re.sub(r"\([^()]*\)", "", text) else text

    def condition(self, scope: _Scope, effects: float = 0.5) -> str:
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
            return f"{call} {self.pick('<', '<', '==', '!=', '>')} {self.pick(self.literal(), self.atom(scope))}"
        return f"{self.atom(scope)} {self.pick('<', '<', '==', '!=', '>')} {self.atom(scope)}"

    # --- statements

    def block(self, scope: _Scope, most: int) -> list[str]:
        lines: list[str] = []
        for _ in range(self.chance.randint(1, most)):
            self.calling = 0
            lines += self.statement(scope)
            if re.match(r"return|break|continue", lines[-1]):
                break
        return lines

    def statement(self, scope: _Scope) -> list[str]:
        kinds = ["assign"] * 3 + ["store"] * 3 * bool(scope.arrays) + ["pair"]
        kinds += ["if", "if"] + (["while", "for"] if scope.depth < 2 and not self.straight else []) + ["leave"] * bool(scope.depth)
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

    def assign(self, scope: _Scope) -> str:
        own = [w for w in scope.words if w not in scope.counters]
        if own and self.chance.random() < 0.3:
            return f"{self.pick(*own)} {self.pick('+', '-')}= {self.expression(scope, 1)}"
        value = self.expression(scope, 2)
        name = self.pick("u", "v", *own)
        if name not in scope.words:
            scope.words.append(name)
        return f"{name} = {value}"

    def store(self, scope: _Scope) -> str:
        target = self.cell(scope)
        array = target.split("[")[0]
        self.writes.add(array)
        if self.fitting(scope) and self.chance.random() < 0.25:
            target = f"{array}[{self.call(scope, 'indices')}{self.pick('', f' % len({array})')}]"
        if self.chance.random() < 0.5:
            return f"{target} {self.pick('+', '+', '-')}= {self.expression(scope, 1)}"
        return f"{target} = {self.expression(scope, 2)}"

    def pair(self, scope: _Scope) -> str:
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

    def make(self, scope: _Scope) -> str:
        size = self.chance.randint(1, 2)
        self.least["us"] = size
        fill = self.expression(scope, 1)
        if "us" not in scope.arrays:
            scope.arrays.append("us")
        self.kinds.add("new arrays")
        return f"us = [{fill}] * {size}"

    def branch(self, scope: _Scope) -> list[str]:
        head = [f"if {self.condition(scope)}:"]
        then = self.block(scope.inside(), 2)
        lines = head + indented(then)
        if self.chance.random() < 0.3:
            lines += ["else:", *indented(self.block(scope.inside(), 2))]
        if any(re.match(r"return|break|continue", line.strip()) for line in lines):
            self.kinds.add("early ends")
        if lines[-1].strip() and all(_leaves(part) for part in _ways(lines)):
            lines = lines[: len(head) + len(then)]
        return lines

    def leave(self, scope: _Scope) -> str:
        self.kinds.add("early ends")
        if scope.looping and self.chance.random() < 0.7:
            return self.pick("break", "continue")
        return self.returned(scope)

    def returned(self, scope: _Scope) -> str:
        return f"return {self.expression(scope, 2)}"

    def _loop(self, scope: _Scope, variable: str = "") -> str:
        self.kinds.add("nested loops" if scope.looping else "loop")
        self.loops.append(Loop(tuple(scope.words), tuple(scope.arrays), variable))
        return f"    # loop {len(self.loops) - 1}"

    def while_loop(self, scope: _Scope, counter: str | None = None) -> list[str]:
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
        body = [] if counter and self.chance.random() < 0.6 else self.moving(inner)
        lines = ahead + body if self.chance.random() < 0.5 else body + ahead
        if any(_leaves([line]) for line in lines[:-1]):
            lines = ahead + body
        return [*before, f"while {condition}:", mark, *indented(lines)]

    def moving(self, scope: _Scope) -> list[str]:
        """A body that changes an array by a step, or any."""
        if scope.arrays and self.chance.random() < 0.6:
            target = self.cell(scope)
            self.writes.add(target.split("[")[0])
            return [f"{target} {self.pick('-= 1', '-= 1', '+= 1', '= 0', '= 1')}"]
        return self.block(scope, 2)

    def for_loop(self, scope: _Scope) -> list[str]:
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

    def counted(self, scope: _Scope) -> list[str]:
        own = [w for w in scope.words if w not in scope.counters]
        if own and self.chance.random() < 0.4:
            value = self.cell(scope) if scope.arrays and self.chance.random() < 0.6 else self.literal()
            return [f"{self.pick(*own)} += {value}"]
        return self.block(scope, 2)


def _leaves(lines: list[str]) -> bool:
    return bool(re.match(r"return|break|continue", lines[-1].strip())) if lines else False


def _ways(lines: list[str]) -> list[list[str]]:
    """The bodies of an if and an else."""
    if "else:" not in lines:
        return [lines, []]
    at = lines.index("else:")
    return [lines[:at], lines[at + 1 :]]


def _marked(lines: list[str], loops: list[Loop]) -> tuple[tuple[str, ...], tuple[Loop, ...]]:
    """Lines and the loops that are left in them, numbered in the order of the text."""
    kept: list[Loop] = []
    numbered: list[str] = []
    for line in lines:
        if mark := MARK.match(line):
            line = f"{mark[1]}# loop {len(kept)}"
            kept.append(loops[int(mark[2])])
        numbered.append(line)
    return tuple(numbered), tuple(kept)


def indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


# --- whole functions -------------------------------------------------------------------------------------------------


def callee(chance: random.Random, name: str) -> Written:
    """A small function that is called: it writes an array, reads one, or calls itself."""
    least = {"xs": chance.choice((1, 1, 1, 2))}
    fixed = frozenset({"xs"} if chance.random() < 0.6 else ())
    parameters = [Parameter("xs", "array")]
    kind = chance.choice(("bump", "bump", "bump", "set", "take", "read", "read", "swap", "recursion", "loop", "any"))
    if kind in ("read", "recursion") or chance.random() < 0.25:
        parameters.insert(chance.choice((0, 1)) if kind != "recursion" else 0, Parameter("n", "word"))
    words = [p.name for p in parameters if p.sort == "word"]
    writer = Writer(chance, (), dict(least))
    scope = _Scope(words, ["xs"])
    requires = [f"len(xs) {'==' if 'xs' in fixed else '>='} {least['xs']}"]
    lines = _callee_lines(chance, kind, name, writer, scope, requires)
    shuffled = [p.name for p in parameters]
    return Written(
        name, tuple(parameters), least, fixed, *_marked(lines, writer.loops),
        frozenset(writer.kinds | ({"recursion"} if kind == "recursion" else set())), "word",
        frozenset(writer.writes), tuple(requires), decreases="n" if kind == "recursion" and "n" in shuffled else "",
    )  # fmt: skip


def _callee_lines(
    chance: random.Random, kind: str, name: str, writer: Writer, scope: _Scope, requires: list[str]
) -> list[str]:
    cell, step = f"xs[{chance.randrange(writer.least['xs'])}]", chance.choice(("1", "1", "1", "2"))
    gives = chance.choice((cell, cell, cell, "0", "1", f"{cell} < 3", *scope.words))
    match kind:
        case "bump":
            writer.writes.add("xs")
            rises = chance.random() < 0.7
            if chance.random() < 0.7:
                requires.append(f"{cell} < ~{int(step) - 1}" if rises else f"{cell} >= {step}")
            return [f"{cell} {'+' if rises else '-'}= {step}", f"return {gives}"]
        case "set":
            writer.writes.add("xs")
            return [f"{cell} = {writer.expression(scope, 1)}", f"return {gives}"]
        case "take":
            writer.writes.add("xs")
            return [f"if {cell} > 0:", f"    {cell} -= 1", f"    return {chance.choice(('1', cell))}", "return 0"]
        case "swap":
            writer.writes.add("xs")
            return [f"{cell}, xs[{writer.least['xs'] - 1}] = xs[{writer.least['xs'] - 1}], {cell}", f"return {gives}"]
        case "recursion":
            inner = [f"{cell} {chance.choice(('+= 1', '-= 1', '= n', '= 0'))}"] if chance.random() < 0.7 else []
            if inner:
                writer.writes.add("xs")
            more = chance.choice(("", " + 1", f" + {cell}"))
            return ["if n == 0:", f"    return {gives}", *inner, f"return {name}(n - 1, xs){more}"]
        case "loop":
            return [*writer.for_loop(scope), f"return {gives}"]
        case "any":
            return [*writer.block(scope, 2), f"return {gives}"]
    return [f"return {writer.expression(scope, 2)}"]


SHAPES = ("straight", "spread", "head", "moving", "any")


def entry(chance: random.Random, pool: tuple[Written, ...], shape: str = "any") -> Written:
    """A program that calls some of the pool. `shape`: straight has no loop, spread requires something of all elements,
    head has a loop whose condition calls, moving one whose body moves what its condition moves, any is anything."""
    parameters, requires, least, fixed, positive = _given(chance, shape)
    words = [p.name for p in parameters if p.sort == "word"]
    arrays = [p.name for p in parameters if p.sort == "array"]
    chosen = _some(chance, pool, shape)
    writer = Writer(chance, chosen, dict(least), positive, straight=shape in ("straight", "spread"))
    if shape == "spread" or (shape == "any" and chance.random() < 0.15):
        requires.append(_spread(chance, arrays, words, positive))
        writer.kinds.add("quantified requires")
    lines, scope = _lines(chance, writer, words, arrays, shape)
    gives = "array" if chance.random() < 0.12 else "word"
    writer.calling = 0
    last = f"return {chance.choice(arrays)}" if gives == "array" else writer.returned(scope)
    lines = [re.sub(r"\breturn .*", last, line) if gives == "array" else line for line in lines]
    kinds = writer.kinds | ({"several arrays"} if len(arrays) > 1 else set())
    return Written(
        "f", parameters, least, fixed, *_marked([*lines, last], writer.loops), frozenset(kinds), gives,
        frozenset(writer.writes), tuple(requires), callees=tuple(writer.used.values()),
    )  # fmt: skip


def _given(
    chance: random.Random, shape: str
) -> tuple[tuple[Parameter, ...], list[str], dict[str, int], frozenset[str], tuple[str, ...]]:
    """Parameters, what is required of each, lengths of arrays, and words that are not 0."""
    spread = shape == "spread"
    arrays = ["xs", "ys"] if chance.random() < (0.75 if spread else 0.25) else ["xs"]
    words = [w for w in "kd" if chance.random() < (0.9 if spread and w == "d" else 0.15 if spread else 0.3)]
    least = {a: chance.choice((2, 2, 2, 1) if spread else (1, 1, 2)) for a in arrays}
    if len(arrays) == 2 and chance.random() < 0.7:
        least["ys"] = least["xs"]
    fixed = frozenset(a for a in arrays if chance.random() < 0.85)
    positive = ("d",) if "d" in words and chance.random() < 0.85 else ()
    requires = [f"len({a}) {'==' if a in fixed else '>='} {least[a]}" for a in arrays]
    requires += [f"d > {chance.choice((0, 0, 1))}"] if positive else []
    if not spread:
        bounds = ("== 0", "== 0", "< 3", "< ~0", "< ~1", "> 0", "< 2")
        requires += [f"{a}[0] {chance.choice(bounds)}" for a in arrays if chance.random() < 0.55]
    parameters = (*(Parameter(a, "array") for a in arrays), *(Parameter(w, "word") for w in words))
    return parameters, requires, least, fixed, positive


def _lines(
    chance: random.Random, writer: Writer, words: list[str], arrays: list[str], shape: str
) -> tuple[list[str], _Scope]:
    scope = _Scope(list(words), list(arrays))
    match shape:
        case "straight" | "spread":
            lines = writer.block(scope, 2) if chance.random() < (0.75 if shape == "straight" else 0.4) else []
        case "head" | "moving":
            before = [writer.assign(scope)] if chance.random() < 0.2 else []
            lines = [*before, *writer.while_loop(scope, "n" if shape == "head" else "")]
        case _:
            lines = writer.block(scope, 3)
    return (lines, scope) if not _leaves(lines[-1:]) else _lines(chance, writer, words, arrays, shape)


def _some(chance: random.Random, pool: tuple[Written, ...], shape: str) -> tuple[Written, ...]:
    """A few of the pool; a loop that calls needs one that writes."""
    few = chance.choice((0, 1, 1, 2) if shape == "spread" else (1, 2, 2, 3))
    chosen = chance.sample(pool, min(few, len(pool)))
    writing = [one for one in pool if one.writes and one not in chosen]
    if shape in ("head", "moving") and writing and not any(one.writes for one in chosen):
        chosen.append(chance.choice(writing))
    return tuple(chosen)


def _spread(chance: random.Random, arrays: list[str], words: list[str], positive: tuple[str, ...]) -> str:
    """Something that is required of every element, or of a sum of them."""
    a, b = chance.choice(arrays), chance.choice(arrays)
    low = chance.choice(("0", "1", "1", "2", *words))
    chosen = chance.choice((
        f"max({a}[p], {low})", f"min({a}[p], {low})", f"({a}[p] if {a}[p] > {low} else {low})", f"{a}[p]",
        f"({a}[p] if p > 0 else {low})",
    ))  # fmt: skip
    divisor = chance.choice(("2", "3", *positive * 8))
    value = f"{chosen} {chance.choice(('%', '%', '//'))} {divisor}"
    if chance.random() < 0.25:
        return f"sum({value} for p in range(len({a}))) == {chance.choice(('1', '1', '2', '3', *words))}"
    other = f"{b}[p]" if b != a or chance.random() < 0.4 else chance.choice(("0", "1", *words))
    reach = f"len({a})" if a == b or "[p]" not in other else f"min(len({a}), len({b}))"
    return f"{value} {chance.choice(('==', '==', '==', '<='))} {other} for p in range({reach})"
