"""Pass: who reads a copy reads the original instead, as long as neither is written.

Legal: only reading changes, never what stands in a register. What a call or an end hands over is left alone on both
sides: its registers are the calling convention's, and must not be held any longer.
"""

from __future__ import annotations

from ncl.compiler.blocks import End, Graph, Line
from ncl.compiler.segments import rewritten, with_register, with_sources
from ncl.language.opcodes import Opcode

Copies = dict[int, int]  # copy → original


def copies(graph: Graph, width: int) -> Graph:
    """The graph with copies passed over."""
    fixed = set(graph.pins) - set(graph.parameters)

    def line(old: Line, known: Copies) -> list[Line]:
        new = with_sources(old, known)
        if new.target is not None:
            for copy in [c for c, original in known.items() if new.target in (c, original)]:
                del known[copy]
            if new.opcode == Opcode.MOVE and not {*new.operands} & fixed and new.operands[0] != new.operands[1]:
                known[new.operands[0]] = new.operands[1]
        return [new]

    def end(old: End, known: Copies) -> End:
        return with_register(old, known)

    return rewritten(graph, dict, dict, line, end)
