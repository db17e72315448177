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

from ncl.language.program import Position
from ncl.properties.contract_cases import INPUTS, Case, case_of
from ncl.properties.contract_facts import falls
from ncl.properties.contract_programs import SHAPES, callee, entry
from ncl.properties.contract_text import Loop, Written
from ncl.verify.contracts.fuzz_clauses import Bank, Walk
from ncl.verify.contracts.terms import Unprovable

STEPS = 60_000  # of the solver for one goal: what is proved at all is mostly proved in a tenth of them
ROUNDS = 6  # of thinning
WIDE, OFTEN = 1000, 10  # inputs at each width in one batch of so many
KNOWN = 5  # clauses that callers know of a function
# Of a hundred programs, how many of each of SHAPES. A straight program costs a quarter of one with a loop.
MIXES = {"mixed": (35, 10, 20, 12, 13, 10), "cheap": (62, 14, 20, 2, 1, 1)}
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
    too_few_runs: int = 0  # programs without enough valid runs that end
    questions: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, Counter[str]] = field(default_factory=dict)
    suspects: list[Suspect] = field(default_factory=list)
    raised: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def count(self, kinds: set[str], true: bool, proof: bool) -> None:
        what = f"{'true' if true else 'false'}, {'proved' if proof else 'not proved'}"
        self.questions[what] += 1
        for kind in kinds:
            self.kinds.setdefault(kind, Counter())[what] += 1

    def add(self, other: Tally) -> None:
        self.programs += other.programs
        self.too_few_runs += other.too_few_runs
        self.questions += other.questions
        self.raised += other.raised
        self.seconds += other.seconds
        self.suspects += other.suspects
        for kind, counts in other.kinds.items():
            self.kinds[kind] = self.kinds.get(kind, Counter()) + counts

    @property
    def contracts(self) -> int:
        return self.questions.total()


def batch(seed: int, number: int, mix: str = "mixed", programs: int = PROGRAMS) -> Tally:
    """A few functions to call, each asked about, and programs that call them. The same numbers, the same questions.

    `mix` is one of MIXES, or one of SHAPES for programs of that shape alone.
    """
    begin = time.process_time()
    tally = Tally()
    chance = random.Random(f"{seed}:{mix}:{number}")
    asked = (_examined(callee(chance, name), chance, tally, (seed, number)) for name in "ghqrst"[:POOL])
    pool = tuple(one for one in asked if one is not None)
    for _ in range(programs):
        shape = chance.choices(SHAPES, MIXES[mix])[0] if mix in MIXES else mix
        _examined(entry(chance, pool, shape), chance, tally, (seed, number))
    tally.seconds = time.process_time() - begin
    return tally


# --- one program -----------------------------------------------------------------------------------------------------


@dataclass
class _Trial:
    """A case that is asked about; `origin` is the seed and the batch."""

    case: Case
    bank: Bank
    tally: Tally
    origin: tuple[int, int]

    def count(self, text: str, true: bool, proof: bool, *kinds: str) -> None:
        self.tally.count({*self.case.written.kinds, *_kinds(text), *kinds}, true, proof)

    def suspect(self, written: Written, kind: str, clause: str) -> None:
        self.tally.suspects.append(Suspect(written.text, written.name, kind, clause, *self.origin))

    def walk(self, written: Written) -> Walk | None:
        """None for what the prover does not express."""
        try:
            return Walk(self.bank.contract(written.ensures, written.loops), STEPS)
        except Unprovable as fault:
            self.tally.raised[str(fault).split(",")[0][:60]] += 1
        except z3.Z3Exception as fault:
            self.tally.raised[f"z3: {fault}"[:60]] += 1
        return None


def _examined(written: Written, chance: random.Random, tally: Tally, origin: tuple[int, int]) -> Written | None:
    """Ask about one program. Gives it with the clauses that were proved, None where nothing is to be had of it."""
    case = case_of(written, chance, WIDE if origin[1] % OFTEN == OFTEN - 1 else INPUTS)
    if case is None:
        tally.too_few_runs += 1
        return None
    tally.programs += 1
    trial = _Trial(case, Bank.of(case.full, case.falling), tally, origin)
    found = _thinned(replace(case.full, loops=case.right.loops), trial)
    if found is None:
        return replace(written, known=False)
    base, walk = found
    whole = _whole(base, walk)
    proven = _single_clauses(base, walk, trial) if whole else []
    if not whole:
        trial.count("", case.sound(base), False)
    for number in range(len(base.loops)):
        _wrong_loops(base, trial, number)
    return replace(base, ensures=tuple(proven[:KNOWN]), known=whole)


