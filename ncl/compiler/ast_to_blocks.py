"""First pass: the typed tree → basic blocks over virtual registers.

Statement by statement, in the order of evaluation that `language.syntax` lays down. No optimising here; the one liberty
is that conditions jump instead of making a truth value first.
"""

from __future__ import annotations

from ncl.compiler.blocks import Block, Branch, End, Graph, Halt, Jump, Line, Point
from ncl.language.opcodes import Opcode, Trap
from ncl.language.program import Position
from ncl.language.syntax import (
    Assert,
    Assign,
    Augment,
    Binary,
    Break,
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
    Return,
    Statement,
    Unary,
    Variable,
    While,
)  # fmt: skip
from ncl.language.typecheck import check_width

# Source spelling → opcode, and whether the operands change places (they are evaluated left first all the same).
OPCODES: dict[str, tuple[Opcode, bool]] = {
    "+": (Opcode.ADD, False), "-": (Opcode.SUBTRACT, False), "*": (Opcode.MULTIPLY, False),
    "//": (Opcode.DIVIDE, False), "%": (Opcode.REMAINDER, False), "&": (Opcode.AND, False),
    "|": (Opcode.OR, False), "^": (Opcode.XOR, False), "<<": (Opcode.SHIFT_LEFT, False),
    ">>": (Opcode.SHIFT_RIGHT, False), "==": (Opcode.EQUAL, False), "!=": (Opcode.NOT_EQUAL, False),
    "<": (Opcode.LESS, False), "<=": (Opcode.LESS_EQUAL, False),
    ">": (Opcode.LESS, True), ">=": (Opcode.LESS_EQUAL, True),
}  # fmt: skip


def ast_to_blocks(function: Function, width: int) -> Graph:
    """The graph of a function. Raises LanguageError for a literal that is no word of the width."""
    check_width(function, width)
    return _Writer(function, width).graph()


