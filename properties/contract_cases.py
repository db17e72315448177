"""A random program with clauses: those that hold on its runs, near misses of them, and measures that fall or do not.

These are inputs for a prover of contracts. `contracted_sources` is a Hypothesis strategy of such programs for
anybody's own prover; `ncl.verify.contracts.fuzz` runs NCL's. No solver is known here: whether a clause is true is a
question to runs on small inputs.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from ncl.errors import NclError
from ncl.language.parse import parse_text
from ncl.language.program import Value
from ncl.properties.contract_facts import Place, facts, falls, impossible, measures, near, true_of
from ncl.properties.contract_programs import SHAPES, callee, entry
from ncl.properties.contract_runs import Runs, State, observe, small_inputs
from ncl.properties.contract_text import Loop, Written

FILE = "generated.py"
FACTS = 12  # about the result, and as many near misses
INPUTS = 100  # at each width: all of them where there are no more, else so many drawn
FEWEST = 3  # inputs that meet `requires`


@dataclass
class Case:
    """One program with every clause in one text, `full`.

    `truths` says of each clause of `ensures` whether it holds on all runs; `wrong` are the invariants of each loop that
    do not; `falling` its measures, one that falls first if there is one.
    """

    written: Written
    inputs: dict[int, list[list[Value]]]
    runs: Runs
    place: Place
    full: Written
    truths: dict[str, bool] = field(default_factory=dict)
    wrong: list[list[str]] = field(default_factory=list)
    falling: list[list[str]] = field(default_factory=list)

    def heads(self, number: int) -> list[State]:
        """The states at a loop's head."""
        return [state for begun in self.runs.heads.get(number, []) for state in begun]

    def sound(self, written: Written) -> bool:
        """Whether nothing but a clause of `ensures` can be wrong: no run is stopped, every measure falls."""
        loops_fall = all(
            not loop.decreases or falls(loop.decreases, self.runs.heads.get(number, []))
            for number, loop in enumerate(written.loops)
        )
        calls = [[*pair] for pair in self.runs.entries if written.decreases]
        return not self.runs.broken and loops_fall and falls(f"old({written.decreases or 0})", calls)

    @property
    def right(self) -> Written:
        """With the clauses that hold on all runs, and no others."""
        loops = tuple(
            replace(loop, invariants=tuple(text for text in loop.invariants if text not in wrong))
            for loop, wrong in zip(self.full.loops, self.wrong, strict=True)
        )
        return replace(self.full, loops=loops, ensures=tuple(text for text, true in self.truths.items() if true))


def case_of(written: Written, chance: random.Random, most: int = INPUTS) -> Case | None:
    """Run a program and find clauses for it; None where it is none, or hardly any input meets what it requires."""
    try:
        function = parse_text(written.text, FILE, written.name)[0]
    except NclError:
        return None
    lengths = {a: n if a in written.fixed else None for a, n in written.least.items()}
    inputs = small_inputs(function, written.requires, lengths, chance, most)
    if sum(map(len, inputs.values())) < FEWEST:
        return None
    case = Case(written, inputs, observe(function, inputs), _place(written), written)
    case.full = _full(case, chance)
    return case


@st.composite
def contracted_sources(draw: st.DrawFn, shape: str = "") -> Case:
    """Programs of one of SHAPES, or of any, that call functions with contracts; `right.text` has clauses that hold."""
    chance = random.Random(draw(st.integers(0, 2**32 - 1)))
    while True:
        found = (case_of(callee(chance, name), chance) for name in "ghq")
        pool = tuple(replace(one.right, ensures=one.right.ensures[:5]) for one in found if one and one.sound(one.right))
        case = case_of(entry(chance, pool, shape or chance.choice(SHAPES)), chance)
        if case is not None:
            return case


def _place(written: Written) -> Place:
    """What `ensures` may name."""
    words = [p.name for p in written.parameters if p.sort == "word"]
    arrays = {p.name: written.least[p.name] for p in written.parameters if p.sort == "array"}
    olds = {f"old({a})": n for a, n in arrays.items() if a in written.writes}
    result = {"result": min(arrays.values())} if written.gives == "array" else {}
    fixed = {*written.fixed, *(f"old({a})" for a in written.fixed), *(["result"] if written.fixed else [])}
    numbers = (*words, "result") if written.gives == "word" else tuple(words)
    return Place(numbers, {**arrays, **olds, **result}, frozenset(fixed), tuple(words), _divisors(written))


def _divisors(written: Written) -> tuple[str, ...]:
    return ("d",) if any(clause.startswith("d > ") for clause in written.requires) else ()


def _head(written: Written, loop: Loop) -> Place:
    """What an invariant may name."""
    parameters = {p.name: p.sort for p in written.parameters}
    own = tuple(dict.fromkeys((*loop.words, *([loop.variable] if loop.variable else []))))
    olds = tuple(f"old({w})" for w in own if parameters.get(w) == "word")
    arrays = {a: written.least.get(a, 1) for a in loop.arrays}
    passed = {f"old({a})": n for a, n in arrays.items() if a in parameters and a in written.writes}
    fixed = frozenset({*written.fixed, *(f"old({a})" for a in written.fixed)})
    bounds = tuple(w for w in own if w == loop.variable or w in ("n", "m"))
    return Place((*own, *olds), {**arrays, **passed}, fixed, bounds, _divisors(written))


def _full(case: Case, chance: random.Random) -> Written:
    """The program with every clause that will be tried, in one text."""
    written = case.written
    filled = []
    for number, loop in enumerate(written.loops):
        place, states = _head(written, loop), case.heads(number)
        right = facts(place, states, chance, 7, 2) if states else []
        near_by = {near(fact, place, chance).text for fact in chance.sample(right, min(3, len(right)))}
        wrong = [text for text in sorted(near_by) if not true_of(text, states)][:1]
        case.wrong.append(wrong)
        case.falling.append(_measures(case, number, place, chance))
        first = case.falling[-1][0] if case.falling[-1] else ""
        filled.append(
            replace(loop, invariants=tuple(dict.fromkeys([*(f.text for f in right), *wrong])), decreases=first)
        )
    case.truths = _clauses(case, chance)
    return replace(written, loops=tuple(filled), ensures=tuple(case.truths))


def _clauses(case: Case, chance: random.Random) -> dict[str, bool]:
    """Clauses of `ensures`, each with whether it holds on runs."""
    states, place = case.runs.returns, case.place
    if not states:
        return {impossible(place, chance).text: True}
    right = facts(place, states, chance, FACTS, FACTS // 3)
    missed = [near(fact, place, chance) for fact in right]
    wrong = [*missed, *(impossible(place, chance) for _ in range(3))]
    found = dict.fromkeys(fact.text for fact in [*right, *wrong])
    return {text: true_of(text, states) for text in found}


def _measures(case: Case, number: int, place: Place, chance: random.Random) -> list[str]:
    """One that falls on runs, if there is any, then some that do not; of a `for` none."""
    if case.written.loops[number].variable:
        return []
    begun = case.runs.heads.get(number, [])
    every = measures(place)
    chance.shuffle(every)
    right = [text for text in every if falls(text, begun)]
    wrong = sorted((text for text in every if text not in right), key=lambda text: "[" not in text or " - " in text)
    return [*right[:1], *wrong[:1], *wrong[-1:]][: 2 + bool(right)]
