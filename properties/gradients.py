"""Checks of gradients, in float64: what autograd says is how the outputs change.

`torch.autograd.gradcheck` compares backward passes with differences of forward passes, for every one-hot op circuit,
for pathwise replays and for dense runs of a fixed number of steps. And where neither control nor addresses depend on
data, pathwise and dense compute the same thing in two ways, so their values and gradients must be equal.

Legend: P pairs, N words, I inputs, O outputs.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd.gradcheck import GradcheckError, gradcheck
from torch.nn.functional import pad

from ncl.language.opcodes import UNARY, Opcode
from ncl.language.program import Program
from ncl.machine.circuits import onehot
from ncl.machine.dataflow import extract
from ncl.machine.executors import dense
from ncl.machine.executors.dense_step import COMPONENTS, lines_of
from ncl.machine.executors.pathwise import replay
from ncl.machine.fields import Fields, hard_fields
from ncl.machine.temperature import Temperature
from ncl.properties.failure import Failed
from ncl.properties.relaxation import ROUNDING, SOFT, SOFT_BUDGET, Replay, Soft, inputs, soft_start
from ncl.properties.strategies import hardened, soft_text

STEPS = 30  # of a dense run whose gradient is compared with differences
LONG = 150  # of one whose gradient is compared with pathwise, once
# Central differences over 1e-6 of products of up to some hundred inputs are off by the cube of that number.
DIFFERENCES = {"atol": 1e-5, "rtol": 1e-3}
Circuit = Callable[..., Tensor]


def check_circuit(opcode: Opcode, x_PN: Tensor, y_PN: Tensor, circuit: Circuit | None = None) -> None:
    """The circuit's gradients are those of its values, on any non-negative float64 vectors."""
    run = circuit or onehot.CIRCUITS[opcode]
    operands = [x_PN] if opcode in UNARY else [x_PN, y_PN]
    what = f"{opcode.mnemonic} of {', '.join(str(o.tolist()) for o in operands)}"
    _gradcheck(what, run, [o.detach().clone().requires_grad_() for o in operands])


def check_pathwise(program: Program, soft: Soft, play: Replay = replay) -> None:
    """The gradient of a replay's outputs is that of their values, for inputs of mass 1."""
    width = program.sizes.width
    _, graph = extract(program, [hardened(soft)], SOFT_BUDGET)
    inputs_IN = inputs(soft, 1 << width)
    if len(inputs_IN):
        _gradcheck(_called(program, soft), lambda i: play(graph, _normal(i), width), [inputs_IN.requires_grad_()])


def check_dense(program: Program, soft: Soft, temperature: Temperature = SOFT, steps: int = STEPS) -> None:
    """The gradient of the whole state after some steps is that of its values, along random directions of mass 1."""
    inputs_IN = inputs(soft, 1 << program.sizes.width)
    if not len(inputs_IN):
        return
    steps = min(steps, _length(program, soft, temperature))
    memory = hard_fields(program, torch.float64)

    def final(given_IN: Tensor) -> Tensor:
        start_IN = temperature.of_distribution(_normal(given_IN))
        values_X = flat(dense_run(program, memory, soft_start(program, soft, start_IN), steps, temperature))
        # A few sums in which every entry has a weight of its own.
        return torch.stack([(values_X * torch.arange(1.0, len(values_X) + 1).pow(power)).sum() for power in (0.3, 0.5)])

    _gradcheck(_called(program, soft), final, [inputs_IN.requires_grad_()], fast=True)


def _normal(inputs_IN: Tensor) -> Tensor:
    """With mass 1. Otherwise every op would square what is missing, and differences would drown in it."""
    return inputs_IN / inputs_IN.sum(-1, keepdim=True)


def dense_run(
    program: Program, memory: Fields, start: dense.DenseState, steps: int, temperature: Temperature = SOFT
) -> dense.DenseState:
    """The state after a fixed number of steps, halted or not: nothing in it jumps when an input moves a little."""
    lines, budget_B = lines_of(program, memory), torch.full_like(start.ticks_B, SOFT_BUDGET)
    for _ in range(steps):
        start = dense.step(program, lines, start, budget_B, temperature)
    return start


def flat(state: dense.DenseState) -> Tensor:
    """All of a state in one vector."""
    return torch.cat([getattr(state, name).reshape(-1) for name in (*COMPONENTS, "ticks_B")])


def _length(program: Program, soft: Soft, temperature: Temperature) -> int:
    """How many steps until the soft run has halted."""
    start = soft_start(program, soft, temperature.of_distribution(inputs(soft, 1 << program.sizes.width)))
    with torch.no_grad():
        memory = hard_fields(program, torch.float64)
        return sum(1 for _ in dense.states(program, memory, start, SOFT_BUDGET, temperature, STEPS))


# --- pathwise = dense ------------------------------------------------------------------------------------------------


