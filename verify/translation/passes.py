"""Which pass of the compiler went wrong: what each pass makes is laid out plainly and validated against the source.

Before registers are given out every virtual register lives in the frame slot of its number, each line fetches and
stores, and every block ends in explicit jumps. This layout is simple enough to be read, and shares nothing with the
compiler's own. Called by `check`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ncl.compiler import ast_to_blocks, blocks_to_registers
from ncl.compiler import compile as compiler
from ncl.compiler.blocks import Block, Branch, CallTo, Graph, Halt, Jump, Line, ReturnWith, Stop, live_in
from ncl.compiler.blocks_to_registers import Register
from ncl.compiler.witness import FunctionWitness, Row, Witness
from ncl.errors import NclError
from ncl.language.opcodes import OPERANDS, Kind, Opcode
from ncl.language.program import MOST, Instruction, Position, Program, Sizes
from ncl.language.syntax import Function
from ncl.language.walks import calls
from ncl.verify.translation import validate

Coded = tuple[Opcode, tuple[int | str, ...], Position | None]  # a line is still a label, or the function called
SCRATCH = 3  # a STORE reads three registers


@dataclass(frozen=True)
class _Part:
    """One function after some pass: its blocks over machine registers, and where virtual registers live in them."""

    graph: Graph
    blocks: Mapping[int, Block]
    locations: Mapping[int, str]
    slots: int
    halts: bool


def first_wrong(function: Function, sizes: Sizes) -> str | None:
    """The name of the first pass whose result is not the source any more; None when it cannot be told."""
    try:
        graphs = [
            (ast_to_blocks.ast_to_blocks(part, sizes.width, function.program, halts), halts)
            for part, halts in [(function, True), *((part, False) for part in _called(function))]
        ]
        if not _proved(function, [_in_slots(*graph) for graph in graphs], sizes):
            return "ast_to_blocks"
        for name in compiler.ORDER:
            graphs = [(compiler.PASSES[name](graph, sizes.width), halts) for graph, halts in graphs]
            if not _proved(function, [_in_slots(*graph) for graph in graphs], sizes):
                return name
        if not _proved(function, [_allocated(*graph, sizes) for graph in graphs], sizes):
            return "blocks_to_registers"
    except NclError:
        return None
    return "registers_to_program"


def _called(function: Function) -> list[Function]:
    names = {name for part in function.program.values() for name in calls(part.body)}
    return [part for part in function.program.values() if part.name in names]


def _proved(function: Function, parts: Sequence[_Part], sizes: Sizes) -> bool:
    registers = max([sizes.registers, SCRATCH, *(len(part.graph.parameters) for part in parts)])
    frame = max(sizes.frame, (sizes.depth + 1) * max(part.slots for part in parts))
    roomy = replace(sizes, registers=registers, frame=min(frame, MOST))
    return validate.validate(function, *_laid_out(function, parts, roomy)).proved


def _allocated(graph: Graph, halts: bool, sizes: Sizes) -> _Part:
    made = blocks_to_registers.blocks_to_registers(graph, sizes)
    places = {r: f"{'r' if isinstance(p, Register) else 'f'}{p.number}" for r, p in made.locations.items()}
    return _Part(graph, made.blocks, places, made.slots, halts)


# --- before registers are given out: all in slots ---------------------------------------------------------------------


def _in_slots(graph: Graph, halts: bool) -> _Part:
    blocks = {label: _block_in_slots(graph.blocks[label]) for label in graph.reachable()}
    entry = [Line(Opcode.STORE_FRAME, (n, slot), None) for n, slot in enumerate(graph.parameters)]
    blocks[0] = replace(blocks[0], lines=[*entry, *blocks[0].lines])
    for block in graph.blocks:
        if isinstance(block.end, CallTo) and block.end.then in blocks:
            given = [Line(Opcode.STORE_FRAME, (n, slot), None) for n, slot in enumerate(block.end.results)]
            behind = blocks[block.end.then]
            blocks[block.end.then] = replace(behind, lines=[*given, *behind.lines])
    places = {register: f"f{register}" for register in range(graph.registers)}
    return _Part(graph, blocks, places, graph.registers, halts)


def _block_in_slots(block: Block) -> Block:
    lines = [out for line in block.lines for out in _line_in_slots(line)]
    lines += [Line(Opcode.LOAD_FRAME, (number, slot), None) for number, slot in enumerate(block.end_sources)]
    end = replace(block.end, register=0) if isinstance(block.end, Branch) else block.end
    return replace(block, lines=lines, end=end)


def _line_in_slots(line: Line) -> Iterator[Line]:
    kinds = OPERANDS[line.opcode]
    operands = list(line.operands)
    for number, kind in enumerate(kinds):
        if kind is Kind.SOURCE:
            yield Line(Opcode.LOAD_FRAME, (number, operands[number]), line.position)
            operands[number] = number
    if line.target is not None:
        operands[0] = 0
    yield replace(line, operands=tuple(operands))
    if line.target is not None:
        yield Line(Opcode.STORE_FRAME, (0, line.target), line.position)


# --- layout ----------------------------------------------------------------------------------------------------------


def _laid_out(function: Function, parts: Sequence[_Part], sizes: Sizes) -> tuple[Program, Witness]:
    """The parts one after another, block by block, with every jump written out."""
    lines: list[tuple[Coded, int]] = []
    starts: list[dict[int | str, int]] = []  # of each part: label → line
    for number, part in enumerate(parts):
        starts.append({})
        for label in _order(part):
            starts[number][label] = len(lines)
            block = part.blocks[label]
            coded: list[Coded] = [(line.opcode, line.operands, line.position) for line in block.lines]
            lines += [(one, number) for one in (*coded, *_end(block, part.slots))]
    entries: dict[int | str, int] = {p.graph.function.name: s[0] for p, s in zip(parts, starts) if not p.halts}
    code = tuple(_instruction(o, v, entries if o == Opcode.CALL else starts[n]) for (o, v, _), n in lines)
    places = tuple(place for (_, _, place), _ in lines)
    program = Program(function.name, function.signature, sizes, code, places, function.digest)
    return program, Witness(function.name, tuple(_described(p, s) for p, s in zip(parts, starts)))


def _order(part: _Part) -> list[int]:
    return [label for label in part.graph.reachable() if label in part.blocks]


def _end(block: Block, slots: int) -> Sequence[Coded]:
    match block.end:
        case Stop(trap=trap, position=place):
            return [(Opcode.TRAP, (int(trap),), place)]
        case Halt(position=place):
            return [(Opcode.HALT, (), place)]
        case ReturnWith(keeps=keeps, position=place):
            return [(Opcode.RETURN, (int(keeps),), place)]
        case CallTo(function=name, then=label, position=place):
            return [(Opcode.CALL, (name, slots), place), (Opcode.JUMP, (label,), place)]
        case Jump(label=label):
            return [(Opcode.JUMP, (label,), None)]
        case Branch(register=register, zero=zero, nonzero=nonzero, position=place):
            return [(Opcode.JUMP_ZERO, (register, zero), place), (Opcode.JUMP, (nonzero,), place)]
    raise AssertionError("a legal block has an end")


def _instruction(opcode: Opcode, operands: Sequence[int | str], lines: Mapping[int | str, int]) -> Instruction:
    numbers = [lines[v] if k is Kind.LINE else v for v, k in zip(operands, OPERANDS[opcode], strict=True)]
    return Instruction(int(opcode), *(int(number) for number in numbers))


def _described(part: _Part, starts: Mapping[int | str, int]) -> FunctionWitness:
    """Every term that some location holds. What is wanted no longer may hold anything, so only live ones are named."""
    alive = live_in(part.graph)
    rows = []
    for label in _order(part):
        if (point := part.graph.blocks[label].point) is not None:
            terms = {term: register for term, register in point.terms.items() if register in alive[label]}
            pairs = tuple(sorted((term, part.locations[register]) for term, register in terms.items()))
            rows.append(Row(point.kind, point.path, starts[label], pairs))
    return FunctionWitness(part.graph.function.name, starts[0], part.slots, part.halts, tuple(rows))
