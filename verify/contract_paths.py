"""One function of the language, run on terms: every loop-free path between its entry, its loop heads and its returns.

Loops are cut at their heads wherever they stand, the first statement included. What comes out is a list of goals: that
invariants hold on arrival and are carried over, that measures fall, that nothing traps which a function with a contract
must not meet, that callees' `requires` and the function's own `ensures` hold. Called by `contract_proof`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import z3

from ncl.language.builtins import BUILTINS
from ncl.language.contracts import Clause, LoopContract, Measure, Quantified
from ncl.language.program import Position
from ncl.language.reach import NEW, origins
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
from ncl.language.walks import all_expressions, calls, everything
from verify.contract_algebra import Numbers
from verify.contract_speech import Speech
from verify.contract_terms import QUICK, Term, Unprovable, Version, World, occurs

MOST_STATES = 400  # paths between two cuts


@dataclass(frozen=True)
class Goal:
    """`claim` is to follow from `given` and the world's axioms. `kind`: invariant-entry, invariant-kept, ensures, …"""

    kind: str
    position: Position
    text: str
    given: tuple[Term, ...]
    claim: Term
    head: State | None = None  # where the round that leads here began
    again: Term = None  # the claim once more, for a proof by induction


@dataclass(frozen=True)
class State:
    """Variables by name, and what is known on the way here."""

    words: dict[str, Term]
    arrays: dict[str, Version]
    known: tuple[Term, ...]

    def word(self, name: str, term: Term) -> State:
        return replace(self, words={**self.words, name: term})

    def array(self, name: str, version: Version) -> State:
        return replace(self, arrays={**self.arrays, name: version})

    def knowing(self, *terms: Term) -> State:
        return replace(self, known=(*self.known, *terms))


@dataclass
class _Loop:
    breaks: list[State] = field(default_factory=list)
    continues: list[State] = field(default_factory=list)


