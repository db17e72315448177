"""The integer executor: hard words, whole batches, any width to 32.

`run` is the compiled bytecode loop of `kernel.py` and what everything else uses; `run_by_step` loops the traced graph
of `step.py`, the very object that is proved; `trace` and `walk` give every state. `run_tensors` is the form for
networks and training, `apply_kernel` the one by which verify enumerates the compiled ops. All raise InputError for
arguments that the program cannot take, and IllFormedProgramError for code that breaks a rule of the machine.

Legend: B samples · O samples still running · M cells of an array or of memory · P pairs of words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ncl.errors import InputError
from ncl.language.opcodes import UNARY, WORD_OPS, Opcode
from ncl.language.program import Program, Value
from ncl.language.trace import DEFAULT_BUDGET, Result, State
from ncl.language.wellformed import check as check_program
from ncl.language.word import MAX_WIDTH
from ncl.machine import kernel
from ncl.machine.state import MachineState, blank, check, code_of, initial, limits_of, plain, results
from ncl.machine.step import traced

Array = Any  # of numpy, int64
POOL_CELLS = 1 << 22  # words of state held at once: 32 MiB
FOREVER = 1 << 62  # steps; well-formed programs end by themselves


@dataclass(frozen=True)
class Pool:
    """The states of some samples as the compiled loop holds them; its arrays are written in place."""

    program: Program
    budget: int
    code_L4: Array
    registers_BR: Array
    memory_BM: Array
    frame_BF: Array
    stack_BD3: Array
    scalars_BS: Array

    def advance(self, most: int = FOREVER) -> None:
        """Up to `most` steps of every sample that has not halted."""
        sizes = self.program.sizes
        kernel.run_batch(
            self.code_L4, sizes.width, sizes.memory, sizes.frame, sizes.depth, self.budget, most,
            self.registers_BR, self.memory_BM, self.frame_BF, self.stack_BD3, self.scalars_BS,
        )  # fmt: skip

    def state(self) -> MachineState:
        """The same states as tensors; the large ones share memory with the pool."""
        s = {name: torch.from_numpy(self.scalars_BS[:, column].copy()) for name, column in _COLUMNS.items()}
        calls = torch.from_numpy(self.stack_BD3)
        return MachineState(
            s["pc"], torch.from_numpy(self.registers_BR), torch.from_numpy(self.memory_BM), s["hp"],
            torch.from_numpy(self.frame_BF), s["fp"], calls[:, :, 0], calls[:, :, 1], calls[:, :, 2],
            s["sp"], s["ticks"], s["halted"].bool(), s["trap"],
        )  # fmt: skip

    def steps(self) -> Tensor:
        """How many steps each sample has made: int64, shape (B,)."""
        return torch.from_numpy(self.scalars_BS[:, kernel.STEPS].copy())


_COLUMNS = {
    "pc": kernel.PC, "hp": kernel.HP, "fp": kernel.FP, "sp": kernel.SP,
    "ticks": kernel.TICKS, "halted": kernel.HALTED, "trap": kernel.TRAP,
}  # fmt: skip


def pool_of(program: Program, state: MachineState, budget: int) -> Pool:
    """A pool that starts at a state before its first step, and takes over its tensors."""
    limits_of(program, 0, budget)  # refuses a budget that is none
    batch, depth = state.stack_pc_BD.shape
    scalars_BS = np.zeros((batch, kernel.SCALARS), np.int64)
    scalars_BS[:, kernel.HP] = state.hp_B.numpy()
    return Pool(
        program,
        budget,
        np.stack([column.numpy() for column in code_of(program)], axis=1),
        state.registers_BR.numpy(),
        state.memory_BM.numpy(),
        state.frame_BF.numpy(),
        np.zeros((batch, depth, 3), np.int64),
        scalars_BS,
    )


def chunk_size(program: Program) -> int:
    """How many samples are held at once."""
    sizes = program.sizes
    return max(1, POOL_CELLS // (sizes.registers + sizes.memory + sizes.frame + 3 * sizes.depth))


def run(program: Program, batch: Sequence[list[Value]], budget: int = DEFAULT_BUDGET) -> list[Result]:
    """Run every argument list to its end in the compiled loop."""
    check_program(program)
    found: list[Result] = []
    size = chunk_size(program)
    for begin in range(0, len(batch), size):
        pool = pool_of(program, initial(program, list(batch[begin : begin + size])), budget)
        pool.advance()
        found += results(program, pool.state(), pool.steps())
    return found


def run_by_step(program: Program, batch: Sequence[list[Value]], budget: int = DEFAULT_BUDGET) -> list[Result]:
    """Run every argument list by the proved step: slower by far, and the same in everything."""
    check_program(program)
    state = initial(program, list(batch))
    code, limits, stepped = code_of(program), limits_of(program, len(batch), budget), traced(program.sizes.width)
    check(program, state, limits)
    steps_B, open_O = torch.zeros(len(batch), dtype=torch.int64), torch.arange(len(batch))
    last = MachineState(*(part.clone() for part in state))
    while len(open_O):
        running_O = ~state.halted_B
        # A step copies the state of every sample, so those that have halted are put aside, half of them at a time.
        if 2 * int(running_O.sum()) <= len(open_O):
            for whole, part in zip(last, state, strict=True):
                whole[open_O] = part
            open_O, state = open_O[running_O], MachineState(*(part[running_O] for part in state))
            limits = limits._replace(budget_B=limits.budget_B[running_O])
            continue
        steps_B[open_O] += running_O
        state = MachineState(*stepped(*code, *state, *limits))
    return results(program, last, steps_B)


def trace(program: Program, arguments: list[Value], budget: int = DEFAULT_BUDGET) -> list[State]:
    """Every state of one run of the compiled loop, from the first to the halted one."""
    return list(walk(program, arguments, budget))


def walk(program: Program, arguments: list[Value], budget: int = DEFAULT_BUDGET) -> Iterator[State]:
    """The states of `trace`, each as it is reached."""
    check_program(program)
    pool = pool_of(program, initial(program, [arguments]), budget)
    yield (state := plain(program, pool.state()))
    while not state.halted:
        pool.advance(most=1)
        yield (state := plain(program, pool.state()))


def run_tensors(
    program: Program,
    values_BM: Tensor,
    lengths_B: Tensor,
    words: Sequence[Tensor] = (),
    budget: int = DEFAULT_BUDGET,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Run a program with at most one array parameter on a batch of padded arrays.

    values_BM: int64, sample i's array in its first lengths_B[i] cells (what stands behind is ignored); with no array
    parameter both say only how large the batch is. words: one int64 tensor of B per word parameter, in order.
    Returns (values_BK, lengths_B, trap_B, ticks_B, steps_B), all int64. A word result is an array of length 1, a run
    that trapped has length 0; K is M or the longest result, whichever is more, and cells past a length are 0.
    """
    check_program(program)
    _check_tensors(program, values_BM, lengths_B, words)
    parts = []
    size = chunk_size(program)
    for begin in range(0, len(lengths_B), size):
        end = begin + size
        start = _load(program, values_BM[begin:end], lengths_B[begin:end], [w[begin:end] for w in words])
        pool = pool_of(program, start, budget)
        pool.advance()
        parts.append((*_unload(program, pool), pool.steps()))
    width_K = max([values_BM.shape[1], *(p[0].shape[1] for p in parts)])
    values_BK = torch.zeros(len(lengths_B), width_K, dtype=torch.int64)
    for begin, part in zip(range(0, len(lengths_B), size), parts):
        values_BK[begin : begin + size, : part[0].shape[1]] = part[0]
    columns = [torch.cat([p[i] for p in parts]) if parts else lengths_B.clone() for i in range(1, 5)]
    return values_BK, columns[0], columns[1], columns[2], columns[3]


