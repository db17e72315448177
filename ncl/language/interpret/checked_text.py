"""A program and its contracts as the text of Python functions: `checked` compiles it.

Names of the text are its own (w0, a0, …), so nothing of the source stands in it but operators and numbers. What it does
is what the closures of `source` do, in the same order; exceptions say how a run ended, without a place.
"""

from __future__ import annotations

from ncl.language.contracts import Clause, LoopContract, Measure
from ncl.language.interpret.checked_clauses import Clauses
from ncl.language.interpret.source_run import Mark
from ncl.language.program import Position
from ncl.language.syntax import (
    Assert,
    Assign,
    Augment,
    Binary,
    Break,
    Builtin,
    Call,
    Chain,
    Conditional,
    Continue,
    Element,
    Expression,
    For,
    Function,
    If,
    Length,
    Logical,
    NewArray,
    Number,
    Perform,
    Receive,
    Return,
    Statement,
    Unary,
    Variable,
    While,
)  # fmt: skip
from ncl.language.walks import circle, everything


def text_of(function: Function) -> tuple[str, tuple[Mark, ...]]:
    """The text, in which f0 is the function, and the contracts that its runs may come to, by their numbers.

    It needs the names of `checked_names.names_for`.
    """
    numbers = {name: n for n, name in enumerate(function.program)}
    marks: list[Mark] = []
    lines: list[str] = []
    for one in function.program.values():
        lines += _Writer(one, function.program, numbers, marks).whole()
    return "\n".join(lines) + "\n", tuple(marks)


