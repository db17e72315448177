"""The value graph of a run: only data, only what reaches an output, and enough to compute the outputs again."""

import assemblies
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ncl.language.opcodes import UNARY, Opcode
from ncl.machine import dataflow
from ncl.machine.circuits.integer import CIRCUITS
from ncl.machine.executors import integer


def replayed(graph, width, inputs=None):
    """Each sample's outputs, computed group by group from the inputs alone, as an executor does it."""
    table = np.full(graph.inputs + graph.nodes, -1, np.int64)
    table[: graph.inputs] = graph.input_value_I if inputs is None else inputs
    for group in graph.groups:
        part = slice(group.start, group.stop)
        left, right = graph.left_N[part], graph.right_N[part]
        assert group.left_constant == (left < 0).all() == (left < 0).any()
        assert group.right_constant == (right < 0).all() == (right < 0).any()
        assert max(left.max(), right.max()) < graph.inputs + group.start, "operands lie in lower levels"
        x = graph.left_value_N[part] if group.left_constant else table[left]
        y = graph.right_value_N[part] if group.right_constant else table[right]
        operands = (x,) if group.opcode in UNARY else (x, y)
        table[graph.inputs + group.start : graph.inputs + group.stop] = CIRCUITS[group.opcode](*operands, width)
    row = graph.output_row_O
    outputs = np.where(row < 0, graph.output_value_O, table[row]) if len(table) else graph.output_value_O
    return [outputs[a:b].tolist() for a, b in zip(graph.output_start[:-1], graph.output_start[1:])]


def opcodes(graph):
    return [group.opcode for group in graph.groups for _ in range(group.stop - group.start)]


def test_reversing_moves_values_and_computes_nothing():
    batch = [[[7, 8, 9]], [[]], [[1, 2]]]
    results, graph = dataflow.extract(assemblies.reverse(), batch)
    assert [r.result for r in results] == [[9, 8, 7], [], [2, 1]]
    assert graph.nodes == 0 and graph.groups == ()
    assert graph.input_start.tolist() == [0, 3, 3, 5]
    assert graph.output_start.tolist() == [0, 3, 3, 5]
    assert graph.output_row_O.tolist() == [2, 1, 0, 4, 3]
    assert graph.output_value_O.tolist() == [9, 8, 7, 2, 1]


def test_counting_is_one_comparison_and_one_addition_per_element():
    results, graph = dataflow.extract(assemblies.count(), [[[5, 6, 5], 5]])
    assert results[0].result == 2
    # xs[0], xs[1], xs[2] are rows 0 … 2, s is row 3; three comparisons share level 1, the sums follow one by one.
    assert opcodes(graph) == [Opcode.EQUAL] * 3 + [Opcode.ADD] * 3
    assert graph.left_N.tolist() == [0, 1, 2, -1, 7, 8]
    assert graph.right_N.tolist() == [3, 3, 3, 4, 5, 6]
    assert graph.value_N.tolist() == [1, 0, 1, 1, 1, 2]
    assert graph.left_value_N.tolist() == [5, 6, 5, 0, 1, 1]
    assert [(g.start, g.stop, g.left_constant) for g in graph.groups] == [
        (0, 3, False), (3, 4, True), (4, 5, False), (5, 6, False),
    ]  # fmt: skip
    assert graph.output_row_O.tolist() == [9]


def test_samples_share_groups_and_keep_their_own_rows():
    batch = [[[5, 6], 5], [[], 1], [[2], 2]]
    results, graph = dataflow.extract(assemblies.count(), batch)
    assert replayed(graph, 16) == [[r.result] for r in results] == [[1], [0], [1]]
    assert graph.sample_N.tolist() == [0, 0, 2, 0, 2, 0]
    assert graph.output_row_O.tolist()[1] == -1, "no input flows into an empty count"
    assert len(graph.groups) == 3


def test_sums_flow_through_memory_and_frame():
    results, graph = dataflow.extract(assemblies.total(), [[[1, 2, 3]], [[9]]])
    assert [r.result for r in results] == [6, 9]
    assert opcodes(graph) == [Opcode.ADD] * 4
    assert replayed(graph, 16, inputs=[10, 20, 30, 5]) == [[60], [5]]