class Paths:
    """Walks one function; `goals` fills up. Raises Unprovable for what cannot be expressed."""

    def __init__(self, function: Function, program: dict[str, Function]) -> None:
        self.function, self.program = function, program
        self.world = World()
        self.goals: list[Goal] = []
        self.loops: list[_Loop] = []
        self.heads: list[State | None] = [None]
        self.origins = origins(program)
        self.lacking: list[str] = []  # why termination is not shown
        literals = [n for n in all_expressions(function.body) if isinstance(n, Number)]
        self.world.axioms += [self.world.size > n.value for n in literals]

    def run(self) -> list[Goal]:
        parameters = self.function.signature.parameters
        words = {p.name: self.world.word(p.name) for p in parameters if p.sort == "word"}
        arrays = {p.name: self.world.array(p.name) for p in parameters if p.sort == "array"}
        self.entry = State(words, arrays, ())
        state = self.entry
        for clause in self.function.contract.requires:
            self._meaningful("requires", clause, state, None)
            state = state.knowing(self.speech(state).truth(clause.expression, "given"))
        self.entry = state
        if self.function.contract.decreases:
            speech = self.speech(state)
            self.entry_measure = [speech.number(n) for n in self.function.contract.decreases.numbers]
        if ends := self.block(self.function.body, [state]):
            raise Unprovable(f"{len(ends)} paths end without a return")
        return self.goals

    # --- goals

    def speech(self, state: State, result: Term | Version | None = None) -> Speech:
        return Speech(
            self.world, state.words, state.arrays, self.entry.words, self.entry.arrays,
            lambda condition: self.settled(state, condition), result,
        )  # fmt: skip

    def claim(
        self, kind: str, position: Position, text: str, state: State, claim: Term, again: Term = None
    ) -> None:  # fmt: skip
        if not z3.is_true(z3.simplify(claim)):
            self.goals.append(Goal(kind, position, text, state.known, claim, self.heads[-1], again))

    def demand(self, kind: str, clause: Clause, state: State, speech: Speech | None = None) -> None:
        """The clause has a meaning and holds."""
        spoken = speech or self.speech(state)
        self._meaningful(kind, clause, state, spoken)
        again = None
        if isinstance(clause.expression, Quantified):
            again = replace(spoken, inductive=True).truth(clause.expression, "goal")
        self.claim(kind, clause.position, clause.text, state, spoken.truth(clause.expression, "goal"), again)

    def _meaningful(self, kind: str, clause: Clause, state: State, speech: Speech | None) -> None:
        meaning = (speech or self.speech(state)).meaning(clause.expression)
        self.claim(f"{kind}-meaning", clause.position, clause.text, state, meaning)

    def settled(self, state: State, condition: Term) -> bool:
        """Whether a condition surely holds: asked without quantifiers first, then with them, each for a moment."""
        known = (*state.known, z3.Not(condition))
        everything = (*self.world.about(known), *known)
        return self._contradicts([t for t in everything if self.world.plain(t)]) or self._contradicts(everything)

    def _contradicts(self, terms: Sequence[Term]) -> bool:
        solver = z3.SimpleSolver()
        solver.set(rlimit=QUICK, mbqi=False)
        solver.add(*terms)
        return bool(solver.check() == z3.unsat)

    def reachable(self, state: State) -> bool:
        return not self._contradicts([t for t in (*self.world.axioms, *state.known) if self.world.plain(t)])

    # --- expressions: (term, state), in the order of evaluation

    def word(self, node: Expression, state: State) -> tuple[Term, State]:
        match node:
            case Number(value=value, inverted=inverted):
                return (self.world.size - 1 - value if inverted else z3.IntVal(value)), state
            case Variable(name=name):
                return state.words[name], state
            case Length(array=name):
                return state.arrays[name].size, state
            case Element():
                at, state = self.word(node.index, state)
                state = self.inside(node, at, state)
                return self.world.load(state.arrays[node.array], at), state
            case Unary(operator=operator, operand=operand):
                term, state = self.word(operand, state)
                return (self.world.size - 1 - term if operator == "~" else z3.If(term == 0, z3.IntVal(1), 0)), state
            case Binary(operator=operator, left=left, right=right, position=place):
                x, state = self.word(left, state)
                y, state = self.word(right, state)
                return self.operate(operator, x, y, place, state)
            case Logical() | Conditional() | Chain():
                if not isinstance(node, Chain):
                    return self.branching(node, state)
                holds, state = self.condition(node, state)
                return z3.If(holds, z3.IntVal(1), z3.IntVal(0)), state
            case Builtin(name=name, arguments=arguments):
                terms = []
                for argument in arguments:
                    term, state = self.word(argument, state)
                    terms.append(term)
                if BUILTINS[name].imported:
                    raise Unprovable(f"{name}: signed numbers are not expressed for all widths")
                return BUILTINS[name].meaning(Numbers(self.world, lambda c: self.settled(state, c)), *terms), state
            case Call():
                value, state = self.call(node, state)
                return value, state

    def branching(self, node: Any, state: State) -> tuple[Term, State]:
        """`and`, `or` and conditional expressions: what is evaluated only on one side is claimed only there."""
        if isinstance(node, Conditional):
            test, state = self.condition(node.condition, state)
            yes, after = self.word(node.then, state.knowing(test))
            state = self.rejoin(state, after, test)
            no, after = self.word(node.otherwise, state.knowing(z3.Not(test)))
            return z3.If(test, yes, no), self.rejoin(state, after, z3.Not(test))
        left, state = self.word(node.left, state)
        test = left != 0 if node.operator == "and" else left == 0
        right, after = self.word(node.right, state.knowing(test))
        return z3.If(test, right, left), self.rejoin(state, after, test)

    def rejoin(self, state: State, after: State, test: Term) -> State:
        """What became known behind a condition is known under it; nothing is assigned there."""
        if after.words is not state.words or after.arrays is not state.arrays:
            raise Unprovable("a call that changes arrays behind a condition inside an expression")
        learned = after.known[len(state.known) + 1 :]
        return state.knowing(*(z3.Implies(test, term) for term in learned))

    def condition(self, node: Expression, state: State) -> tuple[Term, State]:
        """The truth of an expression, without the detour over 0 and 1."""
        match node:
            case Binary(operator="==" | "!=" | "<" | "<=" | ">" | ">=" as operator, left=left, right=right):
                x, state = self.word(left, state)
                y, state = self.word(right, state)
                return _compare(operator, x, y), state
            case Chain(operands=operands, operators=operators):
                x, state = self.word(operands[0], state)
                return self._chain(x, operands[1:], operators, state)
            case Logical(operator=operator, left=left, right=right):
                first, state = self.condition(left, state)
                needed = first if operator == "and" else z3.Not(first)
                second, after = self.condition(right, state.knowing(needed))
                state = self.rejoin(state, after, needed)
                return (z3.And(first, second) if operator == "and" else z3.Or(first, second)), state
            case Unary(operator="not", operand=operand):
                term, state = self.condition(operand, state)
                return z3.Not(term), state
        term, state = self.word(node, state)
        return term != 0, state

    def _chain(
        self, x: Term, operands: tuple[Expression, ...], operators: tuple[str, ...], state: State
    ) -> tuple[Term, State]:
        y, state = self.word(operands[0], state)
        first = _compare(operators[0], x, y)
        if len(operators) == 1:
            return first, state
        rest, after = self._chain(y, operands[1:], operators[1:], state.knowing(first))
        return z3.And(first, rest), self.rejoin(state, after, first)

    def operate(self, operator: str, x: Term, y: Term, place: Position, state: State) -> tuple[Term, State]:
        if operator in ("//", "%"):
            self.claim("division", place, "no division by 0", state, y != 0)
            state = state.knowing(y != 0)
        if operator in ("==", "!=", "<", "<=", ">", ">="):
            return z3.If(_compare(operator, x, y), z3.IntVal(1), z3.IntVal(0)), state
        algebra = Numbers(self.world, lambda condition: self.settled(state, condition))
        return algebra.operate(operator, x, y), state

    def inside(self, node: Element, at: Term, state: State) -> State:
        below = at < state.arrays[node.array].size
        self.claim("index", node.position, "the index is below the length", state, below)
        return state.knowing(below)

    # --- statements: the states in which a block goes on

    def block(self, body: tuple[Statement, ...], states: list[State]) -> list[State]:
        for statement in body:
            states = [after for state in states for after in self.statement(statement, state)]
            if len(states) > MOST_STATES:
                raise Unprovable(f"more than {MOST_STATES} paths at line {statement.position.line}")
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
        array = state.arrays[target.array]
        return state.array(target.array, self.world.store(array, at, term, target.array))

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
        return state.array(target.array, self.world.store(state.arrays[target.array], at, term, target.array))

    def returned(self, value: Expression | str, state: State) -> None:
        result: Any = None
        if isinstance(value, str):
            result = state.arrays[value]
        else:
            result, state = self.word(value, state)
        # Arrays are as they are left; a new array that took a parameter's name is no longer the caller's.
        speech = self.speech(state, result)
        for clause in self.function.contract.ensures:
            self.demand("ensures", clause, state, speech)

    # --- loops

    def while_loop(self, statement: While, state: State) -> list[State]:
        if statement.contract.decreases is None:
            self.lacking.append(f"the loop at line {statement.position.line} has no `decreases`")
        head = self.cut(statement, statement.contract, state, {})
        test, head = self.condition(statement.condition, head)
        ways = self.round(statement, head.knowing(test), {})
        return [s for s in (head.knowing(z3.Not(test)), *ways) if self.reachable(s)]

    def for_loop(self, statement: For, state: State) -> list[State]:
        start, state = self.word(statement.start, state)
        stop: Term = None
        if statement.stop is not None:
            stop, state = self.word(statement.stop, state)
        step, state = self.word(statement.step, state)
        if statement.falling is not None:
            step = z3.IntVal(-statement.falling)
            if stop is None:
                start, stop = z3.If(start == self.world.size - 1, -1, start), z3.IntVal(-1)
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
        ways = self.round(statement, inside, {name: following + step})
        done = head.knowing(z3.Not(ahead))
        if before is not None:
            last = self.world.word(name)
            kept = [] if _assigns(statement.body, name) else [last == following - step]
            done = done.word(name, last).knowing(z3.If(following == start, last == before, z3.And(*kept)))
        return [s for s in (done, *ways) if self.reachable(s)]

    def cut(
        self, loop: While | For, contract: LoopContract, state: State, arriving: dict[str, Term],
        hidden: dict[str, Term] | None = None, facts: list[Term] | None = None,
    ) -> State:  # fmt: skip
        """The state at the head after any number of rounds: unknown where the loop changes it, but for the contract."""
        first = replace(state, words={**state.words, **arriving})
        for clause in contract.invariants:
            self.demand("invariant-entry", clause, state, self.speech(first))
        words, arrays = dict(state.words), dict(state.arrays)
        for name in _words_in(loop.body) & set(words):
            words[name] = self.world.word(name)
        stored, remade = _arrays_in(loop.body)
        for name in (stored | remade) & set(arrays):
            arrays[name] = self.world.array(name, None if name in remade else arrays[name].size)
        head = State(words, arrays, (*state.known, *(facts or ())))
        spoken = replace(head, words={**words, **(hidden or {})})
        for clause in contract.invariants:
            term = self.speech(spoken).truth(clause.expression, "given")
            head = _solved(head.knowing(term), term, state)
            spoken = replace(head, words={**head.words, **(hidden or {})})
        return head

    def round(self, loop: While | For, inside: State, hidden: dict[str, Term]) -> list[State]:
        """Walk the body once; invariants and measure at every way back. Gives the states that break out."""
        measure = loop.contract.decreases
        before = [self.speech(inside).number(n) for n in measure.numbers] if measure else []
        if measure:
            self._measurable(measure, inside, self.speech(inside))
            self.claim("decreases", measure.position, measure.text, inside, z3.And(*(n >= 0 for n in before)))
        self.loops.append(_Loop())
        self.heads.append(inside)
        after = self.block(loop.body, [inside])
        ended = self.loops.pop()
        for state in (*after, *ended.continues):
            speech = self.speech(replace(state, words={**state.words, **hidden}))
            for clause in loop.contract.invariants:
                self.demand("invariant-kept", clause, state, speech)
            if measure:
                self._measurable(measure, state, speech)
                now = [speech.number(n) for n in measure.numbers]
                self.claim("decreases", measure.position, measure.text, state, _smaller(now, before))
        self.heads.pop()
        return ended.breaks

    def _measurable(self, measure: Measure, state: State, speech: Speech) -> None:
        meaning = z3.And(*(speech.meaning(n) for n in measure.numbers))
        self.claim("decreases-meaning", measure.position, measure.text, state, meaning)

    # --- calls

    def call(self, node: Call, state: State) -> tuple[Any, State]:
        """By the callee's contract: its `requires` is claimed, what it writes is known by its `ensures`."""
        callee = self.program[node.function]
        if not callee.contract:
            raise Unprovable(f"{callee.name}, called at line {node.position.line}, has no contract")
        if again := sorted(_arrays_in(callee.body)[1] & {p.name for p in callee.signature.parameters}):
            raise Unprovable(f"{callee.name} gives its parameter {again[0]} another array")
        words: dict[str, Term] = {}
        arrays: dict[str, Version] = {}
        outer: dict[str, str] = {}
        for parameter, argument in zip(callee.signature.parameters, node.arguments, strict=True):
            if isinstance(argument, str):
                arrays[parameter.name], outer[parameter.name] = state.arrays[argument], argument
            else:
                words[parameter.name], state = self.word(argument, state)
        here = state
        before = Speech(self.world, words, arrays, words, arrays, lambda condition: self.settled(here, condition))
        for clause in callee.contract.requires:
            self.claim("call", node.position, f"{callee.name} {clause.text}", state,
                       z3.And(before.meaning(clause.expression), before.truth(clause.expression, "goal")))  # fmt: skip
        self._falls(node, callee, before, state)
        changed = {n: self.world.array(outer[n], a.size) if _writes(callee, n) else a
                   for n, a in arrays.items()}  # fmt: skip
        result: Any = self.world.word(callee.name)
        if callee.signature.result == "array":
            (origin,) = self.origins[callee.name] or {NEW}
            result = self.world.array(callee.name) if origin == NEW else changed[origin]
        after = Speech(self.world, words, changed, words, arrays, before.settled, result)
        for clause in callee.contract.ensures:
            state = state.knowing(after.truth(clause.expression, "given"))
        for name, version in changed.items():
            if version is not arrays[name]:
                state = state.array(outer[name], version)
        return result, state

    def _falls(self, node: Call, callee: Function, speech: Speech, state: State) -> None:
        """A call that may come back here has a smaller measure."""
        if self.function.name not in _reach(callee, self.program):
            return
        mine, theirs = self.function.contract.decreases, callee.contract.decreases
        if mine is None or theirs is None:
            lacking = self.function.name if mine is None else callee.name
            self.lacking.append(f"{lacking} calls itself and has no `decreases`")
            return
        now = [speech.number(n) for n in theirs.numbers]
        below = z3.And(*(n >= 0 for n in self.entry_measure))
        self.claim("decreases", node.position, theirs.text, state, z3.And(below, _smaller(now, self.entry_measure)))


