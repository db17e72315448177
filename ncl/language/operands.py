"""What an operand of an instruction may stand for, and why a run may end early: the two lists beside the opcodes.

Imported by the op table and, through `opcodes`, by everything that names them.
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
        """The name in messages and documents."""
        return self.name.lower()
