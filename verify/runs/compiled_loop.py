"""The compiled loop, one instruction at a time: from arbitrary states it makes the reference machine's step.

Its word ops are enumerated through the compiled kernel (`ops.exhaustive`); control, memory, frames, calls and traps are
written out in the loop a second time beside the proved step, and are tested here: every opcode, and one that is none,
from random states within the machine's invariants, on machines of several widths and sizes. Called by `prove`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from ncl.language.interpret.machine import Machine
from ncl.language.opcodes import OPERANDS, Kind, Opcode, Trap
from ncl.language.program import Instruction, Program, Signature, Sizes
from ncl.language.trace import State, check_budget, first_divergence
from ncl.verify.engine.counterexample import SCHEMA, Replayed
from ncl.verify.engine.obligation import Obligation, Outcome

METHOD = "one instruction from random states against the reference machine"
SAMPLES = 60  # states for each machine
NONE = max(Opcode) + 1  # stands for every opcode outside the table
MACHINES = (
    Sizes(8, 4, 16, 6, 3),
    Sizes(4, 3, 16, 4, 2),  # as many cells as words
    Sizes(1, 2, 2, 1, 1),
    Sizes(16, 5, 0, 0, 0),  # neither memory nor frames nor calls
    Sizes(32, 5, 7, 3, 2),
)


def obligations() -> tuple[Obligation, ...]:
    """One for each opcode."""
    return tuple(
        Obligation(f"loop/{op.mnemonic}", op.mnemonic, "loop", "ncl.verify.runs.compiled_loop:check", (int(op),))
        for op in Opcode
    )


def check(opcode: int) -> Outcome:
    """One opcode; `HALT` brings those outside the table with it."""
    ends, count = set(), 0
    for sizes in MACHINES:
        dice = random.Random(f"{opcode}/{sizes}")
        for number in range(SAMPLES):
            chosen = NONE if opcode == Opcode.HALT and number % 8 == 0 else opcode
            machine = _machine(dice, sizes, chosen)
            case = _case(machine)
            seen = replay(case)
            if seen.reproduced:
                case |= {"expected": seen.expected, "got": seen.got}
                return Outcome("refuted", METHOD, detail=f"{seen.what}: {seen.got}", counterexample=case)
            count += 1
            if not machine.halted:
                machine.step()
                ends.add(machine.trap)
    if not ends - {0} if opcode == Opcode.TRAP else 0 not in ends:
        return Outcome("vacuous", METHOD, detail="no state was one that the instruction acts on")
    bound = f"{count} states on {len(MACHINES)} machines, W = {', '.join(str(s.width) for s in MACHINES)}"
    return Outcome("tested", METHOD, bound, vacuity=f"traps seen: {sorted(ends)}", limits={"samples": count})


# --- states ----------------------------------------------------------------------------------------------------------


def _machine(dice: random.Random, sizes: Sizes, opcode: int) -> Machine:
    """The reference machine in an arbitrary state within its invariants, at an instruction of this opcode."""
    top, lines = (1 << sizes.width) - 1, dice.randint(2, 9)

    def word() -> int:
        return dice.choice((0, 1, dice.randint(0, min(top, 8)), sizes.memory & top, top, dice.randint(0, top)))

    code = [Instruction(int(Opcode.HALT))] * lines
    pc = dice.randrange(lines - 1)
    code[pc] = _instruction(dice, opcode, sizes, lines)
    program = Program("loop", Signature((), "word"), sizes, tuple(code))
    calls = [
        (dice.randrange(lines), dice.randint(0, sizes.frame), dice.randint(0, sizes.memory))
        for _ in range(dice.choice((0, sizes.depth, dice.randint(0, sizes.depth))))
    ]
    budget = dice.choice((0, 3, 1 << 61))
    trap = dice.choice((0,) * 19 + (int(Trap.INDEX),))
    return Machine(
        program, budget, [word() for _ in range(sizes.registers)], [word() for _ in range(sizes.memory)],
        [word() for _ in range(sizes.frame)], calls, pc, dice.randint(0, sizes.memory), dice.randint(0, sizes.frame),
        min(budget, dice.choice((0, 2, 3))), halted=bool(trap) or dice.random() < 0.05, trap=trap,
    )  # fmt: skip


def _instruction(dice: random.Random, opcode: int, sizes: Sizes, lines: int) -> Instruction:
    if opcode not in OPERANDS:
        return Instruction(opcode, *(dice.choice((0, 1, 99)) for _ in range(3)))
    limits = {
        Kind.TARGET: sizes.registers,
        Kind.SOURCE: sizes.registers,
        Kind.WORD: 1 << sizes.width,
        Kind.LINE: lines,
        Kind.SLOT: sizes.frame + 3,  # more than well-formed code may, to reach the traps
        Kind.SIZE: sizes.frame + 3,
        Kind.FLAG: 2,
    }
    kinds = OPERANDS[Opcode(opcode)]
    return Instruction(opcode, *(dice.randint(1, 7) if k is Kind.TRAP else dice.randrange(limits[k]) for k in kinds))


# --- running, and running again --------------------------------------------------------------------------------------


def _case(machine: Machine) -> dict[str, Any]:
    state = machine.state()
    names = ("pc", "registers", "memory", "hp", "frame", "fp", "stack", "ticks", "halted", "trap")
    return {
        "schema": SCHEMA,
        "kind": "loop",
        "program": machine.program.to_json(),
        "budget": machine.budget,
        "state": {name: getattr(state, name) for name in names},
    }


def replay(case: Mapping[str, Any]) -> Replayed:
    """One instruction from the state, by the compiled loop that is installed now and by the reference machine."""
    program, budget, state = Program.from_json(case["program"], "counterexample"), int(case["budget"]), case["state"]
    machine = Machine(
        program, budget, list(state["registers"]), list(state["memory"]), list(state["frame"]),
        [(int(pc), int(fp), int(hp)) for pc, fp, hp in state["stack"]], state["pc"], state["hp"], state["fp"],
        state["ticks"], 0, bool(state["halted"]), state["trap"],
    )  # fmt: skip
    _demand_sound(machine)
    row = program.code[machine.pc]
    name = Opcode(row.opcode).mnemonic if row.opcode in OPERANDS else f"opcode {row.opcode}"
    got = _looped(machine)
    machine.step()
    parted = first_divergence([machine.state()], [got])
    what = f"{name} {row.a} {row.b} {row.c} at width {program.sizes.width}"
    if parted is None:
        return Replayed(False, what, "the same state", "the same state")
    return Replayed(True, f"{what}: {parted.component}", str(parted.expected), str(parted.got))


def _demand_sound(machine: Machine) -> None:
    """Raise ValueError for what a file may say and no machine may be: compiled code looks at no bounds."""
    program, state = machine.program, machine.state()
    sizes, lines = program.sizes, len(program.code)
    tables = ((state.registers, sizes.registers), (state.memory, sizes.memory), (state.frame, sizes.frame))
    if any(len(cells) != size for cells, size in tables):
        raise ValueError("registers, memory or frame are not of the program's sizes")
    if any(type(w) is not int or not 0 <= w < 1 << sizes.width for cells, _ in tables for w in cells):
        raise ValueError(f"a cell holds no word of {sizes.width} bits")
    places = [(state.pc, state.fp, state.hp), *state.stack]
    if len(state.stack) > sizes.depth or any(
        type(n) is not int or not 0 <= n <= most
        for place in places
        for n, most in zip(place, (lines - 1, sizes.frame, sizes.memory), strict=True)
    ):
        raise ValueError("a line, frame or heap pointer is outside of the machine, or too many calls are open")
    if state.trap not in (0, *Trap) or not 0 <= check_budget(state.ticks) <= check_budget(machine.budget):
        raise ValueError("no such trap, or more ticks than the budget has")
    limits = {Kind.TARGET: sizes.registers, Kind.SOURCE: sizes.registers, Kind.LINE: lines}
    for row in program.code:
        kinds = OPERANDS[Opcode(row.opcode)] if row.opcode in OPERANDS else ()
        if any(n >= limits.get(kind, n + 1) for n, kind in zip((row.a, row.b, row.c), kinds)):
            raise ValueError(f"an operand of opcode {row.opcode} is outside of the machine")


def _looped(machine: Machine) -> State:
    """The state after one instruction of the compiled loop."""
    from ncl.machine import kernel
    from ncl.machine.executors.integer import pool_of
    from ncl.machine.state import blank, plain

    program, state = machine.program, machine.state()
    pool = pool_of(program, blank(program, 1), machine.budget)
    for table, cells in (
        (pool.registers_BR, state.registers), (pool.memory_BM, state.memory), (pool.frame_BF, state.frame),
        (pool.stack_BD3, state.stack),
    ):  # fmt: skip
        if cells:
            table[0, : len(cells)] = cells
    columns = {
        kernel.PC: state.pc, kernel.HP: state.hp, kernel.FP: state.fp, kernel.SP: len(state.stack),
        kernel.TICKS: state.ticks, kernel.TRAP: state.trap, kernel.HALTED: int(state.halted),
    }  # fmt: skip
    for column, value in columns.items():
        pool.scalars_BS[0, column] = value
    pool.advance(most=1)
    return plain(program, pool.state())


__all__ = ["check", "obligations", "replay"]
