"""The page about the library: each program with what it does and the verdict on its contract.

`ncl verify --all --json | python -m ncl.verify.certification.library_page > docs/library.md` writes it; a test holds it
to the programs that are there and to whether they have contracts. The verdicts are those of the run that it was made
from.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from ncl import library

NONE = "none"

_OPENING = """\
# The library

*Made by `ncl verify --all --json | python -m ncl.verify.certification.library_page > docs/library.md`.*

{programs} programs, each proved to be its source for every input, length and number of rounds.

| [contract](language/contracts.md) | programs | |
|---|---|---|
| proved | {proved} | on the source, for every length and all widths at once |
| bounded | {bounded} | every input of the size that is named was run with its contract checked |
| none | {none} | |

A contract counts only where at least five wrong implementations break it. `ncl library NAME` prints a program.
"""


def page(contracts: Mapping[str, str]) -> str:
    """`contracts`: what is said of each program's contract, as `told` says it."""
    rows: dict[str, list[str]] = {}
    for name in library.names():
        does = " ".join(library.get(name).documentation.strip().partition("\n\n")[0].split())
        rows.setdefault(library.ROOMS[name], []).append(
            f"| `{name}` | {does.replace('|', '&#124;')} | {contracts[name]} |"
        )
    said = list(contracts.values())
    proved, none = said.count("proved"), said.count(NONE)
    text = _OPENING.format(programs=len(said), proved=proved, bounded=len(said) - proved - none, none=none)
    for room in sorted(rows):
        text += "\n".join(
            ["", f"## {room.capitalize()}", "", "| program | what it gives | contract |", "|---|---|---|"]
        )
        text += "\n" + "\n".join(rows[room]) + "\n"
    return text


def contract_lines(document: Mapping[str, Any]) -> dict[str, str]:
    """What the JSON of `ncl verify --all` says of each program's contract. Raises ValueError for one that is not green,
    and where a program is not proved to be its source."""
    found = {o["id"]: o for o in document["obligations"]}
    contracts = {}
    for name in library.names():
        if found[f"source/{name}"]["verdict"] != "proved":
            raise ValueError(f"{name} is not proved to be its source: {found[f'source/{name}']['verdict']}")
        contract = found.get(f"contract/{name}")
        contracts[name] = _contract_line(name, contract) if contract else NONE
    return contracts


def _contract_line(name: str, contract: Mapping[str, Any]) -> str:
    match contract["verdict"]:
        case "proved":
            return "proved"
        case "proved-bounded":
            return f"bounded: {contract['bound']}"
        case verdict:
            raise ValueError(f"the contract of {name} is {verdict}: {contract['detail']}")


if __name__ == "__main__":
    print(page(contract_lines(json.load(sys.stdin))), end="")
