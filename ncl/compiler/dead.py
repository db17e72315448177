"""Pass: what nobody wants is not made.

Legal: only lines go that write a register which nothing reads before it is written again, and that do nothing else: no
trap, no tick, no cell of memory, no cell taken. A load may go, for the check before it stays.
"""

from __future__ import annotations

from dataclasses import replace

from ncl.compiler.blocks import Block, Graph, Line, backwards, live_in
from ncl.language.opcodes import WORD_OPS, Opcode
from ncl.language.ops import OPS

_TRAPS = {opcode for opcode in WORD_OPS if OPS[opcode].traps_on_zero}
_PURE = {*WORD_OPS, Opcode.CONSTANT, Opcode.MOVE, Opcode.LOAD} - _TRAPS


def dead(graph: Graph, width: int) -> Graph:
    """The graph without lines whose results are not wanted."""
    while True:
        at_start = live_in(graph)
        blocks = list(graph.blocks)
        for label in at_start:
            block = graph.blocks[label]
            kept = [line for line, after in backwards(block, at_start) if _wanted(line, after)][::-1]
            blocks[label] = Block(kept, block.end, block.point, block.depth)
        if all(len(new.lines) == len(old.lines) for new, old in zip(blocks, graph.blocks, strict=True)):
            return graph
        graph = replace(graph, blocks=blocks)


def _wanted(line: Line, after: frozenset[int]) -> bool:
    itself = line.opcode == Opcode.MOVE and line.operands[0] == line.operands[1]
    return not itself and (line.opcode not in _PURE or line.target in after)
