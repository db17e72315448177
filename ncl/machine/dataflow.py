"""The value graph of integer runs: which word ops turned the inputs into the outputs, and nothing else.

While the compiled loop runs a program on hard words, every register, memory cell and frame cell carries the *row* of
the value that stands in it, or -1 for a constant of the run: a value that no input flowed into. Moves, loads, stores
and frame instructions copy rows. A word op with at least one operand that is not constant makes a node. Addresses,
branch conditions, bounds and lengths carry nothing: they are fixed by the integer run. Afterwards the graph is cut down
to the nodes that reach an output.

Rows number the values of the whole batch: first every input, sample by sample, argument by argument, element by
element (row 0 … I-1), then every node (row I + n for node n). Nodes are sorted by (level, opcode, which operands are
constant), and operands always lie in lower levels, so an executor keeps one table of values, fills in the inputs, and
then fills one contiguous slice of it per `Group`:

    table[inputs + group.start : inputs + group.stop] = circuit(group.opcode)(
        table[left[group.start : group.stop]], table[right[group.start : group.stop]])

with the constant `left_value` or `right_value` instead of a row where the group says so. Every operand's and node's
hard value is given too, constant or not.

Legend: S samples (arrays of S+1 are starts) · I inputs · N nodes · O output cells.
Called by the pathwise executor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ncl.language.opcodes import Opcode
from ncl.language.program import Program, Value
from ncl.language.trace import DEFAULT_BUDGET, Result
from ncl.language.wellformed import check as check_program
from ncl.machine import kernel
from ncl.machine.executors.integer import Pool, chunk_size, pool_of
from ncl.machine.state import initial, results

Array = Any  # of numpy, int64
Int = Any  # numba's int64
FIRST_NODES = 1 << 12  # capacity of the node buffer to begin with; doubled when it is full


@dataclass(frozen=True)
class Group:
    """Nodes start … stop-1: one opcode, one level, alike in which operands are constants.

    Ops of one operand have a constant right operand, of value 0, which means nothing.
    """

    opcode: Opcode
    start: int
    stop: int
    left_constant: bool
    right_constant: bool


@dataclass(frozen=True)
class Graph:
    """See the module. A sample that trapped has no outputs, and so no nodes."""

    input_value_I: Array
    input_start: Array  # S+1: sample s has inputs input_start[s] … input_start[s+1]-1
    left_N: Array  # row, or -1 for a constant
    right_N: Array
    left_value_N: Array
    right_value_N: Array
    value_N: Array
    sample_N: Array
    groups: tuple[Group, ...]
    output_row_O: Array  # row, or -1 for a constant
    output_value_O: Array
    output_start: Array  # S+1; a word result is one output

    @property
    def inputs(self) -> int:
        """How many inputs the batch has."""
        return len(self.input_value_I)

    @property
    def nodes(self) -> int:
        """How many nodes the batch has."""
        return len(self.left_N)


# Columns of a node while it is gathered.
_OPCODE, _LEFT, _RIGHT, _LEFT_VALUE, _RIGHT_VALUE, _VALUE, _LEVEL, _COLUMNS = range(8)


@kernel.jit
def _follow(
    code_L4: Array, width: Int, memory_size: Int, frame_size: Int, depth: Int, budget: Int,
    registers: Array, memory: Array, frame: Array, stack_D3: Array, s: Array,
    register_row: Array, memory_row: Array, frame_row: Array, inputs: Int, nodes: Array, count: Int,
) -> Int:  # fmt: skip
    """Run one sample until it halts or the node buffer is full, carrying rows along; the number of nodes so far."""
    while s[kernel.HALTED] == 0 and count < nodes.shape[0]:
        pc, fp = s[kernel.PC], s[kernel.FP]
        opcode, a, b, c = code_L4[pc, 0], code_L4[pc, 1], code_L4[pc, 2], code_L4[pc, 3]
        x, y, cell = 0, 0, 0
        if kernel.is_word_op(opcode):
            x, y = registers[b], registers[c]
        elif opcode == Opcode.LOAD or opcode == Opcode.STORE:
            cell = kernel.add(registers[b], registers[c], width)
        at = (pc, s[kernel.HP], fp, s[kernel.SP], s[kernel.TICKS])
        after = kernel.advance(
            code_L4, width, memory_size, frame_size, depth, budget, registers, memory, frame, stack_D3, at
        )
        s[kernel.PC], s[kernel.HP], s[kernel.FP], s[kernel.SP], s[kernel.TICKS] = after[:5]
        s[kernel.TRAP], s[kernel.HALTED] = after[5:]
        s[kernel.STEPS] += 1
        if after[6] != 0:
            continue
        if kernel.is_word_op(opcode):
            left, right = register_row[b], register_row[c]
            if kernel.is_unary(opcode):
                right, y = -1, 0
            if left < 0 and right < 0:
                register_row[a] = -1
                continue
            node = nodes[count]
            node[_OPCODE], node[_LEFT], node[_RIGHT] = opcode, left, right
            node[_LEFT_VALUE], node[_RIGHT_VALUE], node[_VALUE] = x, y, registers[a]
            register_row[a] = inputs + count
            count += 1
        elif opcode == Opcode.CONSTANT or opcode == Opcode.ALLOCATE:
            register_row[a] = -1
        elif opcode == Opcode.MOVE:
            register_row[a] = register_row[b]
        elif opcode == Opcode.LOAD:
            register_row[a] = memory_row[cell]
        elif opcode == Opcode.STORE:
            memory_row[cell] = register_row[a]
        elif opcode == Opcode.LOAD_FRAME:
            register_row[a] = frame_row[fp + b]
        elif opcode == Opcode.STORE_FRAME:
            frame_row[fp + b] = register_row[a]
    return count


@kernel.jit
def _cut(nodes: Array, inputs: Int, outputs: Array, kept: Array, level: Array) -> None:
    """Mark in `kept` the nodes that reach an output, and write the level of each: inputs are level 0."""
    for row in outputs:
        if row >= inputs:
            kept[row - inputs] = 1
    for n in range(nodes.shape[0] - 1, -1, -1):
        if kept[n] != 0:
            for side in (_LEFT, _RIGHT):
                if nodes[n, side] >= inputs:
                    kept[nodes[n, side] - inputs] = 1
    for n in range(nodes.shape[0]):
        level[n] = 1
        for side in (_LEFT, _RIGHT):
            if nodes[n, side] >= inputs:
                level[n] = max(level[n], level[nodes[n, side] - inputs] + 1)


@dataclass(frozen=True)
class _Slice:
    """One sample's part of the graph, in rows of its own."""

    inputs: Array
    nodes: Array  # (nodes kept, _COLUMNS)
    output_row: Array
    output_value: Array


