"""The witness: what a validator needs to follow the compiler, as data it need not believe.

Per function its entry line, its frame size K, whether it ends with the run or with a return, and one row a point:
kind and path in the syntax tree, the machine line that serves it, and where each source term and hidden variable lives.
The first function is where the run begins; one that is called too has a second entry further down, which returns.

Paths. A statement: `2.body.0.then.1`. An expression: its statement's path, a colon, and the fields that lead to it, as
in `2:value0.left`. The first field is `value0 …`, `target0 …` of an assignment, `value` or `target` of an augmented
one, `fill` and `count` of `[c] * n`, `call` of a call that is a statement or gives an array, `condition`, `start`,
`stop` and `step` of a `for`, `value` of a return. Then `left`, `right`, `operand`, `index`, `operand0 …` of a chain,
`argument0 …` of a call or builtin, `condition`, `then`, `otherwise`.

Kinds. `loop`: a loop head, at its TICK. `join`: behind an `if`, an assignment or an `assert` in which several ways were
possible (path of a statement), or where the ways to the value
of an `and`, `or`, chain or conditional expression meet (path of an expression; conditions that only jump have none).
`call`: the line behind a CALL (path of the call); the result is not among its terms, the calling convention has it.

Terms: `x`, `base(xs)`, `len(xs)`; hidden ones carry a path: `next@2`, `left@2`, `step@2` of a `for`, `fill@0`,
`count@0`, `base@0`, `index@0` of a `[c] * n`, and `value@2:value0.left`, what an expression gave that is evaluated
already while its statement waits for another. Locations: `r3` a register, `f0` a frame slot. What is not wanted any
more has no place; two terms at one place are equal there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ncl.errors import FormatError
from ncl.language.program import natural, only

SCHEMA = 2


@dataclass(frozen=True)
class Row:
    kind: str  # "loop", "join" or "call"
    path: str
    line: int
    locations: tuple[tuple[str, str], ...]  # (source term, location), sorted


@dataclass(frozen=True)
class FunctionWitness:
    function: str
    entry: int  # line
    frame: int  # K: its frame slots are 0 … K-1, and its calls move the frame pointer on by K
    halts: bool  # it ends with HALT, and is where the run begins; the others end with RETURN
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Witness:
    """Of a whole program; `function` is its name."""

    function: str
    functions: tuple[FunctionWitness, ...]  # in the order of their lines

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "function": self.function,
            "functions": [
                {
                    "function": f.function, "entry": f.entry, "frame": f.frame, "halts": f.halts,
                    "rows": [_row(row) for row in f.rows],
                }
                for f in self.functions
            ],
        }  # fmt: skip

    @staticmethod
    def from_json(data: Mapping[str, Any], where: str = "witness") -> Witness:
        try:
            if natural(data["schema"]) != SCHEMA:
                raise ValueError(f"schema {data['schema']!r}, expected {SCHEMA}")
            only(data, ("schema", "function", "functions"))
            return Witness(_text(data["function"]), tuple(_function(f) for f in data["functions"]))
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise FormatError(
                f"not a witness: {type(fault).__name__}: {fault}", where=where, remedy="compile the program again"
            ) from fault


def _row(row: Row) -> dict[str, Any]:
    locations = [list(pair) for pair in row.locations]
    return {"kind": row.kind, "path": row.path, "line": row.line, "locations": locations}


def _function(data: Mapping[str, Any]) -> FunctionWitness:
    only(data, ("function", "entry", "frame", "halts", "rows"))
    for row in data["rows"]:
        only(row, ("kind", "path", "line", "locations"))
    rows = tuple(
        Row(_text(r["kind"]), _text(r["path"]), natural(r["line"]), _locations(r["locations"])) for r in data["rows"]
    )
    if not isinstance(data["halts"], bool):
        raise ValueError(f"{data['halts']!r} is neither true nor false")
    return FunctionWitness(_text(data["function"]), natural(data["entry"]), natural(data["frame"]), data["halts"], rows)


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
