"""Third pass: lays the blocks out in lines, turns labels into line numbers, and writes the witness down."""

from __future__ import annotations

from collections.abc import Mapping

from ncl.compiler.blocks import Block, Branch, Halt, Jump, Line, live_in
from ncl.compiler.blocks_to_registers import Allocated, Location, Register
from ncl.compiler.witness import Row, Witness
from ncl.language.opcodes import Opcode
from ncl.language.program import Instruction, Position, Program, Sizes


def registers_to_program(allocated: Allocated, sizes: Sizes) -> tuple[Program, Witness]:
    """The machine program with its source positions, and the witness that belongs to it."""
    function = allocated.graph.function
    blocks = allocated.blocks
    order = allocated.graph.reachable()
    forward = _threaded(blocks)
    kept = [label for label in order if forward[label] == label]
    # Control enters at line 0, so the first block stays first even when it only jumps.
    lines: list[tuple[Opcode, tuple[int, ...], Position | None]] = []
    starts: dict[int, int] = {}
    for number, label in enumerate(kept):
        starts[label] = len(lines)
        following = kept[number + 1] if number + 1 < len(kept) else None
        lines += [(line.opcode, line.operands, line.position) for line in blocks[label].lines]
        lines += _end(blocks[label], forward, following)
    code = tuple(_instruction(opcode, operands, starts) for opcode, operands, _ in lines)
    places = tuple(place for _, _, place in lines)
    program = Program(function.name, function.signature, sizes, code, places, function.digest)
    return program, _witness(allocated, forward, starts)


def _threaded(blocks: Mapping[int, Block]) -> dict[int, int]:
    """Each label with the one that control really reaches: blocks that only jump on are passed over."""
    found = {}
    for label in blocks:
        seen, target = {label}, label
        while not blocks[target].lines and isinstance(end := blocks[target].end, Jump) and target != 0:
            if end.label in seen:
                break
            target = end.label
            seen.add(target)
        found[label] = target
    return found


def _end(
    block: Block, forward: Mapping[int, int], following: int | None
) -> list[tuple[Opcode, tuple[int, ...], Position | None]]:
    """The jumps that a block's end takes; LINE operands are still labels."""
    match block.end:
        case Halt(position=place):
            return [(Opcode.HALT, (), place)]
        case Jump(label=label):
            if (block.lines and block.lines[-1].opcode == Opcode.TRAP) or forward[label] == following:
                return []
            return [(Opcode.JUMP, (forward[label],), _last(block.lines))]
        case Branch(register=register, zero=zero, nonzero=nonzero, position=place):
            no, yes = forward[zero], forward[nonzero]
            if no == yes == following:
                return []
            if yes == following:
                return [(Opcode.JUMP_ZERO, (register, no), place)]
            if no == following:
                return [(Opcode.JUMP_NONZERO, (register, yes), place)]
            return [(Opcode.JUMP_ZERO, (register, no), place), (Opcode.JUMP, (yes,), place)]
    raise AssertionError("a legal block has an end")


def _last(lines: list[Line]) -> Position | None:
    return lines[-1].position if lines else None


_LABELS = {Opcode.JUMP: 0, Opcode.JUMP_ZERO: 1, Opcode.JUMP_NONZERO: 1}


def _instruction(opcode: Opcode, operands: tuple[int, ...], starts: Mapping[int, int]) -> Instruction:
    numbers = list(operands)
    if opcode in _LABELS:
        numbers[_LABELS[opcode]] = starts[numbers[_LABELS[opcode]]]
    return Instruction(int(opcode), *numbers)


def _witness(allocated: Allocated, forward: Mapping[int, int], starts: Mapping[int, int]) -> Witness:
    at_start = live_in(allocated.graph)
    rows = []
    for label in allocated.graph.reachable():
        point = allocated.graph.blocks[label].point
        if point is None:
            continue
        alive = at_start[label]
        terms = {term: register for term, register in point.terms.items() if register in alive}
        locations = tuple(sorted((term, _told(allocated.locations[register])) for term, register in terms.items()))
        rows.append(Row(point.kind, point.path, starts[forward[label]], locations))
    rows.sort(key=lambda row: (row.line, row.path, row.kind))
    return Witness(allocated.graph.function.name, 0, tuple(rows))


def _told(location: Location) -> str:
    return f"{'r' if isinstance(location, Register) else 'f'}{location.number}"
