"""The contract fuzzer over many batches, in processes, and what it reports: kinds counted, holes told and replayable.

A batch is its seed and its number, so a campaign of the same numbers asks the same questions whatever the number of
processes. Called by `benchmarks/contract_fuzz.py`, tests and, through `check`, the fault laboratory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import as_completed
from typing import Any

from ncl.verify.contracts.fuzz import Suspect, Tally, batch
from ncl.verify.contracts.fuzz_holes import Hole, seen_again
from ncl.verify.engine.obligation import Outcome
from ncl.workers import pool

# What is asked in CI, over 2000 programs: batches 0 … n - 1 of each shape.
CI = {"straight": 34, "nested": 8, "spread": 20, "head": 10, "moving": 10, "any": 8}
DISPLAYED = 12  # holes that are made small; more are counted


def part(number: int, parts: int, seed: int = 0) -> Tally:
    """One of so many equal parts of CI."""
    tally = Tally()
    for mix, one in [(mix, one) for mix, last in CI.items() for one in range(last)][number::parts]:
        tally.add(batch(seed, one, mix))
    return tally


def until(
    contracts: int, seed: int = 0, mix: str = "cheap", jobs: int = 1,
    progress: Callable[[Tally], None] = lambda tally: None, stride: int = 32,
) -> Tally:  # fmt: skip
    """Batches until so many contracts were asked, `stride` of them at a time."""
    tally, number = Tally(), 0
    while tally.contracts < contracts:
        for one in _batches(range(number, number + stride), seed, mix, jobs):
            tally.add(one)
            progress(tally)
        number += stride
    return tally


def _batches(numbers: Iterable[int], seed: int, mix: str, jobs: int) -> Iterator[Tally]:
    if jobs == 1:
        yield from (batch(seed, number, mix) for number in numbers)
        return
    with pool(jobs) as workers:
        for done in as_completed([workers.submit(batch, seed, number, mix) for number in numbers]):
            yield done.result()


def holes(suspects: Iterable[Suspect], shrink: bool = True) -> tuple[list[Hole], list[Suspect]]:
    """Those that are seen again on their text, at most DISPLAYED and the shortest first, and those that are not."""
    found: list[Hole] = []
    lost: list[Suspect] = []
    for suspect in sorted(suspects, key=lambda suspect: len(suspect.text)):
        if len(found) == DISPLAYED:
            break
        hole = seen_again(suspect, shrink)
        if hole is None:
            lost.append(suspect)
        else:
            found.append(hole)
    return found, lost


def report(tally: Tally, found: list[Hole], lost: list[Suspect]) -> dict[str, Any]:
    """What was asked and what came of it, as JSON. `contracts` are texts of a program with one full set of clauses."""
    return {
        "schema": 1,
        "programs": tally.programs,
        "too_few_runs": tally.too_few_runs,
        "contracts": tally.contracts,
        "questions": dict(sorted(tally.questions.items())),
        "false_proved": len(tally.suspects),
        "not_seen_again": [{"program": s.text, "clause": s.clause} for s in lost],
        "holes": [hole.to_json() for hole in found],
        "kinds": {kind: dict(sorted(counts.items())) for kind, counts in sorted(tally.kinds.items())},
        "not_expressed": dict(tally.raised.most_common()),
        "cpu_seconds": round(tally.seconds, 1),
        "milliseconds_a_contract": round(1000 * tally.seconds / max(1, tally.contracts), 2),
    }


def check(mix: str, first: int, last: int, seed: int = 0) -> Outcome:
    """Batches first … last - 1, up to the first false contract that is proved."""
    tally = Tally()
    for number in range(first, last):
        tally.add(batch(seed, number, mix))
        for suspect in tally.suspects:
            if hole := seen_again(suspect, shrink=False):
                detail = f"batch {number}: {hole.breach} in a proved contract"
                return Outcome("refuted", "random contracts", detail=detail, counterexample=hole.case())
    if tally.suspects:
        return Outcome("unknown", "random contracts", detail=f"not seen again: {tally.suspects[0].text}")
    if min(tally.questions[kind] for kind in ("true, proved", "false, not proved")) < tally.contracts // 5:
        return Outcome("vacuous", "random contracts", detail=f"too few of a kind: {dict(tally.questions)}")
    return Outcome("tested", "random contracts", f"{tally.contracts} contracts of {tally.programs} programs")
