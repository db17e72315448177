"""The source, run on solver terms from a place to the next points: a second reading of what `language.syntax` says.

Over flat memory: an array is a base and a length, `xs[i]` the cell at base + i. A source variable has one term; what a
place knows nothing about is a symbol of its own. Evaluation is in continuation-passing style, so that an operand may
fork control (a short circuit, a trap) in the middle of an expression. Called by `translate_segment`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import z3

from ncl.language.builtins import BUILTINS
from ncl.language.opcodes import Opcode, Trap
from ncl.language.ops import OPS
from ncl.language.program import Position, Sizes
from ncl.language.syntax import (
    Assert,
    Assign,
    Augment,
    Binary,
    Builtin,
    Call,
    Chain,
    Conditional,
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
    Unary,
    Variable,
    While,
)  # fmt: skip
from verify.translate_ends import Arrived, Assume, Called, Ending, Fork, Node, Returned, Shared, Spot, Stuck, Trapped
from verify.translate_points import Place, literals
from verify.translate_terms import Term, Terms, shared_natural, source_word

# Source spelling → the row of the op table that says what it means, and whether the operands change places.
_MEANING = {
    "+": (Opcode.ADD, False), "-": (Opcode.SUBTRACT, False), "*": (Opcode.MULTIPLY, False),
    "//": (Opcode.DIVIDE, False), "%": (Opcode.REMAINDER, False), "&": (Opcode.AND, False),
    "|": (Opcode.OR, False), "^": (Opcode.XOR, False), "<<": (Opcode.SHIFT_LEFT, False),
    ">>": (Opcode.SHIFT_RIGHT, False), "==": (Opcode.EQUAL, False), "!=": (Opcode.NOT_EQUAL, False),
    "<": (Opcode.LESS, False), "<=": (Opcode.LESS_EQUAL, False),
    ">": (Opcode.LESS, True), ">=": (Opcode.LESS_EQUAL, True),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class State:
    """What the source's variables hold, by source term (`x`, `base(xs)`, `next@2`), and what both sides share."""

    words: Mapping[str, Term]
    shared: Shared

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


