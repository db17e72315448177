"""Statements of the source interpreter: each becomes a Python closure that says how it ended.

Loop heads and calls tick, traps carry their position, and where contracts are checked every loop asks for its own.
Called by `source`.
"""

from __future__ import annotations

from collections.abc import Callable

from ncl.language.interpret.contracts import Broken, demand, endless, measured
from ncl.language.interpret.endless import NEVER, Rounds
from ncl.language.interpret.source_run import Action, Leaving, Mark, Run, Trapped, Word
from ncl.language.interpret.source_words import Words
from ncl.language.opcodes import Trap
from ncl.language.program import Position, Sizes
from ncl.language.syntax import (
    Assert,
    Assign,
    Augment,
    Break,
    Continue,
    Element,
    Expression,
    For,
    Function,
    If,
    NewArray,
    Perform,
    Receive,
    Return,
    Statement,
    Variable,
    While,
)  # fmt: skip


class Statements(Words):
    """Makes a closure of each statement. `watched`: each is announced; `checked`: whose contracts are kept."""

    def __init__(
        self,
        program: dict[str, Function],
        bodies: dict[str, Action],
        sizes: Sizes,
        watched: bool,
        checked: str | bool = False,
    ) -> None:
        super().__init__(program, bodies, sizes)
        self.watched, self.checked = watched, checked

    def block(self, body: tuple[Statement, ...]) -> Action:
        """Statements in order, up to one that leaves the loop or function."""
        actions = [self.seen(s) if self.watched else self.action(s) for s in body]

        def run_block(run: Run) -> Leaving:
            for action in actions:
                leaving = action(run)
                if leaving is not None:
                    return leaving
            return None

        return run_block

    def seen(self, statement: Statement) -> Action:
        """A statement that is announced to `run.watch` before it runs."""
        action, place = self.action(statement), statement.position

        def watched(run: Run) -> Leaving:
            if run.watch:
                run.watch(place)
            return action(run)

        return watched

    def action(self, statement: Statement) -> Action:
        """The closure of any statement."""
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

    def receive(self, statement: Receive) -> Action:
        """`xs = f(...)` of a function that returns an array."""
        give, name = self.call(statement.call), statement.target

        def bind(run: Run) -> Leaving:
            value = give(run)
            assert isinstance(value, list)
            run.arrays[name] = value
            return None

        return bind

    def perform(self, statement: Perform) -> Action:
        """A call whose result is not used."""
        give = self.call(statement.call)

        def do(run: Run) -> Leaving:
            give(run)
            return None

        return do

    def assertion(self, test: Word, place: Position) -> Action:
        """`assert`; traps `assert` where the test gives 0."""

        def check(run: Run) -> Leaving:
            if not test(run):
                raise Trapped(Trap.ASSERT, place)
            return None

        return check

    def returning(self, value: Expression | str) -> Action:
        """`return` of a word, or of the array of a name."""
        if isinstance(value, str):
            name = value

            def give_array(run: Run) -> Leaving:
                run.result = run.arrays[name]
                return "return"

            return give_array
        word = self.word(value)

        def give_word(run: Run) -> Leaving:
            run.result = word(run)
            return "return"

        return give_word

    def assign(self, statement: Assign) -> Action:
        """An assignment: all values first, then the targets from left to right."""
        values = [self.word(v) for v in statement.values]
        stores = [self.store(t) for t in statement.targets]
        if len(values) == 1:
            only, into = values[0], stores[0]

            def assign_one(run: Run) -> Leaving:
                into(run, only(run))
                return None

            return assign_one

        def assign_all(run: Run) -> Leaving:
            words = [value(run) for value in values]
            for store, word in zip(stores, words, strict=True):
                store(run, word)
            return None

        return assign_all

    def store(self, target: Variable | Element) -> Callable[[Run, int], None]:
        """What puts a word into a variable or element; traps `index` outside an array."""
        name = target.name if isinstance(target, Variable) else target.array
        if isinstance(target, Variable):

            def set_word(run: Run, word: int) -> None:
                run.words[name] = word

            return set_word
        index, place = self.word(target.index), target.position

        def set_cell(run: Run, word: int) -> None:
            at, cells = index(run), run.arrays[name]
            if at >= len(cells):
                raise Trapped(Trap.INDEX, place)
            cells[at] = word

        return set_cell

    def augment(self, statement: Augment) -> Action:
        """`target operator= value`; the index, the old word, then the value."""
        target, value = statement.target, self.word(statement.value)
        combine = self.operator(statement.operator, statement.position)
        if isinstance(target, Variable):
            name = target.name

            def change_word(run: Run) -> Leaving:
                old = run.words[name]
                run.words[name] = combine(old, value(run))
                return None

            return change_word
        array, index, place = target.array, self.word(target.index), target.position

        def change_cell(run: Run) -> Leaving:
            at, cells = index(run), run.arrays[array]
            if at >= len(cells):
                raise Trapped(Trap.INDEX, place)
            cells[at] = combine(cells[at], value(run))
            return None

        return change_cell

    def new_array(self, statement: NewArray) -> Action:
        """`[fill] * count`: takes its cells, then one tick for each and one more; traps `memory` when full."""
        name, place, memory = statement.target, statement.position, self.memory
        fill, count = self.word(statement.fill), self.word(statement.count)

        def make(run: Run) -> Leaving:
            word, cells = fill(run), count(run)
            if run.cells + cells > memory:
                raise Trapped(Trap.MEMORY, place)
            run.cells += cells
            for _ in range(cells + 1):
                run.tick(place)
            run.arrays[name] = [word] * cells
            return None

        return make

    def while_loop(self, statement: While) -> Action:
        """A `while`: at each arrival the head ticks and its contract is checked, then the condition."""
        test, body, place = self.word(statement.condition), self.rounds(statement), statement.position
        arrivals = self.arrivals(statement)

        def loop(run: Run) -> Leaving:
            arrive = arrivals(run) if arrivals else None
            rounds = Rounds()
            while True:
                run.tick(place)
                if arrive:
                    arrive(None)
                if run.late and rounds.again(run.words, run.arrays):
                    raise Broken(endless(NEVER, place, run.view(self.algebra.size), str(self.checked)))
                if not test(run):
                    return None
                leaving = body(run)
                if leaving == "break":
                    return None
                if leaving == "return":
                    return leaving

        return loop

    def for_loop(self, statement: For) -> Action:
        """A `for`: at each arrival the head ticks and its contract is checked."""
        name, body, place = statement.variable, self.rounds(statement), statement.position
        bounds, arrivals = self.bounds(statement), self.arrivals(statement)

        def loop(run: Run) -> Leaving:
            following, step, left = bounds(run)
            arrive = arrivals(run) if arrivals else None
            while True:
                run.tick(place)
                if arrive:
                    arrive(following)
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

    def rounds(self, statement: While | For) -> Action:
        """The body, which notes that a round of it began where contracts are checked."""
        body, mark = self.block(statement.body), Mark("round", str(self.checked), statement.position)
        if not self.checked or not statement.contract:
            return body

        def begun(run: Run) -> Leaving:
            run.reached.add(mark)
            return body(run)

        return begun

    def arrivals(self, statement: While | For) -> Callable[[Run], Callable[[int | None], None]] | None:
        """What checks the loop's contract at each arrival, given the next index of a `for`; made anew for each loop."""
        contract, name, size = statement.contract, str(self.checked), self.algebra.size
        if not self.checked or not contract:
            return None
        variable = statement.variable if isinstance(statement, For) else ""
        head = Mark("head", name, statement.position)

        def begin(run: Run) -> Callable[[int | None], None]:
            before: tuple[int, ...] | None = None

            run.reached.add(head)

            def arrive(following: int | None) -> None:
                nonlocal before
                words = run.words if following is None else {**run.words, variable: following}
                view = run.view(size, words)
                demand("invariant", contract.invariants, view, name)
                if contract.decreases:
                    before = measured(contract.decreases, before, view, name)

            return arrive

        return begin

    def bounds(self, statement: For) -> Callable[[Run], tuple[int, int, int]]:
        """(next, step, left) before the first round. `next` is Python's own number here: it never wraps."""
        start, place, falling = self.word(statement.start), statement.position, statement.falling
        if falling is not None and statement.stop is None:
            return self.down_to_zero(statement, falling)
        assert statement.stop is not None
        stop, step = self.word(statement.stop), self.word(statement.step)
        if falling is not None:

            def down(run: Run) -> tuple[int, int, int]:
                first, end = start(run), stop(run)
                return first, -falling, (first - end - 1) // falling + 1 if first > end else 0

            return down

        def up(run: Run) -> tuple[int, int, int]:
            first, end, by = start(run), stop(run), step(run)
            if by == 0:
                raise Trapped(Trap.DIVISION, place)
            return first, by, (end - first - 1) // by + 1 if first < end else 0

        return up

    def down_to_zero(self, statement: For, falling: int) -> Callable[[Run], tuple[int, int, int]]:
        """The same of a range that ends at 0 inclusive: none when its start a - b lies below 0."""
        difference, start = statement.difference, self.word(statement.start)
        if difference is None:
            return lambda run: (first := start(run), -falling, first // falling + 1)
        left, right = self.word(difference.left), self.word(difference.right)

        def from_difference(run: Run) -> tuple[int, int, int]:
            above = left(run)
            first = above - right(run)
            return first, -falling, first // falling + 1 if first >= 0 else 0

        return from_difference
