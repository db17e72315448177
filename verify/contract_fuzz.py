"""Asks the contract prover about random programs with contracts that hold on runs, and with near misses of them.

Nothing that a run breaks may come out proved. For each program the invariants that hold on runs are thinned to those
that the prover carries over (as Houdini does); then every clause about the result is asked by itself, true or not, and
so are loops with an invariant or a measure that runs break, and programs that trap or break what a callee requires.

What is counted is a *contract*: one program text with one full set of clauses. Clauses of `ensures` bear on each other
in no proof but that of a function that calls itself, so several contracts of one program share its walk; each is judged
by the goals of the base and its own. A contract that is proved against the small inputs is told as a hole, after
`run_checked` has broken it and `prove_function` has proved it, both on the program's text alone.

Called by tests, `benchmarks/contract_fuzz.py` and the fault laboratory.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field, replace

import z3

from ncl.errors import NclError
from ncl.language.parse import parse_text
from properties.contract_facts import Fact, Place, facts, falls, impossible, measures, near, true_of
from properties.contract_runs import Runs, State, observe, small_inputs
from properties.contract_writer import SHAPES, Loop, Written, callee, entry
from verify.contract_bank import FILE, Bank, Walk
from verify.contract_terms import Unprovable

STEPS = 60_000  # of the solver for one goal: what is proved at all is mostly proved in a tenth of them
ROUNDS = 6  # of thinning
FACTS = 12  # about the result, and as many near misses
INPUTS = 60  # at each width
# Of a hundred programs, how many of each of SHAPES: what is asked in CI, and what is cheap to ask in great numbers.
MIXES = {"mixed": (45, 20, 12, 13, 10), "cheap": (76, 20, 2, 1, 1)}
POOL, PROGRAMS = 6, 18  # functions to call, and programs that call them, of one batch


@dataclass(frozen=True)
class Suspect:
    """A contract that was proved though runs break it: the program's text, and what kind of clause is wrong."""

    text: str
    name: str
    kind: str
    clause: str
    seed: int
    number: int


@dataclass
class Tally:
    """What was asked, by kind, and what came of it. `programs` is of texts without contracts."""

    programs: int = 0
    barren: int = 0  # programs without enough valid runs that end
    asked: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, Counter[str]] = field(default_factory=dict)
    suspects: list[Suspect] = field(default_factory=list)
    raised: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def count(self, kinds: set[str], true: bool, proof: bool) -> None:
        what = f"{'true' if true else 'false'}, {'proved' if proof else 'not proved'}"
        self.asked[what] += 1
        for kind in kinds:
            self.kinds.setdefault(kind, Counter())[what] += 1

    def add(self, other: Tally) -> None:
        self.programs += other.programs
        self.barren += other.barren
        self.asked += other.asked
        self.raised += other.raised
        self.seconds += other.seconds
        self.suspects += other.suspects
        for kind, counts in other.kinds.items():
            self.kinds[kind] = self.kinds.get(kind, Counter()) + counts

    @property
    def contracts(self) -> int:
        return self.asked.total()


def batch(seed: int, number: int, mix: str = "mixed", programs: int = PROGRAMS) -> Tally:
    """A few functions to call, each asked about, and programs that call them. The same numbers, the same questions.

    `mix` is one of MIXES, or one of SHAPES for programs of that shape alone.
    """
    begin = time.process_time()
    tally = Tally()
    chance = random.Random(f"{seed}:{mix}:{number}")
    asked = (_asked(callee(chance, name), chance, tally, (seed, number)) for name in "ghqrst"[:POOL])
    pool = tuple(one for one in asked if one is not None)
    for _ in range(programs):
        shape = chance.choices(SHAPES, MIXES[mix])[0] if mix in MIXES else mix
        _asked(entry(chance, pool, shape), chance, tally, (seed, number))
    tally.seconds = time.process_time() - begin
    return tally


# --- one program -----------------------------------------------------------------------------------------------------


@dataclass
class _Case:
    """One program under trial. `right` and `wrong` are invariants by loop, `falling` its measures, good ones first."""

    written: Written
    runs: Runs
    place: Place
    tally: Tally
    chance: random.Random
    origin: tuple[int, int]
    good: list[bool] = field(default_factory=list)
    falling: list[list[str]] = field(default_factory=list)
    wrong: list[list[str]] = field(default_factory=list)
    truths: dict[str, bool] = field(default_factory=dict)

    def heads(self, number: int) -> list[State]:
        return [state for begun in self.runs.heads.get(number, []) for state in begun]

    def count(self, text: str, true: bool, proof: bool, *kinds: str) -> None:
        self.tally.count({*self.written.kinds, *_kinds(text), *kinds}, true, proof)

    def suspect(self, written: Written, kind: str, clause: str) -> None:
        self.tally.suspects.append(Suspect(written.text, written.name, kind, clause, *self.origin))