class Source:
    """One function at one machine's sizes. `cuts` are the points at which a segment ends, `program` what it may call.

    `halts`: the run ends with it; else it was called.
    """

    def __init__(
        self, function: Function, program: Mapping[str, Function], sizes: Sizes, cuts: frozenset[Spot], halts: bool
    ) -> None:
        self.program = program
        self.ending: Ending = "halt" if halts else "keep" if function.signature.result == "array" else "restore"
        self.terms = Terms(sizes.width)
        self.sizes = sizes
        self.function = function
        self.cuts = cuts
        self.fixed = {name: self.number(literal) for name, literal in literals(function).items()}

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

    # --- control

    def run(self, place: Place, state: State) -> Node:
        """The tree of what may happen from a place on, which itself is passed even when it is a point."""
        return self.settled(self.step(place, state))

    def settled(self, step: Step) -> Node:
        while isinstance(step, Next):
            spot = step.place.spot
            if spot in self.cuts:
                return self.arrived(spot, step.state)
            step = self.step(step.place, step.state)
        return step

    def arrived(self, spot: Spot, state: State) -> Node:
        return Arrived(spot, lambda term: self.value(state, term), state.shared)

    def fork(self, condition: Term, yes: Callable[[], Step], no: Callable[[], Step]) -> Step:
        if z3.is_true(condition):
            return yes()
        if z3.is_false(condition):
            return no()
        return Fork(condition, lambda: self.settled(yes()), lambda: self.settled(no()))

    def trap_if(
        self, condition: Term, kind: Trap, position: Position, state: State, otherwise: Callable[[], Step]
    ) -> Step:
        return self.fork(condition, lambda: Trapped(kind, position, state.shared), otherwise)

    def step(self, place: Place, state: State) -> Step:
        match place.kind:
            case "begin":
                return self.begin(place, state)
            case "head":
                return self.head(place, state)
            case "behind":
                return _go(place.then, state)
        return Stuck("the source runs past the end of its body")

    def begin(self, place: Place, state: State) -> Step:
        """A statement: evaluate, store, and on to the place behind it, into an arm, or to a loop's head."""
        match place.statement:
            case Receive(target=target, call=call):
                names = (f"base({target})", f"len({target})")
                return self.call(call, state, lambda s, words: _go(
                    place.then, s.put(dict(zip(names, words, strict=True)))))  # fmt: skip
            case Perform(call=call):
                return self.call(call, state, lambda s, _: _go(place.then, s))
            case Assign():
                return self.assign(place.statement, state, lambda s: _go(place.then, s))
            case Augment():
                return self.augment(place.statement, state, lambda s: _go(place.then, s))
            case If(condition=condition):
                return self.branch(condition, state, place)
            case For():
                return self.bounds(place.statement, place.path, state, lambda s: _go(place.then, s))
            case NewArray():
                return self.allocate(place.statement, place.path, state, lambda s: _go(place.then, s))
            case Assert(condition=condition, position=position):
                return self.word(condition, state, lambda s, word: self.trap_if(
                    self.terms.negate(self.terms.nonzero(word)), Trap.ASSERT, position, s,
                    lambda: _go(place.then, s)))  # fmt: skip
            case Return(value=value):
                return self.give(value, state)
        return _go(place.then, state)  # while, break, continue

    def branch(self, condition: Expression, state: State, place: Place) -> Step:
        return self.word(condition, state, lambda s, word: self.fork(
            self.terms.nonzero(word), lambda: _go(place.then, s), lambda: _go(place.otherwise, s)))  # fmt: skip

    def give(self, value: Expression | str, state: State) -> Step:
        if isinstance(value, str):
            return Returned(self.ending, self.array(state, value), state.shared)
        return self.word(value, state, lambda s, word: Returned(self.ending, (word,), s.shared))

    # --- loops

    def head(self, place: Place, state: State) -> Step:
        statement = place.statement
        assert isinstance(statement, While | For | NewArray)

        def on(ticked: State) -> Step:
            match statement:
                case While(condition=condition):
                    return self.branch(condition, ticked, place)
                case For():
                    return self.round(statement, place, ticked)
            return self.fill(statement, place, ticked)

        return self.tick(state, statement.position, on)

    def tick(self, state: State, position: Position, then: Callable[[State], Step]) -> Step:
        spent = self.terms.negate(self.terms.less(state.shared.ticks, shared_natural("budget")))
        ticked = state.share(ticks=self.terms.plus(state.shared.ticks, self.terms.natural(1)))
        return self.trap_if(spent, Trap.BUDGET, position, state, lambda: then(ticked))

    def round(self, statement: For, place: Place, state: State) -> Step:
        """One round of a `for`: the variable is the next index, next moves on, left goes down."""
        terms = self.terms
        following, left, step = (self.value(state, f"{name}@{place.path}") for name in ("next", "left", "step"))
        moved = (terms.add if statement.falling is None else terms.subtract)(following, step)
        inside = {
            statement.variable: following,
            f"next@{place.path}": moved,
            f"left@{place.path}": terms.subtract(left, terms.word(1)),
        }
        return self.fork(
            terms.nonzero(left), lambda: _go(place.then, state.put(inside)), lambda: _go(place.otherwise, state)
        )

    def bounds(self, statement: For, path: str, state: State, then: Callable[[State], Step]) -> Step:
        """Start, stop, step, in this order; then how many rounds there are."""
        terms, one = self.terms, self.terms.word(1)

        def ready(s: State, start: Term, step: Term, some: Term, span: Term) -> Step:
            rounds = terms.add(terms.divide(span, step), one)
            left = terms.choose(some, rounds, terms.word(0))
            return then(s.put({f"next@{path}": start, f"left@{path}": left, f"step@{path}": step}))

        if statement.falling is not None:
            size = terms.word(statement.falling)
            if statement.stop is None:
                top = terms.invert(terms.word(0))
                return self.word(statement.start, state, lambda s, start: ready(
                    s, start, size, terms.negate(terms.equal(start, top)), start))  # fmt: skip
            return self.words((statement.start, statement.stop), state, lambda s, w: ready(
                s, w[0], size, terms.less(w[1], w[0]), terms.subtract(terms.subtract(w[0], w[1]), one)))  # fmt: skip
        assert statement.stop is not None
        return self.words((statement.start, statement.stop, statement.step), state, lambda s, w: self.trap_if(
            terms.equal(w[2], terms.word(0)), Trap.DIVISION, statement.position, s,
            lambda: ready(s, w[0], w[2], terms.less(w[0], w[1]),
                          terms.subtract(terms.subtract(w[1], w[0]), one))))  # fmt: skip

    def allocate(self, statement: NewArray, path: str, state: State, then: Callable[[State], Step]) -> Step:
        terms = self.terms

        def ready(s: State, fill: Term, count: Term) -> Step:
            base, hp = terms.to_word(s.shared.hp), terms.plus(s.shared.hp, terms.to_natural(count))
            names = {"fill": fill, "count": count, "base": base, "index": terms.word(0)}
            following = s.put({f"{name}@{path}": word for name, word in names.items()}).share(hp=hp)
            full = terms.less(terms.natural(self.sizes.memory), hp)
            return self.trap_if(full, Trap.MEMORY, statement.position, s, lambda: then(following))

        return self.words((statement.fill, statement.count), state, lambda s, w: ready(s, w[0], w[1]))

    def fill(self, statement: NewArray, place: Place, state: State) -> Step:
        """One round of filling, or the array under its name."""
        terms = self.terms
        fill, count, base, index = (
            self.value(state, f"{name}@{place.path}") for name in ("fill", "count", "base", "index")
        )
        made = state.put({f"base({statement.target})": base, f"len({statement.target})": count})
        cell = terms.add(base, index)
        filled = state.share(memory=z3.Store(state.shared.memory, cell, fill))
        following = filled.put({f"index@{place.path}": terms.add(index, terms.word(1))})
        return self.fork(
            terms.less(index, count),
            lambda: self.in_memory(cell, lambda: _go(place.then, following)),
            lambda: _go(place.otherwise, made),
        )

    # --- statements

    def assign(self, statement: Assign, state: State, then: Callable[[State], Step]) -> Step:
        """All values, then the targets, an element's index when its turn comes."""

        def store(s: State, words: tuple[Term, ...], number: int) -> Step:
            if number == len(words):
                return then(s)
            target, word = statement.targets[number], words[number]
            if isinstance(target, Variable):
                return store(s.put({target.name: word}), words, number + 1)
            return self.cell(target, s, lambda s, cell: store(_stored(s, cell, word), words, number + 1))

        return self.words(statement.values, state, lambda s, words: store(s, words, 0))

    def augment(self, statement: Augment, state: State, then: Callable[[State], Step]) -> Step:
        """The target's index and old value, then the value, the operator, the store."""
        target, operator, place = statement.target, statement.operator, statement.position
        if isinstance(target, Variable):
            old, name = self.value(state, target.name), target.name
            return self.word(statement.value, state, lambda s, word: self.operate(
                operator, old, word, place, s, lambda s, new: then(s.put({name: new}))))  # fmt: skip

        def change(s: State, cell: Term) -> Step:
            old = z3.Select(s.shared.memory, cell)
            return self.word(statement.value, s, lambda s, word: self.operate(
                operator, old, word, place, s, lambda s, new: then(_stored(s, cell, new))))  # fmt: skip

        return self.cell(target, state, change)

    # --- expressions

    def words(
        self, nodes: tuple[Expression, ...], state: State, then: Callable[[State, tuple[Term, ...]], Step]
    ) -> Step:
        """Several, from left to right."""
        if not nodes:
            return then(state, ())
        return self.word(nodes[0], state, lambda s, first: self.words(
            nodes[1:], s, lambda s, rest: then(s, (first, *rest))))  # fmt: skip

    def word(self, node: Expression, state: State, then: WithWord) -> Step:
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
            case Conditional(condition=condition, then=yes, otherwise=no):
                return self.word(condition, state, lambda s, word: self.fork(
                    self.terms.nonzero(word), lambda: self.word(yes, s, then),
                    lambda: self.word(no, s, then)))  # fmt: skip
            case Chain(operands=operands):
                return self.word(operands[0], state, lambda s, first: self.chain(node, 0, first, s, then))
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
                    ticked.shared, lambda results, shared: self.settled(
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
        opcode, swapped = _MEANING[operator]
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
        return Assume(inside, lambda: self.settled(then()))


def _go(place: Place | None, state: State) -> Step:
    assert place is not None
    return Next(place, state)


def _stored(state: State, cell: Term, word: Term) -> State:
    return state.share(memory=z3.Store(state.shared.memory, cell, word))