def _check_tensors(program: Program, values_BM: Tensor, lengths_B: Tensor, words: Sequence[Tensor]) -> None:
    sorts = [p.sort for p in program.signature.parameters]
    where = f"{program.name}{program.signature}"
    top = (1 << program.sizes.width) - 1
    if sorts.count("array") > 1:
        raise InputError("run_tensors takes programs with at most one array parameter", where=where)
    if len(words) != sorts.count("word"):
        raise InputError(f"expected {sorts.count('word')} word arguments, got {len(words)}", where=where)
    shapes_agree = values_BM.dim() == 2 and all(t.shape == (len(values_BM),) for t in (lengths_B, *words))
    if not shapes_agree or any(t.dtype != torch.int64 for t in (values_BM, lengths_B, *words)):
        raise InputError("values must be int64 of shape (B, M), lengths and words int64 of shape (B,)", where=where)
    most = min(values_BM.shape[1], program.sizes.memory, top) if "array" in sorts else values_BM.shape[1]
    if bool(((lengths_B < 0) | (lengths_B > most)).any()):
        raise InputError(f"a length is not in 0 … {most}", where=where, remedy="compile with a larger memory or width")
    inside_BM = torch.arange(values_BM.shape[1]) < lengths_B.unsqueeze(1)
    if bool((((values_BM < 0) | (values_BM > top)) & inside_BM).any()) or any(
        bool(((w < 0) | (w > top)).any()) for w in words
    ):
        raise InputError(f"a value is no word in 0 … {top}", where=where, remedy="choose a larger --width")