def extract(program: Program, batch: Sequence[list[Value]], budget: int = DEFAULT_BUDGET) -> tuple[list[Result], Graph]:
    """Run every argument list; the results, and the value graph of the whole batch. Raises as `integer.run` does."""
    check_program(program)
    found: list[Result] = []
    slices: list[_Slice] = []
    size = chunk_size(program)
    for begin in range(0, len(batch), size):
        part = list(batch[begin : begin + size])
        pool = pool_of(program, initial(program, part), budget)
        slices += [_sample(pool, sample, arguments) for sample, arguments in enumerate(part)]
        found += results(program, pool.state(), pool.steps())
    return found, _join(slices)


def _sample(pool: Pool, sample: int, arguments: list[Value]) -> _Slice:
    program, sizes = pool.program, pool.program.sizes
    registers, memory, frame = pool.registers_BR[sample], pool.memory_BM[sample], pool.frame_BF[sample]
    register_row, memory_row, frame_row = (np.full_like(table, -1) for table in (registers, memory, frame))
    values = _place_inputs(arguments, register_row, memory_row)
    scalars = pool.scalars_BS[sample]
    nodes: Array = np.empty((FIRST_NODES, _COLUMNS), np.int64)
    count = 0
    while not scalars[kernel.HALTED]:
        if count == len(nodes):
            nodes = np.concatenate([nodes, np.empty_like(nodes)])
        count = _follow(
            pool.code_L4, sizes.width, sizes.memory, sizes.frame, sizes.depth, pool.budget, registers, memory, frame,
            pool.stack_BD3[sample], scalars, register_row, memory_row, frame_row, len(values), nodes, count,
        )  # fmt: skip
    if scalars[kernel.TRAP]:
        outputs, output_value = registers[:0], registers[:0]
    elif program.signature.result == "word":
        outputs, output_value = register_row[:1], registers[:1].copy()
    else:
        cells = slice(int(registers[0]), min(int(registers[0] + registers[1]), sizes.memory))
        outputs, output_value = memory_row[cells], memory[cells].copy()
    return _keep(values, nodes[:count], outputs, output_value)


