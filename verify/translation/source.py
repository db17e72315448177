"""The source, run on solver terms from a place to the next points: a second reading of what `language.syntax` says.

Expressions are in `expressions`. Called by `validate`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import z3

from ncl.language.opcodes import Trap
from ncl.language.program import Sizes
from ncl.language.syntax import (
    Assert,
    Assign,
    Augment,
    Expression,
    For,
    Function,
    If,
    NewArray,
    Perform,
    Receive,
    Return,
    Variable,
    While,
)  # fmt: skip
from ncl.verify.translation.ends import Arrived, Ending, Node, Returned, Spot, Stuck
from ncl.verify.translation.expressions import Next, State, Step, Words
from ncl.verify.translation.joins import Inside
from ncl.verify.translation.points import Place
from ncl.verify.translation.terms import Term


class Source(Words):
    """`cuts` are the points at which a segment ends. `halts`: the run ends with the function; else it was called."""

    def __init__(
        self, function: Function, program: Mapping[str, Function], sizes: Sizes, cuts: frozenset[Spot], halts: bool,
        inside: Inside,
    ) -> None:  # fmt: skip
        super().__init__(function, program, sizes, cuts, inside)
        self.ending: Ending = "halt" if halts else "keep" if function.signature.result == "array" else "restore"

    # --- control

    def run(self, place: Place, state: State) -> Node:
        """The tree of what may happen from a place on, which itself is passed even when it is a point."""
        return self.resolved(self.step(place, state))

    def behind(self, begin: Place, spot: Spot, state: State) -> Node:
        """The same from a point inside of a statement on, given the place where that begins."""
        return self.resolved(self.begin(begin, replace(state, at=spot[1])))

    def resolved(self, step: Step) -> Node:
        while isinstance(step, Next):
            spot = step.place.spot
            if spot in self.cuts:
                return self.arrived(spot, step.state)
            step = self.step(step.place, step.state)
        return step

    def arrived(self, spot: Spot, state: State) -> Node:
        return Arrived(spot, lambda term: self.value(state, term), state.shared)

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
                return self.augment(place.statement, place.path, state, lambda s: _go(place.then, s))
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

    def round(self, statement: For, place: Place, state: State) -> Step:
        """One round of a `for`: the variable is the next index, next moves on, left goes down."""
        terms = self.terms
        following, left, step = (self.value(state, f"{name}@{place.path}") for name in ("next", "left", "step"))
        moved = (terms.add if statement.falling is None else terms.subtract)(following, step)
        fewer = terms.subtract(left, terms.word(1))
        if statement.to_zero:
            fewer = terms.choose(terms.less(following, step), terms.word(0), terms.word(1))
        inside = {statement.variable: following, f"next@{place.path}": moved, f"left@{place.path}": fewer}
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
                return self.down_to_zero(statement, path, state, then)
            return self.words((statement.start, statement.stop), state, lambda s, w: ready(
                s, w[0], size, terms.less(w[1], w[0]), terms.subtract(terms.subtract(w[0], w[1]), one)))  # fmt: skip
        assert statement.stop is not None
        return self.words((statement.start, statement.stop, statement.step), state, lambda s, w: self.trap_if(
            terms.equal(w[2], terms.word(0)), Trap.DIVISION, statement.position, s,
            lambda: ready(s, w[0], w[2], terms.less(w[0], w[1]),
                          terms.subtract(terms.subtract(w[1], w[0]), one))))  # fmt: skip

    def down_to_zero(self, statement: For, path: str, state: State, then: Callable[[State], Step]) -> Step:
        """Down to 0 inclusive: there is a first round unless the start is written a - b with a < b."""
        terms, size = self.terms, self.terms.word(statement.falling or 1)

        def ready(s: State, start: Term, left: Term) -> Step:
            return then(s.put({f"next@{path}": start, f"left@{path}": left, f"step@{path}": size}))

        difference = statement.difference
        if difference is None:
            return self.word(statement.start, state, lambda s, start: ready(s, start, terms.word(1)))
        return self.words((difference.left, difference.right), state, lambda s, w: ready(
            s, terms.subtract(*w), terms.choose(terms.less(*w), terms.word(0), terms.word(1))))  # fmt: skip

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

    def augment(self, statement: Augment, path: str, state: State, then: Callable[[State], Step]) -> Step:
        """The target's index and old value, then the value, the operator, the store."""
        target, operator, place = statement.target, statement.operator, statement.position
        if isinstance(target, Variable):
            old, name = self.value(state, target.name), target.name
            kept = state.put({f"value@{path}:target": old})
            return self.word(statement.value, kept, lambda s, word: self.operate(
                operator, old, word, place, s, lambda s, new: then(s.put({name: new}))))  # fmt: skip

        def change(s: State, cell: Term) -> Step:
            old = z3.Select(s.shared.memory, cell)
            return self.word(statement.value, s, lambda s, word: self.operate(
                operator, old, word, place, s, lambda s, new: then(_stored(s, cell, new))))  # fmt: skip

        return self.cell(target, state, change)


def _go(place: Place | None, state: State) -> Step:
    assert place is not None
    return Next(place, state)


def _stored(state: State, cell: Term, word: Term) -> State:
    return state.share(memory=z3.Store(state.shared.memory, cell, word))
