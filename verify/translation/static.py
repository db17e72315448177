"""What is looked at before any solver: that program, source and witness belong together, and that frames stay apart.

Soundness 5 (frames) is the rule of `ncl.language.wellformed` on frame memory: slots and frame sizes are constants, and
D open calls of the largest frame with the highest slot on top fit. Called by `validate`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ncl.compiler.witness import FunctionWitness, Row, Witness
from ncl.language import wellformed
from ncl.language.program import Program
from ncl.language.syntax import Function
from ncl.verify.translation import points


def refusals(function: Function, program: Program, witness: Witness) -> list[str]:
    """Every reason not to begin; empty when there is none."""
    found = [*wellformed.violations(program)]
    if program.signature != function.signature:
        found.append(f"the program takes {program.signature}, the source {function.signature}")
    if program.source != function.digest:
        found.append("the program was compiled from another source text")
    found += _entries(function, witness)
    for part in witness.functions:
        if part.function in function.program:
            found += _points(function.program[part.function], program, part)
    return found


def _entries(function: Function, witness: Witness) -> Iterator[str]:
    """A run begins in the source's function at line 0, and there alone; others have entries of their own."""
    if witness.function != function.name:
        yield f"the witness is of {witness.function}, the source of {function.name}"
    begins = [(part.function, part.entry) for part in witness.functions if part.halts]
    if begins != [(function.name, 0)]:
        yield f"the witness begins at {begins}, a run begins in {function.name} at line 0"
    for part in witness.functions:
        if part.function not in function.program:
            yield f"the source has no function {part.function}"
    lines = [part.entry for part in witness.functions if not part.halts]
    if len(set(lines)) != len(lines):
        yield f"two functions have one entry: lines {sorted(lines)}"


def _points(function: Function, program: Program, witness: FunctionWitness) -> Iterator[str]:
    known, spots = points.terms(function), points.flow(function).spots
    rows = points.read(witness)
    for row in rows:
        told = f"{function.name}: {row.kind} {row.path} at line {row.line}"
        if (row.kind, row.path) not in spots:
            yield f"{told}: the source has no such point"
        yield from (f"{told}: {fault}" for fault in faults(row, program, known))
    keys = [(row.kind, row.path, row.line) for row in rows]
    for kind, path, line in sorted(set(_twice(keys))):
        yield f"{function.name}: two rows for {kind} {path} at line {line}"


def faults(row: Row, program: Program, known: frozenset[str]) -> Iterator[str]:
    """What is wrong with one row."""
    sizes = program.sizes
    limits = {"r": sizes.registers, "f": sizes.frame, "c": 1 << sizes.width}
    if row.line >= len(program.code):
        yield "the program has no such line"
    for term, location in row.locations:
        if term not in known:
            yield f"the source has no {term}"
        place = re.fullmatch(r"([rfc])(\d+)", location)
        if place is None or int(place[2]) >= limits[place[1]]:
            yield f"{location} is no location of this machine"


def _twice(keys: list[tuple[str, str, int]]) -> Iterator[tuple[str, str, int]]:
    seen = set()
    for key in keys:
        if key in seen:
            yield key
        seen.add(key)
