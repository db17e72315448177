"""Weights in few bytes: what is stored comes back to the bit, and quantising moves them little."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load, save

from ncl.llama.reader.network import Reader
from ncl.llama.reader.quantised_weights import SCALE, from_stored, quantised, to_stored

SHAPES = ((3,), (4, 7), (2, 3, 5), (1, 1))


def weights(seed, shape, size=1.0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * size


def bits(weight):
    """As a digest sees them: zeros have signs."""
    return weight.numpy().tobytes()


@given(st.integers(0, 10**6), st.sampled_from(SHAPES), st.sampled_from((1e-6, 1e-3, 1.0, 300.0)))
def test_settled_weights_come_back_to_the_bit(seed, shape, size):
    weight = quantised(weights(seed, shape, size))
    assert bits(quantised(weight)) == bits(weight)
    stored = load(save(to_stored({"w": weight})))
    assert stored["w"].dtype == (torch.int8 if len(shape) > 1 else torch.float16)
    found = from_stored(stored)
    assert set(found) == {"w"} and found["w"].dtype == torch.float32 and bits(found["w"]) == bits(weight)


@given(st.integers(0, 10**6), st.sampled_from(SHAPES), st.sampled_from((1e-6, 1e-3, 1.0, 300.0)))
def test_what_was_not_settled_comes_back_to_the_bit_too(seed, shape, size):
    weight = weights(seed, shape, size)
    assert bits(from_stored(load(save(to_stored({"w": weight}))))["w"]) == bits(weight)


@given(st.integers(0, 10**6))
def test_settling_moves_a_weight_by_half_a_step_of_its_row_at_most(seed):
    weight = weights(seed, (4, 33)) * torch.tensor([[1e-4], [1.0], [50.0], [0.0]])
    step = weight.abs().amax(1, keepdim=True) / 127
    # The scale itself is rounded to 11 bits, which moves 127 steps by less than a tenth of one.
    assert ((quantised(weight) - weight).abs() <= 0.6 * step).all()
    assert not quantised(weight)[3].any()


@pytest.mark.parametrize("shape", [(2,), (1, 2)])
def test_zeros_keep_their_signs_in_what_was_not_settled(shape):
    weight = torch.tensor([-0.0, 1.0]).view(shape)
    assert bits(from_stored(to_stored({"w": weight}))["w"]) == bits(weight)


def test_a_settled_matrix_has_one_zero():
    assert not quantised(torch.tensor([[-1e-9, 1.0]])).signbit().any()


def test_a_matrix_takes_a_byte_a_weight():
    (matrix, scale) = to_stored({"w": quantised(weights(0, (64, 576)))}).values()
    assert matrix.nbytes == 64 * 576 and scale.nbytes == 4 * 64


@pytest.mark.parametrize("scale", [None, torch.ones(3), torch.ones(4, 1)])
def test_whole_numbers_without_a_scale_for_each_row_are_refused(scale):
    stored = {"w": torch.ones(4, 2, dtype=torch.int8), **({} if scale is None else {"w" + SCALE: scale})}
    with pytest.raises(ValueError, match="w has no scale for each of its rows"):
        from_stored(stored)


@pytest.mark.parametrize("name", ["w", "other"])
def test_a_scale_of_nothing_is_refused(name):
    with pytest.raises(ValueError, match=f"{name}.scale is the scale of nothing"):
        from_stored({"w": torch.ones(2, 2), name + SCALE: torch.ones(2)})


def test_a_saved_reader_with_former_names_of_layers_is_loaded():
    one, other = Reader(8, 4, 2), Reader(8, 4, 2)
    saved = {name.replace("boundary.", "border."): tensor for name, tensor in one.state_dict().items()}
    assert saved.keys() != one.state_dict().keys()
    torch.nn.ModuleList([other]).load_state_dict({f"0.{name}": tensor for name, tensor in saved.items()})
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in one.state_dict().items())
