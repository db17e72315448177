"""Second pass: virtual registers → machine registers, and frame slots for those that find none.

Colouring by interference (Chaitin 1982), the costliest first, moves preferring the same register. When colours run out,
three registers are kept free to carry spilled values between frame memory and an instruction, and the colouring is done
again with the rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, count

from ncl.compiler.blocks import Block, Branch, End, Graph, Halt, Jump, Line, backwards, live_in
from ncl.errors import CapacityError
from ncl.language.opcodes import OPERANDS, Kind, Opcode
from ncl.language.program import Sizes

SCRATCH = 3  # STORE reads three registers


@dataclass(frozen=True)
class Register:
    number: int


@dataclass(frozen=True)
class Slot:
    number: int  # from the frame pointer


Location = Register | Slot


@dataclass(frozen=True)
class Allocated:
    """The graph over machine registers, with where each virtual register lives."""

    graph: Graph
    blocks: Mapping[int, Block]  # reachable ones; operands are machine registers
    locations: Mapping[int, Location]
    slots: int


def blocks_to_registers(graph: Graph, sizes: Sizes) -> Allocated:
    """Raises CapacityError when the machine has too few registers or too little frame memory."""
    least = max(SCRATCH, len(graph.parameters), 2)
    if sizes.registers < least:
        raise CapacityError(
            f"{sizes.registers} registers, at least {least} are needed", where=graph.function.name,
            remedy="compile with more (--registers)",
        )  # fmt: skip
    enemies = _interference(graph)
    order = _costliest_first(graph)
    locations = _colour(graph, enemies, order, sizes.registers)
    if any(isinstance(place, Slot) for place in locations.values()):
        locations = _colour(graph, enemies, order, sizes.registers - SCRATCH)
    slots = len({place for place in locations.values() if isinstance(place, Slot)})
    if slots > sizes.frame:
        raise CapacityError(
            f"{slots} frame slots are needed, frame memory has {sizes.frame}", where=graph.function.name,
            remedy="compile with more registers or a larger frame",
        )  # fmt: skip
    rewriter = _Rewriter(locations, sizes.registers)
    blocks = {label: rewriter.block(graph.blocks[label]) for label in graph.reachable()}
    blocks[0].lines[:0] = rewriter.entry(graph)
    return Allocated(graph, blocks, locations, slots)


# --- colouring -------------------------------------------------------------------------------------------------------


def _interference(graph: Graph) -> dict[int, set[int]]:
    """Which virtual registers hold different values at the same time."""
    at_start = live_in(graph)
    enemies: dict[int, set[int]] = defaultdict(set)

    def meet(one: int, other: int) -> None:
        if one != other:
            enemies[one].add(other)
            enemies[other].add(one)

    for label in at_start:
        for line, after in backwards(graph.blocks[label], at_start):
            if line.target is None:
                continue
            # A move makes both ends hold the same value, so they may share a register.
            same = line.sources[0] if line.opcode == Opcode.MOVE else None
            for other in after:
                if other != same:
                    meet(line.target, other)
    # Arguments are all there at once, wanted or not.
    for one in graph.parameters:
        for other in (*graph.parameters, *at_start[0]):
            meet(one, other)
    return enemies


def _costliest_first(graph: Graph) -> list[int]:
    """Virtual registers by how much spilling them would cost: ten times more for each loop around a use."""
    cost: dict[int, int] = dict.fromkeys(graph.parameters, 0)
    for label in graph.reachable():
        block = graph.blocks[label]
        weight = 10 ** min(block.depth, 6)
        for register in block.end_sources:
            cost[register] = cost.get(register, 0) + weight
        for line in block.lines:
            for register in (*line.sources, *([line.target] if line.target is not None else [])):
                cost[register] = cost.get(register, 0) + weight
    return sorted(cost, key=lambda register: (register not in graph.pins, -cost[register], register))


def _colour(graph: Graph, enemies: Mapping[int, set[int]], order: list[int], colours: int) -> dict[int, Location]:
    """Pinned ones first, in their own register; then the others, in the first that no enemy has; else in a slot so."""
    found: dict[int, Location] = {}
    friends = _friends(graph)
    results = _results(graph)
    for register in order:
        taken = {found[enemy] for enemy in enemies.get(register, ()) if enemy in found}
        if register in graph.pins:
            choices = [Register(graph.pins[register])]
            # Results may even take a scratch register: after them nothing is carried any more.
            if register not in results and graph.pins[register] >= colours:
                choices = []
        else:
            liked = [found[friend] for friend in friends.get(register, ()) if friend in found]
            choices = [place for place in liked if isinstance(place, Register) and place.number < colours]
            choices += [Register(number) for number in range(colours)]
        places: Iterator[Location] = chain(choices, map(Slot, count()))
        found[register] = next(place for place in places if place not in taken)
    return found


def _results(graph: Graph) -> set[int]:
    """Virtual registers that hold an answer when the program halts."""
    ends = (graph.blocks[label].end for label in graph.reachable())
    return {register for end in ends if isinstance(end, Halt) for register in end.results}


def _friends(graph: Graph) -> dict[int, list[int]]:
    """Virtual registers joined by a move."""
    friends: dict[int, list[int]] = defaultdict(list)
    for label in graph.reachable():
        for line in graph.blocks[label].lines:
            if line.opcode == Opcode.MOVE:
                friends[line.operands[0]].append(line.operands[1])
                friends[line.operands[1]].append(line.operands[0])
    return friends


# --- rewriting -------------------------------------------------------------------------------------------------------


class _Rewriter:
    """Puts locations in for virtual registers; spilled ones pass through the last three machine registers."""

    def __init__(self, locations: Mapping[int, Location], registers: int) -> None:
        self.locations = locations
        self.scratch = registers - SCRATCH

    def entry(self, graph: Graph) -> list[Line]:
        """Arguments that found no register are put away before anything else happens."""
        spilled = [(r, self.locations[r]) for r in graph.parameters]
        place = graph.function.position
        return [
            Line(Opcode.STORE_FRAME, (graph.pins[register], slot.number), place)
            for register, slot in spilled
            if isinstance(slot, Slot)
        ]

    def block(self, block: Block) -> Block:
        lines = [out for line in block.lines for out in self.line(line)]
        before, end = self.end(block.end)
        return Block(lines + before, end, block.point, block.depth)

    def line(self, line: Line) -> list[Line]:
        if line.opcode == Opcode.MOVE:
            return self.move(line)
        before: list[Line] = []
        after: list[Line] = []
        operands = []
        for number, (value, kind) in enumerate(zip(line.operands, OPERANDS[line.opcode], strict=True)):
            if kind is Kind.SOURCE:
                operands.append(self.fetched(value, self.scratch + number, line, before))
            elif kind is Kind.TARGET:
                where = self.locations[value]
                operands.append(where.number if isinstance(where, Register) else self.scratch)
                if isinstance(where, Slot):
                    after.append(Line(Opcode.STORE_FRAME, (self.scratch, where.number), line.position))
            else:
                operands.append(value)
        return [*before, Line(line.opcode, tuple(operands), line.position), *after]

    def fetched(self, value: int, scratch: int, line: Line, before: list[Line]) -> int:
        where = self.locations[value]
        if isinstance(where, Register):
            return where.number
        before.append(Line(Opcode.LOAD_FRAME, (scratch, where.number), line.position))
        return scratch

    def move(self, line: Line) -> list[Line]:
        target, source = self.locations[line.operands[0]], self.locations[line.operands[1]]
        match target, source:
            case _ if target == source:
                return []
            case Register(number=to), Register(number=at):
                return [Line(Opcode.MOVE, (to, at), line.position)]
            case Register(number=to), Slot(number=slot):
                return [Line(Opcode.LOAD_FRAME, (to, slot), line.position)]
            case Slot(number=slot), Register(number=at):
                return [Line(Opcode.STORE_FRAME, (at, slot), line.position)]
        assert isinstance(source, Slot) and isinstance(target, Slot)
        return [
            Line(Opcode.LOAD_FRAME, (self.scratch, source.number), line.position),
            Line(Opcode.STORE_FRAME, (self.scratch, target.number), line.position),
        ]

    def end(self, end: End | None) -> tuple[list[Line], End | None]:
        match end:
            case Branch(register=register, zero=zero, nonzero=nonzero, position=place):
                before: list[Line] = []
                line = Line(Opcode.BOUND, (), place)  # only its position is used
                return before, Branch(self.fetched(register, self.scratch, line, before), zero, nonzero, place)
            case Halt(results=results, position=place):
                numbers = []
                for register in results:
                    where = self.locations[register]
                    assert isinstance(where, Register)
                    numbers.append(where.number)
                return [], Halt(tuple(numbers), place)
            case Jump() | None:
                return [], end


# --- legality --------------------------------------------------------------------------------------------------------


def violations(allocated: Allocated, sizes: Sizes) -> list[str]:
    """Rules of the form, judged from the virtual graph's liveness anew: no two wanted values in one place."""
    graph, places = allocated.graph, allocated.locations
    at_start = live_in(graph)
    found = []
    for label in at_start:
        block = graph.blocks[label]
        for line, after in backwards(block, at_start):
            if line.target is None:
                continue
            same = line.sources[0] if line.opcode == Opcode.MOVE else None
            found += [
                f"block {label}: {line.opcode.mnemonic} overwrites register {other}"
                for other in after
                if other not in (line.target, same) and places[other] == places[line.target]
            ]
        if isinstance(block.end, Halt):
            wanted = tuple(Register(number) for number in range(len(block.end.results)))
            if tuple(places[r] for r in block.end.results) != wanted:
                found.append(f"block {label}: results are not where the calling convention has them")
    for parameter in graph.parameters:
        where = places[parameter]
        if isinstance(where, Register) and where.number != graph.pins[parameter]:
            found.append(f"argument {parameter} is looked for in register {where.number}")
    if len(set(graph.parameters)) != len({places[p] for p in graph.parameters}):
        found.append("two arguments share a place")
    if allocated.slots:
        found += [
            f"register {register} lives in scratch register {where.number}"
            for register, where in places.items()
            if isinstance(where, Register) and where.number >= sizes.registers - SCRATCH
            if register not in _results(graph)
        ]
    for where in places.values():
        if not 0 <= where.number < (sizes.registers if isinstance(where, Register) else sizes.frame):
            found.append(f"{where} is outside the machine")
    return found