def _asked(written: Written, chance: random.Random, tally: Tally, origin: tuple[int, int]) -> Written | None:
    """Ask about one program. Gives it with the clauses that were proved, None where nothing is to be had of it."""
    try:
        function = parse_text(written.text, FILE, written.name)[0]
    except NclError:
        tally.barren += 1
        return None
    lengths = {a: n if a in written.fixed else None for a, n in written.least.items()}
    inputs = small_inputs(function, written.requires, lengths, chance, INPUTS)
    if sum(map(len, inputs.values())) < 3:
        tally.barren += 1
        return None
    tally.programs += 1
    case = _Case(written, observe(function, inputs), _place(written), tally, chance, origin)
    full = _full(case)
    bank = Bank.of(full, case.falling)
    thin = replace(full, loops=tuple(
        replace(loop, invariants=tuple(t for t in loop.invariants if t not in wrong))
        for loop, wrong in zip(full.loops, case.wrong, strict=True)
    ))  # fmt: skip
    found = _thinned(thin, bank, case)
    if found is None:
        return written
    base, walk = found
    proven = _judged(base, walk, case)
    for number in range(len(base.loops)):
        _wrong_loops(base, bank, case, number)
    return replace(base, ensures=tuple(proven[:5]))


def _place(written: Written) -> Place:
    """What `ensures` may speak of."""
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
    """What an invariant may speak of."""
    parameters = {p.name: p.sort for p in written.parameters}
    own = tuple(dict.fromkeys((*loop.words, *([loop.variable] if loop.variable else []))))
    olds = tuple(f"old({w})" for w in own if parameters.get(w) == "word")
    arrays = {a: written.least.get(a, 1) for a in loop.arrays}
    passed = {f"old({a})": n for a, n in arrays.items() if a in parameters and a in written.writes}
    fixed = frozenset({*written.fixed, *(f"old({a})" for a in written.fixed)})
    bounds = tuple(w for w in own if w == loop.variable or w in ("n", "m"))
    return Place((*own, *olds), {**arrays, **passed}, fixed, bounds, _divisors(written))


def _full(case: _Case) -> Written:
    """The program with every clause that will be asked about, in one text."""
    chance, written = case.chance, case.written
    filled = []
    for number, loop in enumerate(written.loops):
        place, states = _head(written, loop), case.heads(number)
        right = facts(place, states, chance, 7, 2) if states else []
        near_by = {near(fact, place, chance).text for fact in chance.sample(right, min(3, len(right)))}
        wrong = [text for text in sorted(near_by) if not true_of(text, states)][:1]
        case.wrong.append(wrong)
        case.falling.append(_measures(case, number, place))
        first = case.falling[-1][0] if case.falling[-1] else ""
        filled.append(replace(loop, invariants=tuple(dict.fromkeys([*(f.text for f in right), *wrong])), decreases=first))
    case.truths = _clauses(case)
    return replace(written, loops=tuple(filled), ensures=tuple(case.truths))


