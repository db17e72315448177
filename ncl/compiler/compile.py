"""The compiler: a pipeline of passes, each followed by the rules that its result must obey."""

from __future__ import annotations

from ncl.compiler import blocks, blocks_to_registers
from ncl.compiler.ast_to_blocks import ast_to_blocks
from ncl.compiler.registers_to_program import registers_to_program
from ncl.compiler.witness import Witness
from ncl.errors import IllFormedProgramError
from ncl.language import wellformed
from ncl.language.program import Program, Sizes
from ncl.language.syntax import Function


def compile_function(function: Function, sizes: Sizes) -> tuple[Program, Witness]:
    """Machine code for a function, and the witness that a validator needs.

    Raises LanguageError (a literal too large for the width), CapacityError (too few registers, too little frame memory)
    and IllFormedProgramError when a pass broke a rule: then the compiler is at fault, and the pass is named.
    """
    graph = ast_to_blocks(function, sizes.width)
    _legal("ast_to_blocks", function, blocks.violations(graph))
    allocated = blocks_to_registers.blocks_to_registers(graph, sizes)
    _legal("blocks_to_registers", function, blocks_to_registers.violations(allocated, sizes))
    program, witness = registers_to_program(allocated, sizes)
    _legal("registers_to_program", function, wellformed.violations(program))
    return program, witness


def _legal(name: str, function: Function, found: list[str] | tuple[str, ...]) -> None:
    if found:
        raise IllFormedProgramError(
            f"the pass {name} broke a rule: {'; '.join(found)}",
            where=f"{function.file}:{function.name}",
            remedy="this is a fault of the compiler; please report it with the source",
        )
