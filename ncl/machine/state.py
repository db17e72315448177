"""The machine's state for a batch of runs, as tensors: how it starts, what it must obey, how it reads as plain values.

Shape legend: B samples · L program lines · R registers · M memory, F frame and D call-stack cells *as allocated*.
A memory, frame or stack of true size 0 is allocated one cell, which nothing ever reads or writes: the true sizes stand
in `Limits`, and every bound is compared against those. All tensors are int64 but `halted_B`, which is bool.

Called by the step, the executors and verify. `faults` is the runner's side of the step's proof: dtype, shape and range
of everything that the step is given.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ncl.errors import InputError
from ncl.language.opcodes import Trap
from ncl.language.program import Program, Value
from ncl.language.trace import Result, TrapReport, check_budget, check_room
from ncl.language.trace import State as PlainState
from ncl.language.word import NATURALS as NATURALS  # ticks, budgets, operands


class Code(NamedTuple):
    """Program memory, shared by the whole batch."""

    opcode_L: Tensor
    a_L: Tensor
    b_L: Tensor
    c_L: Tensor


class MachineState(NamedTuple):
    """One state per sample."""

    pc_B: Tensor
    registers_BR: Tensor
    memory_BM: Tensor
    hp_B: Tensor
    frame_BF: Tensor
    fp_B: Tensor
    stack_pc_BD: Tensor
    stack_fp_BD: Tensor
    stack_hp_BD: Tensor
    sp_B: Tensor
    ticks_B: Tensor
    halted_B: Tensor
    trap_B: Tensor


class Limits(NamedTuple):
    """What bounds a run. The three sizes are the true ones, as tensors without dimensions: 0 ≤ each ≤ allocated."""

    budget_B: Tensor
    memory_size: Tensor
    frame_size: Tensor
    depth: Tensor


def code_of(program: Program) -> Code:
    """The program as tensors: int64, shape (L,) each."""
    rows = [(i.opcode, i.a, i.b, i.c) for i in program.code]
    return Code(*torch.tensor(rows, dtype=torch.int64).reshape(-1, 4).T.contiguous().unbind(0))


def limits_of(program: Program, batch: int, budget: int) -> Limits:
    """Raises InputError when the budget is no natural."""
    check_budget(budget)
    sizes = program.sizes
    scalars = (torch.tensor(n, dtype=torch.int64) for n in (sizes.memory, sizes.frame, sizes.depth))
    return Limits(torch.full((batch,), budget, dtype=torch.int64), *scalars)


def blank(program: Program, batch: int) -> MachineState:
    """Every sample at line 0 with nothing in registers, memory, frame or stack."""
    sizes = program.sizes
    check_room(sizes.memory, program.name)

    def zeros(*shape: int) -> Tensor:
        # numpy's come as the system clears them, so that memory which no run touches costs nothing.
        return torch.from_numpy(np.zeros((batch, *shape), np.int64))

    memory, frame, depth = (max(n, 1) for n in (sizes.memory, sizes.frame, sizes.depth))
    return MachineState(
        zeros(), zeros(sizes.registers), zeros(memory), zeros(), zeros(frame), zeros(),
        zeros(depth), zeros(depth), zeros(depth), zeros(), zeros(), zeros().bool(), zeros(),
    )  # fmt: skip


def initial(program: Program, batch: list[list[Value]]) -> MachineState:
    """The state before the first step of each run: arguments in registers, arrays back to back from memory cell 0.

    Raises InputError for arguments that the program cannot take.
    """
    state = blank(program, len(batch))
    # Filled through numpy views: single tensor writes cost microseconds each.
    registers, memory, heap = (t.numpy() for t in (state.registers_BR, state.memory_BM, state.hp_B))
    for sample, arguments in enumerate(batch):
        program.check_arguments(arguments)
        register = hp = 0
        for value in arguments:
            if isinstance(value, list):
                memory[sample, hp : hp + len(value)] = value
                registers[sample, register] = hp % (1 << program.sizes.width)
                registers[sample, register + 1] = len(value)
                hp += len(value)
                register += 2
            else:
                registers[sample, register] = value
                register += 1
        heap[sample] = hp
    return state


def faults(program: Program, state: MachineState, limits: Limits) -> tuple[str, ...]:
    """Everything about a state that the step's proof does not allow: dtype, shape, range, trap without halt."""
    sizes, lines = program.sizes, len(program.code)
    words, batch = 1 << sizes.width, state.pc_B.shape[0]
    memory, frame, depth = (max(n, 1) for n in (sizes.memory, sizes.frame, sizes.depth))
    # name → (shape, first value not allowed)
    expected: dict[str, tuple[tuple[int, ...], int]] = {
        "pc_B": ((batch,), lines),
        "registers_BR": ((batch, sizes.registers), words),
        "memory_BM": ((batch, memory), words),
        "hp_B": ((batch,), sizes.memory + 1),
        "frame_BF": ((batch, frame), words),
        "fp_B": ((batch,), sizes.frame + 1),
        "stack_pc_BD": ((batch, depth), lines),
        "stack_fp_BD": ((batch, depth), sizes.frame + 1),
        "stack_hp_BD": ((batch, depth), sizes.memory + 1),
        "sp_B": ((batch,), sizes.depth + 1),
        "ticks_B": ((batch,), NATURALS),
        "halted_B": ((batch,), 2),
        "trap_B": ((batch,), max(Trap) + 1),
        "budget_B": ((batch,), NATURALS),
    }
    found = []
    for name, (shape, limit) in expected.items():
        tensor = limits.budget_B if name == "budget_B" else getattr(state, name)
        dtype = torch.bool if name == "halted_B" else torch.int64
        if tensor.dtype != dtype or tuple(tensor.shape) != shape:
            found.append(f"{name} should be {dtype} of shape {shape}, is {tensor.dtype} of {tuple(tensor.shape)}")
        elif dtype == torch.int64 and bool(((tensor < 0) | (tensor >= limit)).any()):
            found.append(f"{name} leaves 0 … {limit - 1}")
    for name, size in (("memory_size", sizes.memory), ("frame_size", sizes.frame), ("depth", sizes.depth)):
        tensor = getattr(limits, name)
        if tensor.dtype != torch.int64 or tensor.dim() or int(tensor) != size:
            found.append(f"{name} should be the int64 scalar {size}")
    if not found and bool(((state.trap_B != 0) & ~state.halted_B).any()):
        found.append("a sample has trapped but is not halted")
    return tuple(found)


