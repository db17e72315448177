"""Pass: what a register already holds is copied from there and not made again; a check that was made is not repeated.

Legal: an op on the same registers gives the same word and traps as before, that is not at all; a load gives what the
last load or store of the same cell had, until any cell is written. Calls end a segment, so nothing is known behind one.
"""

from __future__ import annotations

from ncl.compiler.blocks import Graph, Line
from ncl.compiler.segments import rewritten
from ncl.language.opcodes import WORD_OPS, Opcode

Key = tuple[Opcode, tuple[int, ...]]  # what is made: an opcode with its operands behind the target
Made = dict[Key, int]  # → the register that holds it; of a check, any

_COMMUTE = (
    Opcode.ADD, Opcode.MULTIPLY, Opcode.AND, Opcode.OR, Opcode.XOR, Opcode.EQUAL, Opcode.NOT_EQUAL,
)  # fmt: skip
_MADE = {*WORD_OPS, Opcode.CONSTANT, Opcode.LOAD}


def common(graph: Graph, width: int) -> Graph:
    """The graph with nothing made twice in a segment."""
    fixed = set(graph.pins) - set(graph.parameters)

    def line(old: Line, made: Made) -> list[Line]:
        key = _key(old)
        if old.opcode == Opcode.BOUND and key in made:
            return []
        new = Line(Opcode.MOVE, (old.operands[0], made[key]), old.position) if key in made else old
        _note(new, key, made, fixed)
        return [new]

    return rewritten(graph, dict, dict, line)


def _key(line: Line) -> Key:
    operands = line.operands if line.target is None else line.operands[1:]
    return line.opcode, tuple(sorted(operands)) if line.opcode in _COMMUTE else operands


def _note(line: Line, key: Key, made: Made, fixed: set[int]) -> None:
    """What is known behind the line."""
    target = line.target
    if line.opcode == Opcode.STORE:
        value, base, index = line.operands
        for stale in [k for k in made if k[0] == Opcode.LOAD]:
            del made[stale]
        made[Opcode.LOAD, (base, index)] = value
    if line.opcode == Opcode.BOUND:
        made[key] = line.operands[0]
    if target is None:
        return
    for stale in [k for k, holder in made.items() if holder == target or _reads(k, target)]:
        del made[stale]
    if line.opcode in _MADE and target not in fixed and not _reads(key, target):
        made[key] = target


def _reads(key: Key, register: int) -> bool:
    return key[0] != Opcode.CONSTANT and register in key[1]
