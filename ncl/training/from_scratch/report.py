"""The page of a run from scratch: picture, table, what the model did, what was verified and what was not.

Called by the demo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ncl.build import Artefact
from ncl.certificate import Certificate
from ncl.training.evaluation.accuracy import Cell
from ncl.training.evaluation.plot import LABELS
from ncl.training.evaluation.report import embedded, facts, longest, rendered, rows_of
from ncl.training.from_scratch.config import TrainConfig
from ncl.training.from_scratch.samples import Sample


@dataclass(frozen=True)
class Account:
    """All that a page says of one result. `command` does it again; `runs`: the trainer's summary of each system."""

    command: str
    config: TrainConfig
    artefact: Artefact
    certificate: Certificate
    runs: Mapping[str, Mapping[str, Any]]
    parameters: Mapping[str, int]
    restarts: int
    cells: Sequence[Cell]
    samples: Sequence[Sample]
    stages: Mapping[str, float]
    plot: bytes = b""


def page(account: Account) -> str:
    """The page as text."""
    lengths, rows = rows_of(account.cells)
    return rendered(
        "report.html", account.artefact, account.certificate, account.stages, _facts(account), account=account,
        config=account.config, plot=embedded(account.plot), labels=LABELS, lengths=lengths, rows=rows,
        longest=longest(account.cells),
    )  # fmt: skip


def _facts(account: Account) -> list[tuple[str, str]]:
    seed = f"{account.config.seed} ({account.restarts} restarts of a stalled run)"
    return facts(account.command, seed, account.config.model_dump_json(), account.certificate)
