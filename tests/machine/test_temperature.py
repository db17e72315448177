"""Temperatures of distributions: what each mode keeps, how the limits behave, and what their gradients are."""

import pytest
import torch

from ncl.errors import ConfigurationError
from ncl.machine.temperature import HARD, Temperature, harden

ROWS = torch.tensor([[0.1, 0.6, 0.3], [0.25, 0.25, 0.5], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])


def test_at_temperature_1_a_distribution_is_left_as_it_is():
    assert Temperature().of_distribution(ROWS) is ROWS and Temperature().sharpen(ROWS) is ROWS


@pytest.mark.parametrize("tau", [0.5, 0.01, 1e-4, 20.0])
def test_soft_powers_are_normalised_finite_and_keep_the_order(tau):
    got = Temperature("soft", tau).of_distribution(ROWS)
    assert got.isfinite().all() and (got[:3].sum(1) - 1).abs().max() < 1e-6
    assert got[:3].argmax(1).tolist() == ROWS[:3].argmax(1).tolist()
    assert got[3].tolist() == [0, 0, 0], "a cell past a length stays nothing"


def test_where_all_doubt_underflows_the_row_is_one_hot_to_the_bit_whatever_it_summed_to():
    rows = torch.tensor([[0.7, 0.2, 0.0999999], [0.31, 0.3, 0.3900001]])
    got = Temperature("soft", 1e-3).of_distribution(rows)
    assert torch.equal(got, harden(rows))


def test_hard_and_straight_through_values_are_exactly_one_hot():
    for mode in ("hard", "straight-through"):
        got = Temperature(mode).of_distribution(ROWS)
        assert got.tolist() == [[0, 1, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]]
        assert Temperature(mode).of_logits(torch.tensor([0.1, 3.0, 2.9])).tolist() == [0, 1, 0]


def test_of_equally_probable_words_the_first_is_taken():
    assert harden(torch.tensor([0.2, 0.4, 0.4])).tolist() == [0, 1, 0]


def test_sharpening_brings_a_row_nearer_to_hard_and_leaves_hard_ones_alone():
    got = Temperature("soft", 1.0, 3.0).sharpen(ROWS)
    assert got[0].tolist() == pytest.approx([1 / 244, 216 / 244, 27 / 244], abs=1e-6)
    assert torch.equal(got[2:], ROWS[2:])
    assert Temperature("hard", beta=3.0).sharpen(ROWS) is ROWS


def test_gradients_pass_as_the_mode_says_and_are_finite_at_zeros():
    pull = torch.tensor([[1.0, 2.0, 3.0]]).expand(4, 3)
    for heat in (Temperature("soft", 0.5), Temperature("soft", 2.0), Temperature("straight-through")):
        rows = ROWS.clone().requires_grad_()
        heat.of_distribution(rows).backward(pull)
        assert rows.grad.isfinite().all() and rows.grad[:2].abs().sum() > 0
    assert torch.equal(rows.grad, pull), "straight through"
    rows = ROWS.clone().requires_grad_()
    assert not HARD.of_distribution(rows).requires_grad


def test_logits_are_divided_by_the_temperature():
    logits = torch.tensor([1.0, 2.0, 4.0])
    assert torch.equal(Temperature("soft", 0.5).of_logits(logits), (logits * 2).softmax(0))


@pytest.mark.parametrize("options", [{"mode": "warm"}, {"tau": 0.0}, {"tau": float("nan")}, {"beta": 0.5}])
def test_impossible_settings_are_refused(options):
    with pytest.raises(ConfigurationError):
        Temperature(**options)
