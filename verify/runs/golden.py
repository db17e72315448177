"""Golden → spec: what hand-worked examples say, asked of the reference interpreter.

Word ops bring their examples in their own rows. The others have theirs here: a line or two of machine code, with the
state that it must leave behind, worked out on paper from the prose of the row. A misreading that spec and circuit share
would be caught by these alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ncl.language.interpret.machine import Machine
from ncl.language.opcodes import OPERANDS, Opcode, Trap
from ncl.language.ops import OPS, Op
from ncl.language.program import Instruction, Program, Signature, Sizes
from ncl.verify.engine.counterexample import Replayed
from ncl.verify.engine.obligation import Obligation, Outcome

# W = 4, so N = 16; four registers, six cells, four frame slots, two calls deep.
_SIZES = Sizes(width=4, registers=4, memory=6, frame=4, depth=2)


@dataclass(frozen=True)
class Case:
    """Parts of the state before and after one step of one instruction; what `after` leaves out must stay as it was."""

    operands: tuple[int, ...]
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    trap: Trap | None = None


_REGISTERS = [3, 5, 1, 15]
_CELLS = [10, 11, 12, 13, 14, 15]
_FRAMES = [6, 7, 8, 9]

CASES: dict[Opcode, tuple[Case, ...]] = {
    Opcode.HALT: (Case((), {"pc": 2}, {"halted": True}),),
    Opcode.TRAP: (Case((5,), {"pc": 2}, trap=Trap.ASSERT), Case((1,), trap=Trap.DIVISION)),
    Opcode.TICK: (
        Case((), {"ticks": 3, "budget": 5}, {"ticks": 4, "pc": 1}),
        Case((), {"ticks": 4, "budget": 5}, {"ticks": 5, "pc": 1}),
        Case((), {"ticks": 5, "budget": 5}, trap=Trap.BUDGET),
    ),
    Opcode.JUMP: (Case((7,), {"pc": 2}, {"pc": 7}),),
    Opcode.JUMP_ZERO: (
        Case((1, 7), {"pc": 2, "registers": [3, 0, 1, 15]}, {"pc": 7}),
        Case((0, 7), {"pc": 2, "registers": [3, 0, 1, 15]}, {"pc": 3}),
    ),
    Opcode.JUMP_NONZERO: (
        Case((1, 7), {"pc": 2, "registers": [3, 0, 1, 15]}, {"pc": 3}),
        Case((0, 7), {"pc": 2, "registers": [3, 0, 1, 15]}, {"pc": 7}),
    ),
    Opcode.CALL: (
        Case((7, 2), {"pc": 2, "hp": 4}, {"pc": 7, "fp": 2, "calls": [(3, 0, 4)]}),
        Case(
            (7, 2),
            {"pc": 5, "hp": 6, "fp": 2, "calls": [(3, 0, 4)]},
            {"pc": 7, "fp": 4, "calls": [(3, 0, 4), (6, 2, 6)]},
        ),
        Case((7, 0), {"calls": [(3, 0, 4), (6, 2, 6)]}, trap=Trap.STACK),  # two calls are open already
        Case((7, 3), {"fp": 2}, trap=Trap.STACK),  # 2 + 3 is past the four slots
    ),
    Opcode.RETURN: (
        Case((0,), {"pc": 7, "hp": 6, "fp": 2, "calls": [(3, 0, 4)]}, {"pc": 3, "hp": 4, "fp": 0, "calls": []}),
        Case((1,), {"pc": 7, "hp": 6, "fp": 2, "calls": [(3, 0, 4)]}, {"pc": 3, "fp": 0, "calls": []}),
        Case((0,), {"pc": 7}, trap=Trap.STACK),
    ),
    Opcode.CONSTANT: (Case((2, 9), {"pc": 1}, {"pc": 2, "registers": [3, 5, 9, 15]}),),
    Opcode.MOVE: (Case((2, 1), {}, {"pc": 1, "registers": [3, 5, 5, 15]}),),
    Opcode.LOAD: (
        Case((0, 0, 2), {}, {"pc": 1, "registers": [14, 5, 1, 15]}),  # cell 3 + 1
        Case((1, 0, 3), {}, {"pc": 1, "registers": [3, 12, 1, 15]}),  # cell 3 + 15 = 18, which wraps to 2
        Case((0, 1, 2), {}, trap=Trap.INDEX),  # cell 5 + 1 is past the six
    ),
    Opcode.STORE: (
        Case((1, 0, 2), {}, {"pc": 1, "cells": [10, 11, 12, 13, 5, 15]}),
        Case((0, 0, 3), {}, {"pc": 1, "cells": [10, 11, 3, 13, 14, 15]}),
        Case((0, 1, 2), {}, trap=Trap.INDEX),
    ),
    Opcode.LOAD_FRAME: (
        Case((0, 1), {"fp": 2}, {"pc": 1, "registers": [9, 5, 1, 15]}),
        Case((0, 2), {"fp": 2}, trap=Trap.INVALID),
    ),
    Opcode.STORE_FRAME: (
        Case((3, 1), {"fp": 2}, {"pc": 1, "frames": [6, 7, 8, 15]}),
        Case((3, 2), {"fp": 2}, trap=Trap.INVALID),
    ),
    Opcode.ALLOCATE: (
        Case((1, 0), {"hp": 2}, {"pc": 1, "hp": 5, "registers": [3, 2, 1, 15]}),
        Case((1, 0), {"hp": 3}, {"pc": 1, "hp": 6, "registers": [3, 3, 1, 15]}),  # the last three cells
        Case((1, 0), {"hp": 4}, trap=Trap.MEMORY),
    ),
    Opcode.BOUND: (
        Case((0, 1), {}, {"pc": 1}),
        Case((1, 1), {}, trap=Trap.INDEX),
        Case((3, 1), {}, trap=Trap.INDEX),  # 15 is large, not negative
    ),
}


def obligations() -> tuple[Obligation, ...]:
    """One for each row of the op table."""
    return tuple(
        Obligation(f"golden/{op.mnemonic}", op.mnemonic, "golden", "ncl.verify.runs.golden:check", (int(op),))
        for op in Opcode
    )


def check(number: int) -> Outcome:
    """All examples of one row. `vacuous` when it has none."""
    row = OPS[Opcode(number)]
    faults = _word_faults(row) if row.word else _case_faults(row)
    count = len(row.examples) if row.word else len(CASES.get(row.opcode, ()))
    method = "hand-worked examples through the reference interpreter"
    if not count:
        return Outcome("vacuous", method, detail="the row has no example")
    if faults:
        return Outcome(
            "refuted", method, detail="; ".join(faults), counterexample={"schema": 1, "kind": "golden", "op": number}
        )
    bound = f"{count} example{'s' * (count > 1)}"
    return Outcome("tested", method, bound=bound, limits={"examples": count})


def replay(case: Mapping[str, Any]) -> Replayed:
    """The row's examples once more."""
    outcome = check(int(case["op"]))
    what = f"hand-worked examples of {Opcode(case['op']).mnemonic}"
    return Replayed(outcome.verdict != "tested", what, "every example as worked by hand", outcome.detail or "that")