class _Writer:
    def __init__(self, function: Function, width: int) -> None:
        self.function = function
        self.top = (1 << width) - 1
        self.blocks: list[Block] = []
        self.count = 0
        self.words: dict[str, int] = {}
        self.arrays: dict[str, tuple[int, int]] = {}  # (base, length)
        self.hidden: dict[str, int] = {}  # hidden variables of the loops around, by path
        self.pins: dict[int, int] = {}
        self.loops: list[tuple[int, int]] = []  # (label to continue at, label to break to)
        self.depth = 0
        self.now = self.block()

    def graph(self) -> Graph:
        parameters = []
        for parameter in self.function.signature.parameters:
            if parameter.sort == "word":
                self.words[parameter.name] = self.fresh()
                parameters.append(self.words[parameter.name])
            else:
                self.arrays[parameter.name] = (self.fresh(), self.fresh())
                parameters.extend(self.arrays[parameter.name])
        self.pins = {register: number for number, register in enumerate(parameters)}
        self.body(self.function.body, "")
        return Graph(self.function, self.blocks, tuple(parameters), self.pins, self.count)

    # --- making blocks

    def fresh(self) -> int:
        self.count += 1
        return self.count - 1

    def block(self) -> int:
        self.blocks.append(Block(depth=self.depth))
        return len(self.blocks) - 1

    def start(self, label: int, kind: str = "", path: str = "") -> None:
        """Go on writing in this block; with a kind it is a point of the validator."""
        self.now = label
        self.blocks[label].depth = self.depth
        if kind:
            self.blocks[label].point = Point(kind, path, self.terms())

    def terms(self) -> dict[str, int]:
        found = dict(self.words)
        for name, (base, length) in self.arrays.items():
            found |= {f"base({name})": base, f"len({name})": length}
        return found | self.hidden

    def emit(self, opcode: Opcode, *operands: int, position: Position | None) -> None:
        self.blocks[self.now].lines.append(Line(opcode, operands, position))

    def finish(self, end: End) -> None:
        # After a return or break nothing more is reached; the first end is the one that counts.
        if self.blocks[self.now].end is None:
            self.blocks[self.now].end = end

    def made(self, opcode: Opcode, *sources: int, position: Position | None, into: int | None = None) -> int:
        """A register with what an op gives."""
        target = self.fresh() if into is None else into
        self.emit(opcode, target, *sources, position=position)
        return target

    def constant(self, value: int, position: Position | None) -> int:
        return self.made(Opcode.CONSTANT, value, position=position)

    # --- expressions

    def word(self, node: Expression, into: int | None = None) -> int:
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
                base, index = self.cell(node)
                return self.made(Opcode.LOAD, base, index, position=place, into=into)
            case Unary(operator=operator, operand=operand, position=place):
                opcode = Opcode.INVERT if operator == "~" else Opcode.IS_ZERO
                return self.made(opcode, self.word(operand), position=place, into=into)
            case Binary(operator=operator, left=left, right=right, position=place):
                return self.combine(operator, self.word(left), self.word(right), place, into)
            case Logical():
                return self.logical(node, into)

    def held(self, register: int, into: int | None, place: Position) -> int:
        return register if into is None else self.made(Opcode.MOVE, register, position=place, into=into)

    def copied(self, node: Expression) -> int:
        """The value in a register of its own, which later assignments do not touch."""
        return self.word(node, self.fresh())

    def combine(self, operator: str, left: int, right: int, place: Position, into: int | None) -> int:
        opcode, swapped = OPCODES[operator]
        first, second = (right, left) if swapped else (left, right)
        return self.made(opcode, first, second, position=place, into=into)

    def cell(self, node: Element) -> tuple[int, int]:
        """Base and index of an element, the index checked."""
        base, length = self.arrays[node.array]
        index = self.word(node.index)
        self.emit(Opcode.BOUND, index, length, position=node.position)
        return base, index

    def logical(self, node: Logical, into: int | None) -> int:
        # Not straight into the target: the right side may still read it.
        result = self.copied(node.left)
        more, done = self.block(), self.block()
        ways = (done, more) if node.operator == "and" else (more, done)
        self.finish(Branch(result, *ways, node.position))
        self.start(more)
        self.word(node.right, result)
        self.finish(Jump(done))
        self.start(done)
        return self.held(result, into, node.position)

    def branch(self, node: Expression, yes: int, no: int) -> None:
        """Go to `yes` when the condition is not 0, else to `no`; short circuits become jumps."""
        match node:
            case Logical(operator=operator, left=left, right=right):
                more = self.block()
                if operator == "and":
                    self.branch(left, more, no)
                else:
                    self.branch(left, yes, more)
                self.start(more)
                self.branch(right, yes, no)
            case Unary(operator="not", operand=operand):
                self.branch(operand, no, yes)
            case _:
                self.finish(Branch(self.word(node), no, yes, node.position))

    # --- statements

    def body(self, statements: tuple[Statement, ...], path: str) -> None:
        for number, statement in enumerate(statements):
            self.statement(statement, f"{path}{number}")

    def statement(self, statement: Statement, path: str) -> None:
        match statement:
            case Assign(targets=(target,), values=(value,)):
                if isinstance(target, Variable):
                    self.word(value, self.variable(target.name))
                else:
                    self.store(target, self.word(value))
            case Assign(targets=targets, values=values):
                words = [self.copied(value) for value in values]
                for target, word in zip(targets, words, strict=True):
                    self.put(target, word)
            case Augment():
                self.augment(statement)
            case NewArray():
                self.new_array(statement, path)
            case If():
                self.if_else(statement, path)
            case While():
                self.while_loop(statement, path)
            case For():
                self.for_loop(statement, path)
            case Break():
                self.finish(Jump(self.loops[-1][1]))
            case Continue():
                self.finish(Jump(self.loops[-1][0]))
            case Assert(condition=condition, position=place):
                holds, fails = self.block(), self.block()
                self.branch(condition, holds, fails)
                self.start(fails)
                self.emit(Opcode.TRAP, int(Trap.ASSERT), position=place)
                self.finish(Jump(holds))  # never taken: a trap ends the run
                self.start(holds)
            case Return():
                self.give(statement)

    def variable(self, name: str) -> int:
        """The register of a word variable, made at its first assignment."""
        if name not in self.words:
            self.words[name] = self.fresh()
        return self.words[name]

    def put(self, target: Variable | Element, word: int) -> None:
        if isinstance(target, Variable):
            self.made(Opcode.MOVE, word, position=target.position, into=self.variable(target.name))
        else:
            self.store(target, word)

    def store(self, target: Element, word: int) -> None:
        base, index = self.cell(target)
        self.emit(Opcode.STORE, word, base, index, position=target.position)

    def augment(self, statement: Augment) -> None:
        target, place = statement.target, statement.position
        if isinstance(target, Variable):
            register = self.words[target.name]
            self.combine(statement.operator, register, self.word(statement.value), place, register)
            return
        base, index = self.cell(target)
        old = self.made(Opcode.LOAD, base, index, position=target.position)
        new = self.combine(statement.operator, old, self.word(statement.value), place, None)
        self.emit(Opcode.STORE, new, base, index, position=target.position)

    def give(self, statement: Return) -> None:
        """Results go to the registers of the calling convention, then the program halts."""
        place = statement.position
        value = statement.value
        registers = self.arrays[value] if isinstance(value, str) else (self.word(value),)
        results = []
        for number, register in enumerate(registers):
            results.append(self.made(Opcode.MOVE, register, position=place))
            self.pins[results[-1]] = number
        self.finish(Halt(tuple(results), place))

    def if_else(self, statement: If, path: str) -> None:
        yes, no, join = self.block(), self.block(), self.block()
        self.branch(statement.condition, yes, no)
        self.start(yes)
        self.body(statement.then, f"{path}.then.")
        self.finish(Jump(join))
        self.start(no)
        self.body(statement.otherwise, f"{path}.else.")
        self.finish(Jump(join))
        self.start(join, "join", path)

    # --- loops

    def while_loop(self, statement: While, path: str) -> None:
        self.depth += 1
        head, body = self.block(), self.block()
        self.depth -= 1
        after = self.block()
        self.finish(Jump(head))
        self.depth += 1
        self.start(head, "loop", path)
        self.emit(Opcode.TICK, position=statement.position)
        self.branch(statement.condition, body, after)
        self.start(body)
        self.repeat(statement.body, path, head, after)

    def repeat(self, body: tuple[Statement, ...], path: str, head: int, after: int) -> None:
        """The body of a loop, back to its head, and on behind it."""
        self.loops.append((head, after))
        self.body(body, f"{path}.body.")
        self.loops.pop()
        self.finish(Jump(head))
        self.depth -= 1
        self.start(after)

    def for_loop(self, statement: For, path: str) -> None:
        place = statement.position
        following, step, left = self.bounds(statement)
        hidden = {f"next@{path}": following, f"left@{path}": left}
        self.hidden |= hidden | ({f"step@{path}": step} if statement.falling is None else {})
        head, after = self.block(), self.block()
        self.finish(Jump(head))
        self.depth += 1
        self.start(head, "loop", path)
        self.emit(Opcode.TICK, position=place)
        body = self.block()
        self.finish(Branch(left, after, body, place))
        self.start(body)
        self.made(Opcode.MOVE, following, position=place, into=self.variable(statement.variable))
        move = Opcode.ADD if statement.falling is None else Opcode.SUBTRACT
        self.made(move, following, step, position=place, into=following)
        self.made(Opcode.SUBTRACT, left, self.constant(1, place), position=place, into=left)
        self.repeat(statement.body, path, head, after)
        for name in (f"next@{path}", f"left@{path}", f"step@{path}"):
            self.hidden.pop(name, None)

    def bounds(self, statement: For) -> tuple[int, int, int]:
        """Registers of (next, step, left) before the first round; `language.syntax.For` says what they are."""
        place = statement.position
        following = self.copied(statement.start)
        if statement.stop is None:
            return following, *self.down_to_zero(following, statement.falling or 1, place)
        stop = self.word(statement.stop)
        if statement.falling is None:
            step = self.copied(statement.step)
            low, high, unit = following, stop, statement.step == Number(1, False, statement.step.position)
        else:
            step = self.constant(statement.falling, place)
            low, high, unit = stop, following, statement.falling == 1
        some = self.made(Opcode.LESS, low, high, position=place)
        left = self.made(Opcode.SUBTRACT, high, low, position=place)
        if not unit:
            one = self.constant(1, place)
            rounds = self.made(
                Opcode.DIVIDE, self.made(Opcode.SUBTRACT, left, one, position=place), step, position=place
            )
            left = self.made(Opcode.ADD, rounds, one, position=place)
        return following, step, self.made(Opcode.MULTIPLY, left, some, position=place)

    def down_to_zero(self, following: int, size: int, place: Position) -> tuple[int, int]:
        """(step, left) of a range that ends at 0 inclusive, and has no round when it starts at N-1."""
        step, one = self.constant(size, place), self.constant(1, place)
        if size == 1:
            return step, self.made(Opcode.ADD, following, one, position=place)  # N-1 wraps to 0 rounds
        some = self.made(Opcode.NOT_EQUAL, following, self.constant(self.top, place), position=place)
        rounds = self.made(Opcode.DIVIDE, following, step, position=place)
        return step, self.made(
            Opcode.MULTIPLY, self.made(Opcode.ADD, rounds, one, position=place), some, position=place
        )

    def new_array(self, statement: NewArray, path: str) -> None:
        place = statement.position
        fill, count = self.word(statement.fill), self.copied(statement.count)
        base = self.made(Opcode.ALLOCATE, count, position=place)
        index = self.constant(0, place)
        names = {f"fill@{path}": fill, f"count@{path}": count, f"base@{path}": base, f"index@{path}": index}
        self.hidden |= names
        head, after = self.block(), self.block()
        self.finish(Jump(head))
        self.depth += 1
        self.start(head, "loop", path)
        self.emit(Opcode.TICK, position=place)
        more = self.made(Opcode.LESS, index, count, position=place)
        body = self.block()
        self.finish(Branch(more, after, body, place))
        self.start(body)
        self.emit(Opcode.STORE, fill, base, index, position=place)
        self.made(Opcode.ADD, index, self.constant(1, place), position=place, into=index)
        self.finish(Jump(head))
        self.depth -= 1
        self.start(after)
        for name in names:
            del self.hidden[name]
        if statement.target not in self.arrays:
            self.arrays[statement.target] = (self.fresh(), self.fresh())
        own_base, own_length = self.arrays[statement.target]
        self.made(Opcode.MOVE, base, position=place, into=own_base)
        self.made(Opcode.MOVE, count, position=place, into=own_length)
