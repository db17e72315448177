"""Compiled programs as layers: for anybody's network, under autograd, saved and moved like any other nn.Module."""

import copy
import io

import pytest
import torch
from torch.nn.functional import one_hot

import ncl
from ncl.errors import CapacityError, ConfigurationError, InputError
from ncl.machine.machine import module
from ncl.machine.temperature import Temperature

EXECUTORS = ["pathwise", "dense", "integer"]
WORDS = 8


def compiled(name):
    return ncl.compile(name, width=3, memory=8, registers=8)


def hard(rows, cells=None):
    """values_BMN and lengths_B of hard arrays."""
    cells = max(map(len, rows), default=0) if cells is None else cells
    padded = torch.tensor([row + [0] * (cells - len(row)) for row in rows]).reshape(len(rows), cells)
    return one_hot(padded, WORDS).float(), torch.tensor([len(row) for row in rows], dtype=torch.int64)


def soft(count, cells, seed=0, dtype=torch.float64):
    rows = torch.rand(count, cells, WORDS, generator=torch.Generator().manual_seed(seed), dtype=dtype) + 0.05
    return rows / rows.sum(-1, keepdim=True)


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize(("name", "word"), [("reverse", None), ("insertion_sort", None), ("stack", None), ("count", 2),
                                            ("running_count", 2), ("modsum", 5)])  # fmt: skip
def test_on_hard_inputs_a_layer_gives_what_run_gives(name, word, executor):
    rows = [[2, 7, 2], [], [3, 1]]
    program = compiled(name)
    values, lengths = hard(rows)
    arguments = [] if word is None else [one_hot(torch.full((3,), word), WORDS).float()]
    got, got_lengths = program.module(executor=executor)(values, lengths, arguments)
    results = [r.result for r in program.run([[row] if word is None else [row, word] for row in rows])]
    results = [r if isinstance(r, list) else [r] for r in results]
    assert got_lengths.tolist() == [len(r) for r in results] and got_lengths.dtype == torch.int64
    assert got.shape == (3, max(map(len, results)), WORDS)
    for row, result in zip(got, results):
        assert torch.equal(row[: len(result)], one_hot(torch.tensor(result, dtype=torch.int64), WORDS).float())
        assert not row[len(result) :].any(), "cells past a length are zero"


@pytest.mark.parametrize("executor", EXECUTORS)
def test_what_stands_behind_a_length_is_ignored(executor):
    layer = compiled("reverse").module(executor=executor)
    values, lengths = hard([[1, 2, 3], [4, 5, 6]])
    got, _ = layer(values, torch.tensor([2, 0]))
    assert got.argmax(-1).tolist()[0] == [2, 1] and not got[1].any()
    assert layer(values, lengths)[1].tolist() == [3, 3]


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_sample_that_traps_has_length_0_and_the_others_their_results(executor):
    layer = compiled("modsum").module(executor=executor)
    values, lengths = hard([[3, 2], [3, 2]])
    got, got_lengths = layer(values, lengths, [one_hot(torch.tensor([0, 4]), WORDS).float()])
    assert got_lengths.tolist() == [0, 1] and not got[0].any() and got[1, 0].argmax() == 1


@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_budget_is_a_trap_too(executor):
    layer = module(compiled("count").program, executor, budget=3)
    values, lengths = hard([[1, 1], [1, 1, 1]])
    got_lengths = layer(values, lengths, [one_hot(torch.tensor([1, 1]), WORDS).float()])[1]
    assert got_lengths.tolist() == [1, 0]


@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_empty_batch_gives_an_empty_result(executor):
    got, lengths = compiled("reverse").module(executor=executor)(torch.zeros(0, 3, WORDS), torch.zeros(0).long())
    assert got.shape[0] == 0 and got.shape[2] == WORDS and lengths.tolist() == []


# --- gradients --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", ["pathwise", "dense"])
def test_gradients_reach_values_and_arguments(executor):
    layer = compiled("modsum").module(executor=executor)
    values, m = soft(2, 3).requires_grad_(), soft(2, 1, 1)[:, 0]
    m = torch.where(torch.arange(WORDS) == 0, 0, m)
    m = (m / m.sum(-1, keepdim=True)).requires_grad_()
    got, _ = layer(values, torch.tensor([3, 2]), [m])
    got[torch.arange(2), 0, torch.tensor([1, 2])].log().sum().backward()
    assert values.grad[0].abs().sum() > 0 and m.grad.abs().sum() > 0
    assert values.grad[1, 2].abs().sum() == 0, "behind the length"


@pytest.mark.parametrize("name", ["reverse", "copy", "count", "running_count"])
def test_pathwise_is_dense_in_values_and_gradients_on_branch_free_programs(name):
    program = ncl.compile(name, width=3, memory=6, registers=8)
    arguments = [soft(1, 1, 1)[:, 0]] if len(program.program.signature.parameters) == 2 else []
    found = []
    for executor in ("pathwise", "dense"):
        values = soft(1, 2).requires_grad_()
        got, lengths = program.module(executor=executor)(values, torch.tensor([2]), arguments)
        pull = torch.arange(1.0, got.numel() + 1, dtype=torch.float64).reshape(got.shape)
        (gradient,) = torch.autograd.grad(got, values, pull)
        found.append((got.detach(), lengths, gradient - gradient.mean(-1, keepdim=True)))
    for mine, theirs in zip(*found):
        assert torch.allclose(mine.double(), theirs.double(), atol=1e-9, rtol=0)


def test_the_integer_executor_gives_hard_results_and_no_gradient():
    values = soft(1, 3).requires_grad_()
    got, _ = compiled("reverse").module(executor="integer")(values, torch.tensor([3]))
    assert not got.requires_grad and set(got.unique().tolist()) == {0, 1}


