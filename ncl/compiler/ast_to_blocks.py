"""First pass: the typed tree → basic blocks over virtual registers.

Statement by statement, in the order of evaluation that `language.syntax` lays down. No optimising here; the one liberty
is that conditions jump instead of making a truth value first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from ncl.compiler.blocks import Block, Branch, CallTo, End, Graph, Halt, Jump, Line, Point, ReturnWith, Stop
from ncl.compiler.builtins_to_lines import builtin
from ncl.language.opcodes import Opcode, Trap
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

# Source spelling → opcode, and whether the operands change places (they are evaluated left first all the same).
OPCODES: dict[str, tuple[Opcode, bool]] = {
    "+": (Opcode.ADD, False), "-": (Opcode.SUBTRACT, False), "*": (Opcode.MULTIPLY, False),
    "//": (Opcode.DIVIDE, False), "%": (Opcode.REMAINDER, False), "&": (Opcode.AND, False),
    "|": (Opcode.OR, False), "^": (Opcode.XOR, False), "<<": (Opcode.SHIFT_LEFT, False),
    ">>": (Opcode.SHIFT_RIGHT, False), "==": (Opcode.EQUAL, False), "!=": (Opcode.NOT_EQUAL, False),
    "<": (Opcode.LESS, False), "<=": (Opcode.LESS_EQUAL, False),
    ">": (Opcode.LESS, True), ">=": (Opcode.LESS_EQUAL, True),
}  # fmt: skip


def ast_to_blocks(function: Function, width: int, program: Mapping[str, Function], halts: bool = True) -> Graph:
    """The graph of one function, whose literals are words of the width; `program` has those that it calls.

    `halts`: it is where the run begins, so it ends with the run and not with a return to a caller.
    """
    return _Writer(function, width, program, halts).graph()


class _Writer:
    def __init__(self, function: Function, width: int, program: Mapping[str, Function], halts: bool) -> None:
        self.function, self.program, self.halts = function, program, halts
        self.width, self.top = width, (1 << width) - 1
        self.blocks: list[Block] = []
        self.count = 0
        self.words: dict[str, int] = {}
        self.arrays: dict[str, tuple[int, int]] = {}  # (base, length)
        self.hidden: dict[str, int] = {}  # hidden variables of the loops around, and values waiting, by path
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

    # --- expressions: `at` is the path of the node, the statement's with the fields that lead to it

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

    @contextmanager
    def waiting(self, values: Mapping[str, int]) -> Iterator[None]:
        """While these are evaluated already and wait for others: at a point on the way they are terms."""
        names = {f"value@{at}": register for at, register in values.items()}
        self.hidden |= names
        yield
        for name in names:
            self.hidden.pop(name, None)

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

    def pinned(self, values: Sequence[int], place: Position) -> tuple[int, ...]:
        """Copies in the registers of the calling convention."""
        copies = tuple(self.made(Opcode.MOVE, register, position=place) for register in values)
        self.pins |= {register: number for number, register in enumerate(copies)}
        return copies

    # --- statements

    def body(self, statements: tuple[Statement, ...], path: str) -> None:
        for number, statement in enumerate(statements):
            before = self.now
            self.statement(statement, f"{path}{number}")
            if isinstance(statement, Assign | Augment | Assert) and self.now != before:
                self.join(f"{path}{number}")

    def join(self, path: str) -> None:
        """A point behind a statement whose ways have come together: without it they would double at each one."""
        join = self.block()
        self.finish(Jump(join))
        self.start(join, "join", path)

    def statement(self, statement: Statement, path: str) -> None:
        match statement:
            case Assign():
                self.assign(statement, path)
            case Augment():
                self.augment(statement, path)
            case NewArray():
                self.new_array(statement, path)
            case Receive(target=target, call=call, position=place):
                self.receive(target, self.call(call, f"{path}:call"), place)
            case Perform(call=call):
                self.call(call, f"{path}:call")
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
                self.branch(condition, f"{path}:condition", holds, fails)
                self.start(fails)
                self.finish(Stop(int(Trap.ASSERT), place))
                self.start(holds)
            case Return():
                self.give(statement, path)

    def assign(self, statement: Assign, path: str) -> None:
        match statement:
            case Assign(targets=(Variable(name=name),), values=(value,)):
                # The value first: it may be the one that the variable still has.
                target = self.variable(name) if name in self.words else self.fresh()
                self.word(value, f"{path}:value0", target)
                self.words[name] = target
                return
        values = {f"{path}:value{n}": value for n, value in enumerate(statement.values)}
        words = self.in_order(values, copied=len(values) > 1)
        for number, into in enumerate(statement.targets):
            left = dict(list(zip(values, words, strict=True))[number:])
            self.put(into, words[number], f"{path}:target{number}", left)

    def receive(self, target: str, given: tuple[int, ...], place: Position) -> None:
        """The name of an array stands for this base and length from now on."""
        if target not in self.arrays:
            self.arrays[target] = (self.fresh(), self.fresh())
        for register, own in zip(given, self.arrays[target], strict=True):
            self.made(Opcode.MOVE, register, position=place, into=own)

    def variable(self, name: str) -> int:
        """The register of a word variable, made at its first assignment."""
        if name not in self.words:
            self.words[name] = self.fresh()
        return self.words[name]

    def put(self, target: Variable | Element, word: int, at: str, left: Mapping[str, int]) -> None:
        """`left`: the values that are not stored yet, this one first."""
        if isinstance(target, Variable):
            self.made(Opcode.MOVE, word, position=target.position, into=self.variable(target.name))
            return
        with self.waiting(left):
            base, index = self.cell(target, at)
        self.emit(Opcode.STORE, word, base, index, position=target.position)

    def augment(self, statement: Augment, path: str) -> None:
        target, place = statement.target, statement.position
        if isinstance(target, Variable):
            register = self.words[target.name]
            with self.waiting({f"{path}:target": register}):
                value = self.word(statement.value, f"{path}:value")
            self.combine(statement.operator, register, value, place, register)
            return
        base, index = self.cell(target, f"{path}:target")
        old = self.made(Opcode.LOAD, base, index, position=target.position)
        with self.waiting({f"{path}:target": old, f"{path}:target.index": index}):
            value = self.word(statement.value, f"{path}:value")
        new = self.combine(statement.operator, old, value, place, None)
        self.emit(Opcode.STORE, new, base, index, position=target.position)

    def give(self, statement: Return, path: str) -> None:
        """Results go to the registers of the calling convention; then the run ends, or the function."""
        place, value = statement.position, statement.value
        registers = self.arrays[value] if isinstance(value, str) else (self.word(value, f"{path}:value"),)
        results = self.pinned(registers, place)
        if self.halts:
            self.finish(Halt(results, place))
        else:
            self.finish(ReturnWith(results, self.function.signature.result == "array", place))

    def if_else(self, statement: If, path: str) -> None:
        yes, no, join = self.block(), self.block(), self.block()
        self.branch(statement.condition, f"{path}:condition", yes, no)
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
        self.branch(statement.condition, f"{path}:condition", body, after)
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
        following, step, left = self.bounds(statement, path)
        hidden = {f"next@{path}": following, f"left@{path}": left}
        self.hidden |= hidden | {f"step@{path}": step}
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

    def bounds(self, statement: For, path: str) -> tuple[int, int, int]:
        """Registers of (next, step, left) before the first round; `language.syntax.For` says what they are."""
        place = statement.position
        following = self.copied(statement.start, f"{path}:start")
        if statement.stop is None:
            return following, *self.down_to_zero(following, statement.falling or 1, place)
        with self.waiting({f"{path}:start": following}):
            stop = self.word(statement.stop, f"{path}:stop")
        if statement.falling is None:
            with self.waiting({f"{path}:start": following, f"{path}:stop": stop}):
                step = self.copied(statement.step, f"{path}:step")
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
        fill = self.word(statement.fill, f"{path}:fill")
        with self.waiting({f"{path}:fill": fill}):
            count = self.copied(statement.count, f"{path}:count")
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
        self.receive(statement.target, (base, count), place)
