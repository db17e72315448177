"""First pass: the typed tree → basic blocks over virtual registers.

Statement by statement, in the order of evaluation that `language.syntax` lays down; expressions are in
`words_to_blocks`. No optimising here.
"""

from __future__ import annotations

from collections.abc import Mapping

from ncl.compiler.blocks import Branch, Graph, Halt, Jump, ReturnWith, Stop
from ncl.compiler.words_to_blocks import Words
from ncl.language.opcodes import Opcode, Trap
from ncl.language.program import Position
from ncl.language.syntax import (
    Assert,
    Assign,
    Augment,
    Break,
    Continue,
    Element,
    For,
    Function,
    If,
    NewArray,
    Number,
    Perform,
    Receive,
    Return,
    Statement,
    Variable,
    While,
)  # fmt: skip


def ast_to_blocks(function: Function, width: int, program: Mapping[str, Function], halts: bool = True) -> Graph:
    """The graph of one function, whose literals are words of the width; `program` has those that it calls.

    `halts`: it is where the run begins, so it ends with the run and not with a return to a caller.
    """
    return _Statements(function, width, program, halts).graph()


class _Statements(Words):
    def __init__(self, function: Function, width: int, program: Mapping[str, Function], halts: bool) -> None:
        super().__init__(width, program)
        self.function, self.halts = function, halts
        self.loops: list[tuple[int, int]] = []  # (label to continue at, label to break to)

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
        if statement.endless:
            self.finish(Jump(body))
        else:
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
        if statement.to_zero:
            self.made(Opcode.LESS_EQUAL, step, following, position=place, into=left)
        else:
            self.made(Opcode.SUBTRACT, left, self.constant(1, place), position=place, into=left)
        move = Opcode.ADD if statement.falling is None else Opcode.SUBTRACT
        self.made(move, following, step, position=place, into=following)
        self.repeat(statement.body, path, head, after)
        for name in (f"next@{path}", f"left@{path}", f"step@{path}"):
            self.hidden.pop(name, None)

    def bounds(self, statement: For, path: str) -> tuple[int, int, int]:
        """Registers of (next, step, left) before the first round; `language.syntax.For` says what they are."""
        place = statement.position
        if statement.stop is None:
            return self.down_to_zero(statement, path)
        following = self.copied(statement.start, f"{path}:start")
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

    def down_to_zero(self, statement: For, path: str) -> tuple[int, int, int]:
        """The same of a range that ends at 0 inclusive; from a - b there is a round when a is not below b."""
        place, difference = statement.position, statement.difference
        if difference is None:
            following, some = self.copied(statement.start, f"{path}:start"), self.constant(1, place)
        else:
            at = f"{path}:start"
            sides = self.in_order({f"{at}.left": difference.left, f"{at}.right": difference.right})
            following = self.combine("-", *sides, difference.position, None)
            some = self.combine("<=", *reversed(sides), difference.position, None)
        return following, self.constant(statement.falling or 1, place), some

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
