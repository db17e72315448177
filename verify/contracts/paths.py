"""One function of the language, run on terms: every loop-free path between its entry, its loop heads and its returns.

Loops are cut at their heads wherever they stand, the first statement included. What comes out is a list of goals: that
invariants hold on arrival and are carried over, that measures fall, that nothing traps which a function with a contract
must not meet, that callees' `requires` and the function's own `ensures` hold. Called by `proof`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import z3

from ncl.language.contracts import LoopContract, Measure
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
from ncl.verify.contracts.clauses import Clauses
from ncl.verify.contracts.effects import arrays_in, assigns, words_in
from ncl.verify.contracts.expressions import Words
from ncl.verify.contracts.goals import Goal, State, smaller
from ncl.verify.contracts.terms import Term, Unprovable, Version, occurs

MOST_STATES = 400  # paths between two cuts


@dataclass
class _Loop:
    breaks: list[State] = field(default_factory=list)
    continues: list[State] = field(default_factory=list)


class Paths(Words):
    """Walks one function; `goals` fills up. Raises Unprovable for what cannot be expressed."""

    def __init__(self, function: Function, program: dict[str, Function]) -> None:
        super().__init__(function, program)
        self.loops: list[_Loop] = []

    def run(self) -> list[Goal]:
        parameters = self.function.signature.parameters
        words = {p.name: self.world.word(p.name) for p in parameters if p.sort == "word"}
        arrays = {p.name: self.world.array(p.name) for p in parameters if p.sort == "array"}
        self.entry = State(words, arrays, ())
        state = self.entry
        for clause in self.function.contract.requires:
            self.meaningful("requires", clause, state, None)
            state = state.knowing(self.clauses(state).truth(clause.expression, "given"))
        self.entry = state
        self.entry_measure = self.measured(self.function.contract.decreases, state, self.clauses(state))
        if ends := self.block(self.function.body, [state]):
            raise Unprovable(f"{len(ends)} paths end without a return")
        return self.goals

    # --- statements: the states in which a block goes on

    def block(self, body: tuple[Statement, ...], states: list[State]) -> list[State]:
        for statement in body:
            states = [after for state in states for after in self.statement(statement, state)]
            if len(states) > MOST_STATES:
                raise Unprovable(f"more than {MOST_STATES} paths at {statement.position.row}")
        return states

    def statement(self, statement: Statement, state: State) -> list[State]:
        match statement:
            case Assign(targets=targets, values=values):
                terms = []
                for value in values:
                    term, state = self.word(value, state)
                    terms.append(term)
                for target, term in zip(targets, terms, strict=True):
                    state = self.store(target, term, state)
                return [state]
            case Augment():
                return [self.augment(statement, state)]
            case NewArray(target=name, fill=fill, count=count):
                value, state = self.word(fill, state)
                size, state = self.word(count, state)
                value, state = self.kept(value, state)
                return [state.array(name, self.world.array(name, size, value))]
            case If(condition=condition, then=then, otherwise=otherwise):
                test, state = self.condition(condition, state)
                yes, no = state.knowing(test), state.knowing(z3.Not(test))
                return [s for body, way in ((then, yes), (otherwise, no)) if self.reachable(way)
                        for s in self.block(body, [way])]  # fmt: skip
            case While():
                return self.while_loop(statement, state)
            case For():
                return self.for_loop(statement, state)
            case Break():
                self.loops[-1].breaks.append(state)
                return []
            case Continue():
                self.loops[-1].continues.append(state)
                return []
            case Assert(condition=condition, position=place):
                test, state = self.condition(condition, state)
                self.claim("assert", place, "the assert holds", state, test)
                return [state.knowing(test)]
            case Return(value=value):
                self.returned(value, state)
                return []
            case Receive(target=name, call=call):
                value, state = self.call(call, state)
                assert isinstance(value, Version)
                return [state.array(name, value)]
            case Perform(call=call):
                return [self.call(call, state)[1]]

    def store(self, target: Variable | Element, term: Term, state: State) -> State:
        if isinstance(target, Variable):
            return state.word(target.name, term)
        at, state = self.word(target.index, state)
        state = self.inside(target, at, state)
        return self.put(target.array, at, term, state)

    def put(self, name: str, at: Term, term: Term, state: State) -> State:
        term, state = self.kept(term, state)
        return state.array(name, self.world.store(state.arrays[name], at, term, name))

    def augment(self, statement: Augment, state: State) -> State:
        target = statement.target
        if isinstance(target, Variable):
            change, state = self.word(statement.value, state)
            term, state = self.operate(statement.operator, state.words[target.name], change, statement.position, state)
            return state.word(target.name, term)
        at, state = self.word(target.index, state)
        state = self.inside(target, at, state)
        old = self.world.load(state.arrays[target.array], at)
        change, state = self.word(statement.value, state)
        term, state = self.operate(statement.operator, old, change, statement.position, state)
        return self.put(target.array, at, term, state)

    def returned(self, value: Expression | str, state: State) -> None:
        result: Any = None
        if isinstance(value, str):
            result = state.arrays[value]
        else:
            result, state = self.word(value, state)
        # Arrays are as they are left; a new array that took a parameter's name is no longer the caller's.
        clauses = self.clauses(state, result)
        for clause in self.function.contract.ensures:
            self.demand("ensures", clause, state, clauses)

    # --- loops

    def while_loop(self, statement: While, state: State) -> list[State]:
        if statement.contract.decreases is None:
            self.lacking.append(f"the loop at {statement.position.row} has no `decreases`")
        head = self.cut(statement, statement.contract, state, {})
        # As in a run, the measure is taken on arrival, before the condition, which may change what it speaks of.
        measure = self.measured(statement.contract.decreases, head, self.clauses(head))
        test, head = self.condition(statement.condition, head)
        ways = self.round(statement, head.knowing(test), {}, measure)
        return [s for s in (head.knowing(z3.Not(test)), *ways) if self.reachable(s)]

    def for_loop(self, statement: For, state: State) -> list[State]:
        start, state = self.start(statement, state)
        stop: Term = None
        if statement.stop is not None:
            stop, state = self.word(statement.stop, state)
        step, state = self.word(statement.step, state)
        if statement.falling is not None:
            step = z3.IntVal(-statement.falling)
            if stop is None:
                stop = z3.IntVal(-1)
        else:
            self.claim("division", statement.position, "the step is not 0", state, step != 0)
            state = state.knowing(step != 0)
        following = self.world.fresh(statement.variable)
        falls = statement.falling is not None
        ahead = following > stop if falls else following < stop
        rounds = [following <= start, z3.Or(following == start, following - step > stop)] if falls else [
            following >= start, z3.Or(following == start, following - step < stop)
        ]  # fmt: skip
        if z3.is_int_value(step) and abs(step.as_long()) != 1:
            rounds.append((following - start) % abs(step.as_long()) == 0)
        name = statement.variable
        before = state.words.get(name)
        head = self.cut(statement, statement.contract, state, {name: start}, {name: following}, rounds)
        inside = head.word(name, following).knowing(ahead, following >= 0, following < self.world.size)
        arrived = replace(head, words={**head.words, name: following})
        measure = self.measured(statement.contract.decreases, head, self.clauses(arrived))
        ways = self.round(statement, inside, {name: following + step}, measure)
        done = head.knowing(z3.Not(ahead))
        if before is not None:
            last = self.world.word(name)
            kept = [] if assigns(statement.body, name) else [last == following - step]
            done = done.word(name, last).knowing(z3.If(following == start, last == before, z3.And(*kept)))
        return [s for s in (done, *ways) if self.reachable(s)]

    def start(self, statement: For, state: State) -> tuple[Term, State]:
        """The first index; of a range down to 0 from a - b the number itself, which may be below 0."""
        difference = statement.difference
        if difference is None:
            return self.word(statement.start, state)
        left, state = self.word(difference.left, state)
        right, state = self.word(difference.right, state)
        return left - right, state

    def cut(
        self, loop: While | For, contract: LoopContract, state: State, arriving: dict[str, Term],
        hidden: dict[str, Term] | None = None, facts: list[Term] | None = None,
    ) -> State:  # fmt: skip
        """The state at the head after any number of rounds: unknown where the loop changes it, but for the contract."""
        first = replace(state, words={**state.words, **arriving})
        for clause in contract.invariants:
            self.demand("invariant-entry", clause, state, self.clauses(first))
        words, arrays = dict(state.words), dict(state.arrays)
        # What every round runs: the condition of a `while` too; the bounds of a `for` are evaluated before all rounds.
        again = (loop,) if isinstance(loop, While) else loop.body
        for name in words_in(again) & set(words):
            words[name] = self.world.word(name)
        stored, remade = arrays_in(again)
        for name in (stored | remade) & set(arrays):
            arrays[name] = self.world.array(name, None if name in remade else arrays[name].size)
        head = State(words, arrays, (*state.known, *(facts or ())))
        visible = replace(head, words={**words, **(hidden or {})})
        for clause in contract.invariants:
            term = self.clauses(visible).truth(clause.expression, "given")
            head = _solved(head.knowing(term), term, state)
            visible = replace(head, words={**head.words, **(hidden or {})})
        return head

    def round(self, loop: While | For, inside: State, hidden: dict[str, Term], before: list[Term]) -> list[State]:
        """Walk the body once; invariants and measure at every way back, where the measure is below `before`, what it
        was on arrival. Gives the states that break out.
        """
        measure = loop.contract.decreases
        if measure:
            self.claim("decreases", measure.position, measure.text, inside, z3.And(*(n >= 0 for n in before)))
        self.loops.append(_Loop())
        self.heads.append(inside)
        after = self.block(loop.body, [inside])
        ended = self.loops.pop()
        for state in (*after, *ended.continues):
            clauses = self.clauses(replace(state, words={**state.words, **hidden}))
            for clause in loop.contract.invariants:
                self.demand("invariant-kept", clause, state, clauses)
            if measure:
                now = self.measured(measure, state, clauses)
                self.claim("decreases", measure.position, measure.text, state, smaller(now, before))
        self.heads.pop()
        return ended.breaks

    def measured(self, measure: Measure | None, state: State, clauses: Clauses) -> list[Term]:
        """The numbers of a measure, which are claimed to have a meaning."""
        if measure is None:
            return []
        meaning = z3.And(*(clauses.meaning(n) for n in measure.numbers))
        self.claim("decreases-meaning", measure.position, measure.text, state, meaning)
        return [clauses.number(n) for n in measure.numbers]


def _solved(head: State, term: Term, before: State) -> State:
    """Where an invariant says what a variable is, that stands for it: the lemmas see terms and not names."""
    if not z3.is_eq(term):
        return head
    for name, word in head.words.items():
        fresh = not word.eq(before.words[name]) and z3.is_const(word)
        if fresh and term.arg(0).eq(word) and not occurs(word, term.arg(1)):
            return head.word(name, term.arg(1))
    return head