def test_values_flow_through_calls_and_frames():
    results, graph = dataflow.extract(assemblies.factorial(), [[3]])
    assert results[0].result == 6
    # n, n-1 and n-2 are factors; the last factor 1 is a constant, for control alone decided it. n-3 reaches no output.
    assert opcodes(graph) == [Opcode.SUBTRACT, Opcode.SUBTRACT, *[Opcode.MULTIPLY] * 3]
    assert replayed(graph, 16) == [[6]]


def test_a_value_that_only_decides_a_branch_is_not_in_the_graph():
    body = "0 is_zero r1, r0\n1 jump_nonzero r1, @4\n2 constant r0, 7\n3 halt\n4 constant r0, 9\n5 halt"
    results, graph = dataflow.extract(assemblies.program(body, "(x: Word) -> Word"), [[0], [1]])
    assert [r.result for r in results] == [9, 7]
    assert graph.nodes == 0 and graph.output_row_O.tolist() == [-1, -1]
    assert graph.input_value_I.tolist() == [0, 1]


def test_a_value_that_is_only_an_address_is_not_in_the_graph():
    body = "0 load r3, r0, r2\n1 move r0, r3\n2 halt"
    _, graph = dataflow.extract(assemblies.program(body, "(xs: Array, i: Word) -> Word"), [[[4, 5, 6], 1]])
    assert graph.nodes == 0 and graph.output_row_O.tolist() == [1]


def test_an_overwritten_value_is_forgotten():
    body = "0 add r1, r0, r0\n1 constant r1, 3\n2 add r0, r1, r1\n3 halt"
    _, graph = dataflow.extract(assemblies.program(body, "(x: Word) -> Word"), [[5]])
    assert graph.nodes == 0 and graph.output_row_O.tolist() == [-1] and graph.output_value_O.tolist() == [6]


def test_a_sample_that_traps_has_no_outputs_and_no_nodes():
    body = "0 add r2, r0, r0\n1 divide r0, r2, r1\n2 halt"
    program = assemblies.program(body, "(x: Word, y: Word) -> Word")
    results, graph = dataflow.extract(program, [[4, 0], [4, 2]])
    assert results == integer.run(program, [[4, 0], [4, 2]])
    assert results[0].trap is not None and replayed(graph, 16) == [[], [4]]
    assert graph.sample_N.tolist() == [1, 1]


def test_an_empty_batch_has_an_empty_graph():
    results, graph = dataflow.extract(assemblies.count(), [])
    assert results == [] and (graph.inputs, graph.nodes) == (0, 0) and graph.output_start.tolist() == [0]


def test_a_node_buffer_that_is_full_grows(monkeypatch):
    batch = [[list(range(40)), 3], [[3, 3], 3]]
    expected = dataflow.extract(assemblies.count(), batch)
    monkeypatch.setattr(dataflow, "FIRST_NODES", 1)
    results, graph = dataflow.extract(assemblies.count(), batch)
    assert results == expected[0]
    for name in ("left_N", "right_N", "value_N", "output_row_O"):
        assert np.array_equal(getattr(graph, name), getattr(expected[1], name))


@pytest.mark.parametrize("body", [assemblies.COUNT])
def test_other_inputs_on_the_same_path_give_other_outputs(body):
    _, graph = dataflow.extract(assemblies.count(), [[[1, 1, 2], 1]])
    assert replayed(graph, 16, inputs=[4, 4, 4, 4]) == [[3]]


@settings(deadline=None)
@given(st.data(), assemblies.well_formed(), st.integers(0, 20))
def test_replaying_the_graph_of_a_random_program_gives_its_results(data, program, budget):
    word = st.integers(0, (1 << program.sizes.width) - 1)
    batch = [[data.draw(word), data.draw(word)] for _ in range(3)]
    results, graph = dataflow.extract(program, batch, budget)
    assert results == integer.run(program, batch, budget)
    table = np.concatenate([graph.input_value_I, graph.value_N])
    for operand, value in ((graph.left_N, graph.left_value_N), (graph.right_N, graph.right_value_N)):
        assert (table[operand[operand >= 0]] == value[operand >= 0]).all()
    expected = [[] if r.trap else r.result if isinstance(r.result, list) else [r.result] for r in results]
    assert replayed(graph, program.sizes.width) == expected
    reached = {*graph.left_N.tolist(), *graph.right_N.tolist(), *graph.output_row_O.tolist()}
    assert set(range(graph.inputs, graph.inputs + graph.nodes)) <= reached, "every node is used"
