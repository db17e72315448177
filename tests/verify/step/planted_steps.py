"""The step's own source text with a fault in it, loaded under another name: what the step proof has to notice."""

# The rows quote source text, whole.
# ruff: noqa: E501

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import ncl.machine.circuits.integer as integer
import ncl.machine.step as machine_step
from ncl.verify.step.check import Lifting, build


@dataclass(frozen=True)
class Planted:
    """`file` is "step" or "integer"; `part` names the component, or the check, by which the fault must be found."""

    name: str
    file: str
    old: str
    new: str
    part: str
    width: int = 8


FAULTS = (
    Planted("the last cell of memory is one too far", "step", "address_B >= limits", "address_B > limits", "trap"),
    Planted("the budget is one tick too long", "step", "state.ticks_B >= limits", "state.ticks_B > limits", "trap"),
    Planted("the last cell cannot be allocated", "step", "heap_B > limits", "heap_B >= limits", "trap"),
    Planted("an index may be the length", "step", "ra_B >= rb_B", "ra_B > rb_B", "trap"),
    Planted("the last frame cannot be entered", "step", "(slot_B > limits", "(slot_B >= limits", "trap"),
    Planted("a negative opcode is no fault", "step", "(opcode_B < 0) | (opcode_B >", "(opcode_B >", "trap"),
    Planted("halted samples go on", "step", "~state.halted_B & (trap_B == 0)", "trap_B == 0", "registers"),
    Planted("a halted sample's trap is forgotten", "step", "torch.where(state.halted_B, state.trap_B, trap_B)", "trap_B", "trap"),
    Planted("a trap does not halt", "step", "state.halted_B | (trap_B != 0) |", "state.halted_B |", "halted"),
    Planted("calls return to themselves", "step", "top_B, state.pc_B + 1, calls_B", "top_B, state.pc_B, calls_B", "stack"),
    Planted("the wrong flag keeps the heap", "step", "& (a_B == 0), _read", "& (a_B != 0), _read", "hp"),
    Planted("a return reads above the stack", "step", "0, state.sp_B - 1)", "0, state.sp_B)", "pc"),
    Planted("a heap pointer of N is no word", "step", "ALLOCATE: state.hp_B & ((1 << width) - 1)", "ALLOCATE: state.hp_B", "registers", 4),
    Planted("sample 0 lends its frame pointer", "step", "slot_B = state.fp_B + b_B", "slot_B = torch.gather(state.fp_B, 0, state.pc_B * 0) + b_B", "frame"),
    Planted("store writes register b", "step", "_write(state.memory_BM, cell_B, ra_B", "_write(state.memory_BM, cell_B, rb_B", "memory"),
    Planted("branches are crossed", "step", "at[Opcode.JUMP_ZERO] & (ra_B == 0)", "at[Opcode.JUMP_ZERO] & (ra_B != 0)", "pc"),
    Planted("an empty stack is read below 0", "step", "state.sp_B == 0", "state.sp_B < 0", "trap"),
    Planted("reading the stack's cell -1", "step", "torch.where(empty_B, 0, state.sp_B - 1)", "state.sp_B - 1", "side-conditions"),
    Planted("a sum is not cut", "integer", "return (x + y) & ((1 << width) - 1)", "return x + y", "registers"),
    Planted("half of the low half", "integer", "x & 65535", "x & 32767", "registers", 32),
    Planted("the high half is put too low", "integer", "high * 65536", "high * 32768", "registers", 32),
    Planted("quotients are crossed", "integer", "return x // (y + (y == 0) * 1)", "return y // (x + (x == 0) * 1)", "registers"),
    Planted("a shift by W does something", "integer", "within = (y < width) * 1\n    return (x >>", "within = (y < width - 1) * 1\n    return (x >>", "registers"),
    Planted("less is at most", "integer", "return (x < y) * 1", "return (x <= y) * 1", "registers"),
    Planted("zero is not zero", "integer", "return (x == 0) * 1", "return (x != 0) * 1", "registers"),
)  # fmt: skip

# Not wrong on every input, but not understood: `unknown`, never green.
STOPPED = (
    Planted("a condition on a size", "step", "    registers = state.registers_BR.shape[1]", "    registers = state.registers_BR.shape[1]\n    c_B = c_B + 1 if state.memory_BM.shape[1] > 100 else c_B", "registers"),
    Planted("a size that is assumed", "step", "    registers = state.registers_BR.shape[1]", "    registers = state.registers_BR.shape[1]\n    torch._check(state.memory_BM.shape[1] > 2)", "registers"),
    Planted("a write in place that is not used", "step", "    ra_B = _read", "    target_B.clone().add_(1)\n    ra_B = _read", "pc"),
    Planted("a write in place on an input", "step", "    ra_B = _read", "    state.ticks_B.add_(0)\n    ra_B = _read", "pc"),
    Planted("a tensor that is closed over", "step", "    ra_B = _read", "    target_B = target_B + torch.tensor([0])\n    ra_B = _read", "pc"),
    Planted("comparisons stay bool", "integer", "return (x < y) * 1", "return x < y", "registers"),
    Planted("division in floats", "integer", "return x // (y + (y == 0) * 1)", "return (x / (y + (y == 0) * 1)).long()", "registers"),
    Planted("sums in 32 bits", "step", "heap_B = state.hp_B + rb_B", "heap_B = (state.hp_B.int() + rb_B.int()).long()", "hp"),
    Planted("a product that wraps", "integer", "    low = (x & 65535) * y", "    return (x * y) & ((1 << width) - 1)\n    low = (x & 65535) * y", "registers", 32),
)  # fmt: skip

# Other text, same meaning: still proved.
RIGHT = (
    Planted("a sum the other way round", "step", "heap_B = state.hp_B + rb_B", "heap_B = rb_B + state.hp_B", "hp"),
    Planted("a difference cut without N", "integer", "(x - y + (1 << width))", "(x - y)", "registers"),
    Planted("a dead node", "step", "    ra_B = _read", "    dead_B = target_B + 1\n    ra_B = _read", "registers"),
)


def planted_step(fault: Planted) -> ModuleType:
    """A module like `ncl.machine.step` with the fault in it, in its own text or in its circuits'."""
    text = {"step": _text(machine_step), "integer": _text(integer)}
    old, new = fault.old, fault.new
    assert text[fault.file].count(old) == 1, f"{fault.name}: {old!r} occurs {text[fault.file].count(old)} times"
    text[fault.file] = text[fault.file].replace(old, new)
    circuits = _load("planted_integer", text["integer"])
    sys.modules[circuits.__name__] = circuits
    try:
        return _load("planted_step", text["step"].replace(integer.__name__, circuits.__name__))
    finally:
        del sys.modules[circuits.__name__]


def planted_lifting(fault: Planted) -> Lifting:
    """Raises NoRule."""
    return build(planted_step(fault).traced(fault.width), fault.width)


def _text(module: ModuleType) -> str:
    assert module.__file__
    return Path(module.__file__).read_text(encoding="utf-8")


def _load(name: str, text: str) -> ModuleType:
    module = ModuleType(name)
    exec(compile(text, name, "exec"), module.__dict__)
    return module
