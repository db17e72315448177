"""Pass: instead of jumping to a short block that begins a round or ends the function, do there what it does.

So a loop tests its condition at the end of a round and jumps once, and a return is not jumped to. Legal: the copy has
the lines, the end and the point of the block, which then has two rows in the witness, one for each line that serves it.
It is the last pass, for what two blocks lead to knows less.
"""

from __future__ import annotations

from dataclasses import replace

from ncl.compiler.blocks import Block, Graph, Halt, Jump, ReturnWith

SHORT = 6  # lines; longer blocks are jumped to


def thread(graph: Graph, width: int) -> Graph:
    """The graph with short blocks copied to where they were jumped to. The first way to a block stays as it is."""
    blocks = list(graph.blocks)
    entered: set[int] = set()
    for label in graph.reachable():
        block = blocks[label]
        if isinstance(block.end, Jump):
            target = block.end.label
            if target in entered and _worth(graph.blocks[target]):
                blocks[label] = replace(block, end=Jump(len(blocks)))
                blocks.append(replace(graph.blocks[target]))
            entered.add(target)
        else:
            entered.update(block.successors)
    return replace(graph, blocks=blocks)


def _worth(block: Block) -> bool:
    begins = block.point is not None and block.point.kind == "loop"
    return len(block.lines) <= SHORT and (begins or isinstance(block.end, Halt | ReturnWith))
