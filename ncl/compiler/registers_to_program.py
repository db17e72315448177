"""Third pass: lays the blocks of all functions out in lines, labels become line numbers; and the witness is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ncl.compiler.blocks import Block, Branch, CallTo, Halt, Jump, Line, ReturnWith, Stop, live_in
from ncl.compiler.blocks_to_registers import Allocated, Location, Register
from ncl.compiler.witness import FunctionWitness, Row, Witness
from ncl.language.opcodes import Opcode
from ncl.language.program import Instruction, Position, Program, Sizes

Rough = tuple[Opcode, tuple[int, ...], Position | None]  # a line whose LINE operand is still a label


@dataclass(frozen=True)
class _Part:
    """One function laid out: its lines, where its blocks and the returns of its calls stand, counted from its first."""

    allocated: Allocated
    lines: list[Rough]
    starts: Mapping[int, int]
    returns: Mapping[int, int]  # label of the block behind a call → the line that it returns to
    callees: Mapping[int, str]  # line of a CALL → the function called
    forward: Mapping[int, int]


def registers_to_program(functions: Sequence[Allocated], sizes: Sizes) -> tuple[Program, Witness]:
    """The machine program with its source positions, and the witness that belongs to it.

    The run begins in the first of the functions; the others, and only they, are called.
    """
    parts = [_laid_out(allocated) for allocated in functions]
    first = [sum(len(part.lines) for part in parts[:number]) for number in range(len(parts))]
    entries = {p.allocated.graph.function.name: line for p, line in list(zip(parts, first, strict=True))[1:]}
    code, places = [], []
    for part, start in zip(parts, first, strict=True):
        for number, (opcode, operands, place) in enumerate(part.lines):
            if opcode == Opcode.CALL:
                operands = (entries[part.callees[number]], part.allocated.slots)
            code.append(_instruction(opcode, operands, part.starts, start))
            places.append(place)
    function = functions[0].graph.function
    program = Program(function.name, function.signature, sizes, tuple(code), tuple(places), function.digest)
    told = tuple(_witness(part, start, number == 0) for number, (part, start) in enumerate(zip(parts, first)))
    return program, Witness(function.name, told)


def _laid_out(allocated: Allocated) -> _Part:
    blocks = allocated.blocks
    forward = _threaded(blocks)
    kept = [label for label in allocated.graph.reachable() if forward[label] == label]
    # Control enters at the first line, so the first block stays first even when it only jumps.
    lines: list[Rough] = []
    starts: dict[int, int] = {}
    returns: dict[int, int] = {}
    callees: dict[int, str] = {}
    for number, label in enumerate(kept):
        starts[label] = len(lines)
        following = kept[number + 1] if number + 1 < len(kept) else None
        lines += [(line.opcode, line.operands, line.position) for line in blocks[label].lines]
        if isinstance(end := blocks[label].end, CallTo):
            callees[len(lines)] = end.function
            returns[end.then] = len(lines) + 1
        lines += _end(blocks[label], forward, following)
    return _Part(allocated, lines, starts, returns, callees, forward)


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


def _end(block: Block, forward: Mapping[int, int], following: int | None) -> list[Rough]:
    """The jumps that a block's end takes; LINE operands are still labels."""
    match block.end:
        case Stop(trap=trap, position=place):
            return [(Opcode.TRAP, (trap,), place)]
        case Halt(position=place):
            return [(Opcode.HALT, (), place)]
        case ReturnWith(keeps=keeps, position=place):
            return [(Opcode.RETURN, (int(keeps),), place)]
        case CallTo(then=label, position=place):
            onward = [] if forward[label] == following else [(Opcode.JUMP, (forward[label],), place)]
            return [(Opcode.CALL, (0, 0), place), *onward]
        case Jump(label=label):
            if forward[label] == following:
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


def _instruction(opcode: Opcode, operands: tuple[int, ...], starts: Mapping[int, int], start: int) -> Instruction:
    numbers = list(operands)
    if opcode in _LABELS:
        numbers[_LABELS[opcode]] = start + starts[numbers[_LABELS[opcode]]]
    return Instruction(int(opcode), *numbers)


def _witness(part: _Part, start: int, halts: bool) -> FunctionWitness:
    graph, locations = part.allocated.graph, part.allocated.locations
    at_start = live_in(graph)
    rows = []
    for label in graph.reachable():
        point = graph.blocks[label].point
        if point is None:
            continue
        line = part.returns[label] if point.kind == "call" else part.starts[part.forward[label]]
        alive = at_start[label]
        terms = {term: register for term, register in point.terms.items() if register in alive}
        placed = tuple(sorted((term, _told(locations[register])) for term, register in terms.items()))
        rows.append(Row(point.kind, point.path, start + line, placed))
    rows.sort(key=lambda row: (row.line, row.path, row.kind))
    return FunctionWitness(graph.function.name, start, part.allocated.slots, halts, tuple(rows))


def _told(location: Location) -> str:
    return f"{'r' if isinstance(location, Register) else 'f'}{location.number}"
