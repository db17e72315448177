"""One self-contained HTML page of a result: picture, table, what the model did, what was shown, the library."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ncl.training.evaluate import Cell


@dataclass(frozen=True)
class Row:
    task: str
    arm: str
    cells: tuple[Cell | None, ...]


def rows_of(cells: Sequence[Cell]) -> tuple[tuple[int, ...], tuple[Row, ...]]:
    """The lengths, and a row a task and arm with a cell (or None) a length."""
    lengths = tuple(sorted({c.length for c in cells}))
    found = {(c.task, c.arm, c.length): c for c in cells}
    heads = list(dict.fromkeys((c.task, c.arm) for c in cells))
    return lengths, tuple(Row(t, a, tuple(found.get((t, a, n)) for n in lengths)) for t, a in heads)


def render(cells: Sequence[Cell], plot: bytes, context: Mapping[str, Any]) -> str:
    """The page. `context` holds title, lead, trained_to, samples, obligations, programs, trust and footer."""
    from jinja2 import Environment, StrictUndefined

    template = (Path(__file__).parent / "report.html").read_text(encoding="utf-8")
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True).from_string(template)
    lengths, rows = rows_of(cells)
    return page.render(plot=b64encode(plot).decode(), lengths=lengths, rows=rows, **context)
