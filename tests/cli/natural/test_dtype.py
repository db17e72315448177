"""What the base model runs in: measured, as the run was fitted, or as asked; that is told, and answers agree."""

import pytest
import torch

from ncl.cli.natural import dtype_of
from ncl.llama.pretrained import dtype_choice


@pytest.fixture
def ratio(monkeypatch):
    """`ratio(x)`: bfloat16 takes x times as long here."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    return lambda x: monkeypatch.setattr(dtype_choice, "slowness", lambda: x)


def test_it_is_measured_unless_it_was_fitted_or_asked_otherwise(ratio):
    ratio(4.0)
    assert dtype_of(None) == ("float32", "bfloat16 takes 4.0 times as long on this processor")
    assert dtype_of(None, "bfloat16") == ("bfloat16", "the run was fitted in it")
    assert dtype_of(False) == ("bfloat16", "as requested")
    assert dtype_of(True, "bfloat16") == ("float32", "as requested, but the run was fitted in bfloat16")
    ratio(0.3)
    assert dtype_of(None)[0] == "bfloat16"


def test_a_slow_processor_runs_float32_from_training_to_answers_which_agree(ncl, here, recipe, few, fitted, ratio):
    answers = {}
    for name, slower in (("slow", 5.0), ("quick", 0.3)):
        ratio(slower)
        ran = ncl("train", recipe, "--out", name, "--artefact", str(fitted.parent / "artefact"), "--json")
        dtype = {"slow": "float32", "quick": "bfloat16"}[name]
        assert ran.code == 0 and f"runs in {dtype}: " in ran.err and ran.document["dtype"] == dtype
        ratio(1.0)
        ran = ncl("chat", name, "--prompt", "Sort 3, 1, 2.", "--max-new-tokens", "4", "--json")
        assert ran.code == 0 and not ran.err
        answers[name] = [call["program"] for call in ran.document["calls"]]
    assert answers["slow"] == answers["quick"]


def test_another_dtype_than_that_of_the_fit_is_told(ncl, here, run):
    ran = ncl("chat", "run", "--prompt", "Sort 3, 1, 2.", "--max-new-tokens", "4", "--bfloat16", "--json")
    assert ran.code == 0 and "runs in bfloat16: as requested, but the run was fitted in float32" in ran.err
