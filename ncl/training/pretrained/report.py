"""The page of a natural run: accuracy against length, chains, chat left alone, prompts as they were read.

The sections on proofs are those of every report (`page.html`). Called by the natural demo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ncl.build import Artefact
from ncl.certificate import Certificate
from ncl.training.evaluation.accuracy import Cell
from ncl.training.evaluation.held_out import CHAIN, CHAT
from ncl.training.evaluation.plot import LABELS
from ncl.training.evaluation.report import Row, embedded, facts, longest, rendered, rows_of
from ncl.training.pretrained.config import NaturalConfig
from ncl.training.pretrained.samples import Sample

PHRASINGS = {
    "seen": "other phrasings of the same words", "unseen": "words that no training phrasing has",
    "several": "several lists, one meant",
}  # fmt: skip


@dataclass(frozen=True)
class About:
    """The base model, for people: where it comes from, its digest, parameters, positions, and in which dtype it ran."""

    source: str
    digest: str
    parameters: int
    positions: int
    dtype: str


@dataclass(frozen=True)
class NaturalAccount:
    """All that a page says of one natural run. `runs`: the record of each system that was trained."""

    command: str
    config: NaturalConfig
    base: About
    readers: int  # parameters
    artefact: Artefact
    certificate: Certificate
    runs: Mapping[str, Mapping[str, Any]]
    cells: Sequence[Cell]
    samples: Sequence[Sample]
    stages: Mapping[str, float]
    plot: bytes = b""


def page(account: NaturalAccount) -> str:
    """The page as text."""
    single = [c for c in account.cells if c.task not in (CHAIN, CHAT)]
    lengths, rows = rows_of(single)
    reproduction = facts(
        account.command, str(account.config.seed), account.config.model_dump_json(), account.certificate
    )
    return rendered(
        "natural.html", account.artefact, account.certificate, account.stages, reproduction, account=account,
        config=account.config, base=account.base, plot=embedded(account.plot), labels=LABELS, phrasings=PHRASINGS,
        lengths=lengths, rows=rows,
        longest=longest([c for c in single if c.phrasing == "seen"]), chains=chains(account.cells),
        chat=[c for c in account.cells if c.task == CHAT], tools=[c for c in account.cells if c.parsed is not None],
    )  # fmt: skip


def chains(cells: Sequence[Cell]) -> tuple[tuple[int, ...], list[Row]]:
    """The numbers of calls, and a row a system with a cell (or None) for each."""
    mine = [c for c in cells if c.task == CHAIN]
    calls = tuple(sorted({c.calls or 0 for c in mine}))
    found = {(c.system, c.calls): c for c in mine}
    systems = dict.fromkeys(c.system for c in mine)
    return calls, [Row(CHAIN, system, None, None, tuple(found.get((system, n)) for n in calls)) for system in systems]
