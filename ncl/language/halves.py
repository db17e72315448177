"""Tables by opcode of which every op must have its entry: a missing half is named in a sentence.

An op is a row (what it means) and a circuit (what the machine makes of it), written apart. `Halves` is the table of
one kind of half; `by_name` makes it from names, so that a half without an opcode is named too. Called by the op table
and the circuits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from ncl.errors import IncompleteOpError
from ncl.language.opcodes import Opcode

T = TypeVar("T")
_REMEDY = {
    "row": "write it in ncl/language/ops.py, then run python -m ncl.language.numbering",
    "circuit": "write it in ncl/machine/circuits/integer.py",
}


class Halves(dict[Opcode, T]):
    """A table by opcode. Asked for an op that it lacks it raises IncompleteOpError: `popcount: no circuit`."""

    def __init__(self, half: str, table: Mapping[Opcode, T]) -> None:
        super().__init__(table)
        self.half = half

    def __missing__(self, opcode: Opcode) -> T:
        raise missing(Opcode(opcode).mnemonic, self.half)


def missing(name: str, half: str) -> IncompleteOpError:
    """What to say of an op that lacks a half."""
    return IncompleteOpError(f"{name}: no {half}", remedy=_REMEDY[half])


def by_name(half: str, table: Mapping[str, T]) -> Halves[T]:
    """The table by opcodes. Raises IncompleteOpError for a name that no row has."""
    for name in table:
        if name.upper() not in Opcode.__members__:
            raise missing(name, "row")
    return Halves(half, {Opcode[name.upper()]: entry for name, entry in table.items()})
