"""Pathwise: the integer run fixes control and addresses, then only the value graph is replayed on distributions.

So an output is the push-forward of the inputs' distributions along the executed path, the operands of each op taken as
independent, and its gradient is that of the program's soft data semantics there, at the cost of the few ops that reach
the outputs. What an input does to addresses, branches, lengths and traps has no gradient. Distributions carry only the
support 0 … K-1 that they need.

Legend: S samples, I inputs of the whole batch, O outputs, K support. Called by `machine`, `build` and the language
model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import pad

from ncl.language.opcodes import UNARY
from ncl.language.program import Program, Value
from ncl.language.trace import DEFAULT_BUDGET, Result
from ncl.machine.circuits.onehot import apply, check_room, push_constant
from ncl.machine.dataflow import Graph, Group, extract


class _Table:
    """The distributions of all rows so far, in segments of equal support."""

    def __init__(self, inputs_IK: Tensor) -> None:
        self.starts = [0]
        self.segments = [inputs_IK]

    def append(self, values_RK: Tensor) -> None:
        self.starts.append(self.starts[-1] + len(self.segments[-1]))
        self.segments.append(values_RK)

    def rows(self, wanted_R: Tensor) -> Tensor:
        """Their distributions, padded to the largest support among them."""
        segment_R = torch.bucketize(wanted_R, torch.tensor(self.starts[1:], dtype=torch.int64), right=True)
        used = segment_R.unique().tolist()
        size = max((self.segments[s].shape[1] for s in used), default=1)
        if len(used) == 1:
            return self.segments[used[0]].index_select(0, (wanted_R - self.starts[used[0]]).to(self.device))
        parts, places = [], []
        for s in used:
            place = (segment_R == s).nonzero().squeeze(1)
            part = self.segments[s].index_select(0, (wanted_R[place] - self.starts[s]).to(self.device))
            parts.append(pad(part, (0, size - part.shape[1])))
            places.append(place)
        if not parts:
            return self.segments[0].new_zeros(0, 1)
        return torch.cat(parts).index_select(0, torch.cat(places).argsort().to(self.device))

    @property
    def device(self) -> torch.device:
        return self.segments[0].device


def replay(graph: Graph, inputs_IK: Tensor, width: int) -> Tensor:
    """The outputs' distributions, (O, K), for the inputs' distributions inputs_IK in the graph's order of inputs.

    Rows whose mass trapped along the way (a soft divisor's mass on 0) sum to less than 1. Raises CapacityError.
    """
    table = _Table(inputs_IK)
    for group in graph.groups:
        table.append(_group(graph, group, table, width))
    rows_O = torch.from_numpy(graph.output_row_O)
    constant_O = rows_O < 0
    known_O = torch.from_numpy(graph.output_value_O)
    soft_QK = table.rows(rows_O[~constant_O])
    size = max(soft_QK.shape[1], int(known_O[constant_O].max()) + 1 if bool(constant_O.any()) else 1)
    values_OK = torch.zeros(len(rows_O), size, dtype=inputs_IK.dtype)
    # Only the entries on known words are set, so that what stays 0 is an exact 0.
    values_OK[constant_O, known_O[constant_O]] = 1
    values_OK = values_OK.to(inputs_IK.device)
    soft_O = (~constant_O).nonzero().squeeze(1).to(inputs_IK.device)
    return values_OK.index_add(0, soft_O, pad(soft_QK, (0, size - soft_QK.shape[1])))


def _group(graph: Graph, group: Group, table: _Table, width: int) -> Tensor:
    part = slice(group.start, group.stop)
    left_R, right_R = torch.from_numpy(graph.left_N[part]), torch.from_numpy(graph.right_N[part])
    if group.right_constant or group.opcode in UNARY:
        known_R = torch.from_numpy(graph.right_value_N[part]).to(table.device)
        return push_constant(group.opcode, table.rows(left_R), known_R, width)
    if group.left_constant:
        known_R = torch.from_numpy(graph.left_value_N[part]).to(table.device)
        return push_constant(group.opcode, table.rows(right_R), known_R, width, swapped=True)
    return apply(group.opcode, table.rows(left_R), table.rows(right_R), width)


def onehot(words_I: Sequence[int] | Tensor, support: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Exact one-hot rows, shape (I, K) with K the support, of words_I."""
    index_I = torch.as_tensor(words_I, dtype=torch.int64)
    check_room(f"{len(index_I)} inputs of {support} words", len(index_I) * support)
    return torch.zeros(len(index_I), support, dtype=dtype).scatter_(1, index_I[:, None], 1)


def run(program: Program, batch: Sequence[list[Value]], budget: int = DEFAULT_BUDGET) -> list[Result]:
    """Run on hard inputs; the results are read off the replayed distributions, which must be one-hot to the bit.

    Raises CapacityError when the words are too large for distributions over them.
    """
    results, graph = extract(program, batch, budget)
    support = int(graph.input_value_I.max()) + 1 if graph.inputs else 1
    values_OK = replay(graph, onehot(torch.from_numpy(graph.input_value_I), support), program.sizes.width)
    words = _read(values_OK)
    starts = graph.output_start.tolist()
    found = []
    for sample, result in enumerate(results):
        if result.trap is not None:
            found.append(result)
            continue
        answer = words[starts[sample] : starts[sample + 1]]
        found.append(replace(result, result=answer[0] if program.signature.result == "word" else answer))
    return found


def _read(values_OK: Tensor) -> list[int]:
    """The words of one-hot rows. Raises ArithmeticError for a row that is not exactly one-hot."""
    hard = (((values_OK == 0) | (values_OK == 1)).all(1) & ((values_OK == 1).sum(1) == 1)) if len(values_OK) else None
    if hard is not None and not bool(hard.all()):
        raise ArithmeticError("a replay of hard inputs left the one-hot vectors")
    return [int(word) for word in values_OK.argmax(1)] if len(values_OK) else []
