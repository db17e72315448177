"""What machine code must obey before anything runs or proves it. Returns every violation.

The step's proof assumes exactly these rules of the program, and that the executors check them when they load one.
"""

from __future__ import annotations

from ncl.errors import IllFormedProgramError
from ncl.language.opcodes import OPERANDS, TERMINAL, Kind, Opcode, Trap
from ncl.language.program import Program


def violations(program: Program) -> tuple[str, ...]:
    """Every broken rule, as `line: what`; empty for a well-formed program."""
    sizes, lines = program.sizes, len(program.code)
    limits = {
        Kind.TARGET: sizes.registers,
        Kind.SOURCE: sizes.registers,
        Kind.WORD: 1 << sizes.width,
        Kind.LINE: lines,
        Kind.SLOT: max(sizes.frame, 1),
        Kind.SIZE: sizes.frame + 1,
        Kind.FLAG: 2,
        Kind.TRAP: max(Trap) + 1,
    }
    found: list[str] = []
    if not lines:
        found.append("the program has no instruction")
    for number, instruction in enumerate(program.code):
        if instruction.opcode not in OPERANDS:
            found.append(f"{number}: opcode {instruction.opcode} is not in the table")
            continue
        opcode = Opcode(instruction.opcode)
        kinds = OPERANDS[opcode]
        for name, value, kind in zip("abc", (instruction.a, instruction.b, instruction.c), (*kinds, *[None] * 3)):
            if kind is None and value:
                found.append(f"{number}: {opcode.mnemonic} has no operand {name}, got {value}")
            elif kind is not None and not (kind is Kind.TRAP) <= value < limits[kind]:
                found.append(f"{number}: {opcode.mnemonic} {name} = {value}: a {kind.value} is below {limits[kind]}")
    if lines and program.code[-1].opcode not in TERMINAL:
        found.append(f"{lines - 1}: the last instruction lets control run past the end")
    if len(program.positions) not in (0, lines):
        found.append(f"{len(program.positions)} source positions for {lines} instructions")
    if program.signature.argument_registers > sizes.registers:
        found.append(f"the arguments take {program.signature.argument_registers} of {sizes.registers} registers")
    found.extend(_frame_violations(program))
    if not found and (line := _tickless_loop(program)) is not None:
        found.append(f"{line}: control can come round to here without a tick, so no budget would end it")
    return tuple(found)


def _frame_violations(program: Program) -> tuple[str, ...]:
    """D-1 open calls with the largest frame, and the highest slot on top, must fit in frame memory."""
    slots = [i.b for i in program.code if i.opcode in (Opcode.LOAD_FRAME, Opcode.STORE_FRAME)]
    frames = [i.b for i in program.code if i.opcode == Opcode.CALL]
    calls = max(program.sizes.depth, 0) if frames else 0
    need = calls * max(frames, default=0) + (max(slots) + 1 if slots else 0)
    if need > program.sizes.frame:
        return (f"frames need {need} cells when {calls} calls are open, frame memory has {program.sizes.frame}",)
    return ()


def _tickless_loop(program: Program) -> int | None:
    """A line on a cycle of control without TICK. Returns go to the line after their call, which follows it here too."""
    waiting = [0] * len(program.code)
    successors = [_successors(program, line) for line in range(len(program.code))]
    for targets in successors:
        for target in targets:
            waiting[target] += 1
    ready = [line for line, count in enumerate(waiting) if not count]
    while ready:
        for target in successors[ready.pop()]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    left = [line for line, count in enumerate(waiting) if count]
    return _on_a_cycle(left, successors) if left else None


def _on_a_cycle(left: list[int], successors: list[tuple[int, ...]]) -> int:
    """Each line left over has another before it: going back from any of them leads into a cycle; its first line."""
    path = [left[0]]
    while path[-1] not in path[:-1]:
        path.append(next(line for line in left if path[-1] in successors[line]))
    return min(path[path.index(path[-1]) :])


def _successors(program: Program, line: int) -> tuple[int, ...]:
    instruction = program.code[line]
    match instruction.opcode:
        case Opcode.TICK | Opcode.HALT | Opcode.TRAP | Opcode.RETURN:
            return ()
        case Opcode.JUMP:
            return (instruction.a,)
        case Opcode.JUMP_ZERO | Opcode.JUMP_NONZERO:
            return (instruction.b, line + 1)
        case Opcode.CALL:
            return (instruction.a, line + 1)
        case _:
            return (line + 1,)


def check(program: Program) -> Program:
    """The program itself; raises IllFormedProgramError with every violation."""
    found = violations(program)
    if found:
        raise IllFormedProgramError(
            "; ".join(found), where=program.name, remedy="compile it again, or mend the assembly text"
        )
    return program
