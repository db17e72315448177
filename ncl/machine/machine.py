"""Programs as layers: nn.Modules `(values_BMN, lengths_B, arguments) → (values_BMN, lengths_B)` for anybody's network.

values_BMN: distributions of the array parameter's cells; lengths_B: int64, how many of them are in use; arguments: one
distribution B×N per word parameter, in order. The result has as many cells as the longest result; a word result is one
cell. A sample that traps has length 0. Cells past a length are all zero.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot, pad

from ncl.errors import ConfigurationError, InputError
from ncl.language.program import Program, Value
from ncl.language.trace import DEFAULT_BUDGET
from ncl.language.wellformed import check
from ncl.machine.dataflow import extract
from ncl.machine.executors import dense
from ncl.machine.executors.pathwise import replay
from ncl.machine.fields import ProgramMemory
from ncl.machine.temperature import Temperature


def module(
    program: Program,
    executor: str = "pathwise",
    temperature: Temperature | str = "soft",
    budget: int = DEFAULT_BUDGET,
    trainable: frozenset[tuple[int, str]] = frozenset(),
) -> ProgramLayer:
    """A layer that runs the program. executor: pathwise, dense (both differentiable) or integer (no gradient).

    temperature: a Temperature, or just its mode. trainable: (line, field) pairs of program memory that become
    parameters; only dense can learn them. Raises ConfigurationError for what does not go together and
    InputError for an unknown executor.
    """
    check(program)
    sorts = [p.sort for p in program.signature.parameters]
    if sorts.count("array") != 1 or sorts[0] != "array":
        raise ConfigurationError(
            f"{program.name}{program.signature}: a layer takes programs of one array, then words", remedy="use .run"
        )
    heat = Temperature(temperature) if isinstance(temperature, str) else temperature  # type: ignore[arg-type]
    if executor == "dense":
        return DenseLayer(program, heat, budget, trainable)
    if trainable:
        raise ConfigurationError(f"{executor} runs the integer program; only dense learns program memory")
    if executor == "pathwise":
        return PathwiseLayer(program, heat, budget)
    if executor == "integer":
        return PathwiseLayer(program, Temperature("hard"), budget)
    raise InputError(f"no executor {executor!r} for a layer", remedy="pathwise, dense or integer")


class ProgramLayer(nn.Module):
    """Checks what comes in; the integer program is in persistent buffers, so that state_dict tells programs apart."""

    def __init__(
        self, program: Program, temperature: Temperature, budget: int, trainable: frozenset[tuple[int, str]]
    ) -> None:
        super().__init__()
        self.program, self.temperature, self.budget = program, temperature, budget
        self.memory = ProgramMemory(program, trainable)

    def check_inputs(self, values_BMN: Tensor, lengths_B: Tensor, arguments: Sequence[Tensor]) -> None:
        """Raises InputError unless shapes are (B, M, N), (B,) and one (B, N) per argument, and lengths in range."""
        words, parameters = 1 << self.program.sizes.width, self.program.signature.parameters
        where = f"{self.program.name}{self.program.signature}"
        if values_BMN.dim() != 3 or values_BMN.shape[2] != words:
            raise InputError(f"values must be B×M×{words}, got {tuple(values_BMN.shape)}", where=where)
        batch, cells = values_BMN.shape[:2]
        if len(arguments) != len(parameters) - 1 or any(a.shape != (batch, words) for a in arguments):
            raise InputError(f"{len(parameters) - 1} arguments of shape {batch}×{words} are needed", where=where)
        if lengths_B.shape != (batch,) or lengths_B.dtype != torch.int64:
            raise InputError(f"lengths must be {batch} int64 numbers", where=where)
        if batch and not 0 <= int(lengths_B.min()) <= int(lengths_B.max()) <= min(cells, self.program.sizes.memory):
            raise InputError(f"a length is not in 0 … {min(cells, self.program.sizes.memory)}", where=where)


class PathwiseLayer(ProgramLayer):
    """The integer run on the most probable words fixes the path; distributions are replayed along it."""

    def __init__(self, program: Program, temperature: Temperature, budget: int) -> None:
        super().__init__(program, temperature, budget, frozenset())

    def forward(self, values_BMN: Tensor, lengths_B: Tensor, arguments: Sequence[Tensor] = ()) -> tuple[Tensor, Tensor]:
        """(values_BMN, lengths_B) of the results for (values_BMN, lengths_B, one (B, N) per argument)."""
        self.check_inputs(values_BMN, lengths_B, arguments)
        soft_BMN = self.temperature.of_distribution(values_BMN)
        soft_words = [self.temperature.of_distribution(a) for a in arguments]
        lengths = lengths_B.tolist()
        batch: list[list[Value]] = [
            [soft_BMN[row, :length].argmax(-1).tolist(), *(int(a[row].argmax()) for a in soft_words)]
            for row, length in enumerate(lengths)
        ]
        results, graph = extract(self.program, batch, self.budget)
        parts = [
            part
            for row, length in enumerate(lengths)
            for part in (soft_BMN[row, :length], *(a[row : row + 1] for a in soft_words))
        ]
        words = soft_BMN.shape[2]
        inputs_IN = torch.cat(parts) if parts else soft_BMN.new_zeros(0, words)
        outputs_ON = replay(graph, inputs_IN, self.program.sizes.width)
        outputs_ON = pad(outputs_ON, (0, words - outputs_ON.shape[1]))
        starts = graph.output_start.tolist()
        sizes = [stop - start for start, stop in pairwise(starts)]
        rows = [
            pad(outputs_ON[start : start + size], (0, 0, 0, max(sizes, default=0) - size))
            for start, size in zip(starts, sizes)
        ]
        values = torch.stack(rows) if rows else soft_BMN.new_zeros(0, 0, words)
        assert all((result.trap is None) or size == 0 for result, size in zip(results, sizes))
        return values, torch.tensor(sizes, dtype=torch.int64, device=lengths_B.device)


class DenseLayer(ProgramLayer):
    """Full superposition, with program memory as parameters where it is trainable.

    The result's place and length are read at the most probable registers; its cells are the memory's distributions.
    """

    def __init__(
        self, program: Program, temperature: Temperature, budget: int, trainable: frozenset[tuple[int, str]],
        most: int = 4096,
    ) -> None:  # fmt: skip
        super().__init__(program, temperature, budget, trainable)
        self.most = most  # steps; soft programs with holes need not end by themselves

    def forward(self, values_BMN: Tensor, lengths_B: Tensor, arguments: Sequence[Tensor] = ()) -> tuple[Tensor, Tensor]:
        """(values_BMN, lengths_B) of the results for (values_BMN, lengths_B, one (B, N) per argument)."""
        self.check_inputs(values_BMN, lengths_B, arguments)
        dense.capacity(self.program, len(values_BMN))
        start = self.start(values_BMN, lengths_B, arguments)
        fields = self.memory.at(self.temperature, values_BMN.dtype)
        run = dense.states(self.program, fields, start, self.budget, self.temperature, self.most)
        return self.read(deque(run, maxlen=1).pop())

    def start(self, values_BMN: Tensor, lengths_B: Tensor, arguments: Sequence[Tensor]) -> dense.DenseState:
        """values_BMN, lengths_B and arguments (B, N) in memory and registers, as the calling convention has them."""
        blank = dense.blank(self.program, len(values_BMN), values_BMN)
        words, memory = values_BMN.shape[2], self.program.sizes.memory
        soft_BMN = self.temperature.of_distribution(values_BMN)[:, :memory]
        soft_BMN = pad(soft_BMN, (0, 0, 0, memory - soft_BMN.shape[1]))
        inside_BM1 = (torch.arange(memory, device=lengths_B.device) < lengths_B[:, None])[..., None]
        length_BN = one_hot(lengths_B, words).to(values_BMN.dtype)
        given = [blank.registers_BRN[:, 0], length_BN, *(self.temperature.of_distribution(a) for a in arguments)]
        registers = torch.cat([torch.stack(given, 1), blank.registers_BRN[:, len(given) :]], 1)
        return replace(
            blank,
            registers_BRN=registers,
            memory_BMN=torch.where(inside_BM1, soft_BMN, blank.memory_BMN),
            hp_BH=one_hot(lengths_B, memory + 1).to(values_BMN.dtype),
        )

    def read(self, state: dense.DenseState) -> tuple[Tensor, Tensor]:
        """The result of a final state: distributions (B, K, N) of its cells, and lengths (B,)."""
        fine_B = state.trap_BT.argmax(1) == 0
        if self.program.signature.result == "word":
            return state.registers_BRN[:, :1] * fine_B[:, None, None], fine_B.long()
        base_B, length_B = state.registers_BRN[:, 0].argmax(-1), state.registers_BRN[:, 1].argmax(-1) * fine_B
        memory = state.memory_BMN.shape[1]
        length_B = torch.minimum(length_B, (memory - base_B).clamp(min=0))
        column_K = torch.arange(int(length_B.max()) if len(length_B) else 0, device=base_B.device)
        inside_BK = column_K < length_B[:, None]
        cell_BK = torch.where(inside_BK, base_B[:, None] + column_K, 0)
        index_BKN = cell_BK[..., None].expand(-1, -1, state.memory_BMN.shape[2])
        return state.memory_BMN.gather(1, index_BKN) * inside_BK[..., None], length_B
