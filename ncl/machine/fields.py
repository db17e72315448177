"""Program memory as distributions: one per instruction field and line.

A well-formed integer program gives exact one-hot rows. Fields that are trainable or held soft are logits over what the
field may hold; `ProgramMemory` keeps both kinds and gives the rows at a temperature. Called by dense and `machine`.

Legend: L lines, O opcodes, X operand values (registers, lines, words, slots … whatever the opcode makes of them).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ncl.language.opcodes import Opcode, Trap
from ncl.language.program import Program
from ncl.machine.temperature import Temperature

NAMES = ("opcode", "a", "b", "c")
MARGIN = 8.0  # logits of a program that training starts from: its own field against all others


@dataclass(frozen=True)
class Fields:
    opcode_LO: Tensor
    a_LX: Tensor
    b_LX: Tensor
    c_LX: Tensor


def domain(program: Program) -> int:
    """How many values an operand may have: enough for every kind."""
    sizes = program.sizes
    return max(sizes.registers, len(program.code), 1 << sizes.width, sizes.frame + 1, max(Trap) + 1)


def integer_rows(program: Program) -> dict[str, Tensor]:
    code = torch.tensor([[i.opcode, i.a, i.b, i.c] for i in program.code], dtype=torch.int64)
    return dict(zip(NAMES, code.T, strict=True))


def hard_fields(program: Program, dtype: torch.dtype = torch.float32) -> Fields:
    """Exact one-hot rows of an integer program."""
    size = domain(program)
    rows = integer_rows(program)
    sizes = {"opcode": len(Opcode), "a": size, "b": size, "c": size}
    return Fields(*(one_hot(rows[name], sizes[name]).to(dtype) for name in NAMES))


class ProgramMemory(nn.Module):
    """The integer program in buffers, and logits for the fields named in `trainable`: a program with holes.

    trainable: (line, field) pairs, field one of opcode, a, b, c. state_dict holds both.
    """

    def __init__(self, program: Program, trainable: frozenset[tuple[int, str]] = frozenset()) -> None:
        super().__init__()
        self.size = domain(program)
        self.lines_of: dict[str, list[int]] = {n: sorted(at for at, f in trainable if f == n) for n in NAMES}
        for name, row_L in integer_rows(program).items():
            self.register_buffer(f"{name}_L", row_L)
            lines = self.lines_of[name]
            if lines:
                start_TX = one_hot(row_L[lines], self._size(name)).float() * MARGIN
                self.register_parameter(f"{name}_logits_TX", nn.Parameter(start_TX))

    def _size(self, name: str) -> int:
        return len(Opcode) if name == "opcode" else self.size

    def at(self, temperature: Temperature, dtype: torch.dtype = torch.float32) -> Fields:
        """The distributions of all fields; those that are not trainable stay exactly one-hot."""
        return Fields(*(self._rows(name, temperature, dtype) for name in NAMES))

    def _rows(self, name: str, temperature: Temperature, dtype: torch.dtype) -> Tensor:
        rows_LX = one_hot(getattr(self, f"{name}_L"), self._size(name)).to(dtype)
        lines = self.lines_of[name]
        if not lines:
            return rows_LX
        soft_TX = temperature.of_logits(getattr(self, f"{name}_logits_TX")).to(dtype)
        index = torch.tensor(lines, device=rows_LX.device)
        return rows_LX.index_copy(0, index, soft_TX)
