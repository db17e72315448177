"""The compiler: a pipeline of passes, each followed by the rules that its result must obey."""

from __future__ import annotations

from ncl.compiler import blocks, blocks_to_registers
from ncl.compiler.ast_to_blocks import ast_to_blocks
from ncl.compiler.blocks_to_registers import Allocated
from ncl.compiler.registers_to_program import registers_to_program
from ncl.compiler.witness import Witness
from ncl.errors import CapacityError, IllFormedProgramError
from ncl.language import wellformed
from ncl.language.program import Program, Sizes
from ncl.language.syntax import Function
from ncl.language.typecheck import check_width
from ncl.language.walks import calls


def compile_function(function: Function, sizes: Sizes) -> tuple[Program, Witness]:
    """Machine code for a function and all that it calls, and the witness that a validator needs.

    Raises LanguageError (a literal too large for the width), CapacityError (too few registers, too little frame memory)
    and IllFormedProgramError when a pass broke a rule: then the compiler is at fault, and the pass is named.
    """
    check_width(function, sizes.width)
    parts = [_allocated(function, function, sizes, True)]
    parts += [_allocated(function, part, sizes, False) for part in _called(function)]
    _frames_fit(function, parts, sizes)
    program, witness = registers_to_program(parts, sizes)
    _legal("registers_to_program", function, wellformed.violations(program))
    return program, witness


def _called(function: Function) -> list[Function]:
    """The functions that are called. Where the first one is among them it stands twice: once it ends the run, once it
    returns."""
    called = {name for f in function.program.values() for name in calls(f.body)}
    return [f for f in function.program.values() if f.name in called]


def _allocated(program: Function, function: Function, sizes: Sizes, halts: bool) -> Allocated:
    graph = ast_to_blocks(function, sizes.width, program.program, halts)
    _legal("ast_to_blocks", function, blocks.violations(graph))
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
