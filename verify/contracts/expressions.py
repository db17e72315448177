"""Expressions of a function on terms: (term, state), in the order of evaluation, with the goals that they make.

A call is known by its callee's contract. Called by `paths`.
"""

from __future__ import annotations

from typing import Any

import z3

from ncl.language.builtins import BUILTINS
from ncl.language.opcodes import CALLED
from ncl.language.program import Position
from ncl.language.reach import NEW
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
from ncl.verify.contracts.algebra import Numbers
from ncl.verify.contracts.clauses import Clauses
from ncl.verify.contracts.effects import arrays_in, reach, writes
from ncl.verify.contracts.goals import Goals, State, smaller
from ncl.verify.contracts.terms import Term, Unprovable


class Words(Goals):
    """Expressions and calls."""

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
                    kind = "bits" if name in CALLED else "signed numbers"
                    raise Unprovable(f"{name}: {kind} are not expressed for all widths")
                here = state
                algebra = Numbers(self.world, lambda c: self.certain(here, c))
                return BUILTINS[name].meaning(algebra, *terms), state.knowing(*algebra.learned)
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
                return compare(operator, x, y), state
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
        first = compare(operators[0], x, y)
        if len(operators) == 1:
            return first, state
        rest, after = self._chain(y, operands[1:], operators[1:], state.knowing(first))
        return z3.And(first, rest), self.rejoin(state, after, first)

    def operate(self, operator: str, x: Term, y: Term, place: Position, state: State) -> tuple[Term, State]:
        if operator in ("//", "%"):
            self.claim("division", place, "no division by 0", state, y != 0)
            state = state.knowing(y != 0)
        if operator in ("==", "!=", "<", "<=", ">", ">="):
            return z3.If(compare(operator, x, y), z3.IntVal(1), z3.IntVal(0)), state
        algebra = Numbers(self.world, lambda condition: self.certain(state, condition))
        term = algebra.operate(operator, x, y)
        return term, state.knowing(*algebra.learned)

    def kept(self, term: Term, state: State) -> tuple[Term, State]:
        """What may be put into an array: a word on every path, which is this term on this one."""
        if self.world.is_word(term):
            return term, state
        word = self.world.word("kept")
        return word, state.knowing(word == term)

    def inside(self, node: Element, at: Term, state: State) -> State:
        below = at < state.arrays[node.array].size
        self.claim("index", node.position, "the index is below the length", state, below)
        return state.knowing(below)

    # --- calls

    def call(self, node: Call, state: State) -> tuple[Any, State]:
        """By the callee's contract: its `requires` is claimed, what it writes is known by its `ensures`."""
        callee = self.program[node.function]
        if not callee.contract:
            raise Unprovable(f"{callee.name}, called at {node.position.row}, has no contract")
        if again := sorted(arrays_in(callee.body)[1] & {p.name for p in callee.signature.parameters}):
            raise Unprovable(f"{callee.name} gives its parameter {again[0]} another array")
        words: dict[str, Term] = {}
        outer: dict[str, str] = {}
        for parameter, argument in zip(callee.signature.parameters, node.arguments, strict=True):
            if isinstance(argument, str):
                outer[parameter.name] = argument
            else:
                words[parameter.name], state = self.word(argument, state)
        # Arrays are passed as all the words of the call leave them: a call among those may write them.
        arrays = {parameter: state.arrays[argument] for parameter, argument in outer.items()}
        here = state
        before = Clauses(self.world, words, arrays, words, arrays, lambda condition: self.certain(here, condition))
        for clause in callee.contract.requires:
            self.claim("call", node.position, f"{callee.name} {clause.text}", state,
                       z3.And(before.meaning(clause.expression), before.truth(clause.expression, "goal")))  # fmt: skip
        self._falls(node, callee, before, state)
        changed = {n: self.world.array(outer[n], a.size) if writes(callee, n) else a
                   for n, a in arrays.items()}  # fmt: skip
        result: Any = self.world.word(callee.name)
        if callee.signature.result == "array":
            # Where it may be one array or another, what it gives is dropped: no name receives it.
            origin = NEW if len(self.origins[callee.name]) != 1 else min(self.origins[callee.name])
            result = self.world.array(callee.name) if origin == NEW else changed[origin]
        after = Clauses(self.world, words, changed, words, arrays, before.certain, result)
        for clause in callee.contract.ensures:
            state = state.knowing(after.truth(clause.expression, "given"))
        for name, version in changed.items():
            if version is not arrays[name]:
                state = state.array(outer[name], version)
        return result, state

    def _falls(self, node: Call, callee: Function, clauses: Clauses, state: State) -> None:
        """A call that may come back here has a smaller measure."""
        if self.function.name not in reach(callee, self.program):
            return
        mine, theirs = self.function.contract.decreases, callee.contract.decreases
        if mine is None or theirs is None:
            lacking = self.function.name if mine is None else callee.name
            self.lacking.append(f"{lacking} calls itself and has no `decreases`")
            return
        now = [clauses.number(n) for n in theirs.numbers]
        below = z3.And(*(n >= 0 for n in self.entry_measure))
        self.claim("decreases", node.position, theirs.text, state, z3.And(below, smaller(now, self.entry_measure)))


def compare(operator: str, x: Term, y: Term) -> Term:
    return {"==": x == y, "!=": x != y, "<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y}[operator]
