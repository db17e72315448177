"""The compiled bytecode loop: what one instruction does to one sample's state, jitted once for all programs.

The word ops are the circuits of `circuits/integer.py`, compiled as they stand, and their dispatch is made from that
table; control, memory and traps are written out here, a second time beside the torch step, and held equal to it by
tests and conformance (`tested(n)`, not proved).
Nothing is cached on disk: numba keys its cache by this file alone and would not see a circuit change.

May assume a well-formed program and a state without `state.faults`: no index is checked again. Called by
`executors/integer.py` and `dataflow.py`. Legend: L lines · R registers · M, F, D cells as allocated · S scalars.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numba

from ncl.language.opcodes import UNARY, WORD_OPS, Opcode, Trap
from ncl.machine.circuits.integer import CIRCUITS, DIVISIONS

Array = Any  # of numpy, int64
Int = Any  # numba's int64
At = tuple[Int, Int, Int, Int, Int]  # pc, hp, fp, sp, ticks

# Columns of the scalars array. It holds a sample's state between calls of the loop.
PC, HP, FP, SP, TICKS, TRAP, HALTED, STEPS = range(8)
SCALARS = 8

# numba assigns no enum member to an integer variable.
_TRAP_DIVISION, _TRAP_INDEX, _TRAP_MEMORY = int(Trap.DIVISION), int(Trap.INDEX), int(Trap.MEMORY)
_TRAP_STACK, _TRAP_BUDGET, _TRAP_INVALID = int(Trap.STACK), int(Trap.BUDGET), int(Trap.INVALID)

# Circuits never divide by 0, so no check is needed. Without numba's runtime no array is counted in and out at each
# instruction: 20 times faster, and nothing compiled here may allocate.
_OPTIONS = {"error_model": "numpy", "nogil": True, "_nrt": False}
Function = TypeVar("Function", bound=Callable[..., Any])


def jit(function: Function) -> Function:
    """The function, compiled at its first call."""
    compiled: Function = numba.njit(**_OPTIONS)(function)
    return compiled


def inlined(function: Function) -> Function:
    """The same, and always put into its caller: a call would hand over seven fields of each array."""
    compiled: Function = numba.njit(**_OPTIONS, forceinline=True)(function)
    return compiled


def _condition(opcodes: Sequence[Opcode]) -> str:
    """That `opcode` is one of these, tested by runs of numbers."""
    numbers = sorted(int(op) for op in opcodes)
    starts = [n for n in numbers if n - 1 not in numbers]
    ends = [n for n in numbers if n + 1 not in numbers]
    return " or ".join(f"{a} <= opcode <= {b}" for a, b in zip(starts, ends)) or "False"


def _dispatch() -> str:
    """The source text of what differs from op to op: which circuit it is, what it reads, whether it traps on 0."""
    lines = ["def word(opcode, x, y, width):"]
    for op in WORD_OPS:
        words = "x" if op in UNARY else "x, y"
        lines += [f"    if opcode == {int(op)}:", f"        return {op.mnemonic}_({words}, width)"]
    lines += ["    return -1", ""]
    for name, opcodes in (("is_word_op", WORD_OPS), ("is_unary", UNARY), ("is_division", DIVISIONS)):
        lines += [f"def {name}(opcode):", f"    return {_condition(opcodes)}", ""]
    return "\n".join(lines)


_WORDS: dict[str, Any] = {f"{op.mnemonic}_": jit(CIRCUITS[op]) for op in WORD_OPS}
exec(compile(_dispatch(), "<made from the circuits>", "exec"), _WORDS)  # of our own tables, no data
word, is_word_op = inlined(_WORDS["word"]), inlined(_WORDS["is_word_op"])
is_unary, is_division = inlined(_WORDS["is_unary"]), inlined(_WORDS["is_division"])
add = _WORDS["add_"]


@inlined
def advance(
    code_L4: Array, width: Int, memory_size: Int, frame_size: Int, depth: Int, budget: Int,
    registers: Array, memory: Array, frame: Array, stack_D3: Array, at: At,
) -> tuple[Int, Int, Int, Int, Int, Int, Int]:  # fmt: skip
    """One instruction. `at` = (pc, hp, fp, sp, ticks); returns it anew with (trap, halted) behind."""
    pc, hp, fp, sp, ticks = at
    opcode, a, b, c = code_L4[pc, 0], code_L4[pc, 1], code_L4[pc, 2], code_L4[pc, 3]
    trap, halted = 0, 0
    following = pc + 1
    if is_word_op(opcode):
        if is_unary(opcode):
            registers[a] = word(opcode, registers[b], 0, width)
        elif is_division(opcode) and registers[c] == 0:
            trap = _TRAP_DIVISION
        else:
            registers[a] = word(opcode, registers[b], registers[c], width)
    elif opcode == Opcode.CONSTANT:
        registers[a] = b & ((1 << width) - 1)
    elif opcode == Opcode.MOVE:
        registers[a] = registers[b]
    elif opcode == Opcode.LOAD or opcode == Opcode.STORE:
        address = add(registers[b], registers[c], width)
        if address >= memory_size:
            trap = _TRAP_INDEX
        elif opcode == Opcode.LOAD:
            registers[a] = memory[address]
        else:
            memory[address] = registers[a]
    elif opcode == Opcode.TICK:
        if ticks >= budget:
            trap = _TRAP_BUDGET
        else:
            ticks += 1
    elif opcode == Opcode.JUMP:
        following = a
    elif opcode == Opcode.JUMP_ZERO:
        following = b if registers[a] == 0 else following
    elif opcode == Opcode.JUMP_NONZERO:
        following = b if registers[a] != 0 else following
    elif opcode == Opcode.BOUND:
        if registers[a] >= registers[b]:
            trap = _TRAP_INDEX
    elif opcode == Opcode.LOAD_FRAME or opcode == Opcode.STORE_FRAME:
        slot = fp + b
        if slot >= frame_size:
            trap = _TRAP_INVALID
        elif opcode == Opcode.LOAD_FRAME:
            registers[a] = frame[slot]
        else:
            frame[slot] = registers[a]
    elif opcode == Opcode.ALLOCATE:
        after = hp + registers[b]
        if after > memory_size:
            trap = _TRAP_MEMORY
        else:
            registers[a] = hp & ((1 << width) - 1)
            hp = after
    elif opcode == Opcode.CALL:
        if sp >= depth or fp + b > frame_size:
            trap = _TRAP_STACK
        else:
            stack_D3[sp, 0], stack_D3[sp, 1], stack_D3[sp, 2] = following, fp, hp
            sp += 1
            fp += b
            following = a
    elif opcode == Opcode.RETURN:
        if sp == 0:
            trap = _TRAP_STACK
        else:
            sp -= 1
            following, fp = stack_D3[sp, 0], stack_D3[sp, 1]
            if a == 0:
                hp = stack_D3[sp, 2]
    elif opcode == Opcode.HALT:
        following = pc
        halted = 1
    elif opcode == Opcode.TRAP:
        trap = a
    else:
        trap = _TRAP_INVALID
    if trap != 0:
        following = pc
        halted = 1
    return following, hp, fp, sp, ticks, trap, halted


@jit
def run_batch(
    code_L4: Array, width: Int, memory_size: Int, frame_size: Int, depth: Int, budget: Int, most: Int,
    registers: Array, memory: Array, frame: Array, stack: Array, scalars: Array,
) -> None:  # fmt: skip
    """Run every sample until it halts or has made `most` more steps. Each array has the batch in front."""
    for sample in range(scalars.shape[0]):
        s = scalars[sample]
        regs, cells, frames, calls = registers[sample], memory[sample], frame[sample], stack[sample]
        pc, hp, fp, sp, ticks, trap, halted = s[PC], s[HP], s[FP], s[SP], s[TICKS], s[TRAP], s[HALTED]
        steps = 0
        while halted == 0 and steps < most:
            pc, hp, fp, sp, ticks, trap, halted = advance(
                code_L4, width, memory_size, frame_size, depth, budget, regs, cells, frames, calls,
                (pc, hp, fp, sp, ticks),
            )  # fmt: skip
            steps += 1
        s[PC], s[HP], s[FP], s[SP], s[TICKS], s[TRAP], s[HALTED] = pc, hp, fp, sp, ticks, trap, halted
        s[STEPS] += steps


@jit
def apply_op(
    code_L4: Array, width: Int, x_P: Array, y_P: Array, z_P: Array, registers: Array, nothing: Array, calls: Array
) -> None:
    """z = opcode(x, y) pair by pair, each as an instruction of the loop; -1 where it traps."""
    for pair in range(x_P.shape[0]):
        registers[0], registers[1] = x_P[pair], y_P[pair]
        trap = advance(code_L4, width, 0, 0, 0, 0, registers, nothing, nothing, calls, (0, 0, 0, 0, 0))[5]
        z_P[pair] = -1 if trap != 0 else registers[2]