@pytest.mark.parametrize("executor", ["pathwise", "dense"])
def test_straight_through_gives_hard_values_and_passes_gradients(executor):
    values = soft(1, 3).requires_grad_()
    layer = compiled("reverse").module(executor=executor, temperature="straight-through")
    got, _ = layer(values, torch.tensor([3]))
    assert torch.equal(got[0], one_hot(values[0].argmax(-1), WORDS).double().flip(0))
    got[0, 0, 3].backward()
    assert values.grad[0, 2].argmax() == 3 and values.grad[0, 2, 3] > 0


@pytest.mark.parametrize("executor", ["pathwise", "dense"])
def test_a_low_temperature_gives_what_hard_gives(executor):
    values, lengths = soft(2, 3, 7), torch.tensor([3, 3])
    program = compiled("insertion_sort")
    cold = program.module(executor=executor, temperature=Temperature("soft", 1e-6))(values, lengths)
    exact = program.module(executor=executor, temperature="hard")(values, lengths)
    assert torch.equal(cold[0], exact[0]) and torch.equal(cold[1], exact[1])


def test_a_network_in_front_learns_through_the_program():
    """Three unknown words whose order the program turns round: their logits are learned from the result alone."""
    layer = compiled("reverse").module()
    logits = torch.zeros(1, 3, WORDS, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.3)
    for _ in range(40):
        got, _ = layer(logits.softmax(-1), torch.tensor([3]))
        loss = -got[0, torch.arange(3), torch.tensor([6, 0, 3])].log().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert logits.argmax(-1).tolist() == [[3, 0, 6]]


# --- modules as modules ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_state_dict_goes_out_and_in_and_says_which_program_it_is_of(executor):
    layer, again = (compiled("count").module(executor=executor) for _ in range(2))
    assert all(not value.is_floating_point() for value in layer.state_dict().values())
    again.load_state_dict(layer.state_dict())
    buffer = io.BytesIO()
    torch.save(layer.state_dict(), buffer)
    buffer.seek(0)
    again.load_state_dict(torch.load(buffer, weights_only=True))
    with pytest.raises(RuntimeError, match="another program"):
        compiled("running_count").module(executor=executor).load_state_dict(layer.state_dict())


def test_trainable_fields_are_in_the_state_dict_and_come_back():
    program, holes = compiled("count").program, frozenset({(5, "opcode"), (5, "a")})
    layer, again = (module(program, "dense", trainable=holes) for _ in range(2))
    with torch.no_grad():
        layer.memory.opcode_logits_TX += torch.randn(layer.memory.opcode_logits_TX.shape)
    again.load_state_dict(layer.state_dict())
    assert torch.equal(again.memory.opcode_logits_TX, layer.memory.opcode_logits_TX)
    assert len(list(copy.deepcopy(layer).parameters())) == 2


@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_a_layer_works_in_the_type_of_its_inputs(executor, dtype):
    layer = compiled("insertion_sort").module(executor=executor).to(dtype)
    values, lengths = hard([[3, 1, 2]])
    got, _ = layer(values.to(dtype), lengths)
    assert got.dtype == dtype and got.argmax(-1).tolist() == [[1, 2, 3]]
    assert layer.memory.opcode_L.dtype == torch.int64, "the integer program stays exact"


def test_a_layer_moves_and_nests_like_any_other():
    network = torch.nn.ModuleDict({"computer": compiled("reverse").module()})
    network.to("cpu", torch.float64).eval()
    assert {"computer.memory.opcode_L", "computer.memory.a_L"} <= set(network.state_dict())


# --- what is refused -------------------------------------------------------------------------------------------------


def test_inputs_of_the_wrong_shape_type_or_length_are_refused():
    layer = compiled("count").module()
    values, lengths = hard([[1, 2], [3, 4]])
    word = one_hot(torch.tensor([1, 1]), WORDS).float()
    layer(values, lengths, [word])
    for bad in [
        (values[..., :4], lengths, [word]),
        (values[0], lengths, [word]),
        (values, lengths, []),
        (values, lengths, [word[:1]]),
        (values, lengths.int(), [word]),
        (values, lengths[:1], [word]),
        (values, lengths + 1, [word]),
        (values, lengths - 3, [word]),
    ]:
        with pytest.raises(InputError, match=r"count\(xs: Array, s: Word\)"):
            layer(*bad)


def test_what_does_not_go_together_is_refused():
    with pytest.raises(InputError, match="no executor 'native'"):
        compiled("count").module(executor="native")
    with pytest.raises(ConfigurationError, match="only dense learns program memory"):
        module(compiled("count").program, "pathwise", trainable=frozenset({(0, "a")}))
    with pytest.raises(ConfigurationError, match="no temperature mode"):
        compiled("count").module(temperature="warm")
    with pytest.raises(CapacityError, match="dense would hold"):
        wide = torch.zeros(1, 1, 1 << 16)
        ncl.compile("count").module(executor="dense")(wide, torch.tensor([1]), [wide[0]])


def test_only_programs_of_one_array_and_then_words_are_layers(tmp_path):
    file = tmp_path / "two.py"
    file.write_text(
        "from ncl import Array, Word, program\n\n\n@program\ndef two(xs: Array, ys: Array) -> Word:\n    return 1\n"
        "\n\n@program\ndef last(n: Word, xs: Array) -> Word:\n    return n\n"
    )
    for name in ("two", "last"):
        with pytest.raises(ConfigurationError, match="one array, then words"):
            ncl.compile(f"{file}:{name}").module()
