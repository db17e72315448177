"""Program memory as distributions: one per instruction field and line.

A well-formed integer program gives exact one-hot rows. Fields that are trainable or held soft are logits over what the
field may hold; `ProgramMemory` keeps both kinds and gives the rows at a temperature. Called by dense and `machine`.

Legend: L lines, O opcodes, X operand values (registers, lines, words, slots … whatever the opcode makes of them).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ncl.errors import ConfigurationError
from ncl.language.opcodes import Opcode, Trap
from ncl.language.program import Instruction, Program
from ncl.language.wellformed import check
from ncl.machine.temperature import Temperature

NAMES = ("opcode", "a", "b", "c")
MARGIN = 8.0  # logits of a program that training starts from: its own field against all others


@dataclass(frozen=True)
class Fields:
    """The rows of program memory: distributions over opcodes (L, O) and over operand values (L, X)."""

    opcode_LO: Tensor
    a_LX: Tensor
    b_LX: Tensor
    c_LX: Tensor


def domain(program: Program) -> int:
    """How many values an operand may have: enough for every kind."""
    sizes = program.sizes
    return max(sizes.registers, len(program.code), 1 << sizes.width, sizes.frame + 1, max(Trap) + 1)


def integer_rows(program: Program) -> dict[str, Tensor]:
    """Each field of an integer program by name: int64, shape (L,)."""
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

    trainable: (line, field) pairs, field one of opcode, a, b, c. state_dict holds both, and one of another program is
    refused. Raises ConfigurationError for a pair that names no field of the program.
    """

    def __init__(self, program: Program, trainable: frozenset[tuple[int, str]] = frozenset()) -> None:
        super().__init__()
        for line, field in trainable:
            if field not in NAMES or not 0 <= line < len(program.code):
                raise ConfigurationError(
                    f"there is no field {field!r} of line {line}", where=program.name,
                    remedy=f"fields are {', '.join(NAMES)}, lines 0 … {len(program.code) - 1}",
                )  # fmt: skip
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
        logits_TX = getattr(self, f"{name}_logits_TX")
        # In the wider of the two types: rows that were normalised in the narrower one miss 1 by its rounding.
        soft_TX = temperature.of_logits(logits_TX.to(torch.promote_types(logits_TX.dtype, dtype))).to(dtype)
        index = torch.tensor(lines, device=rows_LX.device)
        return rows_LX.index_copy(0, index, soft_TX)

    def extracted(self, program: Program) -> Program:
        """The integer program with the most probable value in every hole. Raises IllFormedProgramError.

        What was learned has no source: the program names none.
        """
        columns = {name: row_L.tolist() for name, row_L in integer_rows(program).items()}
        for name, lines in self.lines_of.items():
            for place, line in enumerate(lines):
                columns[name][line] = int(getattr(self, f"{name}_logits_TX")[place].argmax())
        code = tuple(Instruction(*fields) for fields in zip(*(columns[name] for name in NAMES)))
        return check(replace(program, code=code, source=""))

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        # The layer's own program decides what runs; buffers that say something else would go unnoticed.
        errors = rest[-1]
        for name in NAMES:
            theirs = state_dict.get(f"{prefix}{name}_L")
            if theirs is not None and not torch.equal(theirs.cpu(), getattr(self, f"{name}_L").cpu()):
                errors.append(f"{prefix}{name}_L is of another program")
        super()._load_from_state_dict(state_dict, prefix, *rest)
