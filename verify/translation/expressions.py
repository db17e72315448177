"""Expressions of the source, run on solver terms: a second reading of what `language.syntax` says.

Over flat memory: an array is a base and a length, `xs[i]` the cell at base + i. A source variable has one term; what a
place knows nothing about is a symbol of its own. Evaluation is in continuation-passing style, so that an operand may
fork control (a short circuit, a trap) in the middle of an expression. Called by `source`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import z3

from ncl.language.builtins import BUILTINS
from ncl.language.opcodes import Opcode, Trap
from ncl.language.operators import MEANING
from ncl.language.ops import OPS
from ncl.language.program import Position, Sizes
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
from ncl.verify.translation.ends import Assume, Called, Fork, Node, Shared, Spot, Trapped
from ncl.verify.translation.joins import Inside
from ncl.verify.translation.points import Place, literals
from ncl.verify.translation.terms import Term, Terms, shared_natural, source_word


@dataclass(frozen=True, eq=False)
class State:
    """What the source's variables hold, by source term (`x`, `base(xs)`, `next@2`), and what both sides share."""

    words: Mapping[str, Term]
    shared: Shared
    at: str = ""  # a statement is gone on with here, behind the expression of this path; "" where all is evaluated

    def put(self, words: Mapping[str, Term]) -> State:
        return replace(self, words={**self.words, **words})

    def share(self, **changes: Term) -> State:
        return replace(self, shared=replace(self.shared, **changes))


@dataclass(frozen=True, eq=False)
class Next:
    """Control goes on at a place; the loop of `Source.run` takes it from there, so no recursion grows with length."""

    place: Place
    state: State


Step = Node | Next
WithWord = Callable[[State, Term], Step]
WithCell = Callable[[State, Term], Step]


