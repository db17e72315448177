"""Has a checkpoint got worse? Exact one-sided tests of a run against a baseline, cell by cell.

A cell is one (task, length, system, phrasing, calls), seeds pooled. A cell regressed when a drop as large as that seen
would be rarer than `alpha` were both runs equally good: Fisher's exact test, one-sided, Holm-corrected over the cells
(Holm 1979). A cell of the baseline that the run lacks counts as regressed: nobody may pass by leaving out hard cells.
A cell that only the run has is named and decides nothing. One that stands there twice is refused: it would count twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ncl.certificate import validation_message
from ncl.errors import FormatError, InputError
from ncl.training.data.former_names import current, with_former

ALPHA = 0.01
MOST = 10_000_000  # samples a cell: a slip in a file must not keep the exact test busy for hours
Key = tuple[str, int, str, str | None, int | None]


@dataclass(frozen=True)
class Compared:
    key: Key
    baseline: float | None  # None when only the run has the cell
    run: float | None  # None when the run lacks it
    p: float | None
    regressed: bool
    detectable: float | None  # the best run accuracy that would still be called a regression; None: none would

    def to_json(self) -> dict[str, Any]:
        task, length, system, phrasing, calls = self.key
        return with_former({
            "task": task, "length": length, "system": system, "phrasing": phrasing, "calls": calls,
            "baseline": self.baseline, "run": self.run, "p": self.p, "regressed": self.regressed,
            "detectable": self.detectable,
        })  # fmt: skip


def compare(
    run: Mapping[str, Any], baseline: Mapping[str, Any], *, alpha: float = ALPHA, systems: Iterable[str] = ("ncl",)
) -> list[Compared]:
    """Every cell of the systems, compared; those that only the run has stand behind the others. Both documents are what
    `ncl evaluate --json` prints.

    Raises FormatError for a document without cells and InputError when no cell of the systems is in the baseline.
    """
    wanted = set(systems)
    before = {k: v for k, v in _pool(baseline, "baseline").items() if k[2] in wanted}
    after = {k: v for k, v in _pool(run, "run").items() if k[2] in wanted}
    if not before:
        raise InputError(
            f"the baseline has no cell of system {', '.join(sorted(wanted))}", where="baseline",
            remedy="choose a system that it has with --system",
        )  # fmt: skip
    drops = {key: _drop(before[key], after[key]) for key in before if key in after}
    regressed = _holm(drops, alpha)
    strictest = alpha / max(1, len(drops))
    found = [
        Compared(
            key,
            before[key][0] / before[key][1],
            after[key][0] / after[key][1] if key in after else None,
            drops.get(key),
            key in regressed or key not in after,
            _detectable(before[key], after[key][1], strictest) if key in after else None,
        )
        for key in sorted(before, key=_place)
    ]
    alone = sorted(after.keys() - before.keys(), key=_place)
    return found + [Compared(k, None, after[k][0] / after[k][1], None, False, None) for k in alone]


def _place(key: Key) -> tuple[str, str, int, str, int]:
    task, length, system, phrasing, calls = key
    return system, task, length, str(phrasing), calls or 0


class _Cell(BaseModel):
    """What a cell must say; whatever else it says is not looked at."""

    model_config = ConfigDict(strict=True, extra="ignore")

    task: str
    length: int = Field(ge=0)
    system: str
    phrasing: str | None = None
    calls: int | None = Field(None, ge=0)
    seed: int | None = Field(None, ge=0)
    n: int = Field(ge=1, le=MOST)
    exact: float = Field(ge=0, le=1, allow_inf_nan=False)

    @model_validator(mode="after")
    def _is_a_count(self) -> _Cell:
        if self.hits / self.n != self.exact:
            raise ValueError(f"exact {self.exact} is no count of {self.n}, the nearest is {self.hits / self.n}")
        return self

    @property
    def hits(self) -> int:
        return round(self.exact * self.n)


def _pool(document: Mapping[str, Any], where: str) -> dict[Key, tuple[int, int]]:
    """Exact answers and samples of each cell, over seeds."""
    remedy = "use what `ncl evaluate --json` or `ncl demo --json` printed"
    cells = document.get("cells") if isinstance(document, Mapping) else None
    if not isinstance(cells, list):
        raise FormatError("no evaluation: it has no list of cells", where=where, remedy=remedy)
    if not cells:
        raise FormatError("an evaluation without cells", where=where, remedy=remedy)
    pooled: dict[Key, tuple[int, int]] = {}
    seen = set[tuple[Key, int | None]]()
    for number, record in enumerate(cells):
        named = current(record, where, _Cell.model_fields) if isinstance(record, Mapping) else record
        try:
            cell = _Cell.model_validate(named)
        except ValidationError as fault:
            raise FormatError(
                f"no evaluation: cell {number}: {validation_message(fault)}", where=where, remedy=remedy
            ) from fault
        key: Key = (cell.task, cell.length, cell.system, cell.phrasing, cell.calls)
        if (key, cell.seed) in seen:
            which = f"{cell.task} {cell.length} {cell.system}, seed {cell.seed}"
            raise FormatError(f"no evaluation: cell {number}: {which} stands there twice", where=where, remedy=remedy)
        seen.add((key, cell.seed))
        hits, total = pooled.get(key, (0, 0))
        pooled[key] = (hits + cell.hits, total + cell.n)
    return pooled


def _drop(before: tuple[int, int], after: tuple[int, int]) -> float:
    """The chance of a drop at least this large were both equally good."""
    from scipy.stats import hypergeom

    hits = before[0] + after[0]
    total = before[1] + after[1]
    return float(hypergeom.cdf(after[0], total, hits, after[1]))


def _holm(p_values: Mapping[Key, float], alpha: float) -> set[Key]:
    rejected: set[Key] = set()
    for rank, (key, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        if p > alpha / (len(p_values) - rank):
            break
        rejected.add(key)
    return rejected


def _detectable(before: tuple[int, int], n: int, alpha: float) -> float | None:
    low, high = -1, n  # bisection: the drop is significant at `low` (−1 stands for none) and not above `high`
    while high - low > 1:
        middle = (low + high) // 2
        if _drop(before, (middle, n)) <= alpha:
            low = middle
        else:
            high = middle
    return low / n if low >= 0 else None
