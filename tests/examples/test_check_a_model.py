"""The example finds the length at which fixed hardness is no longer enough, which can be computed by hand."""

import importlib.util
from math import exp
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parent.parent.parent / "examples" / "check_a_model.py"


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("check_a_model", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("hardness", [3.0, 4.0])
def test_fixed_hardness_fails_at_the_first_length_where_the_others_outweigh_it(example, hardness):
    found = example.check(example.Reverser(hardness))
    # One token among n - 1 others of a kind has a mass of e^hardness : n - 1.
    assert found.verdict == "refuted" and found.first_failing_length == int(exp(hardness)) + 2
    (xs,) = found.difference.arguments
    assert set(xs) == {0, 1} and sorted(map(xs.count, (0, 1))) == [1, len(xs) - 1]
    assert found.difference.expected == xs[::-1] != found.difference.got


def test_hardness_that_grows_passes_at_every_length(example):
    found = example.check(example.Reverser(4.0, grows=True))
    assert found.verdict == "tested" and max(t.length for t in found.tried) == 256 and found.exhaustive_to == 2
