"""The witness: what a validator needs to follow the compiler, as data it need not believe.

Per function its entry line and one row a point: kind and path in the syntax tree, the machine line that serves it, and
where each source term and hidden variable lives there. Terms: `x`, `base(xs)`, `len(xs)`; hidden ones carry the path of
their statement: `next@2`, `left@2`, `step@2` of a `for`, `fill@0`, `count@0`, `base@0`, `index@0` of a `[c] * n`.
Locations: `r3` a register, `f0` a frame slot.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ncl.errors import FormatError
from ncl.language.program import natural

SCHEMA = 1


@dataclass(frozen=True)
class Row:
    kind: str  # "loop" or "join"
    path: str  # place in the syntax tree, e.g. "2.body.0.then.1"
    line: int
    locations: tuple[tuple[str, str], ...]  # (source term, location), sorted


@dataclass(frozen=True)
class Witness:
    function: str
    entry: int
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "function": self.function,
            "entry": self.entry,
            "rows": [
                {"kind": r.kind, "path": r.path, "line": r.line, "locations": [list(pair) for pair in r.locations]}
                for r in self.rows
            ],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any], where: str = "witness") -> Witness:
        try:
            if data["schema"] != SCHEMA:
                raise ValueError(f"schema {data['schema']!r}, expected {SCHEMA}")
            rows = tuple(
                Row(_text(r["kind"]), _text(r["path"]), natural(r["line"]), _locations(r["locations"]))
                for r in data["rows"]
            )
            return Witness(_text(data["function"]), natural(data["entry"]), rows)
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise FormatError(
                f"not a witness: {type(fault).__name__}: {fault}", where=where, remedy="compile the program again"
            ) from fault


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")
    return value


def _locations(pairs: Sequence[Sequence[object]]) -> tuple[tuple[str, str], ...]:
    found = tuple((_text(term), _text(place)) for term, place in pairs)
    for _, place in found:
        if not re.fullmatch(r"[rf]\d+", place):
            raise ValueError(f"{place!r} is no location")
    return found
