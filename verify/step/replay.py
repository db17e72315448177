"""Counterexamples of the step: from the solver's model to a concrete state that two steps part on.

The model is asked for small sizes, read into tensors, mended where it says nothing (cells that no premise was filed
for), and then stepped by the torch graph and by the reference machine. Only what differs there counts. Called by
`check`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import torch
import z3
from torch import Tensor

from ncl.language.interpret.machine import Machine
from ncl.language.opcodes import OPERANDS, Opcode
from ncl.language.program import Instruction, Program, Signature, Sizes
from ncl.language.trace import State, first_divergence
from ncl.language.wellformed import violations
from ncl.machine.state import Code, Limits, MachineState, plain
from ncl.machine.step import INPUTS
from ncl.verify.engine.counterexample import SCHEMA, Replayed
from ncl.verify.engine.solvers import ask_z3
from ncl.verify.smt.lifted import Term, number
from ncl.verify.step.inputs import TRUE_SIZES, letters_of
from ncl.verify.step.lifting import Lifting

SECONDS = 30.0  # of search; spent only where nothing is found
# Largest sizes to look among, smallest first: (B, L, R, M, F, D).
_ROOM = ((2, 3, 4, 4, 3, 3), (3, 8, 16, 64, 16, 8), (4, 300, 300, 300, 300, 300))


def find(lifting: Lifting, component: str, wanted: Sequence[Term]) -> dict[str, Any] | None:
    """JSON data of a state on which the graph and the reference machine differ, or None when none could be made."""
    end = time.monotonic() + SECONDS
    for room in _ROOM:
        small = [lifting.inputs.size(s) <= number(n) for s, n in zip("BLRMFD", room)]
        tame = [z3.ULT(lifting.inputs.functions[n](*_probes(lifting, n)), number(64)) for n in ("ticks_B", "budget_B")]
        for extra in ([*small, *tame], small):
            for exact in (False, True):
                if time.monotonic() > end:
                    return None
                case = _case(lifting, component, [*lifting.premises, *wanted, *extra], exact)
                if case is not None:
                    return case
    return None


def _probes(lifting: Lifting, name: str) -> list[Term]:
    return [lifting.inputs.probe(letter) for letter in letters_of(name)]


def _case(lifting: Lifting, component: str, terms: Sequence[Term], exact: bool) -> dict[str, Any] | None:
    if exact:
        terms = [z3.substitute_funs(term, *lifting.arithmetic.exact()) for term in terms]
    answer = ask_z3(terms, SECONDS / 3)
    if answer.model is None:
        return None
    case = _read(lifting, answer.model)
    case["component"] = component
    seen = replay(case, lifting.graph)
    if not seen.reproduced:
        return None
    case |= {"expected": seen.expected, "got": seen.got}
    return case


def _read(lifting: Lifting, model: Any) -> dict[str, Any]:
    """A state and a program from the model, mended to be in range where it left cells open."""
    inputs = lifting.inputs

    def value(term: Term) -> int:
        got = model.eval(term, model_completion=True)
        return int(z3.is_true(got)) if z3.is_bool(got) else got.as_signed_long()

    sizes = {letter: value(inputs.size(letter)) for letter in inputs.letters}
    raw: dict[str, Any] = {}
    for name in INPUTS:
        shape = [sizes[letter] for letter in letters_of(name)]
        function = inputs.functions[name]
        words = inputs.width if name in ("registers_BR", "memory_BM", "frame_BF") else 0
        cells = [value(function(*map(number, i))) for i in product(*map(range, shape))]
        raw[name] = _shaped([c % (1 << words) if words else c for c in cells], shape)
    sample = value(inputs.probe("B"))
    _mend(raw, sizes, inputs.width)
    pc = raw["pc_B"][sample]
    line = [raw[name][pc] for name in Code._fields]
    known = line[0] in OPERANDS
    return {
        "schema": SCHEMA,
        "kind": "step",
        "width": inputs.width,
        "sizes": sizes,
        "inputs": raw,
        "sample": sample,
        "pc": pc,
        "instruction": " ".join([Opcode(line[0]).mnemonic if known else str(line[0]), *map(str, line[1:])]),
    }


def _shaped(cells: list[int], shape: list[int]) -> Any:
    if not shape:
        return cells[0]
    if len(shape) == 1:
        return cells
    return [cells[row * shape[1] : (row + 1) * shape[1]] for row in range(shape[0])]


def _mend(raw: dict[str, Any], sizes: dict[str, int], width: int) -> None:
    """Cells that no premise speaks of may hold anything: put what breaks a range back to 0, such lines to HALT."""
    lines, top = sizes["L"], 1 << 62
    bound = {
        "pc_B": lines, "hp_B": raw["memory_size"] + 1, "fp_B": raw["frame_size"] + 1, "stack_pc_BD": lines,
        "stack_fp_BD": raw["frame_size"] + 1, "stack_hp_BD": raw["memory_size"] + 1, "sp_B": raw["depth"] + 1,
        "ticks_B": top, "budget_B": top, "trap_B": 8,
    }  # fmt: skip
    for name, limit in bound.items():
        raw[name] = _within(raw[name], limit)
    for sample, halted in enumerate(raw["halted_B"]):
        raw["trap_B"][sample] *= halted
    for line in range(lines):
        row = Instruction(*(raw[name][line] for name in Code._fields))
        if not _fine(row, line, raw, sizes, width):
            for name in Code._fields:
                raw[name][line] = 0


def _within(cells: Any, limit: int) -> Any:
    return [_within(c, limit) for c in cells] if isinstance(cells, list) else cells if 0 <= cells < limit else 0


def _fine(row: Instruction, line: int, raw: dict[str, Any], sizes: dict[str, int], width: int) -> bool:
    if row.opcode not in OPERANDS:
        return all(0 <= operand < 1 << 62 for operand in (row.a, row.b, row.c))
    ends = Instruction(int(Opcode.HALT))
    code = [ends] * sizes["L"]
    code[line] = row
    # A lone line that jumps to itself has no tick; what matters here is only where its operands point.
    whole = ("without a tick", "frames need")
    return all(any(w in told for w in whole) for told in violations(_program(raw, sizes, width, code)))


def _program(raw: Mapping[str, Any], sizes: Mapping[str, int], width: int, code: Sequence[Instruction]) -> Program:
    memory, frame, depth = (int(raw[name]) for name in TRUE_SIZES)
    machine = Sizes(width, sizes["R"], min(memory, 1 << width), frame, depth)
    return Program("counterexample", Signature((), "word"), machine, tuple(code))


# --- running again ---------------------------------------------------------------------------------------------------


def replay(case: Mapping[str, Any], stepped: Any) -> Replayed:
    """Step the state by a torch step and by the reference machine, every sample of it."""
    raw, sizes, width = case["inputs"], case["sizes"], int(case["width"])
    tensors = [_tensor(name, raw[name]) for name in INPUTS]
    cut, end = len(Code._fields), len(Code._fields) + len(MachineState._fields)
    state, limits = MachineState(*tensors[cut:end]), Limits(*tensors[end:])
    code = [Instruction(*row) for row in zip(*(raw[name] for name in Code._fields), strict=True)]
    program = _program(raw, sizes, width, code)
    expected = [_reference(program, state, limits, sample) for sample in range(sizes["B"])]
    what = f"one step of {case['instruction']} at width {width}"
    try:
        after = MachineState(*stepped(*tensors))
        got = [plain(program, after, sample) for sample in range(sizes["B"])]
    except (RuntimeError, IndexError) as fault:
        return Replayed(True, what, "a state", f"{type(fault).__name__}: {fault}".splitlines()[0])
    for sample, (mine, theirs) in enumerate(zip(expected, got, strict=True)):
        if parted := first_divergence([mine], [theirs]):
            name = f"sample {sample}, {parted.component}"
            return Replayed(True, f"{what}: {name}", str(parted.expected), str(parted.got))
    return Replayed(False, what, "the same state", "the same state")


def _tensor(name: str, cells: Any) -> Tensor:
    return torch.tensor(cells, dtype=torch.bool if name == "halted_B" else torch.int64)


def _reference(program: Program, state: MachineState, limits: Limits, sample: int) -> State:
    before = plain(program, state, sample)
    machine = Machine(
        program, int(limits.budget_B[sample]), list(before.registers), list(before.memory), list(before.frame),
        list(before.stack), before.pc, before.hp, before.fp, before.ticks, 0, before.halted, before.trap,
    )  # fmt: skip
    machine.step()
    return machine.state()
