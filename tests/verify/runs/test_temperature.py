"""Temperature and sharpening against their definitions: green as they are, red for every way of getting them wrong."""

import pytest
import torch

from ncl.machine import temperature as heat
from ncl.machine.temperature import Temperature
from ncl.verify.engine import counterexample
from ncl.verify.runs import temperature


@pytest.mark.parametrize("part", temperature.PARTS)
def test_every_part_is_as_defined(part):
    found = temperature.check(part)
    assert found.verdict == "tested" and found.limits["samples"] > 50, found.detail


WRONG = {
    "nearly hard": ("hard", "harden", lambda p: (p * 400).softmax(-1)),
    "hard on the last of equals": ("hard", "harden", lambda p: heat_harden(p.flip(-1)).flip(-1)),
    "hard with dust": ("hard", "harden", lambda p: heat_harden(p) + 1e-30),
    "a cut gradient": ("straight-through", "_through", lambda p: heat_harden(p)),
    "a gradient that is soft's": ("straight-through", "_through", lambda p: heat_harden(p) + p - p.detach()),
    "a gradient twice as steep": ("straight-through", "_through", lambda p: heat_through(2 * p)),
    "not normalised": ("sharpening", "_power", lambda p, e: p**e),
    "the exponent upside down": ("soft", "_power", lambda p, e: heat_power(p, 1 / e)),
    "nan on an empty row": ("sharpening", "_power", lambda p, e: p**e / (p**e).sum(-1, keepdim=True)),
    "powers that vanish": ("soft", "_power", lambda p, e: (p.float() ** e / (p.float() ** e).sum()).double()),
    "a detached power": ("sharpening", "_power", lambda p, e: heat_power(p.detach(), e) + 0 * p),
}
heat_harden, heat_power, heat_through = heat.harden, heat._power, heat._through


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_temperature_is_refuted_and_replays(name, monkeypatch, tmp_path):
    part, function, wrong = WRONG[name]
    monkeypatch.setattr(heat, function, wrong)
    found = temperature.check(part)
    assert found.verdict == "refuted"
    file = counterexample.write(found.counterexample, tmp_path, "temperature")
    assert counterexample.replay(file).reproduced
    monkeypatch.undo()
    assert not counterexample.replay(file).reproduced


def test_hard_is_exact_in_every_dtype():
    for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
        found = Temperature("hard").of_distribution(torch.tensor([0.2, 0.5, 0.3], dtype=dtype))
        assert found.dtype == dtype and found.tolist() == [0, 1, 0]
