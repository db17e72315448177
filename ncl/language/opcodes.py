"""Opcode names, numbers and operand kinds. No meaning: this is all that a machine may see of the op table.

An instruction is an opcode and three operands a, b, c (unused ones are 0).

Made from the op table by `python -m ncl.language.numbering`; a row is added there, not here.
"""

from __future__ import annotations

from enum import IntEnum

from ncl.language.operands import Kind as Kind
from ncl.language.operands import Trap as Trap


class Opcode(IntEnum):
    """The ops of the machine, with the numbers that programs hold."""

    # ending and control
    HALT = 0
    TRAP = 1
    TICK = 2
    JUMP = 3
    JUMP_ZERO = 4
    JUMP_NONZERO = 5
    CALL = 6
    RETURN = 7
    # moving words
    CONSTANT = 8
    MOVE = 9
    LOAD = 10
    STORE = 11
    LOAD_FRAME = 12
    STORE_FRAME = 13
    # arrays
    ALLOCATE = 14
    BOUND = 15
    # arithmetic
    ADD = 16
    SUBTRACT = 17
    MULTIPLY = 18
    DIVIDE = 19
    REMAINDER = 20
    # bits
    AND = 21
    OR = 22
    XOR = 23
    INVERT = 24
    SHIFT_LEFT = 25
    SHIFT_RIGHT = 26
    # comparisons
    EQUAL = 27
    NOT_EQUAL = 28
    LESS = 29
    LESS_EQUAL = 30
    IS_ZERO = 31

    @property
    def mnemonic(self) -> str:
        """The name in assembly text and documents."""
        return self.name.lower()


OPERANDS: dict[Opcode, tuple[Kind, ...]] = {
    Opcode.HALT: (),
    Opcode.TRAP: (Kind.TRAP,),
    Opcode.TICK: (),
    Opcode.JUMP: (Kind.LINE,),
    Opcode.JUMP_ZERO: (Kind.SOURCE, Kind.LINE),
    Opcode.JUMP_NONZERO: (Kind.SOURCE, Kind.LINE),
    Opcode.CALL: (Kind.LINE, Kind.SIZE),
    Opcode.RETURN: (Kind.FLAG,),
    Opcode.CONSTANT: (Kind.TARGET, Kind.WORD),
    Opcode.MOVE: (Kind.TARGET, Kind.SOURCE),
    Opcode.LOAD: (Kind.TARGET, Kind.SOURCE, Kind.SOURCE),
    Opcode.STORE: (Kind.SOURCE, Kind.SOURCE, Kind.SOURCE),
    Opcode.LOAD_FRAME: (Kind.TARGET, Kind.SLOT),
    Opcode.STORE_FRAME: (Kind.SOURCE, Kind.SLOT),
    Opcode.ALLOCATE: (Kind.TARGET, Kind.SOURCE),
    Opcode.BOUND: (Kind.SOURCE, Kind.SOURCE),
    Opcode.ADD: (Kind.TARGET, Kind.SOURCE, Kind.SOURCE),
    Opcode.SUBTRACT: (Kind.TARGET, Kind.SOURCE, Kind.SOURCE),
    Opcode.MULTIPLY: (Kind.TARGET, Kind.SOURCE, Kind.SOURCE),
    Opcode.DIVIDE: (Kind.TARGET, Kind.SOURCE, Kind.SOURCE),
    Opcode.REMAINDER: (Kind.TARGET, Kind.SOURCE, Kind.SOURCE),
    Opcode.AND: (Kind.TARGET, Kind.SOURCE, Kind.SOURCE),
    Opcode.OR: (Kind.TARGET, Kind.SOURCE, Kind.SOURCE),
    Opcode.XOR: (Kind.TARGET, Kind.SOURCE, Kind.SOURCE),
    Opcode.INVERT: (Kind.TARGET, Kind.SOURCE),
    Opcode.SHIFT_LEFT: (Kind.TARGET, Kind.SOURCE, Kind.SOURCE),
    Opcode.SHIFT_RIGHT: (Kind.TARGET, Kind.SOURCE, Kind.SOURCE),
    Opcode.EQUAL: (Kind.TARGET, Kind.SOURCE, Kind.SOURCE),
    Opcode.NOT_EQUAL: (Kind.TARGET, Kind.SOURCE, Kind.SOURCE),
    Opcode.LESS: (Kind.TARGET, Kind.SOURCE, Kind.SOURCE),
    Opcode.LESS_EQUAL: (Kind.TARGET, Kind.SOURCE, Kind.SOURCE),
    Opcode.IS_ZERO: (Kind.TARGET, Kind.SOURCE),
}

# Ops that take words from registers and give a word: what a circuit computes.
WORD_OPS = (
    Opcode.ADD,
    Opcode.SUBTRACT,
    Opcode.MULTIPLY,
    Opcode.DIVIDE,
    Opcode.REMAINDER,
    Opcode.AND,
    Opcode.OR,
    Opcode.XOR,
    Opcode.INVERT,
    Opcode.SHIFT_LEFT,
    Opcode.SHIFT_RIGHT,
    Opcode.EQUAL,
    Opcode.NOT_EQUAL,
    Opcode.LESS,
    Opcode.LESS_EQUAL,
    Opcode.IS_ZERO,
)
BINARY = tuple(op for op in WORD_OPS if len(OPERANDS[op]) == 3)
UNARY = tuple(op for op in WORD_OPS if len(OPERANDS[op]) == 2)

# Those that source texts call by name; the others are operators, or the compiler's own.
CALLED: tuple[str, ...] = ()

# Control never runs past these to the next line.
TERMINAL = frozenset({Opcode.HALT, Opcode.TRAP, Opcode.JUMP, Opcode.RETURN})
