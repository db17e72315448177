"""One self-contained HTML page of a result: tables, what was verified and what was not, and how to get it again.

Nothing on the page is fetched from anywhere. Called by the reports of both recipes.
"""

from __future__ import annotations

import platform
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ncl.build import Artefact
from ncl.certificate import Certificate, ObligationRecord
from ncl.training.evaluation.accuracy import Cell


@dataclass(frozen=True)
class Row:
    task: str
    system: str
    phrasing: str | None
    calls: int | None
    cells: tuple[Cell | None, ...]


def rows_of(cells: Sequence[Cell]) -> tuple[tuple[int, ...], tuple[Row, ...]]:
    """The lengths, and a row a task, system, phrasing and number of calls with a cell (or None) a length."""
    lengths = tuple(sorted({c.length for c in cells}))
    found = {(_head(c), c.length): c for c in cells}
    heads = dict.fromkeys(map(_head, cells))
    return lengths, tuple(Row(*head, tuple(found.get((head, n)) for n in lengths)) for head in heads)


def _head(c: Cell) -> tuple[str, str, str | None, int | None]:
    return c.task, c.system, c.phrasing, c.calls


def rendered(
    template: str, artefact: Artefact, certificate: Certificate, stages: Mapping[str, float],
    facts: Sequence[tuple[str, str]], **values: Any,
) -> str:  # fmt: skip
    """A page that extends `page.html`, which says what was verified and what was not, of any result."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    records = certificate.obligations
    return made.get_template(template).render(
        certificate=certificate,
        verdicts=Counter(o.verdict for o in records).most_common(),
        kinds=_kinds(records),
        unproved=[o for o in records if o.verdict != "proved"],
        programs=_programs(artefact),
        stages=stages,
        total=sum(stages.values()),
        facts=facts,
        **values,
    )


def embedded(picture: bytes) -> str:
    """As it stands in a page."""
    return b64encode(picture).decode()


@dataclass(frozen=True)
class Kind:
    """All obligations of one kind: how many, with which verdicts, by which methods, to which bounds."""

    name: str
    count: int
    verdicts: str
    methods: tuple[str, ...]
    bounds: tuple[str, ...]
    seconds: float


def _kinds(records: Iterable[ObligationRecord]) -> list[Kind]:
    grouped: dict[str, list[ObligationRecord]] = {}
    for item in records:
        grouped.setdefault(item.kind, []).append(item)
    return [
        Kind(
            name,
            len(items),
            ", ".join(f"{n} {verdict}" for verdict, n in Counter(i.verdict for i in items).items()),
            tuple(dict.fromkeys(i.method for i in items)),
            tuple(dict.fromkeys(i.bound for i in items if i.bound)),
            sum(i.seconds for i in items),
        )
        for name, items in grouped.items()
    ]


def longest(cells: Sequence[Cell]) -> list[Cell]:
    """The `ncl` system's cells at the greatest length."""
    mine = [c for c in cells if c.system == "ncl"]
    most = max((c.length for c in mine), default=0)
    return [c for c in mine if c.length == most]


def _programs(artefact: Artefact) -> list[dict[str, Any]]:
    from ncl.language.text import disassemble

    return [
        {
            "name": name,
            "signature": str(program.signature),
            "instructions": len(program.code),
            "source": artefact.functions[name].text if name in artefact.functions else "",
            "assembly": disassemble(program),
        }
        for name, program in artefact.programs.items()
    ]


def facts(command: str, seed: str, configuration: str, certificate: Certificate) -> list[tuple[str, str]]:
    """What is needed to get the same result again."""
    import ncl

    versions = ", ".join(
        f"{name} {version}" for name, version in {"ncl": ncl.__version__, **certificate.versions}.items()
    )
    return [
        ("command", command),
        ("seed", seed),
        ("configuration", configuration),
        ("certificate", certificate.seal),
        ("policy", certificate.policy),
        ("versions", versions),
        ("machine", f"{platform.system()} {platform.machine()}, {certificate.device}"),
    ]
