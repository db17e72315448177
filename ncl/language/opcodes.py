"""Opcode names, numbers and operand kinds. No meaning: this is all that a machine may see of the op table.

An instruction is an opcode and three operands a, b, c (unused ones are 0).
"""

from __future__ import annotations

from enum import Enum, IntEnum


class Kind(Enum):
    """What an operand number stands for, and so which range it must lie in."""

    TARGET = "register written"
    SOURCE = "register read"
    WORD = "constant word"
    LINE = "program line"
    SLOT = "frame slot"
    SIZE = "frame size"
    TRAP = "trap number"
    FLAG = "0 or 1"


class Trap(IntEnum):
    """Why a run ended early. 0 is reserved for `no trap`."""

    DIVISION = 1
    INDEX = 2
    MEMORY = 3
    STACK = 4
    ASSERT = 5
    BUDGET = 6
    INVALID = 7  # no instruction of the table; a compiled program never raises it

    @property
    def label(self) -> str:
        return self.name.lower()


class Opcode(IntEnum):
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
    # comparisons: 0 or 1
    EQUAL = 27
    NOT_EQUAL = 28
    LESS = 29
    LESS_EQUAL = 30
    IS_ZERO = 31

    @property
    def mnemonic(self) -> str:
        return self.name.lower()


_T, _S = Kind.TARGET, Kind.SOURCE

OPERANDS: dict[Opcode, tuple[Kind, ...]] = {
    Opcode.HALT: (),
    Opcode.TRAP: (Kind.TRAP,),
    Opcode.TICK: (),
    Opcode.JUMP: (Kind.LINE,),
    Opcode.JUMP_ZERO: (_S, Kind.LINE),
    Opcode.JUMP_NONZERO: (_S, Kind.LINE),
    Opcode.CALL: (Kind.LINE, Kind.SIZE),
    Opcode.RETURN: (Kind.FLAG,),
    Opcode.CONSTANT: (_T, Kind.WORD),
    Opcode.MOVE: (_T, _S),
    Opcode.LOAD: (_T, _S, _S),
    Opcode.STORE: (_S, _S, _S),
    Opcode.LOAD_FRAME: (_T, Kind.SLOT),
    Opcode.STORE_FRAME: (_S, Kind.SLOT),
    Opcode.ALLOCATE: (_T, _S),
    Opcode.BOUND: (_S, _S),
    Opcode.ADD: (_T, _S, _S),
    Opcode.SUBTRACT: (_T, _S, _S),
    Opcode.MULTIPLY: (_T, _S, _S),
    Opcode.DIVIDE: (_T, _S, _S),
    Opcode.REMAINDER: (_T, _S, _S),
    Opcode.AND: (_T, _S, _S),
    Opcode.OR: (_T, _S, _S),
    Opcode.XOR: (_T, _S, _S),
    Opcode.INVERT: (_T, _S),
    Opcode.SHIFT_LEFT: (_T, _S, _S),
    Opcode.SHIFT_RIGHT: (_T, _S, _S),
    Opcode.EQUAL: (_T, _S, _S),
    Opcode.NOT_EQUAL: (_T, _S, _S),
    Opcode.LESS: (_T, _S, _S),
    Opcode.LESS_EQUAL: (_T, _S, _S),
    Opcode.IS_ZERO: (_T, _S),
}

# Ops that take words from registers and give a word: what a circuit computes.
BINARY = tuple(op for op in Opcode if op >= Opcode.ADD and len(OPERANDS[op]) == 3)
UNARY = (Opcode.INVERT, Opcode.IS_ZERO)
WORD_OPS = tuple(sorted(BINARY + UNARY))

# Control never runs past these to the next line.
TERMINAL = frozenset({Opcode.HALT, Opcode.TRAP, Opcode.JUMP, Opcode.RETURN})