def _machine(row: Op, operands: tuple[int, ...], sizes: Sizes) -> Machine:
    instruction = Instruction(row.opcode, *operands)
    program = Program("golden", Signature((), "word"), sizes, (instruction,) * 8)
    return Machine(program, 100, [0] * sizes.registers, [0] * sizes.memory, [0] * sizes.frame)


def _word_faults(row: Op) -> list[str]:
    """Operands stand in registers 1 and 2, the result comes into 0."""
    faults = []
    for width, words, expected in row.examples:
        sizes = Sizes(width=width, registers=4, memory=0, frame=0, depth=0)
        machine = _machine(row, (0, 1, 2)[: len(OPERANDS[row.opcode])], sizes)
        machine.registers[1 : 1 + len(words)] = words
        machine.step()
        got = None if machine.trap == Trap.DIVISION else machine.registers[0]
        if got != expected or (machine.trap and machine.trap != Trap.DIVISION):
            faults.append(f"{row.opcode.mnemonic}{words} at width {width} is {expected} by hand, {got} by the spec")
    return faults


def _case_faults(row: Op) -> list[str]:
    faults = []
    for number, case in enumerate(CASES.get(row.opcode, ())):
        machine = _machine(row, case.operands, _SIZES)
        machine.registers, machine.cells, machine.frames = [*_REGISTERS], [*_CELLS], [*_FRAMES]
        for name, value in case.before.items():
            setattr(machine, name, list(value) if isinstance(value, list) else value)
        expected = _visible(machine)
        expected.update(case.after)
        if case.trap:
            expected.update(trap=int(case.trap), halted=True)
        machine.step()
        got = _visible(machine)
        faults += [
            f"{row.opcode.mnemonic} example {number}: {name} is {expected[name]} by hand, {got[name]} by the spec"
            for name in expected
            if expected[name] != got[name]
        ]
    return faults


def _visible(machine: Machine) -> dict[str, Any]:
    names = ("pc", "registers", "cells", "frames", "calls", "hp", "fp", "ticks", "halted", "trap")
    return {n: list(v) if isinstance(v := getattr(machine, n), list) else v for n in names}
