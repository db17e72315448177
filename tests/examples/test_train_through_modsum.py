"""The example learns what it says, from sums alone."""

import importlib.util
from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parent.parent.parent / "examples" / "train_through_modsum.py"


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("train_through_modsum", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pictures_are_ten_different_ones(example):
    assert example.glyphs().shape == (10, 15) and len(example.glyphs().unique(dim=0)) == 10


def test_digits_are_read_after_training_on_modular_sums_alone(example):
    assert example.train(steps=0, seed=0) < 0.5
    assert example.train(steps=150, batch=48, seed=0) > 0.9
