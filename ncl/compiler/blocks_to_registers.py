"""Second pass: virtual registers → machine registers, and frame slots for those that find none.

Colouring by interference (Chaitin 1982), the costliest first, moves preferring the same register. A call destroys every
register, so what is wanted behind one lives in a slot. When colours run out or a slot is needed, three registers
are kept free to carry spilled values between frame memory and an instruction, and the colouring is done again with the
rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, count

from ncl.compiler.blocks import (
    Block,
    Branch,
    CallTo,
    End,
    Graph,
    Halt,
    Jump,
    Line,
    ReturnWith,
    Stop,
    backwards,
    kept,
    live_in,
)  # fmt: skip
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
    least = max(SCRATCH, 2, *(number + 1 for number in graph.pins.values()), len(graph.parameters))
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
        block = graph.blocks[label]
        for one in block.end_targets:
            for other in (*block.end_targets, *kept(block, at_start)):
                meet(one, other)
        for line, after in backwards(block, at_start):
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
        for register in (*block.end_sources, *block.end_targets):
            cost[register] = cost.get(register, 0) + weight
        for line in block.lines:
            for register in (*line.sources, *([line.target] if line.target is not None else [])):
                cost[register] = cost.get(register, 0) + weight
    fixed = _results(graph)
    return sorted(cost, key=lambda r: (r not in fixed, r not in graph.pins, -cost[r], r))


def _over_calls(graph: Graph) -> set[int]:
    """Virtual registers that are wanted behind a call and come from before it."""
    at_start = live_in(graph)
    ends = (graph.blocks[label] for label in at_start)
    return {register for block in ends if isinstance(block.end, CallTo) for register in kept(block, at_start)}


def _colour(graph: Graph, enemies: Mapping[int, set[int]], order: list[int], colours: int) -> dict[int, Location]:
    """Pinned ones first, in their own register; then the others, in the first that no enemy has; else in a slot so."""
    found: dict[int, Location] = {}
    friends = _friends(graph)
    results, saved = _results(graph), _over_calls(graph)
    for register in order:
        taken = {found[enemy] for enemy in enemies.get(register, ()) if enemy in found}
        choices: list[Register] = []
        if register in saved:
            pass
        elif register in graph.pins:
            choices = [Register(graph.pins[register])]
            # What a call or an end hands over may even take a scratch register: beside it nothing is carried.
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
    """Virtual registers in which a call or an end hands over: they cannot be put anywhere else."""
    blocks = [graph.blocks[label] for label in graph.reachable()]
    given = (b.end_sources for b in blocks if isinstance(b.end, Halt | ReturnWith | CallTo))
    return {register for registers in (*given, *(b.end_targets for b in blocks)) for register in registers}


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
                return [], Halt(self.numbers(results), place)
            case ReturnWith(results=results, keeps=keeps, position=place):
                return [], ReturnWith(self.numbers(results), keeps, place)
            case CallTo(function, arguments, results, then, place):
                return [], CallTo(function, self.numbers(arguments), self.numbers(results), then, place)
            case Jump() | Stop() | None:
                return [], end

    def numbers(self, registers: tuple[int, ...]) -> tuple[int, ...]:
        found = []
        for register in registers:
            where = self.locations[register]
            assert isinstance(where, Register)
            found.append(where.number)
        return tuple(found)


# --- legality --------------------------------------------------------------------------------------------------------


def violations(allocated: Allocated, sizes: Sizes) -> list[str]:
    """Rules of the form, checked against the virtual graph's liveness anew: no two wanted values in one place."""
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
        if isinstance(block.end, Halt | ReturnWith | CallTo):
            for what, handed in (("results", block.end.results), ("arguments", getattr(block.end, "arguments", ()))):
                if tuple(places[r] for r in handed) != tuple(Register(number) for number in range(len(handed))):
                    found.append(f"block {label}: {what} are not where the calling convention has them")
        if isinstance(block.end, CallTo):
            found += [
                f"block {label}: register {register} is wanted behind a call that destroys it"
                for register in sorted(kept(block, at_start))
                if isinstance(places[register], Register)
            ]
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
