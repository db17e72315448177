"""What a program is enumerated on, and the narrow machines on which slow executors run it.

A plan costs no more than so much work, which is counted. Called by `differential`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from ncl.compiler.compile import compile_function
from ncl.errors import NclError
from ncl.language.opcodes import Opcode
from ncl.language.program import Program, Sizes
from ncl.language.syntax import Function
from ncl.verify.runs import cost
from ncl.verify.runs.input_spaces import MOST, WIDE, Space, is_telling, spaces

# Units of work, about a microsecond each.
MOST_ENUMERATED = 4_500_000
MOST_WIDE = 8_000_000  # through source and bytecode alone, for the smallest telling space where all are too large
SMALL_BUDGETS = (1024, 256, 64)  # ticks of enumerated runs; loops over ≤ 4 cells or 8 words, nested twice, end in 1024
CALLING_DEPTH = 6  # of machines for enumeration and distributions, which copy call stack and frames all the time
CHUNK_CELLS = 1 << 21  # of all samples that the proved step holds at once
LONG = 1000  # steps past which a run is not made by the proved step, which takes a millisecond for each


@dataclass(frozen=True)
class Plan:
    """The same source on a small machine, and the inputs to enumerate there.

    All go through source and bytecode, one in `share` through the reference machine and the proved step.
    """

    program: Program
    space: Space
    budget: int
    share: int = 1


def plan(function: Function, sizes: Sizes) -> Plan | None:
    """The most telling space that costs no more than it may, on a machine of its width that takes the literals."""
    signature = function.signature
    machines = {width: machine_of(function, sizes, width) for width in range(1, min(8, sizes.width) + 1)}
    known = [(p, s) for s in spaces(signature, WIDE, sizes.memory) if (p := machines.get(s.width))]
    telling = [(p, s) for p, s in known if is_telling(signature, s)]
    smallest = sorted(telling, key=lambda pair: pair[1].count)
    return _everywhere_plan(telling) or _wide_plan(smallest) or _everywhere_plan(known)


def _everywhere_plan(places: Sequence[tuple[Program, Space]]) -> Plan | None:
    for budget in SMALL_BUDGETS:
        for program, space in places:
            if space.count <= MOST and _cost(program, space, budget) <= MOST_ENUMERATED:
                return Plan(program, space, budget)
    return None


def _wide_plan(places: Sequence[tuple[Program, Space]]) -> Plan | None:
    for budget in SMALL_BUDGETS:
        for program, space in places:
            taken = cost.of_space(program, space, budget)
            if cost.SOURCE * taken.steps + cost.INPUT * space.count <= MOST_WIDE:
                share = -(-int(_cost(program, space, budget)) // MOST_ENUMERATED)
                return Plan(program, space, budget, share)
    return None


def _cost(program: Program, space: Space, budget: int) -> float:
    taken, batches = cost.of_space(program, space, budget), -(-space.count // chunk(program))
    return (1 + cost.SOURCE) * taken.steps + cost.of_step(program, taken, LONG, batches)


def machine_of(function: Function, sizes: Sizes, width: int) -> Program | None:
    with suppress(NclError):  # a literal of the source does not fit there
        small = replace(sizes, width=width, memory=min(sizes.memory, 1 << width), depth=min(sizes.depth, CALLING_DEPTH))
        return lean(compile_function(function, small)[0])
    return None


def lean(program: Program) -> Program:
    """On a machine without the frame cells and call levels that its code cannot reach: a step copies them all."""
    frames = [row.b for row in program.code if row.opcode == Opcode.CALL]
    slots = [row.b + 1 for row in program.code if row.opcode in (Opcode.LOAD_FRAME, Opcode.STORE_FRAME)]
    depth = program.sizes.depth if frames else 0
    cells = depth * max(frames, default=0) + max(slots, default=0)
    return replace(program, sizes=replace(program.sizes, frame=cells, depth=depth))


def calls(program: Program) -> bool:
    """Whether functions of it call functions."""
    return any(row.opcode == Opcode.CALL for row in program.code)


def chunk(program: Program) -> int:
    return max(256, CHUNK_CELLS // cost.cells(program))


def narrow(function: Function, sizes: Sizes, widths: range, memory: int) -> Program | None:
    """The same source on a machine of the first width that takes it, no wider than its own."""
    for width in dict.fromkeys(min(w, sizes.width) for w in widths):
        with suppress(NclError):
            cells = min(sizes.memory, memory, 1 << width)
            small = replace(sizes, width=width, memory=cells, depth=min(sizes.depth, CALLING_DEPTH))
            return lean(compile_function(function, small)[0])
    return None