class Words(ABC):
    """One function at one machine's sizes; `program` has what it may call."""

    def __init__(
        self, function: Function, program: Mapping[str, Function], sizes: Sizes, cuts: frozenset[Spot], inside: Inside
    ) -> None:
        self.program, self.cuts, self.inside = program, cuts, inside
        self.terms = Terms(sizes.width)
        self.sizes = sizes
        self.fixed = {name: self.number(literal) for name, literal in literals(function).items()}

    @abstractmethod
    def resolved(self, step: Step) -> Node:
        """The tree of what may happen from a step on."""

    @abstractmethod
    def arrived(self, spot: Spot, state: State) -> Node:
        """A point."""

    def number(self, literal: Number | int) -> Term:
        if isinstance(literal, int):
            return self.terms.word(literal)
        word = self.terms.word(literal.value)
        return self.terms.invert(word) if literal.inverted else word

    def value(self, state: State, term: str) -> Term:
        """What a source term holds: a symbol of its own where nothing is known."""
        if term in self.fixed:
            return self.fixed[term]
        found = state.words.get(term)
        return source_word(term, self.sizes.width) if found is None else found

    def fork(self, condition: Term, yes: Callable[[], Step], no: Callable[[], Step]) -> Step:
        if z3.is_true(condition):
            return yes()
        if z3.is_false(condition):
            return no()
        return Fork(condition, lambda: self.resolved(yes()), lambda: self.resolved(no()))

    def trap_if(
        self, condition: Term, kind: Trap, position: Position, state: State, otherwise: Callable[[], Step]
    ) -> Step:
        return self.fork(condition, lambda: Trapped(kind, position, state.shared), otherwise)

    def tick(self, state: State, position: Position, then: Callable[[State], Step]) -> Step:
        spent = self.terms.negate(self.terms.less(state.shared.ticks, shared_natural("budget")))
        ticked = state.share(ticks=self.terms.plus(state.shared.ticks, self.terms.natural(1)))
        return self.trap_if(spent, Trap.BUDGET, position, state, lambda: then(ticked))

    def words(
        self, nodes: tuple[Expression, ...], state: State, then: Callable[[State, tuple[Term, ...]], Step]
    ) -> Step:
        """Several, from left to right."""
        if not nodes:
            return then(state, ())
        return self.word(nodes[0], state, lambda s, first: self.words(
            nodes[1:], s, lambda s, rest: then(s, (first, *rest))))  # fmt: skip

    def word(self, node: Expression, state: State, then: WithWord) -> Step:
        """The value of an expression; that of one which ends in a point is what the next segment begins with."""
        path = self.inside.paths.get(id(node))
        if path is None:
            return self.evaluated(node, state, then)
        name = f"value@{path}"
        if state.at == path:
            return then(replace(state, at=""), self.value(state, name))
        if state.at and not self.goes_on_in(node, state):
            return then(state, self.earlier(node, state))

        def given(s: State, word: Term) -> Step:
            after = s.put({name: word}) if name in self.inside.wanted else s
            return self.arrived(("join", path), after) if ("join", path) in self.cuts else then(after, word)

        return self.evaluated(node, state, given)

    def goes_on_in(self, node: Expression, state: State) -> bool:
        """Whether the point at which the statement is gone on with is this expression or a part of it."""
        path = self.inside.paths[id(node)]
        return state.at == path or state.at.startswith(f"{path}.")

    def earlier(self, node: Expression, state: State) -> Term:
        """What an expression gave before the point. Nothing assigns to variables while an expression is evaluated."""
        match node:
            case Number():
                return self.number(node)
            case Variable(name=name):
                return self.value(state, name)
            case Length(array=name):
                return self.value(state, f"len({name})")
        return self.value(state, f"value@{self.inside.paths[id(node)]}")

    def evaluated(self, node: Expression, state: State, then: WithWord) -> Step:
        match node:
            case Number():
                return then(state, self.number(node))
            case Variable(name=name):
                return then(state, self.value(state, name))
            case Length(array=name):
                return then(state, self.value(state, f"len({name})"))
            case Element():
                return self.cell(node, state, lambda s, cell: then(s, z3.Select(s.shared.memory, cell)))
            case Unary(operator=operator, operand=operand):
                meaning = OPS[Opcode.INVERT if operator == "~" else Opcode.IS_ZERO].word
                assert meaning is not None
                return self.word(operand, state, lambda s, word: then(s, meaning(self.terms, word)))
            case Binary(operator=operator, left=left, right=right, position=place):
                return self.word(left, state, lambda s, first: self.word(right, s, lambda s, second: self.operate(
                    operator, first, second, place, s, then)))  # fmt: skip
            case Builtin():
                return self.builtin(node, state, then)
            case Call():
                return self.call(node, state, lambda s, words: then(s, words[0]))
            case Conditional(then=yes, otherwise=no) if state.at and self.goes_on_in(yes, state):
                return self.word(yes, state, then)
            case Conditional(otherwise=no) if state.at and self.goes_on_in(no, state):
                return self.word(no, state, then)
            case Conditional(condition=condition, then=yes, otherwise=no):
                return self.word(condition, state, lambda s, word: self.fork(
                    self.terms.nonzero(word), lambda: self.word(yes, s, then),
                    lambda: self.word(no, s, then)))  # fmt: skip
            case Chain(operands=operands) if state.at and not self.goes_on_in(operands[0], state):
                number = next(n for n, part in enumerate(operands) if self.goes_on_in(part, state)) - 1
                return self.chain(node, number, self.earlier(operands[number], state), state, then)
            case Chain(operands=operands):
                return self.word(operands[0], state, lambda s, first: self.chain(node, 0, first, s, then))
            case Logical(right=right) if state.at and self.goes_on_in(right, state):
                return self.word(right, state, then)
            case Logical():
                return self.logical(node, state, then)

    def chain(self, node: Chain, number: int, left: Term, state: State, then: WithWord) -> Step:
        """From one comparison on; the first that does not hold ends it with its word, which is 0."""

        def compared(s: State, right: Term, word: Term) -> Step:
            if number + 1 == len(node.operators):
                return then(s, word)
            return self.fork(
                self.terms.nonzero(word), lambda: self.chain(node, number + 1, right, s, then), lambda: then(s, word)
            )

        operator, place = node.operators[number], node.position
        return self.word(node.operands[number + 1], state, lambda s, right: self.operate(
            operator, left, right, place, s, lambda s, word: compared(s, right, word)))  # fmt: skip

    def builtin(self, node: Builtin, state: State, then: WithWord) -> Step:
        row = BUILTINS[node.name]

        def give(s: State, words: tuple[Term, ...]) -> Step:
            def on() -> Step:
                return then(s, row.meaning(self.terms, *words))

            if not row.traps_on_zero:
                return on()
            zero = self.terms.equal(words[-1], self.terms.word(0))
            return self.trap_if(zero, Trap.DIVISION, node.position, s, on)

        return self.words(node.arguments, state, give)

    def call(self, node: Call, state: State, then: Callable[[State, tuple[Term, ...]], Step]) -> Step:
        """The arguments, one tick, the question whether fewer than D calls are open; then the call itself."""
        terms, signature = self.terms, self.program[node.function].signature
        keeps = signature.result == "array"

        def begin(s: State, values: tuple[Term, ...]) -> Step:
            left = iter(values)
            given = [self.array(s, a) if isinstance(a, str) else (next(left),) for a in node.arguments]
            return self.tick(s, node.position, lambda ticked: self.trap_if(
                terms.negate(terms.less(shared_natural("calls"), terms.natural(self.sizes.depth))),
                Trap.STACK, node.position, ticked, lambda: Called(
                    node.function, tuple(word for words in given for word in words), 2 if keeps else 1, keeps,
                    ticked.shared, lambda results, shared: self.resolved(
                        then(replace(ticked, shared=shared), results)))))  # fmt: skip

        return self.words(tuple(a for a in node.arguments if not isinstance(a, str)), state, begin)

    def array(self, state: State, name: str) -> tuple[Term, Term]:
        return self.value(state, f"base({name})"), self.value(state, f"len({name})")

    def logical(self, node: Logical, state: State, then: WithWord) -> Step:
        def decide(s: State, first: Term) -> Step:
            def more() -> Step:
                return self.word(node.right, s, then)

            def done() -> Step:
                return then(s, first)

            yes, no = (more, done) if node.operator == "and" else (done, more)
            return self.fork(self.terms.nonzero(first), yes, no)

        return self.word(node.left, state, decide)

    def operate(self, operator: str, left: Term, right: Term, place: Position, state: State, then: WithWord) -> Step:
        opcode, swapped = MEANING[operator]
        row = OPS[opcode]
        assert row.word is not None
        meaning = row.word

        def on() -> Step:
            first, second = (right, left) if swapped else (left, right)
            return then(state, meaning(self.terms, first, second))

        if not row.traps_on_zero:
            return on()
        return self.trap_if(self.terms.equal(right, self.terms.word(0)), Trap.DIVISION, place, state, on)

    def cell(self, node: Element, state: State, then: WithCell) -> Step:
        """The address of an element, its index checked."""

        def check(s: State, index: Term) -> Step:
            base, length = self.array(s, node.array)
            cell = self.terms.add(base, index)
            outside = self.terms.negate(self.terms.less(index, length))
            return self.trap_if(outside, Trap.INDEX, node.position, s, lambda: self.in_memory(
                cell, lambda: then(s, cell)))  # fmt: skip

        return self.word(node.index, state, check)

    def in_memory(self, cell: Term, then: Callable[[], Step]) -> Step:
        """The lemma of flat memory: a cell of an array whose index is below its length lies in memory."""
        inside = self.terms.less(self.terms.to_natural(cell), self.terms.natural(self.sizes.memory))
        return Assume(inside, lambda: self.resolved(then()))