def _load(program: Program, values_BM: Tensor, lengths_B: Tensor, words: Sequence[Tensor]) -> MachineState:
    state = blank(program, len(lengths_B))
    register, remaining = 0, list(words)
    for parameter in program.signature.parameters:
        if parameter.sort == "word":
            state.registers_BR[:, register] = remaining.pop(0)
            register += 1
            continue
        cells = min(values_BM.shape[1], program.sizes.memory)
        inside_BM = torch.arange(cells) < lengths_B.unsqueeze(1)
        state.memory_BM[:, :cells] = torch.where(inside_BM, values_BM[:, :cells], 0)
        state.registers_BR[:, register + 1] = lengths_B  # the base in the register before it is 0
        state.hp_B[:] = lengths_B
        register += 2
    return state


def _unload(program: Program, pool: Pool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Results of a pool that has halted: (values_BK, lengths_B, trap_B, ticks_B)."""
    state = pool.state()
    fine_B = state.trap_B == 0
    if program.signature.result == "word":
        return state.registers_BR[:, :1] * fine_B.unsqueeze(1), fine_B.long(), state.trap_B, state.ticks_B
    base_B = state.registers_BR[:, 0]
    # As in a slice of memory, an array that claims more cells than there are ends with memory.
    room_B = (program.sizes.memory - base_B).clamp(min=0)
    lengths_B = torch.minimum(state.registers_BR[:, 1], room_B) * fine_B
    column_K = torch.arange(int(lengths_B.max()) if len(lengths_B) else 0)
    inside_BK = column_K < lengths_B.unsqueeze(1)
    cell_BK = torch.where(inside_BK, base_B.unsqueeze(1) + column_K, 0)
    return torch.gather(state.memory_BM, 1, cell_BK) * inside_BK, lengths_B, state.trap_B, state.ticks_B


def apply_kernel(opcode: Opcode, x_P: Array, y_P: Array, width: int) -> Array:
    """z = opcode(x, y) for every pair of words, each executed as an instruction of the compiled loop.

    Vectors (P,) give int64 words (P,), -1 where the instruction traps (division by 0). y is ignored by ops of one
    operand. Raises InputError for what is no such op, width or pair of vectors.
    """
    if opcode not in WORD_OPS or not 1 <= width <= MAX_WIDTH:
        raise InputError(f"{opcode!r} at width {width} computes no word from words")
    x_P, y_P = (np.ascontiguousarray(v, dtype=np.int64) for v in (x_P, y_P))
    if x_P.shape != y_P.shape or x_P.ndim != 1 or ((x_P | y_P) >> width).any():
        raise InputError(f"apply_kernel takes two equally long vectors of {width}-bit words")
    code_L4 = np.array([[int(opcode), 2, 0, 0 if opcode in UNARY else 1]], np.int64)
    z_P = np.empty_like(x_P)
    scratch: tuple[Array, ...] = np.zeros(3, np.int64), np.zeros(1, np.int64), np.zeros((1, 3), np.int64)
    kernel.apply_op(code_L4, width, x_P, y_P, z_P, *scratch)
    return z_P
