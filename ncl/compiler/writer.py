"""A graph of basic blocks under construction: what the first pass writes into.

It knows registers, blocks and the names that the validator's points have for them, and nothing of what is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from ncl.compiler.blocks import Block, End, Line, Point
from ncl.language.opcodes import Opcode
from ncl.language.program import Position


class Writer:
    """`width`: of the words that literals are."""

    def __init__(self, width: int) -> None:
        self.width, self.top = width, (1 << width) - 1
        self.blocks: list[Block] = []
        self.count = 0
        self.words: dict[str, int] = {}
        self.arrays: dict[str, tuple[int, int]] = {}  # (base, length)
        self.hidden: dict[str, int] = {}  # hidden variables of the loops around, and values waiting, by path
        self.pins: dict[int, int] = {}
        self.depth = 0
        self.now = self.block()

    def fresh(self) -> int:
        self.count += 1
        return self.count - 1

    def block(self) -> int:
        self.blocks.append(Block(depth=self.depth))
        return len(self.blocks) - 1

    def start(self, label: int, kind: str = "", path: str = "") -> None:
        """Go on writing in this block; with a kind it is a point of the validator."""
        self.now = label
        self.blocks[label].depth = self.depth
        if kind:
            self.blocks[label].point = Point(kind, path, self.terms())

    def terms(self) -> dict[str, int]:
        found = dict(self.words)
        for name, (base, length) in self.arrays.items():
            found |= {f"base({name})": base, f"len({name})": length}
        return found | self.hidden

    def emit(self, opcode: Opcode, *operands: int, position: Position | None) -> None:
        self.blocks[self.now].lines.append(Line(opcode, operands, position))

    def finish(self, end: End) -> None:
        # After a return or break nothing more is reached; the first end is the one that counts.
        if self.blocks[self.now].end is None:
            self.blocks[self.now].end = end

    def made(self, opcode: Opcode, *sources: int, position: Position | None, into: int | None = None) -> int:
        """A register with what an op gives."""
        target = self.fresh() if into is None else into
        self.emit(opcode, target, *sources, position=position)
        return target

    def constant(self, value: int, position: Position | None) -> int:
        return self.made(Opcode.CONSTANT, value, position=position)

    @contextmanager
    def waiting(self, values: Mapping[str, int]) -> Iterator[None]:
        """While these are evaluated already and wait for others: at a point on the way they are terms."""
        names = {f"value@{at}": register for at, register in values.items()}
        self.hidden |= names
        yield
        for name in names:
            self.hidden.pop(name, None)

    def pinned(self, values: Sequence[int], place: Position) -> tuple[int, ...]:
        """Copies in the registers of the calling convention."""
        copies = tuple(self.made(Opcode.MOVE, register, position=place) for register in values)
        self.pins |= {register: number for number, register in enumerate(copies)}
        return copies
