"""The compiler: a pipeline of passes, each followed by the rules that its result must obey."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ncl.compiler import blocks, blocks_to_registers
from ncl.compiler.ast_to_blocks import ast_to_blocks
from ncl.compiler.blocks import Graph
from ncl.compiler.blocks_to_registers import Allocated
from ncl.compiler.common import common
from ncl.compiler.copies import copies
from ncl.compiler.dead import dead
from ncl.compiler.fold import fold
from ncl.compiler.registers_to_program import registers_to_program
from ncl.compiler.thread import thread
from ncl.compiler.witness import Witness
from ncl.errors import CapacityError, IllFormedProgramError
from ncl.language import wellformed
from ncl.language.program import Program, Sizes
from ncl.language.syntax import Function
from ncl.language.typecheck import check_width
from ncl.language.walks import calls

# The optimising passes, (graph, width) → graph, by name; and in which order they run.
PASSES: Mapping[str, Callable[[Graph, int], Graph]] = {
    "fold": fold,
    "copies": copies,
    "common": common,
    "dead": dead,
    "thread": thread,
}
ORDER = (*("fold", "copies", "common") * 3, "fold", "copies", "dead", "thread")
SPARING = ("fold", "dead", "thread")  # those after which no value is kept longer than before


def compile_function(function: Function, sizes: Sizes, order: Sequence[str] = ORDER) -> tuple[Program, Witness]:
    """Machine code for a function and all that it calls, and the witness that a validator needs.

    `order`: the optimising passes; with fewer, code is longer and means the same.

    Raises LanguageError (a literal too large for the width), CapacityError (too few registers, too little frame memory)
    and IllFormedProgramError when a pass broke a rule: then the compiler is at fault, and the pass is named.
    """
    check_width(function, sizes.width)
    parts = [_cheapest(function, function, sizes, order, True)]
    parts += [_cheapest(function, part, sizes, order, False) for part in _called(function)]
    _frames_fit(function, parts, sizes)
    program, witness = registers_to_program(parts, sizes)
    _legal("registers_to_program", function, wellformed.violations(program))
    return program, witness


def _called(function: Function) -> list[Function]:
    """The functions that are called. Where the first one is among them it stands twice: once it ends the run, once it
    returns."""
    called = {name for f in function.program.values() for name in calls(f.body)}
    return [f for f in function.program.values() if f.name in called]


def _cheapest(program: Function, function: Function, sizes: Sizes, order: Sequence[str], halts: bool) -> Allocated:
    """Where values find no register, keeping them for later may cost more than making them again: both are tried."""
    whole = _allocated(program, function, sizes, order, halts)
    if not whole.slots:
        return whole
    sparing = _allocated(program, function, sizes, [name for name in order if name in SPARING], halts)
    return min(whole, sparing, key=_cost)


def _cost(allocated: Allocated) -> int:
    """Instructions, those in a loop counted ten times as often as around it."""
    return sum((len(block.lines) + 1) * 10 ** min(block.depth, 6) for block in allocated.blocks.values())


def _allocated(program: Function, function: Function, sizes: Sizes, order: Sequence[str], halts: bool) -> Allocated:
    graph = ast_to_blocks(function, sizes.width, program.program, halts)
    _legal("ast_to_blocks", function, blocks.violations(graph))
    for name in order:
        graph = PASSES[name](graph, sizes.width)
        _legal(name, function, blocks.violations(graph))
    allocated = blocks_to_registers.blocks_to_registers(graph, sizes)
    _legal("blocks_to_registers", function, blocks_to_registers.violations(allocated, sizes))
    return allocated


def _frames_fit(function: Function, parts: list[Allocated], sizes: Sizes) -> None:
    """Every open call needs the frame of its caller, and the last function called its own."""
    slots = max(part.slots for part in parts)
    need = slots * (sizes.depth + 1 if len(parts) > 1 else 1)
    if need > sizes.frame:
        raise CapacityError(
            f"a frame takes up to {slots} slots, so {sizes.depth} open calls need {need} cells of frame memory, there "
            f"are {sizes.frame}",
            where=function.name,
            remedy="compile with a larger frame (--frame), a smaller depth (--depth) or more registers",
        )


def _legal(name: str, function: Function, found: list[str] | tuple[str, ...]) -> None:
    if found:
        raise IllFormedProgramError(
            f"the pass {name} broke a rule: {'; '.join(found)}",
            where=f"{function.file}:{function.name}",
            remedy="this is a fault of the compiler; please report it with the source",
        )