def _clauses(case: _Case) -> dict[str, bool]:
    """Clauses of `ensures`, each with whether it holds on runs."""
    states, chance, place = case.runs.returns, case.chance, case.place
    if not states:
        return {impossible(place, chance).text: True}
    right = facts(place, states, chance, FACTS, FACTS // 3)
    missed = [near(fact, place, chance) for fact in right]
    wrong = [*missed, *(impossible(place, chance) for _ in range(3))]
    found = dict.fromkeys(fact.text for fact in [*right, *wrong])
    return {text: true_of(text, states) for text in found}


def _measures(case: _Case, number: int, place: Place) -> list[str]:
    """One that falls on runs, if there is any, then some that do not; of a `for` none."""
    if case.written.loops[number].variable:
        return []
    begun = case.runs.heads.get(number, [])
    every = measures(place)
    case.chance.shuffle(every)
    right = [text for text in every if falls(text, begun)]
    return [*right[:1], *[text for text in every if text not in right][:2]]


# --- proving ---------------------------------------------------------------------------------------------------------


def _walk(bank: Bank, written: Written, tally: Tally) -> Walk | None:
    try:
        return Walk(bank.contract(written.ensures, written.loops), STEPS)
    except Unprovable as fault:
        tally.raised[str(fault).split(",")[0][:60]] += 1
    except z3.Z3Exception as fault:
        tally.raised[f"z3: {fault}"[:60]] += 1
    return None


def _thinned(written: Written, bank: Bank, case: _Case) -> tuple[Written, Walk] | None:
    """Without the invariants, and where it calls itself without the clauses, that the prover does not carry over."""
    ensures = written.ensures
    if not written.recursive and any(loop.invariants for loop in written.loops):
        written = replace(written, ensures=())
    for _ in range(ROUNDS):
        walk = _walk(bank, written, case.tally)
        if walk is None:
            break
        lost = set()
        for goal in walk.goals:
            weak = goal.kind.startswith("invariant") or (written.recursive and goal.kind.startswith("ensures"))
            if weak and goal.position not in lost and not walk.proves(goal):
                lost.add(goal.position)
        if not lost and (written.ensures or not ensures or written.recursive):
            return written, walk
        if not lost:
            whole = replace(written, ensures=ensures)
            final = _walk(bank, whole, case.tally)
            return (whole, final) if final else None
        written = replace(
            written,
            ensures=tuple(t for t in written.ensures if bank.ensures[t].position not in lost),
            loops=tuple(
                replace(loop, invariants=tuple(t for t in loop.invariants if known[t].position not in lost))
                for loop, known in zip(written.loops, bank.invariants, strict=True)
            ),
        )
    case.count("", _sound(written, case), False)
    return None


def _sound(written: Written, case: _Case) -> bool:
    """Whether nothing but a clause of `ensures` can be wrong: no run is stopped, every measure falls."""
    loops_fall = all(
        not loop.decreases or falls(loop.decreases, case.runs.heads.get(number, []))
        for number, loop in enumerate(written.loops)
    )
    calls_fall = all(falls(f"old({written.decreases})", [[*pair]]) for pair in case.runs.entries if written.decreases)
    return not case.runs.broken and loops_fall and calls_fall


def _judged(base: Written, walk: Walk, case: _Case) -> list[str]:
    """Every clause of `ensures` as a contract of its own. Gives those that are true and proved."""
    sound = _sound(base, case)
    rest = [g for g in walk.goals if not g.kind.startswith(("ensures", "invariant"))]
    if walk.lacking or not all(walk.proves(goal) for goal in rest):
        case.count("", sound, False)
        return []
    clauses = walk.function.contract.ensures
    found: list[str] = []
    for text, clause in zip(base.ensures, clauses, strict=True):
        true = sound and case.truths[text]
        proof = all(walk.proves(goal) for goal in walk.goals if goal.position == clause.position)
        case.count(text, true, proof)
        if proof and true:
            found.append(text)
        elif proof:
            one = base if base.recursive else replace(base, ensures=(text,))
            case.suspect(one, "ensures" if sound else "runs", text)
    return found


def _wrong_loops(base: Written, bank: Bank, case: _Case, number: int) -> None:
    """The loop with an invariant that runs break, and with measures that do not fall."""
    loop = base.loops[number]
    for text in case.wrong[number]:
        _variant(base, bank, case, number, replace(loop, invariants=(*loop.invariants, text)), "invariant", text)
    begun = case.runs.heads.get(number, [])
    for text in case.falling[number]:
        if text != loop.decreases and not falls(text, begun):
            _variant(base, bank, case, number, replace(loop, decreases=text), "decreases", text)


def _variant(base: Written, bank: Bank, case: _Case, number: int, loop: Loop, kind: str, text: str) -> None:
    """A contract that runs break in one loop: it must not be proved."""
    changed = replace(base, ensures=(), loops=(*base.loops[:number], loop, *base.loops[number + 1 :]))
    walk = _walk(bank, changed, case.tally)
    own_first = sorted(walk.goals, key=lambda goal: not goal.kind.startswith(kind)) if walk else []
    proof = walk is not None and not walk.lacking and all(walk.proves(goal) for goal in own_first)
    case.count(text, False, proof, f"wrong {kind}")
    if proof:
        case.suspect(changed, kind, text)


def _kinds(text: str) -> set[str]:
    marks = {
        "quantifier": " for p in ", "sum": "sum(", "permutation": "permutation(", "sorted": "sorted(", "old": "old(",
        "division": "//", "remainder": "%",
    }  # fmt: skip
    found = {kind for kind, mark in marks.items() if mark in text}
    if found & {"division", "remainder"} and any(w in text for w in (" if ", "max(", "min(")):
        found.add("division under choice")
    return found
