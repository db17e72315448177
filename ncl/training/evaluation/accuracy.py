"""Exact-answer accuracy by task and length, with exact intervals. Who answers is handed in.

An answer is exact when the numbers are equal *and* the end token came where it must; answers come from free-running
generation, the gold length never given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ncl.training.data.former_names import current, with_former

# (task, length, how many, seed) → for each fresh sample, whether the answer was exact
Answerer = Callable[[str, int, int, int], Sequence[bool]]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Cell:
    task: str
    length: int
    system: str
    seed: int
    n: int
    exact: float  # fraction
    interval: tuple[float, float]  # Clopper-Pearson, 95 %
    phrasing: str | None = None
    calls: int | None = None
    parsed: float | None = None  # of a tool user's answers: the fraction that is a call
    executed: float | None = None  # … and that runs
    beyond_context: bool = False  # longer than the base model has positions for

    def to_json(self) -> dict[str, Any]:
        record = with_former({
            "task": self.task, "length": self.length, "system": self.system, "phrasing": self.phrasing,
            "calls": self.calls, "seed": self.seed, "n": self.n, "exact": self.exact, "interval": list(self.interval),
        })  # fmt: skip
        if self.parsed is not None:
            record |= {"parsed": self.parsed, "executed": self.executed}
        return record | ({"beyond_context": True} if self.beyond_context else {})

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Cell:
        low, high = data["interval"]
        named = current(data, "cell", Cell.__dataclass_fields__)
        return Cell(**{**named, "interval": (low, high)})


def interval(hits: int, n: int) -> tuple[float, float]:
    """The exact (Clopper-Pearson) confidence interval of a proportion."""
    from scipy.stats import binomtest

    found = binomtest(hits, n).proportion_ci(CONFIDENCE, method="exact")
    return float(found.low), float(found.high)


def cell(task: str, length: int, system: str, seed: int, right: Sequence[bool]) -> Cell:
    hits, n = sum(map(bool, right)), len(right)
    return Cell(task, length, system, seed, n, hits / n, interval(hits, n))


def samples_for(length: int, n: int, n_long: int) -> int:
    """Long prompts cost more, so they get fewer samples."""
    return n if length <= 100 else n_long


def evaluate(
    answerers: Mapping[str, Answerer],
    tasks: Iterable[str],
    lengths: Sequence[int],
    *,
    n: int = 200,
    n_long: int = 50,
    seed: int = 0,
    advance: Callable[[str], None] = lambda note: None,
) -> list[Cell]:
    """One cell per system × task × length; every system answers the same fresh samples."""
    cells = []
    for task in tasks:
        for length in lengths:
            for system, answer in answerers.items():
                cells.append(
                    cell(task, length, system, seed, answer(task, length, samples_for(length, n, n_long), seed))
                )
                advance(f"{task} {length} {system}")
    return cells
