"""What each operator of the source means, as an op of the table.

The reference interpreter of source text and the validator of compiled code both read this: what is validated is held
to what is specified. The compiler has a table of its own, so a slip in either is met by the other.
"""

from __future__ import annotations

from ncl.language.opcodes import Opcode

# Source spelling → the op whose meaning it has, and whether the operands change places.
MEANING = {
    "+": (Opcode.ADD, False), "-": (Opcode.SUBTRACT, False), "*": (Opcode.MULTIPLY, False),
    "//": (Opcode.DIVIDE, False), "%": (Opcode.REMAINDER, False), "&": (Opcode.AND, False),
    "|": (Opcode.OR, False), "^": (Opcode.XOR, False), "<<": (Opcode.SHIFT_LEFT, False),
    ">>": (Opcode.SHIFT_RIGHT, False), "==": (Opcode.EQUAL, False), "!=": (Opcode.NOT_EQUAL, False),
    "<": (Opcode.LESS, False), "<=": (Opcode.LESS_EQUAL, False),
    ">": (Opcode.LESS, True), ">=": (Opcode.LESS_EQUAL, True),
}  # fmt: skip
