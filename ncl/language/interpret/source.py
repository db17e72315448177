"""The reference interpreter of source: the typed tree, turned into Python closures once and then run.

Words wrap, indices are checked, loop heads tick and traps carry their position, exactly as `syntax.py` says in prose.
It shares nothing with the compiler but the tree, and nothing with the machine but what a word op means.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache

from ncl.errors import CapacityError
from ncl.language.builtins import BUILTINS
from ncl.language.interpret.contracts import Breach, Broken, View, demand, measured
from ncl.language.opcodes import Opcode, Trap
from ncl.language.ops import OPS
from ncl.language.program import Position, Program, Sizes, Value
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
from ncl.language.trace import DEFAULT_BUDGET, Result, TrapReport, check_budget
from ncl.language.typecheck import check_width
from ncl.language.walks import calls
from ncl.language.word import Integers

# Source spelling → the op whose meaning it has, and whether the operands change places.
_MEANING = {
    "+": (Opcode.ADD, False), "-": (Opcode.SUBTRACT, False), "*": (Opcode.MULTIPLY, False),
    "//": (Opcode.DIVIDE, False), "%": (Opcode.REMAINDER, False), "&": (Opcode.AND, False),
    "|": (Opcode.OR, False), "^": (Opcode.XOR, False), "<<": (Opcode.SHIFT_LEFT, False),
    ">>": (Opcode.SHIFT_RIGHT, False), "==": (Opcode.EQUAL, False), "!=": (Opcode.NOT_EQUAL, False),
    "<": (Opcode.LESS, False), "<=": (Opcode.LESS_EQUAL, False),
    ">": (Opcode.LESS, True), ">=": (Opcode.LESS_EQUAL, True),
}  # fmt: skip


@dataclass
class _Run:
    """The state of one run: variables of the open function by name, cells taken, calls open, ticks."""

    words: dict[str, int]
    arrays: dict[str, list[int]]
    cells: int
    budget: int
    ticks: int = 0
    calls: int = 0
    result: Value | None = None
    watch: Callable[[Position], None] | None = field(default=None)
    entry: dict[str, Value] = field(default_factory=dict)  # the open function's arguments, where contracts are checked
    measure: tuple[str, tuple[int, ...]] | None = None  # of the open function, with its name

    def tick(self, place: Position) -> None:
        if self.ticks >= self.budget:
            raise _Trapped(Trap.BUDGET, place)
        self.ticks += 1


class _Trapped(Exception):
    def __init__(self, kind: Trap, position: Position) -> None:
        super().__init__(kind, position)
        self.report = TrapReport(kind, position)


Word = Callable[[_Run], int]
# How a statement ended: None goes on, else what leaves the enclosing loop or function.
Leaving = str | None
Action = Callable[[_Run], Leaving]


def run_source(
    function: Function, arguments: list[Value], sizes: Sizes | None = None, budget: int = DEFAULT_BUDGET
) -> Result:
    """Run to the end. Raises InputError for bad arguments, LanguageError for a literal too large for the width."""
    machine = sizes or Sizes()
    run = _start(function, arguments, machine, budget)
    body = _compiled(function, machine)
    with _room(function, machine):
        return _finish(run, body)


def run_checked(
    function: Function, arguments: list[Value], sizes: Sizes | None = None, budget: int = DEFAULT_BUDGET
) -> tuple[Result | None, Breach | None]:
    """The result of `run_source`, or the first contract that the run broke.

    Division, index and assert are traps that a function with a contract must not meet; memory, stack and budget depend
    on the machine and break nothing.
    """
    machine = sizes or Sizes()
    run = _start(function, arguments, machine, budget)
    body = _compiled(function, machine, checked=True)
    with _room(function, machine):
        try:
            result = _finish(run, body)
        except Broken as broken:
            return None, broken.breach
    trap = result.trap
    if trap is None or trap.position is None or trap.kind in (Trap.MEMORY, Trap.STACK, Trap.BUDGET):
        return result, None
    return None, Breach("trap", trap.position, f"trap {trap.kind.label}", function=function.name)


def trace_source(
    function: Function, arguments: list[Value], sizes: Sizes | None = None, budget: int = DEFAULT_BUDGET
) -> Iterator[tuple[Position, dict[str, Value]]]:
    """(position, variables before it) of every statement in order; a trap simply ends it."""
    machine = sizes or Sizes()
    run = _start(function, arguments, machine, budget)
    seen: list[tuple[Position, dict[str, Value]]] = []

    def watch(place: Position) -> None:
        arrays = {name: list(cells) for name, cells in run.arrays.items()}
        seen.append((place, {**run.words, **arrays}))

    run.watch = watch
    body = _compiled(function, machine, True)
    with _room(function, machine):
        _finish(run, body)
    yield from seen


# Python frames for one open call of the language: statements and expressions nest at most 100 deep, two frames each.
_FRAMES = 250


@contextmanager
def _room(function: Function, sizes: Sizes) -> Iterator[None]:
    """A Python stack deep enough for every call that the language allows; programs without calls need none."""
    before = sys.getrecursionlimit()
    if function.others or function.name in calls(function.body):
        sys.setrecursionlimit(max(before, before + _FRAMES * (sizes.depth + 1)))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _start(function: Function, arguments: list[Value], sizes: Sizes, budget: int) -> _Run:
    Program(function.name, function.signature, sizes, ()).check_arguments(arguments)
    run = _Run({}, {}, 0, check_budget(budget))
    for parameter, value in zip(function.signature.parameters, arguments, strict=True):
        if isinstance(value, list):
            run.arrays[parameter.name] = list(value)
            run.cells += len(value)
        else:
            run.words[parameter.name] = value
    return run


def _finish(run: _Run, body: Action) -> Result:
    try:
        body(run)
    except _Trapped as trapped:
        return Result(None, run.ticks, None, trapped.report)
    return Result(run.result, run.ticks, None)


@lru_cache(maxsize=256)
def _compiled(function: Function, sizes: Sizes, watched: bool = False, checked: bool = False) -> Action:
    check_width(function, sizes.width)
    bodies: dict[str, Action] = {}
    try:
        for name, one in function.program.items():
            closures = _Closures(function.program, bodies, sizes, watched, checked and name)
            body = closures.block(one.body)
            bodies[name] = _kept(one, body, 1 << sizes.width) if checked and one.contract else body
        return bodies[function.name]
    except RecursionError as fault:
        raise CapacityError("the nesting is too deep to run", where=f"{function.file}:{function.name}") from fault


def _view(run: _Run, size: int, words: dict[str, int] | None = None) -> View:
    return View(size, run.words if words is None else words, run.arrays, run.entry, run.result)


def _kept(function: Function, body: Action, size: int) -> Action:
    """The body between its `requires` and its `ensures`; a call of itself must have a smaller measure."""
    name, contract = function.name, function.contract

    def run_kept(run: _Run) -> Leaving:
        outside = run.entry, run.measure
        run.entry = {**run.words, **{n: list(cells) for n, cells in run.arrays.items()}}
        demand("call" if run.calls else "requires", contract.requires, _view(run, size), name)
        if contract.decreases:
            before = outside[1][1] if outside[1] and outside[1][0] == name else None
            run.measure = name, measured(contract.decreases, before, _view(run, size), name)
        leaving = body(run)
        demand("ensures", contract.ensures, _view(run, size), name)
        run.entry, run.measure = outside
        return leaving

    return run_kept


class _Closures:
    """Makes a closure of each node of one function. `bodies` is filled with those of all functions before any runs."""

    def __init__(
        self,
        program: dict[str, Function],
        bodies: dict[str, Action],
        sizes: Sizes,
        watched: bool,
        checked: str | bool = False,
    ) -> None:
        self.program, self.bodies, self.checked = program, bodies, checked
        self.algebra = Integers(sizes.width)
        self.memory, self.depth = sizes.memory, sizes.depth
        self.watched = watched

    # --- expressions

    def word(self, node: Expression) -> Word:
        match node:
            case Number(value=value, inverted=inverted):
                constant = self.algebra.invert(value) if inverted else value
                return lambda run: constant
            case Variable(name=name):
                return lambda run: run.words[name]
            case Length(array=name):
                return lambda run: len(run.arrays[name])
            case Element():
                return self.element(node)
            case Unary(operator=operator, operand=operand):
                return self.unary(operator, self.word(operand))
            case Binary(operator=operator, left=left, right=right, position=place):
                return self.binary(operator, self.word(left), self.word(right), place)
            case Logical(operator=operator, left=left, right=right):
                first, second = self.word(left), self.word(right)
                if operator == "and":
                    return lambda run: first(run) and second(run)
                return lambda run: first(run) or second(run)
            case Chain():
                return self.chain(node)
            case Conditional(condition=condition, then=then, otherwise=otherwise):
                test, yes, no = self.word(condition), self.word(then), self.word(otherwise)
                return lambda run: yes(run) if test(run) else no(run)
            case Builtin():
                return self.builtin(node)
            case Call():
                give = self.call(node)

                def word_of(run: _Run) -> int:
                    value = give(run)
                    assert isinstance(value, int)
                    return value

                return word_of

    def chain(self, node: Chain) -> Word:
        first, *rest = [self.word(operand) for operand in node.operands]
        steps = [(self.operator(o, node.position), w) for o, w in zip(node.operators, rest, strict=True)]

        def compare(run: _Run) -> int:
            left = first(run)
            for holds, word in steps:
                right = word(run)
                if not holds(left, right):
                    return 0
                left = right
            return 1

        return compare

    def builtin(self, node: Builtin) -> Word:
        row, algebra, place = BUILTINS[node.name], self.algebra, node.position
        words = [self.word(argument) for argument in node.arguments]

        def give(run: _Run) -> int:
            values = [word(run) for word in words]
            if row.traps_on_zero and values[-1] == 0:
                raise _Trapped(Trap.DIVISION, place)
            return int(row.meaning(algebra, *values))

        return give

    def call(self, node: Call) -> Callable[[_Run], Value]:
        """Runs the body with variables of its own; its arrays are the caller's."""
        signature, place, bodies, name = (
            self.program[node.function].signature,
            node.position,
            self.bodies,
            node.function,
        )
        words: list[tuple[str, Word]] = []
        arrays: list[tuple[str, str]] = []
        for parameter, argument in zip(signature.parameters, node.arguments, strict=True):
            if isinstance(argument, str):
                arrays.append((parameter.name, argument))
            else:
                words.append((parameter.name, self.word(argument)))

        def give(run: _Run) -> Value:
            given = {inner: word(run) for inner, word in words}
            passed = {inner: run.arrays[outer] for inner, outer in arrays}
            run.tick(place)
            if run.calls >= self.depth:
                raise _Trapped(Trap.STACK, place)
            kept = run.words, run.arrays, run.cells
            run.words, run.arrays, run.calls = given, passed, run.calls + 1
            bodies[name](run)
            value, run.result = run.result, None
            run.words, run.arrays, run.calls = kept[0], kept[1], run.calls - 1
            if signature.result == "word":
                run.cells = kept[2]
            assert value is not None
            return value

        return give

    def receive(self, statement: Receive) -> Action:
        give, name = self.call(statement.call), statement.target

        def bind(run: _Run) -> Leaving:
            value = give(run)
            assert isinstance(value, list)
            run.arrays[name] = value
            return None

        return bind

    def perform(self, statement: Perform) -> Action:
        give = self.call(statement.call)

        def do(run: _Run) -> Leaving:
            give(run)
            return None

        return do

    def element(self, node: Element) -> Word:
        name, index, place = node.array, self.word(node.index), node.position

        def read(run: _Run) -> int:
            at, cells = index(run), run.arrays[name]
            if at >= len(cells):
                raise _Trapped(Trap.INDEX, place)
            return cells[at]

        return read

    def unary(self, operator: str, operand: Word) -> Word:
        row, algebra = OPS[Opcode.INVERT if operator == "~" else Opcode.IS_ZERO].word, self.algebra
        assert row is not None
        return lambda run: row(algebra, operand(run))

    def binary(self, operator: str, left: Word, right: Word, place: Position) -> Word:
        combine = self.operator(operator, place)

        def both(run: _Run) -> int:
            first = left(run)
            return combine(first, right(run))

        return both

    def operator(self, operator: str, place: Position) -> Callable[[int, int], int]:
        """What an operator does with two words; a division by zero traps at the place."""
        opcode, swapped = _MEANING[operator]
        row, algebra = OPS[opcode], self.algebra
        meaning = row.word
        assert meaning is not None
        if row.traps_on_zero:

            def divide(x: int, y: int) -> int:
                if y == 0:
                    raise _Trapped(Trap.DIVISION, place)
                return int(meaning(algebra, x, y))

            return divide
        if swapped:
            return lambda x, y: meaning(algebra, y, x)
        return lambda x, y: meaning(algebra, x, y)

    # --- statements

    def block(self, body: tuple[Statement, ...]) -> Action:
        actions = [self.seen(s) if self.watched else self.action(s) for s in body]

        def run_block(run: _Run) -> Leaving:
            for action in actions:
                leaving = action(run)
                if leaving is not None:
                    return leaving
            return None

        return run_block

    def seen(self, statement: Statement) -> Action:
        action, place = self.action(statement), statement.position

        def watched(run: _Run) -> Leaving:
            if run.watch:
                run.watch(place)
            return action(run)

        return watched

    def action(self, statement: Statement) -> Action:
        match statement:
            case Assign():
                return self.assign(statement)
            case Augment():
                return self.augment(statement)
            case NewArray():
                return self.new_array(statement)
            case Receive():
                return self.receive(statement)
            case Perform():
                return self.perform(statement)
            case If(condition=condition, then=then, otherwise=otherwise):
                test, yes, no = self.word(condition), self.block(then), self.block(otherwise)
                return lambda run: yes(run) if test(run) else no(run)
            case While():
                return self.while_loop(statement)
            case For():
                return self.for_loop(statement)
            case Break():
                return lambda run: "break"
            case Continue():
                return lambda run: "continue"
            case Assert(condition=condition, position=place):
                return self.assertion(self.word(condition), place)
            case Return(value=value):
                return self.returning(value)

    def assertion(self, test: Word, place: Position) -> Action:
        def check(run: _Run) -> Leaving:
            if not test(run):
                raise _Trapped(Trap.ASSERT, place)
            return None

        return check

    def returning(self, value: Expression | str) -> Action:
        if isinstance(value, str):
            name = value

            def give_array(run: _Run) -> Leaving:
                run.result = run.arrays[name]
                return "return"

            return give_array
        word = self.word(value)

        def give_word(run: _Run) -> Leaving:
            run.result = word(run)
            return "return"

        return give_word

    def assign(self, statement: Assign) -> Action:
        values = [self.word(v) for v in statement.values]
        stores = [self.store(t) for t in statement.targets]

        def assign_all(run: _Run) -> Leaving:
            words = [value(run) for value in values]
            for store, word in zip(stores, words, strict=True):
                store(run, word)
            return None

        return assign_all

    def store(self, target: Variable | Element) -> Callable[[_Run, int], None]:
        name = target.name if isinstance(target, Variable) else target.array
        if isinstance(target, Variable):

            def set_word(run: _Run, word: int) -> None:
                run.words[name] = word

            return set_word
        index, place = self.word(target.index), target.position

        def set_cell(run: _Run, word: int) -> None:
            at, cells = index(run), run.arrays[name]
            if at >= len(cells):
                raise _Trapped(Trap.INDEX, place)
            cells[at] = word

        return set_cell

    def augment(self, statement: Augment) -> Action:
        target, value = statement.target, self.word(statement.value)
        combine = self.operator(statement.operator, statement.position)
        if isinstance(target, Variable):
            name = target.name

            def change_word(run: _Run) -> Leaving:
                old = run.words[name]
                run.words[name] = combine(old, value(run))
                return None

            return change_word
        array, index, place = target.array, self.word(target.index), target.position

        def change_cell(run: _Run) -> Leaving:
            at, cells = index(run), run.arrays[array]
            if at >= len(cells):
                raise _Trapped(Trap.INDEX, place)
            cells[at] = combine(cells[at], value(run))
            return None

        return change_cell

    def new_array(self, statement: NewArray) -> Action:
        name, place, memory = statement.target, statement.position, self.memory
        fill, count = self.word(statement.fill), self.word(statement.count)

        def make(run: _Run) -> Leaving:
            word, cells = fill(run), count(run)
            if run.cells + cells > memory:
                raise _Trapped(Trap.MEMORY, place)
            run.cells += cells
            for _ in range(cells + 1):
                run.tick(place)
            run.arrays[name] = [word] * cells
            return None

        return make

    def while_loop(self, statement: While) -> Action:
        test, body, place = self.word(statement.condition), self.block(statement.body), statement.position

        arrivals = self.arrivals(statement)

        def loop(run: _Run) -> Leaving:
            arrive = arrivals(run) if arrivals else None
            while True:
                run.tick(place)
                if arrive:
                    arrive(None)
                if not test(run):
                    return None
                leaving = body(run)
                if leaving == "break":
                    return None
                if leaving == "return":
                    return leaving

        return loop

    def for_loop(self, statement: For) -> Action:
        name, body, place = statement.variable, self.block(statement.body), statement.position
        bounds, arrivals = self.bounds(statement), self.arrivals(statement)
        to_zero = statement.falling is not None and statement.stop is None

        def loop(run: _Run) -> Leaving:
            following, step, left = bounds(run)
            arrive = arrivals(run) if arrivals else None
            while True:
                run.tick(place)
                if arrive:
                    # Down to 0 from n - 1 with n = 0: the next index is -1, as in Python.
                    arrive(-1 if not left and to_zero and following > 0 else following)
                if not left:
                    return None
                run.words[name] = following
                following += step
                left -= 1
                leaving = body(run)
                if leaving == "break":
                    return None
                if leaving == "return":
                    return leaving

        return loop

    def arrivals(self, statement: While | For) -> Callable[[_Run], Callable[[int | None], None]] | None:
        """What checks the loop's contract at each arrival, given the next index of a `for`; made anew for each loop."""
        contract, name, size = statement.contract, str(self.checked), self.algebra.size
        if not self.checked or not contract:
            return None
        variable = statement.variable if isinstance(statement, For) else ""

        def begin(run: _Run) -> Callable[[int | None], None]:
            before: tuple[int, ...] | None = None

            def arrive(following: int | None) -> None:
                nonlocal before
                words = run.words if following is None else {**run.words, variable: following}
                view = _view(run, size, words)
                demand("invariant", contract.invariants, view, name)
                if contract.decreases:
                    before = measured(contract.decreases, before, view, name)

            return arrive

        return begin

    def bounds(self, statement: For) -> Callable[[_Run], tuple[int, int, int]]:
        """(next, step, left) before the first round. `next` never passes the last index used, so it never wraps."""
        start, place, top = self.word(statement.start), statement.position, self.algebra.size - 1
        falling = statement.falling
        if falling is not None and statement.stop is None:

            def down_to_zero(run: _Run) -> tuple[int, int, int]:
                first = start(run)
                return first, -falling, 0 if first == top else first // falling + 1

            return down_to_zero
        assert statement.stop is not None
        stop, step = self.word(statement.stop), self.word(statement.step)
        if falling is not None:

            def down(run: _Run) -> tuple[int, int, int]:
                first, end = start(run), stop(run)
                return first, -falling, (first - end - 1) // falling + 1 if first > end else 0

            return down

        def up(run: _Run) -> tuple[int, int, int]:
            first, end, by = start(run), stop(run), step(run)
            if by == 0:
                raise _Trapped(Trap.DIVISION, place)
            return first, by, (end - first - 1) // by + 1 if first < end else 0

        return up