def check(program: Program, state: MachineState, limits: Limits) -> None:
    """Raises InputError with every fault of `faults`."""
    found = faults(program, state, limits)
    if found:
        raise InputError("; ".join(found), where=f"state of {program.name}")


def plain(program: Program, state: MachineState, sample: int = 0) -> PlainState:
    """One sample's state as plain values, which all executors are compared in."""
    sizes = program.sizes
    depth = int(state.sp_B[sample])
    stacks = (state.stack_pc_BD, state.stack_fp_BD, state.stack_hp_BD)
    columns = [stack[sample, :depth].tolist() for stack in stacks]
    return PlainState(
        pc=int(state.pc_B[sample]),
        registers=tuple(state.registers_BR[sample].tolist()),
        memory=tuple(state.memory_BM[sample, : sizes.memory].tolist()),
        hp=int(state.hp_B[sample]),
        frame=tuple(state.frame_BF[sample, : sizes.frame].tolist()),
        fp=int(state.fp_B[sample]),
        stack=tuple(zip(*columns, strict=True)),
        ticks=int(state.ticks_B[sample]),
        halted=bool(state.halted_B[sample]),
        trap=int(state.trap_B[sample]),
    )


def trap_report(program: Program, trap: int, pc: int) -> TrapReport:
    """Which trap a number means, with the source position of the instruction at `pc`."""
    return TrapReport(Trap(trap), program.positions[pc] if program.positions else None)


def results(program: Program, state: MachineState, steps_B: Tensor) -> list[Result]:
    """What each halted sample's run gave; `steps_B` was counted by the runner."""
    found = []
    array = program.signature.result == "array"
    rows = zip(*(t.tolist() for t in (state.pc_B, state.trap_B, state.ticks_B, steps_B)), strict=True)
    bases, lengths = state.registers_BR[:, 0].tolist(), state.registers_BR[:, 1].tolist()
    for sample, (pc, trap, ticks, steps) in enumerate(rows):
        if trap:
            found.append(Result(None, ticks, steps, trap_report(program, trap, pc)))
            continue
        end = min(bases[sample] + lengths[sample], program.sizes.memory)
        value: Value = state.memory_BM[sample, bases[sample] : end].tolist() if array else bases[sample]
        found.append(Result(value, ticks, steps))
    return found
