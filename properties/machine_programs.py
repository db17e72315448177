"""Strategies for machine code: any well-formed program, and straight programs whose control and addresses are fixed.

Both are built to obey the rules of the machine; nothing is filtered. Arguments are two words x and y in registers 0, 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from ncl.language.opcodes import OPERANDS, TERMINAL, WORD_OPS, Kind, Opcode
from ncl.language.ops import OPS
from ncl.language.program import Instruction, Parameter, Program, Signature, Sizes
from ncl.language.wellformed import check

XY = (Parameter("x", "word"), Parameter("y", "word"))
WIDTHS = (1, 2, 3, 8, 16, 31, 32)


@st.composite
def programs(draw: Any, widths: Sequence[int] = WIDTHS, lines: int = 14) -> Program:
    """Any opcode, any operands in range, jumps forward, and jumps back to lines that tick."""
    width = draw(st.sampled_from(widths))
    registers = draw(st.integers(2, 5))
    depth = draw(st.integers(0, 3))
    frame = draw(st.integers(0, 6))
    memory = draw(st.integers(0, min(1 << width, 6)))
    room = frame // (depth + 1)  # of one call's frame
    count = draw(st.integers(1, lines))
    ticking = [line for line in range(count - 1) if draw(st.integers(0, 4)) == 0]
    code = []
    for line in range(count):
        choices = [op for op in Opcode if room or op not in (Opcode.LOAD_FRAME, Opcode.STORE_FRAME)]
        if line == count - 1:
            choices = sorted(TERMINAL - {Opcode.JUMP})
        opcode = Opcode.TICK if line in ticking else draw(st.sampled_from(choices))
        targets = [*range(line + 1, count), *ticking] or [line]
        ranges = {
            Kind.TARGET: st.integers(0, registers - 1),
            Kind.SOURCE: st.integers(0, registers - 1),
            Kind.WORD: st.integers(0, (1 << width) - 1) | st.sampled_from([0, 1, (1 << width) - 1]),
            Kind.LINE: st.sampled_from(targets),
            Kind.SLOT: st.integers(0, max(room - 1, 0)),
            Kind.SIZE: st.integers(0, room),
            Kind.TRAP: st.integers(1, 7),
            Kind.FLAG: st.integers(0, 1),
        }
        code.append(Instruction(int(opcode), *(draw(ranges[kind]) for kind in OPERANDS[opcode])))
    sizes = Sizes(width, registers, memory, frame, depth)
    return check(Program("random", Signature(XY, draw(st.sampled_from(["word", "array"]))), sizes, tuple(code)))


REGISTERS, CELLS, SLOTS = 5, 3, 2  # of a straight program; memory cells 0 … 2 are addressed by constants


@st.composite
def straight(draw: Any, width: int = 2, most: int = 8, opcodes: Sequence[Opcode] = WORD_OPS) -> Program:
    """Words flow from x and y through ops, moves, memory and frame to register 0. Register 4 alone holds addresses.

    Divisors are made odd first, so that none is 0 and nothing traps.
    """
    data = st.integers(0, REGISTERS - 2)
    code: list[Instruction] = []
    for _ in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from(["op", "op", "op", "constant", "move", "memory", "frame"]))
        if kind == "op":
            code += _op(draw(st.sampled_from(opcodes)), draw(data), draw(data), draw(data))
        elif kind == "constant":
            code.append(Instruction(Opcode.CONSTANT, draw(data), draw(st.integers(0, (1 << width) - 1))))
        elif kind == "move":
            code.append(Instruction(Opcode.MOVE, draw(data), draw(data)))
        elif kind == "memory":
            # The address is cell + 0; both stand in register 4, one after the other, and so only even cells are met.
            code.append(Instruction(Opcode.CONSTANT, REGISTERS - 1, draw(st.integers(0, (CELLS - 1) // 2))))
            opcode = draw(st.sampled_from([Opcode.LOAD, Opcode.STORE]))
            code.append(Instruction(opcode, draw(data), REGISTERS - 1, REGISTERS - 1))
        else:
            opcode = draw(st.sampled_from([Opcode.LOAD_FRAME, Opcode.STORE_FRAME]))
            code.append(Instruction(opcode, draw(data), draw(st.integers(0, SLOTS - 1))))
    code.append(Instruction(Opcode.HALT))
    sizes = Sizes(width, REGISTERS, CELLS, SLOTS, 0)
    return check(Program("straight", Signature(XY, "word"), sizes, tuple(code)))


def _op(opcode: Opcode, target: int, left: int, right: int) -> list[Instruction]:
    if len(OPERANDS[opcode]) == 2:
        return [Instruction(opcode, target, left)]
    made = [Instruction(opcode, target, left, right)]
    if not OPS[opcode].traps_on_zero:
        return made
    one = REGISTERS - 1
    return [Instruction(Opcode.CONSTANT, one, 1), Instruction(Opcode.OR, right, right, one), *made]
