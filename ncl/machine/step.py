"""One step of the integer machine, for a whole batch, in torch: the object that is proved.

Every sample executes its own next instruction, or stays exactly as it is once halted. The function is branch-free: it
computes what each instruction would do and selects by opcode, so that its traced graph is the whole of it. It uses few
operations, on int64 and bool only, writes nothing in place, closes over no tensor and asks for no size but R.

May assume (see `state.faults` and `wellformed`): ranges of the state, a well-formed program, trap ⇒ halted. Called by
`integer.run_by_step` through `traced`, and read by verify. Shape legend: see `state.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, reduce
from operator import or_

import torch
from torch import Tensor
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx

from ncl.language.opcodes import BINARY, UNARY, Opcode, Trap
from ncl.machine.circuits.integer import CIRCUITS, DIVISIONS, add
from ncl.machine.state import Code, Limits, MachineState

LAST = max(Opcode)


def _inside(index_B: Tensor, size: int | Tensor) -> Tensor:
    """The index, or 0 where it lies past the end: such a cell is never used, but reading must not fail."""
    return torch.where(index_B < size, index_B, 0)


def _read(table_BX: Tensor, index_B: Tensor) -> Tensor:
    return torch.gather(table_BX, 1, index_B.unsqueeze(1)).squeeze(1)


def _write(table_BX: Tensor, index_B: Tensor, value_B: Tensor, writes_B: Tensor) -> Tensor:
    """A new table with one cell per sample replaced, by itself where nothing is to be written."""
    cell_B = torch.where(writes_B, value_B, _read(table_BX, index_B))
    return torch.scatter(table_BX, 1, index_B.unsqueeze(1), cell_B.unsqueeze(1))


def step(code: Code, state: MachineState, limits: Limits, width: int) -> MachineState:
    """The state of every sample after its next instruction."""
    opcode_B = torch.gather(code.opcode_L, 0, state.pc_B)
    a_B = torch.gather(code.a_L, 0, state.pc_B)
    b_B = torch.gather(code.b_L, 0, state.pc_B)
    c_B = torch.gather(code.c_L, 0, state.pc_B)
    at = {opcode: opcode_B == int(opcode) for opcode in Opcode}

    # Operands that name no register may lie past the last one.
    registers = state.registers_BR.shape[1]
    target_B = _inside(a_B, registers)
    ra_B = _read(state.registers_BR, target_B)
    rb_B = _read(state.registers_BR, _inside(b_B, registers))
    rc_B = _read(state.registers_BR, _inside(c_B, registers))

    address_B = add(rb_B, rc_B, width)
    slot_B = state.fp_B + b_B
    heap_B = state.hp_B + rb_B
    no_cell_B = address_B >= limits.memory_size
    no_slot_B = slot_B >= limits.frame_size
    cell_B = _inside(address_B, limits.memory_size)
    frame_cell_B = _inside(slot_B, limits.frame_size)
    empty_B = state.sp_B == 0
    full_B = (state.sp_B >= limits.depth) | (slot_B > limits.frame_size)
    level_B = torch.where(empty_B, 0, state.sp_B - 1)

    # Why this instruction traps, 0 when it does not.
    divides_B = reduce(or_, [at[opcode] for opcode in DIVISIONS])
    trap_B = torch.where(at[Opcode.TRAP], a_B, 0)
    trap_B = torch.where(at[Opcode.TICK] & (state.ticks_B >= limits.budget_B), int(Trap.BUDGET), trap_B)
    trap_B = torch.where((at[Opcode.CALL] & full_B) | (at[Opcode.RETURN] & empty_B), int(Trap.STACK), trap_B)
    trap_B = torch.where((at[Opcode.LOAD] | at[Opcode.STORE]) & no_cell_B, int(Trap.INDEX), trap_B)
    trap_B = torch.where((at[Opcode.LOAD_FRAME] | at[Opcode.STORE_FRAME]) & no_slot_B, int(Trap.INVALID), trap_B)
    trap_B = torch.where(at[Opcode.ALLOCATE] & (heap_B > limits.memory_size), int(Trap.MEMORY), trap_B)
    trap_B = torch.where(at[Opcode.BOUND] & (ra_B >= rb_B), int(Trap.INDEX), trap_B)
    trap_B = torch.where(divides_B & (rc_B == 0), int(Trap.DIVISION), trap_B)
    trap_B = torch.where((opcode_B < 0) | (opcode_B > int(LAST)), int(Trap.INVALID), trap_B)
    goes_B = ~state.halted_B & (trap_B == 0)

    # The word for register a.
    produced: dict[Opcode, Tensor] = {
        Opcode.CONSTANT: b_B & ((1 << width) - 1),
        Opcode.MOVE: rb_B,
        Opcode.LOAD: _read(state.memory_BM, cell_B),
        Opcode.LOAD_FRAME: _read(state.frame_BF, frame_cell_B),
        Opcode.ALLOCATE: state.hp_B & ((1 << width) - 1),
    }
    produced |= {opcode: CIRCUITS[opcode](rb_B, rc_B, width) for opcode in BINARY}
    produced |= {opcode: CIRCUITS[opcode](rb_B, width) for opcode in UNARY}
    word_B, writes_B = ra_B, state.pc_B < 0
    for opcode, value_B in produced.items():
        word_B = torch.where(at[opcode], value_B, word_B)
        writes_B = writes_B | at[opcode]

    # The next line.
    jumps_B = at[Opcode.JUMP] | at[Opcode.CALL]
    branches_B = (at[Opcode.JUMP_ZERO] & (ra_B == 0)) | (at[Opcode.JUMP_NONZERO] & (ra_B != 0))
    pc_B = torch.where(at[Opcode.HALT], state.pc_B, state.pc_B + 1)
    pc_B = torch.where(jumps_B, a_B, pc_B)
    pc_B = torch.where(branches_B, b_B, pc_B)
    pc_B = torch.where(at[Opcode.RETURN], _read(state.stack_pc_BD, level_B), pc_B)

    hp_B = torch.where(at[Opcode.ALLOCATE], heap_B, state.hp_B)
    hp_B = torch.where(at[Opcode.RETURN] & (a_B == 0), _read(state.stack_hp_BD, level_B), hp_B)
    fp_B = torch.where(at[Opcode.CALL], slot_B, state.fp_B)
    fp_B = torch.where(at[Opcode.RETURN], _read(state.stack_fp_BD, level_B), fp_B)
    sp_B = torch.where(at[Opcode.CALL], state.sp_B + 1, state.sp_B)
    sp_B = torch.where(at[Opcode.RETURN], level_B, sp_B)
    ticks_B = torch.where(at[Opcode.TICK], state.ticks_B + 1, state.ticks_B)

    calls_B = goes_B & at[Opcode.CALL]
    top_B = _inside(state.sp_B, limits.depth)
    return MachineState(
        pc_B=torch.where(goes_B, pc_B, state.pc_B),
        registers_BR=_write(state.registers_BR, target_B, word_B, goes_B & writes_B),
        memory_BM=_write(state.memory_BM, cell_B, ra_B, goes_B & at[Opcode.STORE]),
        hp_B=torch.where(goes_B, hp_B, state.hp_B),
        frame_BF=_write(state.frame_BF, frame_cell_B, ra_B, goes_B & at[Opcode.STORE_FRAME]),
        fp_B=torch.where(goes_B, fp_B, state.fp_B),
        stack_pc_BD=_write(state.stack_pc_BD, top_B, state.pc_B + 1, calls_B),
        stack_fp_BD=_write(state.stack_fp_BD, top_B, state.fp_B, calls_B),
        stack_hp_BD=_write(state.stack_hp_BD, top_B, state.hp_B, calls_B),
        sp_B=torch.where(goes_B, sp_B, state.sp_B),
        ticks_B=torch.where(goes_B, ticks_B, state.ticks_B),
        halted_B=state.halted_B | (trap_B != 0) | at[Opcode.HALT],
        trap_B=torch.where(state.halted_B, state.trap_B, trap_B),
    )


INPUTS = (*Code._fields, *MachineState._fields, *Limits._fields)


def flat(width: int) -> Callable[..., tuple[Tensor, ...]]:
    """The step over `INPUTS`, in that order, giving the fields of a state in theirs: the form that is traced.

    Shapes are those of `Code`, `MachineState` and `Limits`: opcode_L, pc_B, registers_BR and so on.
    """
    cut, end = len(Code._fields), len(Code._fields) + len(MachineState._fields)

    def stepped(*tensors: Tensor) -> tuple[Tensor, ...]:
        return tuple(step(Code(*tensors[:cut]), MachineState(*tensors[cut:end]), Limits(*tensors[end:]), width))

    return stepped


def examples() -> tuple[Tensor, ...]:
    """Inputs to trace with, in the shapes of `INPUTS` (pc_B, registers_BR, …), each tensor with its own storage.

    Every size is distinct and at least 2.
    """
    size = {"B": 5, "L": 11, "R": 7, "M": 13, "F": 17, "D": 19}
    shapes = ([size[letter] for letter in name.rsplit("_", 1)[1]] if name[-1].isupper() else [] for name in INPUTS)
    return tuple(
        torch.zeros(shape, dtype=torch.bool if name == "halted_B" else torch.int64)
        for name, shape in zip(INPUTS, shapes, strict=True)
    )


@cache
def traced(width: int) -> GraphModule:
    """The step's graph at a width, all sizes symbolic: what verify reads and what `run_by_step` runs."""
    return make_fx(flat(width), tracing_mode="symbolic")(*examples())
