"""Gradients are those of the values, everywhere; backward passes with a wrong sign or a lost path are found."""

import drawn
import pytest
import torch
from hypothesis import strategies as st

from ncl.build import compile
from ncl.language.opcodes import WORD_OPS, Opcode
from ncl.machine.circuits import onehot
from ncl.machine.executors import pathwise
from ncl.machine.temperature import Temperature
from ncl.properties.failure import Failed
from ncl.properties.gradients import check_circuit, check_dense, check_pathwise, check_pathwise_is_dense
from ncl.properties.search import falsify

SOFT_COUNT = [[((1, 8), (2, 3)), ((2, 8), (1, 4), (0, 1)), ((0, 8),)], ((2, 8), (1, 2))]


def vectors(size):
    """Two pairs of non-negative vectors, of any mass."""
    entries = st.lists(st.floats(0, 1, width=32), min_size=2 * size, max_size=2 * size)
    return entries.map(lambda v: torch.tensor(v, dtype=torch.float64).reshape(2, size))


def small(name, width=2):
    return compile(name, width=width, memory=4, registers=8).program


# --- what is shipped ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opcode", WORD_OPS, ids=lambda op: op.mnemonic)
def test_the_gradient_of_every_circuit_is_that_of_its_values(opcode, search):
    for size in (2, 4):
        search(lambda pair: check_circuit(opcode, *pair), st.tuples(vectors(size), vectors(size)), share=0.1)


def test_the_gradient_of_pathwise_runs_is_that_of_their_values(search):
    search(lambda case: check_pathwise(*case), drawn.soft_straight(), share=0.5)
    search(lambda case: check_pathwise(*case), drawn.soft_sources(), share=0.5)


def test_the_gradient_of_dense_runs_is_that_of_their_values(search):
    search(lambda case: check_dense(*case), drawn.soft_programs(widths=(1, 2)), slow=True)
    search(lambda case: check_dense(*case), drawn.soft_sources(statements=2), slow=True)


def test_the_gradient_passes_through_sharpening_and_temperature(search):
    search(lambda case: check_dense(*case, Temperature("soft", 0.7, 1.5)), drawn.soft_straight(), slow=True)


def test_pathwise_is_dense_where_neither_control_nor_addresses_depend_on_data(search):
    def check(case):
        assert check_pathwise_is_dense(*case), "a straight program has no other addresses"

    search(check, drawn.soft_straight(), share=0.5)


@pytest.mark.parametrize(("name", "soft"), [("count", SOFT_COUNT), ("running_count", SOFT_COUNT),
                                            ("modsum", SOFT_COUNT), ("reverse", SOFT_COUNT[:1]),
                                            ("copy", [SOFT_COUNT[0][:2]])])  # fmt: skip
def test_pathwise_is_dense_on_the_library_s_branch_free_programs(name, soft):
    program = small(name, 2)
    assert check_pathwise_is_dense(program, soft)


def test_a_program_that_branches_on_its_data_is_not_compared():
    program = compile("insertion_sort", width=2, memory=4, registers=8).program
    assert not check_pathwise_is_dense(program, SOFT_COUNT[:1])


def test_a_soft_address_and_a_soft_divisor_are_not_compared():
    load = drawn.assembled("0 load r0, r0, r1\n1 halt", width=2, memory=4)
    assert not check_pathwise_is_dense(load, [((1, 8), (0, 1)), ((1, 8),)])
    divide = drawn.assembled("0 divide r0, r0, r1\n1 halt", width=2, memory=4)
    assert not check_pathwise_is_dense(divide, [((3, 8),), ((1, 8), (0, 1))])
    assert check_pathwise_is_dense(divide, [((3, 8),), ((1, 8), (2, 1))])


# --- planted faults -------------------------------------------------------------------------------------------------


