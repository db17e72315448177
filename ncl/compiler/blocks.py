"""The intermediate form: a control-flow graph of basic blocks over virtual registers, and what is legal in it.

A virtual register is a number; an array takes two, its base and its length. `pins` ties the few virtual registers that
the calling convention ties to machine registers. Made by `ast_to_blocks`, consumed by `blocks_to_registers`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ncl.language.opcodes import OPERANDS, Kind, Opcode
from ncl.language.program import Position
from ncl.language.syntax import Function

_CONTROL = {
    Opcode.HALT, Opcode.TRAP, Opcode.JUMP, Opcode.JUMP_ZERO, Opcode.JUMP_NONZERO, Opcode.CALL, Opcode.RETURN,
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One instruction inside a block; register operands are virtual. Control stands at the block's end instead."""

    opcode: Opcode
    operands: tuple[int, ...]
    position: Position | None

    @property
    def target(self) -> int | None:
        kinds = OPERANDS[self.opcode]
        return self.operands[0] if kinds and kinds[0] is Kind.TARGET else None

    @property
    def sources(self) -> tuple[int, ...]:
        return tuple(v for v, k in zip(self.operands, OPERANDS[self.opcode], strict=True) if k is Kind.SOURCE)


@dataclass(frozen=True)
class Jump:
    label: int


@dataclass(frozen=True)
class Branch:
    """To `zero` when the register is 0, else to `nonzero`."""

    register: int
    zero: int
    nonzero: int
    position: Position | None


@dataclass(frozen=True)
class Halt:
    """The end of the program; `results` are the pinned registers that hold the answer."""

    results: tuple[int, ...]
    position: Position | None


@dataclass(frozen=True)
class CallTo:
    """Call a function; on return it goes on at `then`. `arguments` and `results` are pinned registers."""

    function: str
    arguments: tuple[int, ...]
    results: tuple[int, ...]
    then: int
    position: Position | None


@dataclass(frozen=True)
class ReturnWith:
    """The end of a function that was called; `keeps`: the heap pointer stays, since the result is an array."""

    results: tuple[int, ...]
    keeps: bool
    position: Position | None


@dataclass(frozen=True)
class Stop:
    """The run ends here with this trap."""

    trap: int
    position: Position | None


End = Jump | Branch | Halt | CallTo | ReturnWith | Stop


@dataclass(frozen=True)
class Point:
    """A place that the validator cuts at: kind and path in the syntax tree, with the source terms visible there."""

    kind: str  # "loop", "call" or "join"
    path: str
    terms: Mapping[str, int]  # source term or hidden variable → virtual register


@dataclass
class Block:
    lines: list[Line] = field(default_factory=list)
    end: End | None = None
    point: Point | None = None
    depth: int = 0  # how many loops stand around it

    @property
    def successors(self) -> tuple[int, ...]:
        match self.end:
            case Jump(label=label) | CallTo(then=label):
                return (label,)
            case Branch(zero=zero, nonzero=nonzero):
                return (zero, nonzero)
        return ()

    @property
    def end_sources(self) -> tuple[int, ...]:
        match self.end:
            case Branch(register=register):
                return (register,)
            case Halt(results=results) | ReturnWith(results=results) | CallTo(arguments=results):
                return results
        return ()

    @property
    def end_targets(self) -> tuple[int, ...]:
        """Registers that are written on the way to the successor."""
        return self.end.results if isinstance(self.end, CallTo) else ()


@dataclass
class Graph:
    """Blocks by label; control enters at block 0. `parameters` are the virtual registers of the arguments, in order."""

    function: Function
    blocks: list[Block]
    parameters: tuple[int, ...]
    pins: dict[int, int]  # virtual register → machine register
    registers: int  # how many virtual registers there are

    def reachable(self) -> list[int]:
        """Labels in an order that falls through where it can: depth first, first successor last."""
        seen: set[int] = set()
        order: list[int] = []
        waiting = [0]
        while waiting:
            label = waiting.pop()
            if label not in seen:
                seen.add(label)
                order.append(label)
                # A label that is no block is a violation, found by the rules and not by falling over it.
                waiting.extend(s for s in self.blocks[label].successors if 0 <= s < len(self.blocks))
        return order


def live_in(graph: Graph) -> dict[int, frozenset[int]]:
    """For each reachable block, the virtual registers whose value is still wanted at its start."""
    labels = graph.reachable()
    found: dict[int, frozenset[int]] = {label: frozenset() for label in labels}
    changed = True
    while changed:
        changed = False
        for label in reversed(labels):
            block = graph.blocks[label]
            now = set(live_out(block, found))
            for line in reversed(block.lines):
                now.discard(line.target if line.target is not None else -1)
                now.update(line.sources)
            if found[label] != now:
                found[label], changed = frozenset(now), True
    return found


def live_out(block: Block, at_start: Mapping[int, frozenset[int]]) -> set[int]:
    """What is wanted just before the block's end, its own sources included."""
    return kept(block, at_start) | set(block.end_sources)


def kept(block: Block, at_start: Mapping[int, frozenset[int]]) -> set[int]:
    """What is wanted behind the block's end and comes from before it: over a call, what must be saved."""
    now: set[int] = set()
    for successor in block.successors:
        now |= at_start[successor]
    return now - set(block.end_targets)


def backwards(block: Block, at_start: Mapping[int, frozenset[int]]) -> Iterator[tuple[Line, frozenset[int]]]:
    """Each line from the last to the first, with what is wanted after it."""
    now = live_out(block, at_start)
    for line in reversed(block.lines):
        yield line, frozenset(now)
        now.discard(line.target if line.target is not None else -1)
        now.update(line.sources)


def violations(graph: Graph) -> list[str]:
    """Every rule of the form that the graph breaks; empty for a legal one."""
    found = []
    for label in graph.reachable():
        block = graph.blocks[label]
        if block.end is None:
            found.append(f"block {label} has no end")
        for successor in block.successors:
            if not 0 <= successor < len(graph.blocks):
                found.append(f"block {label} leads to {successor}, which is no block")
        for line in block.lines:
            if line.opcode in _CONTROL:
                found.append(f"block {label}: {line.opcode.mnemonic} inside a block")
            elif len(line.operands) != len(OPERANDS[line.opcode]):
                found.append(f"block {label}: {line.opcode.mnemonic} with {len(line.operands)} operands")
            else:
                found += [
                    f"block {label}: {line.opcode.mnemonic} names register {register}"
                    for register in (*line.sources, *([line.target] if line.target is not None else []))
                    if not 0 <= register < graph.registers
                ]
    if found:
        return found
    unset = live_in(graph)[0] - set(graph.parameters)
    return [f"register {register} is read before it is written" for register in sorted(unset)]
