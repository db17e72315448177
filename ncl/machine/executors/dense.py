"""Dense: full superposition of control and data. The truth at every temperature, at its price.

Every component of the state is a distribution: pc and halt flag together over lines, registers and cells over N words,
heap, frame and stack pointers over their ranges. A step (`dense_step`) makes, for every line, what that line would do,
and mixes by the mass that runs there (and of the opcodes, where program memory is soft). Within a line the components
count as independent; on one-hot states that is no assumption, and a hard run is one-hot to the bit and equal to the
reference state by state. Mass that has halted never runs again; a batch stops when all of it has halted.

Ticks are the expected number; the budget is compared with it. Cells that the program cannot reach are not carried.
Legend: see `dense_step`. Called by `machine`, `build`, `verify` and the property tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ncl.errors import CapacityError
from ncl.language.opcodes import Trap
from ncl.language.program import Program, Value
from ncl.language.trace import DEFAULT_BUDGET, Result, State, TrapReport
from ncl.language.wellformed import check
from ncl.machine.executors.dense_step import DenseState, Reach, lines_of, step
from ncl.machine.fields import Fields, hard_fields
from ncl.machine.temperature import HARD, Temperature

LARGEST = 1 << 27  # entries of state and widest intermediate together, a batch
NEGLIGIBLE = 1e-6  # soft runs: mass still running that is no longer waited for; it is reported, not hidden


def capacity(program: Program, batch: int) -> None:
    """Raise CapacityError, with the size it would take, for what no machine should try."""
    sizes, lines, words = program.sizes, len(program.code), 1 << program.sizes.width
    cells = sizes.registers + sizes.memory + Reach.of(program).frame
    entries = batch * (cells * words + lines * (words * words + sizes.memory))
    if entries > LARGEST:
        raise CapacityError(
            f"dense would hold {entries:.1e} numbers ({entries * 4 / 2**30:.0f} GiB in float32), at most {LARGEST:.1e}",
            where=f"{program.name} at width {sizes.width}",
            remedy="a smaller width, memory or batch, or the pathwise executor",
        )


def blank(program: Program, batch: int, like: Tensor) -> DenseState:
    """The state at line 0 with everything 0, in the dtype and on the device of `like`, a tensor of any shape.

    Shapes are those of `DenseState`: registers_BRN, memory_BMN and so on.
    """
    sizes, reach, lines, words = program.sizes, Reach.of(program), len(program.code), 1 << program.sizes.width

    def zero(*shape: int) -> Tensor:
        """Distributions all on 0."""
        index = torch.zeros(batch, *shape[:-1], dtype=torch.int64, device=like.device)
        return one_hot(index, shape[-1]).to(like.dtype)

    # A count that a narrow type could not go on with: 256 + 1 is 256 in bfloat16.
    ticks_B = torch.zeros(batch, dtype=torch.promote_types(like.dtype, torch.float32), device=like.device)
    return DenseState(
        zero(2 * lines), zero(sizes.registers, words), zero(sizes.memory, words), zero(sizes.memory + 1),
        zero(reach.frame, words), zero(reach.frame + 1), zero(reach.depth, lines), zero(reach.depth, reach.frame + 1),
        zero(reach.depth, sizes.memory + 1), zero(reach.depth + 1), ticks_B, zero(max(Trap) + 1),
    )  # fmt: skip


def states(
    program: Program, fields_: Fields, start: DenseState, budget: int, temperature: Temperature = HARD,
    most: int | None = None,
) -> Iterator[DenseState]:  # fmt: skip
    """Every state from the first until all mass has halted, or `most` steps were made."""
    budget_B, lines = torch.full_like(start.ticks_B, budget), lines_of(program, fields_)
    state, steps = start, 0
    yield state
    negligible = 0.0 if temperature.mode == "hard" else NEGLIGIBLE
    while float(state.running_B.detach().amax() if len(state.running_B) else 0) > negligible:
        if most is not None and steps >= most:
            return
        state = step(program, lines, state, budget_B, temperature)
        steps += 1
        yield state


def hard_start(program: Program, batch: Sequence[list[Value]]) -> DenseState:
    """One-hot start states of hard arguments."""
    state = blank(program, len(batch), torch.zeros(()))
    words = 1 << program.sizes.width
    registers, memory, hp = state.registers_BRN.clone(), state.memory_BMN.clone(), torch.zeros_like(state.hp_BH)
    for row, arguments in enumerate(batch):
        program.check_arguments(arguments)
        heap, register = 0, 0
        for value in arguments:
            for word in [heap % words, len(value)] if isinstance(value, list) else [value]:
                registers[row, register] = one_hot(torch.tensor(word), words)
                register += 1
            for word in value if isinstance(value, list) else []:
                memory[row, heap] = one_hot(torch.tensor(word), words)
                heap += 1
        hp[row, heap] = 1
    return replace(state, registers_BRN=registers, memory_BMN=memory, hp_BH=hp)


def run(program: Program, batch: Sequence[list[Value]], budget: int = DEFAULT_BUDGET) -> list[Result]:
    """Hard runs through the differentiable step. Raises CapacityError when that is too large."""
    check(program)
    capacity(program, len(batch))
    fields_, steps_B = hard_fields(program), torch.zeros(len(batch))
    last = hard_start(program, batch)
    with torch.no_grad():
        for state in states(program, fields_, last, budget):
            steps_B, last = steps_B + state.running_B, state
    return [_result(program, plain(program, last, row), int(steps_B[row])) for row in range(len(batch))]


def trace(program: Program, arguments: list[Value], budget: int = DEFAULT_BUDGET) -> list[State]:
    """Every state of one hard run, as plain values."""
    return list(walk(program, arguments, budget))


@torch.no_grad()
def walk(program: Program, arguments: list[Value], budget: int = DEFAULT_BUDGET) -> Iterator[State]:
    """The states of `trace`, each as it is reached."""
    check(program)
    capacity(program, 1)
    for state in states(program, hard_fields(program), hard_start(program, [arguments]), budget):
        yield plain(program, state)


def plain(program: Program, state: DenseState, row: int = 0) -> State:
    """One sample's hard state. Raises ArithmeticError when a component is not one-hot to the bit."""
    for part in fields(DenseState):
        values = getattr(state, part.name)[row]
        if part.name[-1] != "B" and not is_onehot(values):
            raise ArithmeticError(f"{part.name} of a hard run is not one-hot")
    sizes = program.sizes
    frame = tuple(state.frame_BFN[row].argmax(-1).tolist())
    height = int(state.sp_BS[row].argmax())
    levels = zip(
        state.stack_pc_BDL[row].argmax(-1).tolist(), state.stack_fp_BDP[row].argmax(-1).tolist(),
        state.stack_hp_BDH[row].argmax(-1).tolist(),
    )  # fmt: skip
    return State(
        int(state.pc_BX[row].argmax()) % len(program.code),
        tuple(state.registers_BRN[row].argmax(-1).tolist()),
        tuple(state.memory_BMN[row].argmax(-1).tolist()),
        int(state.hp_BH[row].argmax()),
        frame + (0,) * (sizes.frame - len(frame)),
        int(state.fp_BP[row].argmax()),
        tuple(levels)[:height],
        int(state.ticks_B[row]),
        bool(state.running_B[row] == 0),
        int(state.trap_BT[row].argmax()),
    )


def is_onehot(values: Tensor) -> bool:
    """Every vector along the last dimension of (…, N) has one 1, and exact zeros beside it."""
    return bool((((values == 0) | (values == 1)).all(-1) & (values.sum(-1) == 1)).all())


def _result(program: Program, state: State, steps: int) -> Result:
    if state.trap:
        place = program.positions[state.pc] if program.positions else None
        return Result(None, state.ticks, steps, TrapReport(Trap(state.trap), place))
    value: Value = state.registers[0]
    if program.signature.result == "array":
        value = list(state.memory[state.registers[0] : state.registers[0] + state.registers[1]])
    return Result(value, state.ticks, steps)


__all__ = [
    "DenseState", "Reach", "blank", "capacity", "hard_start", "is_onehot", "lines_of", "plain", "run", "states",
    "step", "trace",
]  # fmt: skip
