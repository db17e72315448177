"""Pass: an op on known words becomes its result, a branch on a known word a jump, a check that holds goes.

Legal: nothing that could trap goes unless its operands are known and it does not (a division by 0 stays); a word is
known only from a CONSTANT in the same segment. Identities besides: x + 0, x - 0, x · 1, x // 1, x << 0, x >> 0 are x,
and x · 0 is 0.
"""

from __future__ import annotations

from ncl.compiler.blocks import Branch, End, Graph, Jump, Line
from ncl.compiler.segments import rewritten
from ncl.language.opcodes import Opcode
from ncl.language.ops import OPS
from ncl.language.word import Integers

Known = dict[int, int]  # register → word

# Opcode → the right operand that leaves the left one as it is.
_NEUTRAL = {
    Opcode.ADD: 0, Opcode.SUBTRACT: 0, Opcode.OR: 0, Opcode.XOR: 0, Opcode.SHIFT_LEFT: 0, Opcode.SHIFT_RIGHT: 0,
    Opcode.MULTIPLY: 1, Opcode.DIVIDE: 1,
}  # fmt: skip
_COMMUTE = (Opcode.ADD, Opcode.OR, Opcode.XOR, Opcode.MULTIPLY)


def fold(graph: Graph, width: int) -> Graph:
    """The graph with known words worked out."""
    algebra = Integers(width)

    def line(old: Line, known: Known) -> list[Line]:
        new = _folded(old, known, algebra)
        if new is not None and new.target is not None:
            known.pop(new.target, None)
            if new.opcode == Opcode.CONSTANT:
                known[new.target] = new.operands[1]
            elif new.opcode == Opcode.MOVE and new.operands[1] in known:
                known[new.target] = known[new.operands[1]]
        return [] if new is None else [new]

    return rewritten(graph, dict, dict, line, _jump)


def _jump(end: End, known: Known) -> End:
    match end:
        case Branch(register=register, zero=zero, nonzero=nonzero) if register in known:
            return Jump(nonzero if known[register] else zero)
    return end


def _folded(line: Line, known: Known, algebra: Integers) -> Line | None:
    """The line that does the same, None when that is nothing."""
    words = [known.get(register) for register in line.sources]
    row = OPS[line.opcode]
    if line.opcode == Opcode.BOUND and None not in words and words[0] < words[1]:  # type: ignore[operator]
        return None
    if row.word is None or line.target is None:
        return line
    if None not in words and not (row.traps_on_zero and words[-1] == 0):
        return Line(Opcode.CONSTANT, (line.target, int(row.word(algebra, *words))), line.position)
    if line.opcode == Opcode.MULTIPLY and 0 in words:
        return Line(Opcode.CONSTANT, (line.target, 0), line.position)
    neutral = _NEUTRAL.get(line.opcode)
    if neutral is not None and words[1] == neutral:
        return Line(Opcode.MOVE, (line.target, line.sources[0]), line.position)
    if neutral is not None and line.opcode in _COMMUTE and words[0] == neutral:
        return Line(Opcode.MOVE, (line.target, line.sources[1]), line.position)
    return line
