"""First pass, expressions: each → lines that leave its word in a register, in the order of `language.syntax`.

The one liberty is that conditions jump instead of making a truth value first. `at` is the path of the node: the
statement's, with the fields that lead to it. Called by `ast_to_blocks`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ncl.compiler.blocks import Branch, CallTo, Jump
from ncl.compiler.builtins_to_lines import builtin
from ncl.compiler.writer import Writer
from ncl.language.opcodes import Opcode
from ncl.language.program import Position
from ncl.language.syntax import (
    Binary,
    Builtin,
    Call,
    Chain,
    Conditional,
    Element,
    Expression,
    Function,
    Length,
    Logical,
    Number,
    Unary,
    Variable,
)  # fmt: skip

# Source spelling → opcode, and whether the operands change places (they are evaluated left first all the same).
OPCODES: dict[str, tuple[Opcode, bool]] = {
    "+": (Opcode.ADD, False), "-": (Opcode.SUBTRACT, False), "*": (Opcode.MULTIPLY, False),
    "//": (Opcode.DIVIDE, False), "%": (Opcode.REMAINDER, False), "&": (Opcode.AND, False),
    "|": (Opcode.OR, False), "^": (Opcode.XOR, False), "<<": (Opcode.SHIFT_LEFT, False),
    ">>": (Opcode.SHIFT_RIGHT, False), "==": (Opcode.EQUAL, False), "!=": (Opcode.NOT_EQUAL, False),
    "<": (Opcode.LESS, False), "<=": (Opcode.LESS_EQUAL, False),
    ">": (Opcode.LESS, True), ">=": (Opcode.LESS_EQUAL, True),
}  # fmt: skip


class Words(Writer):
    """`program` has the functions that are called."""

    def __init__(self, width: int, program: Mapping[str, Function]) -> None:
        super().__init__(width)
        self.program = program

    def word(self, node: Expression, at: str, into: int | None = None) -> int:
        """The register that holds the value; a variable's own one unless `into` is given."""
        match node:
            case Number(value=value, inverted=inverted, position=place):
                number = value ^ self.top if inverted else value
                return self.made(Opcode.CONSTANT, number, position=place, into=into)
            case Variable(name=name, position=place):
                return self.held(self.words[name], into, place)
            case Length(array=name, position=place):
                return self.held(self.arrays[name][1], into, place)
            case Element(position=place):
                base, index = self.cell(node, at)
                return self.made(Opcode.LOAD, base, index, position=place, into=into)
            case Unary(operator=operator, operand=operand, position=place):
                opcode = Opcode.INVERT if operator == "~" else Opcode.IS_ZERO
                return self.made(opcode, self.word(operand, f"{at}.operand"), position=place, into=into)
            case Binary(operator=operator, left=left, right=right, position=place):
                first = self.word(left, f"{at}.left")
                with self.waiting({f"{at}.left": first}):
                    second = self.word(right, f"{at}.right")
                return self.combine(operator, first, second, place, into)
            case Builtin(name=name, arguments=arguments, position=place):
                words = self.in_order({f"{at}.argument{n}": a for n, a in enumerate(arguments)})
                result = builtin(self, name, words, place)
                return self.held(result, into, place)
            case Call(position=place):
                (result,) = self.call(node, at)
                return self.held(result, into, place)
            case Logical() | Chain() | Conditional():
                return self.held(self.chosen(node, at), into, node.position)

    def held(self, register: int, into: int | None, place: Position) -> int:
        return register if into is None else self.made(Opcode.MOVE, register, position=place, into=into)

    def copied(self, node: Expression, at: str) -> int:
        """The value in a register of its own, which later assignments do not touch."""
        return self.word(node, at, self.fresh())

    def in_order(self, nodes: Mapping[str, Expression], copied: bool = False) -> tuple[int, ...]:
        """The registers of several values, evaluated one after the other."""
        found: dict[str, int] = {}
        for at, node in nodes.items():
            with self.waiting(found):
                found[at] = self.word(node, at, self.fresh() if copied else None)
        return tuple(found.values())

    def combine(self, operator: str, left: int, right: int, place: Position, into: int | None) -> int:
        opcode, swapped = OPCODES[operator]
        first, second = (right, left) if swapped else (left, right)
        return self.made(opcode, first, second, position=place, into=into)

    def cell(self, node: Element, at: str) -> tuple[int, int]:
        """Base and index of an element, the index checked."""
        index = self.word(node.index, f"{at}.index")
        base, length = self.arrays[node.array]
        self.emit(Opcode.BOUND, index, length, position=node.position)
        return base, index

    def chosen(self, node: Logical | Chain | Conditional, at: str) -> int:
        """A value that comes by one of several ways, in a register of its own: not straight into a target, which the
        other sides may still read."""
        result = self.fresh()
        done = self.block()
        match node:
            case Logical(operator=operator, left=left, right=right, position=place):
                self.word(left, f"{at}.left", result)
                more = self.block()
                self.finish(Branch(result, *((done, more) if operator == "and" else (more, done)), place))
                self.start(more)
                self.word(right, f"{at}.right", result)
            case Chain():
                self.compare(node, at, result, done)
            case Conditional(condition=condition, then=then, otherwise=otherwise):
                yes, no = self.block(), self.block()
                self.branch(condition, f"{at}.condition", yes, no)
                self.start(yes)
                self.word(then, f"{at}.then", result)
                self.finish(Jump(done))
                self.start(no)
                self.word(otherwise, f"{at}.otherwise", result)
        self.finish(Jump(done))
        with self.waiting({at: result}):
            self.start(done, "join", at)
        return result

    def compare(self, node: Chain, at: str, result: int, no: int) -> None:
        """Each comparison into the result; to `no` after the first that does not hold, and on after the last."""
        left = self.word(node.operands[0], f"{at}.operand0")
        for number, operator in enumerate(node.operators, 1):
            if number > 1:
                more = self.block()
                self.finish(Branch(result, no, more, node.position))
                self.start(more)
            with self.waiting({f"{at}.operand{number - 1}": left}):
                right = self.word(node.operands[number], f"{at}.operand{number}")
            self.combine(operator, left, right, node.position, result)
            left = right

    def branch(self, node: Expression, at: str, yes: int, no: int) -> None:
        """Go to `yes` when the condition is not 0, else to `no`; short circuits become jumps."""
        match node:
            case Logical(operator=operator, left=left, right=right):
                more = self.block()
                if operator == "and":
                    self.branch(left, f"{at}.left", more, no)
                else:
                    self.branch(left, f"{at}.left", yes, more)
                self.start(more)
                self.branch(right, f"{at}.right", yes, no)
            case Unary(operator="not", operand=operand):
                self.branch(operand, f"{at}.operand", no, yes)
            case Chain(position=place):
                result = self.fresh()
                self.compare(node, at, result, no)
                self.finish(Branch(result, no, yes, place))
            case Conditional(condition=condition, then=then, otherwise=otherwise):
                first, second = self.block(), self.block()
                self.branch(condition, f"{at}.condition", first, second)
                self.start(first)
                self.branch(then, f"{at}.then", yes, no)
                self.start(second)
                self.branch(otherwise, f"{at}.otherwise", yes, no)
            case _:
                self.finish(Branch(self.word(node, at), no, yes, node.position))

    def call(self, node: Call, at: str) -> tuple[int, ...]:
        """The registers with the result: of a word one, of an array its base and its length."""
        place = node.position
        words = {f"{at}.argument{n}": a for n, a in enumerate(node.arguments) if not isinstance(a, str)}
        values = dict(zip(words, self.in_order(words), strict=True))
        given: list[int] = []
        for number, argument in enumerate(node.arguments):
            given += self.arrays[argument] if isinstance(argument, str) else (values[f"{at}.argument{number}"],)
        self.emit(Opcode.TICK, position=place)
        arguments = self.pinned(given, place)
        results = [self.fresh() for _ in range(1 if self.program[node.function].signature.result == "word" else 2)]
        self.pins |= {register: number for number, register in enumerate(results)}
        then = self.block()
        self.finish(CallTo(node.function, arguments, tuple(results), then, place))
        self.start(then, "call", at)
        return tuple(self.made(Opcode.MOVE, register, position=place) for register in results)