def _place_inputs(arguments: list[Value], register_row: Array, memory_row: Array) -> Array:
    """Number the input words in the order of the arguments; an array's base and length stay constants."""
    values: list[int] = []
    register = cell = 0
    for argument in arguments:
        first = len(values)
        if isinstance(argument, list):
            values += argument
            memory_row[cell : cell + len(argument)] = np.arange(first, len(values))
            cell += len(argument)
            register += 2
        else:
            values.append(argument)
            register_row[register] = first
            register += 1
    return np.array(values, np.int64)


def _keep(values: Array, nodes: Array, outputs: Array, output_value: Array) -> _Slice:
    kept: Array = np.zeros(len(nodes), np.int64)
    level: Array = np.zeros_like(kept)
    _cut(nodes, len(values), outputs, kept, level)
    nodes[:, _LEVEL] = level
    # Old row → new row. The last entry serves -1.
    rank = np.concatenate([np.arange(len(values)), len(values) + np.cumsum(kept) - 1, [-1]])
    nodes = nodes[kept != 0]
    nodes[:, _LEFT], nodes[:, _RIGHT] = rank[nodes[:, _LEFT]], rank[nodes[:, _RIGHT]]
    return _Slice(values, nodes, rank[outputs], output_value)


def _starts(parts: list[Array]) -> Array:
    return np.cumsum([0, *map(len, parts)])


def _joined(parts: list[Array]) -> Array:
    return np.concatenate([np.empty(0, np.int64), *parts])


def _join(slices: list[_Slice]) -> Graph:
    """One numbering for all samples, nodes in order of level, opcode and constant operands."""
    input_start, node_start = _starts([s.inputs for s in slices]), _starts([s.nodes for s in slices])
    output_start = _starts([s.output_row for s in slices])
    inputs = int(input_start[-1])
    nodes = np.concatenate([np.empty((0, _COLUMNS), np.int64), *(s.nodes for s in slices)])
    sample_N: Array = np.repeat(np.arange(len(slices)), np.diff(node_start))
    sample_O: Array = np.repeat(np.arange(len(slices)), np.diff(output_start))
    left_N, right_N = nodes[:, _LEFT], nodes[:, _RIGHT]
    order = np.lexsort((right_N < 0, left_N < 0, nodes[:, _OPCODE], nodes[:, _LEVEL]))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))

    def everywhere(row: Array, sample: Array) -> Array:
        own = np.diff(input_start)[sample]
        node = np.clip(row - own + node_start[sample], 0, max(len(place) - 1, 0))
        after = inputs + (place[node] if len(place) else node)
        return np.where(row < 0, -1, np.where(row < own, row + input_start[sample], after))

    return Graph(
        input_value_I=_joined([s.inputs for s in slices]),
        input_start=input_start,
        left_N=everywhere(left_N, sample_N)[order],
        right_N=everywhere(right_N, sample_N)[order],
        left_value_N=nodes[order, _LEFT_VALUE],
        right_value_N=nodes[order, _RIGHT_VALUE],
        value_N=nodes[order, _VALUE],
        sample_N=sample_N[order],
        groups=_groups(nodes[order]),
        output_row_O=everywhere(_joined([s.output_row for s in slices]), sample_O),
        output_value_O=_joined([s.output_value for s in slices]),
        output_start=output_start,
    )


def _groups(nodes: Array) -> tuple[Group, ...]:
    """Maximal runs of sorted nodes with the same key."""
    key = np.stack([nodes[:, _LEVEL], nodes[:, _OPCODE], nodes[:, _LEFT] < 0, nodes[:, _RIGHT] < 0], axis=1)
    boundaries: Array = np.flatnonzero((key[1:] != key[:-1]).any(axis=1)) + 1
    starts = [0, *boundaries.tolist()] if len(nodes) else []
    stops = [*starts[1:], len(nodes)]
    return tuple(
        Group(Opcode(int(key[start, 1])), start, stop, bool(key[start, 2]), bool(key[start, 3]))
        for start, stop in zip(starts, stops)
    )


__all__ = ["Graph", "Group", "extract"]
