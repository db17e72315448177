"""Clauses of contracts, evaluated by the run-time checker and read as solver terms in the same state: never apart.

All words and arrays of the state are pinned, so each clause has one value. What the prover shows of it must be that.
"""

import random
from dataclasses import dataclass

import pytest
import z3

from ncl.language.contracts import Display
from ncl.language.interpret.contracts import View, _Meaningless, number
from ncl.language.parse import parse_text
from ncl.verify.contracts.clauses import Clauses
from ncl.verify.contracts.goals import Goals, State
from ncl.verify.contracts.terms import QUICK, Unprovable, World

WIDTH = 3
COUNT = 150
HEAD = "from ncl import Array, Word, ensures, old, permutation, program, result\n\n\n"
STORES = (("xs", 1, 2), ("ys", 0, 3))  # array, index, value
OLD = {"xs": [3, 1, 0], "ys": [1, 3], "n": 2, "k": 5}


class RandomClauses:
    """Random text of the language of contracts; `bound` are the quantifiers' variables around."""

    def __init__(self, seed):
        self.pick = random.Random(seed)

    def one(self, *ways):
        return self.pick.choice(ways)()

    def array(self):
        return self.pick.choice(("xs", "ys", "old(xs)", "old(ys)", "result"))

    def number(self, deep, bound=()):
        leaves = [str(self.pick.randint(0, 4)), "~0", "n", "k", f"len({self.array()})", *bound, *bound, *bound]
        if deep <= 0:
            return self.pick.choice(leaves)
        inner = lambda: self.number(deep - 1, bound)  # noqa: E731
        return self.one(
            lambda: self.pick.choice(leaves),
            lambda: f"{self.array()}[{inner()}]",
            lambda: f"({inner()} {self.pick.choice('+-*')} {inner()})",
            lambda: f"({inner()} {self.pick.choice(('//', '%'))} {inner()})",
            lambda: f"({self.choice(deep, bound)} {self.pick.choice(('//', '%'))} {inner()})",
            lambda: f"{self.pick.choice(('min', 'max'))}({inner()}, {inner()})",
            lambda: self.choice(deep, bound),
            lambda: self.quantified("sum", deep, bound),
            lambda: f"sum({self.piece(deep, bound)})",
            lambda: f"({self.truth(deep - 1, bound)})",
        )

    def choice(self, deep, bound):
        yes, no = self.number(deep - 1, bound), self.number(deep - 1, bound)
        return f"({yes} if {self.truth(deep - 1, bound)} else {no})"

    def truth(self, deep, bound=()):
        inner = lambda: self.number(deep - 1, bound)  # noqa: E731
        part = lambda: self.truth(deep - 1, bound)  # noqa: E731
        if deep <= 0:
            return f"{self.number(0, bound)} {self.pick.choice(('==', '<', '>='))} {self.number(0, bound)}"
        return self.one(
            lambda: f"{inner()} {self.pick.choice(('==', '!=', '<', '<=', '>', '>='))} {inner()}",
            lambda: f"{inner()} <= {inner()} < {inner()}",
            lambda: f"(not {part()})",
            lambda: f"({part()} {self.pick.choice(('and', 'or'))} {part()})",
            lambda: f"(({part()}) == ({part()}))",
            lambda: f"({part()} if {part()} else {part()})",
            lambda: self.quantified("all", deep, bound),
            lambda: self.quantified("any", deep, bound),
            lambda: f"sorted({self.piece(deep, bound)})",
            lambda: f"permutation({self.sequence(deep, bound)}, {self.sequence(deep, bound)})",
            lambda: f"permutation({self.piece(deep, bound)}, {self.piece(deep, bound)})",
            lambda: f"{self.piece(deep, bound)} {self.pick.choice(('==', '!='))} {self.piece(deep, bound)}",
        )

    def quantified(self, kind, deep, bound):
        name = f"i{len(bound)}"
        start, stop = ("0", f"len({self.array()})") if self.pick.random() < 0.6 else (
            self.number(0, bound), self.number(deep - 2, bound)
        )  # fmt: skip
        inside = (*bound, name)
        test = f" if {self.truth(deep - 2, inside)}" if self.pick.random() < 0.3 else ""
        body = self.number(deep - 1, inside) if kind == "sum" else self.truth(deep - 1, inside)
        return f"{kind}({body} for {name} in range({start}, {stop}){test})"

    def piece(self, deep, bound):
        deeps = [self.pick.choice((0, 0, deep - 2)) if self.pick.random() < 0.6 else None for _ in "ab"]
        ends = ["" if one is None else self.number(one, bound) for one in deeps]
        return f"{self.array()}[{ends[0]}:{ends[1]}]" if any(ends) else self.array()

    def sequence(self, deep, bound):
        if self.pick.random() < 0.6:
            return self.piece(deep, bound)
        parts = [f"*{self.piece(0, bound)}" if self.pick.random() < 0.4 else self.number(0, bound) for _ in "abc"]
        return f"[{', '.join(parts[: self.pick.randint(0, 3)])}]"


