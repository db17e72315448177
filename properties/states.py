"""Machine states: a strategy for any that a run may be in, and the same state for each executor that can step.

A plain `State` is what all of them are compared in. Steppers make one step from it: `step` (torch), `integer` (the
compiled loop), `dense` (one-hot), and the reference machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import one_hot

from ncl.language.interpret.machine import Machine
from ncl.language.opcodes import Opcode
from ncl.language.program import Program
from ncl.language.trace import State
from ncl.machine import kernel
from ncl.machine.executors import dense, integer
from ncl.machine.executors.dense_step import lines_of
from ncl.machine.fields import hard_fields
from ncl.machine.state import MachineState, code_of, limits_of, plain
from ncl.machine.step import step
from ncl.properties.strategies import words

Stepper = Callable[[Program, State, int], State]


@st.composite
def states(draw: Any, program: Program) -> State:
    """Any state that obeys the machine's invariants: a frame pointer no higher than the open calls can have put it."""
    sizes, lines = program.sizes, len(program.code)
    word = words(sizes.width)
    frame = max([i.b for i in program.code if i.opcode == Opcode.CALL], default=0)
    calls = any(i.opcode in (Opcode.CALL, Opcode.RETURN) for i in program.code)
    height = draw(st.integers(0, sizes.depth)) if calls else 0
    heaps = st.integers(0, sizes.memory)
    stack = tuple((draw(st.integers(0, lines - 1)), draw(st.integers(0, level * frame)), draw(heaps))
                  for level in range(height))  # fmt: skip

    def several(count: int) -> tuple[int, ...]:
        return tuple(draw(word) for _ in range(count))

    halted = draw(st.integers(0, 9)) == 9
    reach = dense.Reach.of(program).frame  # cells past it are never touched, and dense does not carry them
    return State(
        pc=draw(st.integers(0, lines - 1)),
        registers=several(sizes.registers),
        memory=several(sizes.memory),
        hp=draw(heaps),
        frame=several(reach) + (0,) * (sizes.frame - reach),
        fp=draw(st.integers(0, height * frame)),
        stack=stack,
        ticks=draw(st.integers(0, 5)),
        halted=halted,
        trap=draw(st.integers(0, 7)) if halted else 0,
    )


# --- one step --------------------------------------------------------------------------------------------------------


def by_reference(program: Program, state: State, budget: int) -> State:
    machine = Machine(
        program, budget, list(state.registers), list(state.memory), list(state.frame), list(state.stack), state.pc,
        state.hp, state.fp, state.ticks, halted=state.halted, trap=state.trap,
    )  # fmt: skip
    machine.step()
    return machine.state()


def by_step(program: Program, state: State, budget: int) -> State:
    after = step(code_of(program), tensors(program, state), limits_of(program, 1, budget), program.sizes.width)
    return plain(program, after)


def by_loop(program: Program, state: State, budget: int) -> State:
    start = tensors(program, state)
    pool = integer.pool_of(program, start, budget)
    for level, entry in enumerate(state.stack):
        pool.stack_BD3[0, level] = entry
    scalars = {
        kernel.PC: state.pc, kernel.HP: state.hp, kernel.FP: state.fp, kernel.SP: len(state.stack),
        kernel.TICKS: state.ticks, kernel.TRAP: state.trap, kernel.HALTED: state.halted,
    }  # fmt: skip
    for column, value in scalars.items():
        pool.scalars_BS[0, column] = value
    pool.advance(most=1)
    return plain(program, pool.state())


def by_dense(program: Program, state: State, budget: int) -> State:
    start = onehot_state(program, state)
    after = dense.step(program, lines_of(program, hard_fields(program)), start, torch.tensor([float(budget)]))
    return dense.plain(program, after)


STEPPERS: Mapping[str, Stepper] = {"step": by_step, "integer": by_loop, "dense": by_dense}


# --- the same state, as each has it ----------------------------------------------------------------------------------


def tensors(program: Program, state: State) -> MachineState:
    """A batch of one."""
    sizes = program.sizes

    def padded(cells: tuple[int, ...], size: int) -> Tensor:
        return torch.tensor([[*cells, *[0] * (max(size, 1) - len(cells))]], dtype=torch.int64)

    def scalar(value: int) -> Tensor:
        return torch.tensor([value], dtype=torch.int64)

    pcs, fps, hps = (padded(tuple(entry[column] for entry in state.stack), sizes.depth) for column in range(3))
    return MachineState(
        scalar(state.pc), padded(state.registers, sizes.registers), padded(state.memory, sizes.memory),
        scalar(state.hp), padded(state.frame, sizes.frame), scalar(state.fp), pcs, fps, hps, scalar(len(state.stack)),
        scalar(state.ticks), torch.tensor([state.halted]), scalar(state.trap),
    )  # fmt: skip


def onehot_state(program: Program, state: State, dtype: torch.dtype = torch.float32) -> dense.DenseState:
    """A batch of one; what stands on the call stack above its top is 0."""
    reach = dense.Reach.of(program)

    def rows(values: tuple[int, ...], count: int, size: int) -> Tensor:
        index = torch.tensor([*values[:count], *[0] * (count - len(values))], dtype=torch.int64)
        return one_hot(index, size).to(dtype)[None]

    def single(value: int, size: int) -> Tensor:
        return rows((value,), 1, size)[:, 0]

    def levels(column: int, size: int) -> Tensor:
        return rows(tuple(entry[column] for entry in state.stack), reach.depth, size)

    size, heap, lines = 1 << program.sizes.width, len(state.memory) + 1, len(program.code)
    return dense.DenseState(
        single(state.pc + lines * state.halted, 2 * lines), rows(state.registers, len(state.registers), size),
        rows(state.memory, len(state.memory), size), single(state.hp, heap),
        rows(state.frame, reach.frame, size), single(state.fp, reach.frame + 1),
        levels(0, lines), levels(1, reach.frame + 1), levels(2, heap),
        single(len(state.stack), reach.depth + 1), torch.tensor([float(state.ticks)], dtype=dtype),
        single(state.trap, 8),
    )  # fmt: skip