class _Writer:
    """Writes one function."""

    def __init__(
        self, function: Function, program: dict[str, Function], numbers: dict[str, int], marks: list[Mark]
    ) -> None:
        self.function, self.program, self.numbers, self.marks = function, program, numbers, marks
        self.words: dict[str, str] = {}
        self.arrays: dict[str, str] = {}
        self.loops = 0
        self.lines: list[str] = []
        self.depth = 1

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def word_name(self, name: str) -> str:
        return self.words.setdefault(name, f"w{len(self.words)}")

    def array_name(self, name: str) -> str:
        return self.arrays.setdefault(name, f"a{len(self.arrays)}")

    # --- functions

    def whole(self) -> list[str]:
        one, number = self.function, self.numbers[self.function.name]
        named = [
            self.array_name(p.name) if p.sort == "array" else self.word_name(p.name) for p in one.signature.parameters
        ]
        self.entry_words = {p.name: f"o{n}" for n, p in enumerate(one.signature.parameters) if p.sort == "word"}
        self.entry_arrays = {p.name: f"p{n}" for n, p in enumerate(one.signature.parameters) if p.sort == "array"}
        self.lines.append(f"def f{number}({', '.join(named)}):")
        if one.contract or any(isinstance(s, While | For) and s.contract for s in everything(one.body)):
            self.opening()
        self.block(one.body)
        self.line("raise Broken")
        return self.lines

    def opening(self) -> None:
        """Arguments are kept as passed, `requires` holds, and the measure falls from call to call."""
        contract = self.function.contract
        for name, kept in self.entry_words.items():
            self.line(f"{kept} = {self.words[name]}")
        for name, kept in self.entry_arrays.items():
            self.line(f"{kept} = {self.arrays[name]}[:]")
        self.demand(contract.requires, "Unmet if S[1] == D else Broken")
        if contract:
            self.mark("requires", self.function.position)
        if contract.decreases:
            others = sorted(self.numbers[name] for name in circle(self.function.name, self.program))
            self.line("outer = S[4]")
            self.line(f"now = {self.measure(contract.decreases, self.clauses())}")
            self.line(f"if outer and outer[0] in {tuple(others)} and not falls(now, outer[1]): raise Broken")
            self.line(f"S[4] = ({self.numbers[self.function.name]}, now)")

    def clauses(self, result: bool = False, following: tuple[str, str] | None = None, signed: bool = False) -> Clauses:
        words = {(name, "now"): text for name, text in self.words.items()}
        words |= {(name, "old"): text for name, text in self.entry_words.items()}
        arrays = {(name, "now"): text for name, text in self.arrays.items()}
        arrays |= {(name, "old"): text for name, text in self.entry_arrays.items()}
        if following:
            words[following[0], "now"] = following[1]
        if result:
            words["", "result"] = arrays["", "result"] = "r"
        below = frozenset([following[0]]) if following and signed else frozenset[str]()
        return Clauses(words, arrays, below)

    def demand(self, clauses: tuple[Clause, ...], fault: str = "Broken", terms: Clauses | None = None) -> None:
        for clause in clauses:
            text = (terms or self.clauses()).number(clause.expression)
            if " if " in fault:
                # Where it has no meaning it does not hold either, and outside of calls that is the caller's fault.
                self.line(f"try: kept = {text}")
                self.line("except (IndexError, Broken): kept = 0")
                self.line(f"if not kept: raise ({fault})")
            else:
                self.line(f"if not {text}: raise {fault}")

    def measure(self, measure: Measure, terms: Clauses) -> str:
        return f"({', '.join(map(terms.number, measure.numbers))},)"

    def mark(self, what: str, place: Position) -> None:
        self.line(f"if not seen[{len(self.marks)}]: mark({len(self.marks)})")
        self.marks.append(Mark(what, self.function.name, place))

    # --- statements

    def block(self, body: tuple[Statement, ...]) -> None:
        for statement in body:
            self.statement(statement)
        if not body:
            self.line("pass")

    def statement(self, statement: Statement) -> None:
        match statement:
            case Assign(targets=targets, values=values):
                given = ", ".join(map(self.word, values))
                self.line(f"{', '.join(self.target(t) for t in targets)} = {given}")
            case Augment():
                self.augment(statement)
            case NewArray(target=name, fill=fill, count=count):
                made = f"new({self.word(fill)}, {self.word(count)})"
                self.line(f"{self.array_name(name)} = {made}")
            case Receive(target=name, call=call):
                given = self.call(call)
                self.line(f"{self.array_name(name)} = {given}")
            case Perform(call=call):
                self.line(self.call(call))
            case If(condition=condition, then=then, otherwise=otherwise):
                self.line(f"if {self.word(condition)}:")
                self.inside(then)
                if otherwise:
                    self.line("else:")
                    self.inside(otherwise)
            case While():
                self.while_loop(statement)
            case For():
                self.for_loop(statement)
            case Break():
                self.line("break")
            case Continue():
                self.line("continue")
            case Assert(condition=condition):
                self.line(f"if not {self.word(condition)}: raise AssertionError")
            case Return(value=value):
                self.returned(value)

    def inside(self, body: tuple[Statement, ...]) -> None:
        self.depth += 1
        self.block(body)
        self.depth -= 1

    def target(self, target: Variable | Element) -> str:
        if isinstance(target, Variable):
            return self.word_name(target.name)
        return f"{self.array_name(target.array)}[{self.word(target.index)}]"

    def augment(self, statement: Augment) -> None:
        target, value = statement.target, self.word(statement.value)
        if isinstance(target, Element):
            # The index is evaluated once, the old element is read before the value.
            self.line(f"i = {self.word(target.index)}")
            place = f"{self.array_name(target.array)}[i]"
            self.line(f"x = {place}")
            self.line(f"y = {value}")
            self.line(f"{place} = {self.operate(statement.operator, 'x', 'y')}")
        else:
            name = self.word_name(target.name)
            self.line(f"{name} = {self.operate(statement.operator, name, value)}")

    def returned(self, value: Expression | str) -> None:
        self.line(f"r = {self.array_name(value) if isinstance(value, str) else self.word(value)}")
        contract = self.function.contract
        if contract:
            self.demand(contract.ensures, "Unensured", self.clauses(result=True))
        if contract.decreases:
            self.line("S[4] = outer")
        self.line("return r")

    # --- loops

    def while_loop(self, statement: While) -> None:
        self.line(f"e{self.loops} = None")
        number = self._begin(statement.contract)
        self._head(statement, statement.contract, number, self.clauses())
        self.line(f"if S[0] < S[6]: e{number} = again(e{number}, locals())")
        self.line(f"if not {self.word(statement.condition)}: break")
        self._round(statement, number)

    def for_loop(self, statement: For) -> None:
        number, name, falling = self.loops, self.word_name(statement.variable), statement.falling
        following, left = f"n{number}", f"l{number}"
        if statement.to_zero:
            self.line(f"{following} = {self.start_to_zero(statement)}")
            self.line(f"{left} = {following} // {falling} + 1 if {following} >= 0 else 0")
        elif falling is not None:
            assert statement.stop is not None
            self.line(f"{following} = {self.word(statement.start)}")
            self.line(f"{left} = {self.word(statement.stop)}")
            self.line(f"{left} = ({following} - {left} - 1) // {falling} + 1 if {following} > {left} else 0")
        else:
            assert statement.stop is not None
            ends = f"{self.word(statement.start)}, {self.word(statement.stop)}, {self.word(statement.step)}"
            self.line(f"{following}, {left}, s{number} = {ends}")
            self.line(f"{following}, {left} = rounds({following}, {left}, s{number})")
        self._begin(statement.contract)
        terms = self.clauses(following=(statement.variable, following), signed=falling is not None)
        self._head(statement, statement.contract, number, terms)
        self.line(f"if not {left}: break")
        self.line(f"{name} = {following}")
        self.line(f"{following} {'-' if falling is not None else '+'}= {falling or f's{number}'}")
        self.line(f"{left} -= 1")
        self._round(statement, number)

    def start_to_zero(self, statement: For) -> str:
        """As Python has it: a difference may lie below 0."""
        difference = statement.difference
        if difference is None:
            return self.word(statement.start)
        return f"{self.word(difference.left)} - {self.word(difference.right)}"

    def _begin(self, contract: LoopContract) -> int:
        number = self.loops
        self.loops += 1
        if contract.decreases:
            self.line(f"m{number} = None")
        self.line("while True:")
        self.depth += 1
        self.line("S[0] -= 1")
        self.line("if S[0] < 0: raise Stopped('budget')")
        return number

    def _head(self, statement: While | For, contract: LoopContract, number: int, terms: Clauses) -> None:
        if not contract:
            return
        self.mark("head", statement.position)
        self.demand(contract.invariants, terms=terms)
        if contract.decreases:
            self.line(f"now = {self.measure(contract.decreases, terms)}")
            self.line(f"if m{number} is not None and not falls(now, m{number}): raise Broken")
            self.line(f"m{number} = now")

    def _round(self, statement: While | For, number: int) -> None:
        if statement.contract:
            self.mark("round", statement.position)
        self.block(statement.body)
        self.depth -= 1

    # --- expressions

    def word(self, node: Expression) -> str:
        match node:
            case Number(value=value, inverted=inverted):
                return f"(M - {value})" if inverted else str(value)
            case Variable(name=name):
                return self.word_name(name)
            case Length(array=name):
                return f"len({self.array_name(name)})"
            case Element(array=name, index=index):
                return f"{self.array_name(name)}[{self.word(index)}]"
            case Unary(operator=operator, operand=operand):
                return f"(M - {self.word(operand)})" if operator == "~" else f"(not {self.word(operand)})"
            case Binary(operator=operator, left=left, right=right):
                return self.operate(operator, self.word(left), self.word(right))
            case Logical(operator=operator, left=left, right=right):
                return f"({self.word(left)} {operator} {self.word(right)})"
            case Chain(operands=operands, operators=operators):
                first, *rest = map(self.word, operands)
                return f"({first}{''.join(f' {o} {w}' for o, w in zip(operators, rest, strict=True))})"
            case Conditional(condition=condition, then=then, otherwise=otherwise):
                return f"({self.word(then)} if {self.word(condition)} else {self.word(otherwise)})"
            case Builtin(name=name, arguments=arguments):
                given = ", ".join(map(self.word, arguments))
                if name in ("min", "max"):
                    return f"{name}({given})"
                return f"built_{name}({given})"
            case Call():
                return self.call(node)

    def operate(self, operator: str, x: str, y: str) -> str:
        if operator in ("+", "-", "*"):
            return f"({x} {operator} {y} & M)" if operator == "*" else f"(({x} {operator} {y}) & M)"
        return f"left({x}, {y})" if operator == "<<" else f"({x} {operator} {y})"

    def call(self, node: Call) -> str:
        """Words are evaluated from left to right, then the call ticks; after a word the heap is as before."""
        callee = self.program[node.function]
        given = [self.array_name(a) if isinstance(a, str) else self.word(a) for a in node.arguments]
        return f"call(f{self.numbers[node.function]}, {callee.signature.result == 'word'}, {', '.join(given)})"