def check_pathwise_is_dense(program: Program, soft: Soft, play: Replay = replay, steps: int = LONG) -> bool:
    """Pathwise and dense give the same outputs, and the same gradients as mass moves between the words of an input.

    They must where control and addresses do not depend on data: where every pc, pointer and address of the dense run is
    one-hot and nothing trapped. False where that is not so, or the run takes more steps than requested. A word without
    mass could still have branched or trapped, and so no mass is moved to one.
    """
    width = program.sizes.width
    results, graph = extract(program, [hardened(soft)], SOFT_BUDGET)
    length = _untouched_by_data(program, soft, steps)
    if length is None or results[0].trap is not None:
        return False
    inputs_IN = inputs(soft, 1 << width).requires_grad_()
    start, memory = soft_start(program, soft, inputs_IN), hard_fields(program, torch.float64)
    truth_ON = _outputs(program, dense_run(program, memory, start, length))
    outputs_ON = play(graph, inputs_IN, width)
    outputs_ON = pad(outputs_ON, (0, (1 << width) - outputs_ON.shape[1]))
    _close(f"{_called(program, soft)}, values", truth_ON, outputs_ON)
    # Every output entry pulls with a different strength, so that no two errors cancel.
    pull_ON = torch.arange(1.0, truth_ON.numel() + 1, dtype=torch.float64).reshape(truth_ON.shape).sqrt()
    truth_IN, got_IN = (_gradient(output, inputs_IN, pull_ON) for output in (truth_ON, outputs_ON))
    _close(f"{_called(program, soft)}, gradients", truth_IN, got_IN)
    return True


def _gradient(outputs_ON: Tensor, inputs_IN: Tensor, pull_ON: Tensor) -> Tensor:
    """How the outputs change with mass that moves between an input's words, each against their mean."""
    found = None
    if outputs_ON.requires_grad and len(inputs_IN):
        found = torch.autograd.grad(outputs_ON, inputs_IN, pull_ON, allow_unused=True)[0]
    if found is None:
        return torch.zeros_like(inputs_IN)
    held_IN = (inputs_IN > 0).to(found.dtype)
    return (found - (found * held_IN).sum(-1, keepdim=True) / held_IN.sum(-1, keepdim=True)) * held_IN


def _untouched_by_data(program: Program, soft: Soft, most: int) -> int | None:
    """The steps of a dense run whose pc, pointers and addresses were hard throughout; None for any other."""
    start = soft_start(program, soft, inputs(soft, 1 << program.sizes.width))
    memory = hard_fields(program, torch.float64)
    length = -1
    with torch.no_grad():
        for state in dense.states(program, memory, start, SOFT_BUDGET, SOFT, most):
            control = (state.pc_BX, state.hp_BH, state.fp_BP, state.sp_BS, state.trap_BT)
            if not all(map(_hard, control)) or not _hard_address(program, state):
                return None
            length += 1
    array = program.signature.result == "array"
    if float(state.running_B) > ROUNDING or (array and not _hard(state.registers_BRN[0, :2])):
        return None
    return length if int(state.trap_BT.argmax()) == 0 else None


def _hard(values_N: Tensor) -> bool:
    """One-hot but for rounding: the masses that make up a pc's 1 were multiplied on their way."""
    return not values_N.numel() or float(values_N.amax(-1).min()) > 1 - ROUNDING


def _outputs(program: Program, state: dense.DenseState) -> Tensor:
    if program.signature.result == "word":
        return state.registers_BRN[0, :1]
    base, length = state.registers_BRN[0, :2].argmax(-1).tolist()
    return state.memory_BMN[0, base : base + length]


def _hard_address(program: Program, state: dense.DenseState) -> bool:
    """Whether the registers that the next instruction takes as an address, or compares with a length, are hard."""
    instruction = program.code[int(state.pc_BX.argmax()) % len(program.code)]
    match instruction.opcode:
        case Opcode.LOAD | Opcode.STORE:
            used = [instruction.b, instruction.c]
        case Opcode.ALLOCATE:
            used = [instruction.b]
        case Opcode.BOUND:
            used = [instruction.a, instruction.b]
        case _:
            return True
    return _hard(state.registers_BRN[0, used])


def _close(what: str, truth_XN: Tensor, got_XN: Tensor) -> None:
    truth_XN, got_XN = truth_XN.detach(), got_XN.detach()
    if truth_XN.shape != got_XN.shape:
        raise Failed(what, f"shape {tuple(truth_XN.shape)} (dense)", f"{tuple(got_XN.shape)} (pathwise)")
    off_XN = (truth_XN - got_XN).abs() - ROUNDING * (1 + truth_XN.abs())
    if off_XN.numel() and float(off_XN.max()) > 0:
        place = tuple(int(i) for i in (off_XN == off_XN.max()).nonzero()[0])
        mine, theirs = float(truth_XN[place]), float(got_XN[place])
        raise Failed(f"{what}, entry {list(place)}", f"{mine:.9g} (dense)", f"{theirs:.9g} (pathwise)")


# --- differences -----------------------------------------------------------------------------------------------------


def _gradcheck(what: str, function: Circuit, given: list[Tensor], fast: bool = False) -> None:
    if not torch.is_grad_enabled():
        raise RuntimeError("a gradient was to be checked where none is computed")
    if not function(*given).requires_grad:
        return  # no input reaches an output
    try:
        gradcheck(function, given, fast_mode=fast, check_undefined_grad=False, **DIFFERENCES)
    except GradcheckError as fault:
        raise Failed(f"the gradient of {what}", "that of the values", _first_lines(str(fault))) from None


def _first_lines(text: str) -> str:
    """gradcheck's own words without its advice."""
    return " ".join(line.strip() for line in text.splitlines() if line.strip())[:400]


def _called(program: Program, soft: Soft) -> str:
    return f"{program.name}({', '.join(soft_text(soft))}) at width {program.sizes.width}"
