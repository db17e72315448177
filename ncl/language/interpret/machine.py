"""The reference interpreter of machine code: the op table, run on Python ints.

Slow, small and obvious: what every executor is held to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ncl.language.opcodes import Opcode, Trap
from ncl.language.ops import OPS, Effect
from ncl.language.program import Program, Value
from ncl.language.trace import DEFAULT_BUDGET, Result, State, TrapReport, check_budget, check_room
from ncl.language.wellformed import check
from ncl.language.word import Integers


@dataclass
class Machine:
    """The mutable state of one run. It is also the `View` that the rows of the table read."""

    program: Program
    budget: int
    registers: list[int]
    cells: list[int]
    frames: list[int]
    calls: list[tuple[int, int, int]] = field(default_factory=list)
    pc: int = 0
    hp: int = 0
    fp: int = 0
    ticks: int = 0
    steps: int = 0
    halted: bool = False
    trap: int = 0
    a: int = 0
    b: int = 0
    c: int = 0

    def __post_init__(self) -> None:
        sizes = self.program.sizes
        self.algebra = Integers(sizes.width)
        self.memory_size, self.frame_size, self.depth = sizes.memory, sizes.frame, sizes.depth

    @property
    def sp(self) -> int:
        """The stack pointer: how many calls are open."""
        return len(self.calls)

    def register(self, index: int) -> int:
        """The word in a register."""
        return self.registers[index]

    def memory(self, address: int) -> int:
        """The word in a memory cell, 0 past the last."""
        # A row may name a cell that its own trap rules out; what stands there does not matter.
        return self.cells[address] if address < self.memory_size else 0

    def frame(self, slot: int) -> int:
        """The word in a frame slot, 0 past the last."""
        return self.frames[slot] if slot < self.frame_size else 0

    def stack(self, level: int) -> tuple[int, int, int]:
        """(return pc, fp, hp) of a level of the call stack, zeros where no call is open."""
        return self.calls[level] if level < len(self.calls) else (0, 0, 0)

    def step(self) -> None:
        """One instruction; none at all once halted."""
        if self.halted:
            return
        self.steps += 1
        instruction = self.program.code[self.pc]
        self.a, self.b, self.c = instruction.a, instruction.b, instruction.c
        row = OPS.get(instruction.opcode)  # type: ignore[call-overload]
        effect = row.meaning(self) if row else Effect(traps=((None, Trap.INVALID),))
        # Taken apart once: this is the inner loop of every comparison with the reference.
        traps, register, memory, frame, push, pc, hp, fp, sp, ticks, halt = effect
        for condition, kind in traps:
            if condition is None or condition:
                self.trap, self.halted = int(kind), True
                return
        if register is not None:
            self.registers[self.a] = register
        if memory is not None:
            self.cells[memory[0]] = memory[1]
        if frame is not None:
            self.frames[frame[0]] = frame[1]
        if push is not None:
            self.calls.append(push)
        elif sp is not None:
            self.calls.pop()
        self.pc = pc if pc is not None else self.pc + 1
        if hp is not None:
            self.hp = hp
        if fp is not None:
            self.fp = fp
        if ticks is not None:
            self.ticks = ticks
        self.halted = halt

    def state(self) -> State:
        """The state as plain values."""
        return State(
            self.pc, tuple(self.registers), tuple(self.cells), self.hp, tuple(self.frames), self.fp,
            tuple(self.calls), self.ticks, self.halted, self.trap,
        )  # fmt: skip

    def result(self) -> Result:
        """What the run gave; to be called once it has halted."""
        program = self.program
        if self.trap:
            place = program.positions[self.pc] if program.positions else None
            return Result(None, self.ticks, self.steps, TrapReport(Trap(self.trap), place))
        value: Value = self.registers[0]
        if program.signature.result == "array":
            value = self.cells[self.registers[0] : self.registers[0] + self.registers[1]]
        return Result(value, self.ticks, self.steps)


def start(program: Program, arguments: list[Value], budget: int = DEFAULT_BUDGET) -> Machine:
    """The machine before its first step: arguments in registers and memory. Raises InputError for bad arguments."""
    check(program)
    return loaded(program, arguments, budget)


def loaded(program: Program, arguments: list[Value], budget: int = DEFAULT_BUDGET) -> Machine:
    """As `start`, for a program that is known to be well formed: what to use for thousands of runs of one program."""
    program.check_arguments(arguments)
    sizes = program.sizes
    check_room(sizes.memory, program.name)
    machine = Machine(program, check_budget(budget), [0] * sizes.registers, [0] * sizes.memory, [0] * sizes.frame)
    register = 0
    for value in arguments:
        if isinstance(value, list):
            machine.cells[machine.hp : machine.hp + len(value)] = value
            machine.registers[register] = machine.hp % (1 << sizes.width)
            machine.registers[register + 1] = len(value)
            machine.hp += len(value)
            register += 2
        else:
            machine.registers[register] = value
            register += 1
    return machine


def run_machine(program: Program, arguments: list[Value], budget: int = DEFAULT_BUDGET) -> Result:
    """Run to the end. Every program ends: by HALT, by a trap, or by its budget of ticks (well-formed loops tick)."""
    return finish(start(program, arguments, budget))


def finish(machine: Machine) -> Result:
    """Step until the machine halts; its result."""
    while not machine.halted:
        machine.step()
    return machine.result()


def trace_machine(program: Program, arguments: list[Value], budget: int = DEFAULT_BUDGET) -> Iterator[State]:
    """Every state from the first to the halted one."""
    machine = start(program, arguments, budget)
    yield machine.state()
    while not machine.halted:
        machine.step()
        yield machine.state()


__all__ = ["Machine", "Opcode", "finish", "loaded", "run_machine", "start", "trace_machine"]