def with_backward(circuit, spoil):
    """The circuit's own values, with a backward pass that `spoil` makes of the right one."""

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(context, *operands):
            context.save_for_backward(*operands)
            return circuit(*operands)

        @staticmethod
        def backward(context, pull):
            with torch.enable_grad():
                leaves = [operand.detach().requires_grad_() for operand in context.saved_tensors]
                right = torch.autograd.grad(circuit(*leaves), leaves, pull)
            return spoil(right)

    return lambda *operands: Planted.apply(*operands)


def wrong_sign(gradients):
    return tuple(-g for g in gradients)


def dropped_path(gradients):
    """The first operand learns nothing."""
    return (torch.zeros_like(gradients[0]), *gradients[1:])


def twice(gradients):
    return tuple(2 * g for g in gradients)


@pytest.mark.parametrize("spoil", [wrong_sign, dropped_path, twice])
@pytest.mark.parametrize("opcode", WORD_OPS, ids=lambda op: op.mnemonic)
def test_a_wrong_backward_of_any_circuit_is_found(opcode, spoil, monkeypatch):
    monkeypatch.setitem(onehot.CIRCUITS, opcode, with_backward(onehot.CIRCUITS[opcode], spoil))
    x, y = torch.tensor([[0.1, 0.2, 0.3, 0.4]]).double(), torch.tensor([[0.4, 0.3, 0.1, 0.2]]).double()
    with pytest.raises(Failed, match=f"the gradient of {opcode.mnemonic}"):
        check_circuit(opcode, x, y)


@pytest.mark.parametrize("spoil", [wrong_sign, dropped_path])
def test_a_wrong_backward_inside_a_dense_run_is_found(spoil, monkeypatch):
    program = drawn.assembled("0 add r0, r0, r1\n1 multiply r0, r0, r0\n2 halt", width=2, memory=4)
    monkeypatch.setitem(onehot.CIRCUITS, Opcode.ADD, with_backward(onehot.CIRCUITS[Opcode.ADD], spoil))
    soft = [((1, 8), (2, 3)), ((2, 8), (3, 1))]
    with pytest.raises(Failed, match=r"the gradient of p\(\{1: 8, 2: 3\}, \{2: 8, 3: 1\}\) at width 2"):
        check_dense(program, soft)
    with pytest.raises(Failed, match=r"gradients, entry \[\d, \d\]"):
        check_pathwise_is_dense(program, soft)


@pytest.mark.parametrize("spoil", [wrong_sign, dropped_path])
def test_a_wrong_backward_inside_a_pathwise_run_is_found(spoil, monkeypatch):
    apply = pathwise.apply

    def planted(opcode, x_PX, y_PY, width):
        return with_backward(lambda x, y: apply(opcode, x, y, width), spoil)(x_PX, y_PY)

    monkeypatch.setattr(pathwise, "apply", planted)
    with pytest.raises(Failed, match="the gradient of count"):
        check_pathwise(small("count"), SOFT_COUNT)
    with pytest.raises(Failed, match="gradients, entry"):
        check_pathwise_is_dense(small("count"), SOFT_COUNT)


def test_a_replay_that_detaches_an_input_is_found():
    def detached(graph, inputs_IN, width):
        return pathwise.replay(graph, torch.cat([inputs_IN[:1].detach(), inputs_IN[1:]]), width)

    with pytest.raises(Failed, match="the gradient of count"):
        check_pathwise(small("count"), SOFT_COUNT, detached)


def test_a_replay_with_other_values_is_not_dense():
    def late(graph, inputs_IN, width):
        return pathwise.replay(graph, inputs_IN.roll(1, -1), width)

    with pytest.raises(Failed, match="values, entry"):
        check_pathwise_is_dense(small("reverse"), SOFT_COUNT[:1], late)


def test_a_found_gradient_fault_is_small(monkeypatch):
    monkeypatch.setitem(onehot.CIRCUITS, Opcode.XOR, with_backward(onehot.CIRCUITS[Opcode.XOR], wrong_sign))
    with pytest.raises(Failed) as found:
        falsify(lambda case: check_dense(*case), drawn.with_soft(drawn.assembled("0 xor r0, r0, r1\n1 halt")), 10)
    assert found.value.what == "the gradient of p(0, 0) at width 3"