# --- small questions -------------------------------------------------------------------------------------------------


def _compare(operator: str, x: Term, y: Term) -> Term:
    return {"==": x == y, "!=": x != y, "<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y}[operator]


def _solved(head: State, term: Term, before: State) -> State:
    """Where an invariant says what a variable is, that stands for it: the lemmas see terms and not names."""
    if not z3.is_eq(term):
        return head
    for name, word in head.words.items():
        fresh = not word.eq(before.words[name]) and z3.is_const(word)
        if fresh and term.arg(0).eq(word) and not occurs(word, term.arg(1)):
            return head.word(name, term.arg(1))
    return head


def _smaller(now: list[Term], before: list[Term]) -> Term:
    """Lexicographically."""
    if not now or not before:
        return z3.BoolVal(False)
    return z3.Or(now[0] < before[0], z3.And(now[0] == before[0], _smaller(now[1:], before[1:])))


def _words_in(body: tuple[Statement, ...]) -> set[str]:
    return set(_assigned(body))


def _assigned(body: tuple[Statement, ...]) -> Iterator[str]:
    for statement in everything(body):
        match statement:
            case Assign(targets=targets):
                yield from (t.name for t in targets if isinstance(t, Variable))
            case Augment(target=Variable(name=name)) | For(variable=name):
                yield name


def _assigns(body: tuple[Statement, ...], name: str) -> bool:
    return name in _words_in(body)


def _arrays_in(body: tuple[Statement, ...]) -> tuple[set[str], set[str]]:
    """(arrays whose elements may be stored to, arrays that may be made anew)."""
    stored: set[str] = set()
    remade: set[str] = set()
    for statement in everything(body):
        match statement:
            case Assign(targets=targets):
                stored |= {t.array for t in targets if isinstance(t, Element)}
            case Augment(target=Element(array=name)):
                stored.add(name)
            case NewArray(target=name) | Receive(target=name):
                remade.add(name)
    for node in all_expressions(body):
        if isinstance(node, Call):
            stored |= {a for a in node.arguments if isinstance(a, str)}
    return stored, remade


def _writes(function: Function, name: str) -> bool:
    """Whether a call may change the elements of this array parameter."""
    return name in _arrays_in(function.body)[0]


def _reach(function: Function, program: dict[str, Function]) -> set[str]:
    seen: set[str] = set()
    waiting = [function.name]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += calls(program[name].body)
    return seen
