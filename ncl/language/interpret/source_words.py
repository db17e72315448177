"""Expressions of the source interpreter: each becomes a Python closure that gives a word.

Words wrap, indices are checked, and what an operator means is its row of the op table. Called by `source_statements`,
which makes the rest of a function.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ncl.language.builtins import BUILTINS
from ncl.language.interpret.contracts import Broken, endless
from ncl.language.interpret.endless import DEEP
from ncl.language.interpret.source_run import Action, Run, Trapped, Word
from ncl.language.opcodes import Opcode, Trap
from ncl.language.operators import MEANING
from ncl.language.ops import OPS
from ncl.language.program import Position, Sizes, Value
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
from ncl.language.word import Integers


class Words:
    """Makes a closure of each expression of one function. `bodies` is filled with those of all before any runs."""

    def __init__(self, program: dict[str, Function], bodies: dict[str, Action], sizes: Sizes) -> None:
        self.program, self.bodies = program, bodies
        self.algebra = Integers(sizes.width)
        self.memory, self.depth = sizes.memory, sizes.depth

    def word(self, node: Expression) -> Word:
        """The closure of any expression."""
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

                def word_of(run: Run) -> int:
                    value = give(run)
                    assert isinstance(value, int)
                    return value

                return word_of

    def chain(self, node: Chain) -> Word:
        """`a < b < c`: operands from left to right, none after the first comparison that is false."""
        first, *rest = [self.word(operand) for operand in node.operands]
        steps = [(self.operator(o, node.position), w) for o, w in zip(node.operators, rest, strict=True)]

        def compare(run: Run) -> int:
            left = first(run)
            for holds, word in steps:
                right = word(run)
                if not holds(left, right):
                    return 0
                left = right
            return 1

        return compare

    def builtin(self, node: Builtin) -> Word:
        """A function of the language; a division by zero traps."""
        row, algebra, place = BUILTINS[node.name], self.algebra, node.position
        words = [self.word(argument) for argument in node.arguments]

        def give(run: Run) -> int:
            values = [word(run) for word in words]
            if row.traps_on_zero and values[-1] == 0:
                raise Trapped(Trap.DIVISION, place)
            return int(row.meaning(algebra, *values))

        return give

    def call(self, node: Call) -> Callable[[Run], Value]:
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

        def give(run: Run) -> Value:
            given = {inner: word(run) for inner, word in words}
            passed = {inner: run.arrays[outer] for inner, outer in arrays}
            run.tick(place)
            if run.calls >= self.depth:
                raise Trapped(Trap.STACK, place)
            if run.promised and 2 * run.calls >= self.depth and self._deep(run, name, given, passed):
                raise Broken(endless(DEEP, place, run.view(self.algebra.size), name))
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

    def _deep(self, run: Run, name: str, words: dict[str, int], arrays: dict[str, list[int]]) -> bool:
        """Whether the call stands in one like it."""
        return run.chain.again(name, (*words.values(), *arrays.values()), self.depth - run.calls)

    def element(self, node: Element) -> Word:
        """`array[index]`; traps `index` outside the array."""
        name, index, place = node.array, self.word(node.index), node.position

        def read(run: Run) -> int:
            at, cells = index(run), run.arrays[name]
            if at >= len(cells):
                raise Trapped(Trap.INDEX, place)
            return cells[at]

        return read

    def unary(self, operator: str, operand: Word) -> Word:
        """`~` or `not`, as the op table has it."""
        row, algebra = OPS[Opcode.INVERT if operator == "~" else Opcode.IS_ZERO].word, self.algebra
        assert row is not None
        return lambda run: row(algebra, operand(run))

    def binary(self, operator: str, left: Word, right: Word, place: Position) -> Word:
        """An operator on two operands, the left one first."""
        combine = self.operator(operator, place)

        def both(run: Run) -> int:
            first = left(run)
            return combine(first, right(run))

        return both

    def operator(self, operator: str, place: Position) -> Callable[[int, int], int]:
        """What an operator does with two words; a division by zero traps at the place."""
        opcode, swapped = MEANING[operator]
        row, algebra = OPS[opcode], self.algebra
        meaning = row.word
        assert meaning is not None
        if row.traps_on_zero:

            def divide(x: int, y: int) -> int:
                if y == 0:
                    raise Trapped(Trap.DIVISION, place)
                return int(meaning(algebra, x, y))

            return divide
        if swapped:
            return lambda x, y: meaning(algebra, y, x)
        return partial(meaning, algebra)
