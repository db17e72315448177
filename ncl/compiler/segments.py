"""What the passes on blocks share: how far a fact about registers reaches, and how a block is written anew.

A fact holds until a register that it is about is written. It goes over from a block to one that nothing else leads to,
and never past a point of the validator: so whatever a pass changes lies inside one segment of the proof, and every
term of the witness stays in its register.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from ncl.compiler.blocks import Block, Branch, End, Graph, Line

Facts = TypeVar("Facts")
# (line, facts, which it brings up to date) → the lines in its place
Rewrite = Callable[[Line, Facts], list[Line]]


def parents(graph: Graph) -> dict[int, int | None]:
    """For each reachable block, in order, the one whose facts hold at its start; None when nothing is known there."""
    labels = graph.reachable()
    before: Counter[int] = Counter({0: 1})  # the entry counts as a way in
    parent: dict[int, int | None] = dict.fromkeys(labels)
    for label in labels:
        for successor in graph.blocks[label].successors:
            before[successor] += 1
            parent[successor] = label
    alone = {label for label in labels if before[label] == 1 and graph.blocks[label].point is None and label}
    return {label: parent[label] if label in alone else None for label in labels}


def rewritten(
    graph: Graph,
    fresh: Callable[[], Facts],
    copy: Callable[[Facts], Facts],
    line: Rewrite[Facts],
    end: Callable[[End, Facts], End] = lambda end, facts: end,
) -> Graph:
    """The graph with every line rewritten under the facts that hold before it."""
    behind: dict[int, Facts] = {}
    blocks = list(graph.blocks)
    for label, parent in parents(graph).items():
        facts = fresh() if parent is None else copy(behind[parent])
        block = graph.blocks[label]
        lines = [new for old in block.lines for new in line(old, facts)]
        assert block.end is not None
        blocks[label] = Block(lines, end(block.end, facts), block.point, block.depth)
        behind[label] = facts
    return replace(graph, blocks=blocks)


def with_sources(line: Line, registers: Mapping[int, int]) -> Line:
    """The line reading other registers."""
    target = [] if line.target is None else [line.operands[0]]
    rest = line.operands[len(target) :]
    if not line.sources:
        return line
    return Line(line.opcode, (*target, *(registers.get(r, r) for r in rest)), line.position)


def with_register(end: End, registers: Mapping[int, int]) -> End:
    """A branch on another register; what is handed over stays where the calling convention has it."""
    return replace(end, register=registers.get(end.register, end.register)) if isinstance(end, Branch) else end


__all__ = ["parents", "rewritten", "with_register", "with_sources"]