# Each is where a careless reading parts from the run.
SHARP = (
    "permutation(xs[1:], xs)",
    "permutation(xs[k:], [])",
    "sorted(xs[n:k])",
    "xs[1:~0] == xs[1:3]",
    "all((3 if i == 0 else 2) % k == xs[i] for i in range(2))",
    "sum((k if i == n else i) // n for i in range(4)) == 3",
    "xs[k] == xs[k]",
    "any(xs[i] // xs[i + 1] == 1 for i in range(2)) or 0 == 0",
    "(sum(i * xs[i] for i in range(len(xs))) == 2) == (not any(y < i for i in range(3) for y in range(i)))",
)


def clauses(seed, count):
    """(text, tree) of the sharp ones and so many random ones."""
    made = RandomClauses(seed)
    found = []
    for text in (*SHARP, *(made.truth(made.pick.choice((1, 2, 2, 3))) for _ in range(count))):
        body = f"def f(xs: Array, ys: Array, n: Word, k: Word) -> Array:\n    ensures({text})\n    return xs\n"
        function = parse_text(HEAD + body, "f.py", "f")[0]
        found.append((text, function.contract.ensures[0].expression))
    return found


def arrays():
    now = {name: list(cells) for name, cells in OLD.items() if isinstance(cells, list)}
    for name, index, value in STORES:
        now[name][index] = value
    return now


def view():
    now = arrays()
    words = {name: word for name, word in OLD.items() if isinstance(word, int)}
    return View(1 << WIDTH, words, now, dict(OLD), list(now["xs"]))


def run_time(tree):
    """The value, or None where there is no meaning."""
    try:
        return bool(number(tree, view()))
    except _Meaningless:
        return None


@dataclass
class Pinned:
    """A state of the prover in which every constant has its value."""

    clauses: Clauses
    world: World
    known: tuple

    @classmethod
    def make(cls):
        text = "def f(xs: Array, ys: Array, n: Word, k: Word) -> Array:\n    ensures(n == n)\n    return xs\n"
        function = parse_text(HEAD + text, "f.py", "f")[0]
        goals = Goals(function, function.program)
        world, known = goals.world, [goals.world.half == 1 << (WIDTH - 1)]
        words, before = {}, {}
        for name, value in OLD.items():
            if isinstance(value, int):
                words[name] = world.word(name)
                known.append(words[name] == value)
            else:
                before[name] = world.array(name)
                known.append(before[name].size == len(value))
                known += [before[name].cells[i] == word for i, word in enumerate(value)]
        goals.entry = State(words, before, tuple(known))
        now = dict(before)
        for name, index, value in STORES:
            world.literal(value)
            now[name] = world.store(now[name], z3.IntVal(index), z3.IntVal(value), name)
        state = State(words, now, tuple(known))
        return cls(goals.clauses(state, now["xs"]), world, tuple(known))

    def shows(self, claim):
        """As `proved` does, for a moment."""
        terms = (*self.known, z3.Not(claim))
        solver = z3.SimpleSolver()
        solver.set(rlimit=QUICK, mbqi=False)
        solver.add(*self.world.about(terms), *terms)
        return solver.check() == z3.unsat


def apart(seed, count):
    """(clauses on which the two part, how many the prover decides of those that have a value)."""
    faults, decided = [], 0
    for text, tree in clauses(seed, count):
        value, pinned = run_time(tree), Pinned.make()
        try:
            meaning = pinned.shows(pinned.clauses.meaning(tree))
            holds = pinned.shows(pinned.clauses.truth(tree, "goal"))
            fails = pinned.shows(z3.Not(pinned.clauses.truth(tree, "given")))
        except Unprovable:
            continue
        decided += meaning and (holds or fails)
        if (value is None and meaning) or (meaning and ((holds and not value) or (fails and value))):
            faults.append((text, value, meaning, holds, fails))
    return faults, decided


def test_what_is_shown_of_a_clause_is_its_value():
    faults, decided = apart(0, COUNT)
    assert not faults
    assert decided > COUNT // 4


def counts_from_the_first(self, sequence, value, right=Clauses.counted):
    if isinstance(sequence, Display):
        return right(self, sequence, value)
    array, _, stop = self.ends(sequence)
    return self.world.count(array, stop, value, self.ground(stop))


@pytest.mark.parametrize(
    ("name", "faulty"),
    [
        ("counted", counts_from_the_first),
        ("_cut", lambda self, value, size: value),
        ("ground", lambda self, term: True),
        ("meaning", lambda self, node: z3.BoolVal(True)),
    ],
)
def test_a_reading_with_a_fault_parts_from_the_run(monkeypatch, name, faulty):
    monkeypatch.setattr(Clauses, name, faulty)
    assert apart(0, 0)[0]