# --- proving ---------------------------------------------------------------------------------------------------------


def _thinned(written: Written, trial: _Trial) -> tuple[Written, Walk] | None:
    """Without the invariants, and where it calls itself without the clauses, that the prover does not carry over."""
    later = () if written.recursive or not any(loop.invariants for loop in written.loops) else written.ensures
    written = replace(written, ensures=()) if later else written
    for _ in range(ROUNDS):
        walk = trial.walk(written)
        if walk is None:
            break
        lost = _lost(walk, written.recursive)
        if not lost and not later:
            return written, walk
        if not lost:
            whole = replace(written, ensures=later)
            final = trial.walk(whole)
            return (whole, final) if final else None
        written = _without(written, trial.bank, lost)
    trial.count("", trial.case.sound(written), False)
    return None


def _lost(walk: Walk, recursive: bool) -> set[Position]:
    """Where the clauses stand that are assumed somewhere and do not follow."""
    lost: set[Position] = set()
    for goal in walk.goals:
        assumed = goal.kind.startswith("invariant") or (recursive and goal.kind.startswith("ensures"))
        if assumed and goal.position not in lost and not walk.proves(goal):
            lost.add(goal.position)
    return lost


def _without(written: Written, bank: Bank, lost: set[Position]) -> Written:
    loops = tuple(
        replace(loop, invariants=tuple(t for t in loop.invariants if known[t].position not in lost))
        for loop, known in zip(written.loops, bank.invariants, strict=True)
    )
    ensures = tuple(t for t in written.ensures if bank.ensures[t].position not in lost)
    return replace(written, loops=loops, ensures=ensures)


def _whole(base: Written, walk: Walk) -> bool:
    """Whether all is shown but the clauses of `ensures`: of the functions that it calls too."""
    rest = [g for g in walk.goals if not g.kind.startswith(("ensures", "invariant"))]
    return not walk.lacking and all(one.known for one in base.callees) and all(map(walk.proves, rest))


def _single_clauses(base: Written, walk: Walk, trial: _Trial) -> list[str]:
    """Every clause of `ensures` as a contract of its own. Gives those that are true and proved."""
    sound = trial.case.sound(base)
    clauses = walk.function.contract.ensures
    found: list[str] = []
    for text, clause in zip(base.ensures, clauses, strict=True):
        true = sound and trial.case.truths[text]
        proof = all(walk.proves(goal) for goal in walk.goals if goal.position == clause.position)
        trial.count(text, true, proof)
        if proof and true:
            found.append(text)
        elif proof:
            one = base if base.recursive else replace(base, ensures=(text,))
            trial.suspect(one, "ensures" if sound else "runs", text)
    return found


def _wrong_loops(base: Written, trial: _Trial, number: int) -> None:
    """The loop with an invariant that runs break, and with measures that do not fall."""
    loop = base.loops[number]
    for text in trial.case.wrong[number]:
        _variant(base, trial, number, replace(loop, invariants=(*loop.invariants, text)), "invariant", text)
    begun = trial.case.runs.heads.get(number, [])
    for text in trial.case.falling[number]:
        if text != loop.decreases and not falls(text, begun):
            _variant(base, trial, number, replace(loop, decreases=text), "decreases", text)


def _variant(base: Written, trial: _Trial, number: int, loop: Loop, kind: str, text: str) -> None:
    """A contract that runs break in one loop: it must not be proved."""
    changed = replace(base, ensures=(), loops=(*base.loops[:number], loop, *base.loops[number + 1 :]))
    walk = trial.walk(changed)
    own_first = sorted(walk.goals, key=lambda goal: not goal.kind.startswith(kind)) if walk else []
    shown = walk is not None and not walk.lacking and all(one.known for one in base.callees)
    proof = shown and walk is not None and all(map(walk.proves, own_first))
    trial.count(text, False, proof, f"wrong {kind}")
    if proof:
        trial.suspect(changed, kind, text)


def _kinds(text: str) -> set[str]:
    marks = {
        "quantifier": " for p in ", "sum": "sum(", "permutation": "permutation(", "sorted": "sorted(", "old": "old(",
        "division": "//", "remainder": "%",
    }  # fmt: skip
    found = {kind for kind, mark in marks.items() if mark in text}
    if found & {"division", "remainder"} and any(w in text for w in (" if ", "max(", "min(")):
        found.add("division under choice")
    return found
