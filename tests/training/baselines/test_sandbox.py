"""Expressions run apart: right values come back, everything else is None, and nothing is reached from inside."""

import pytest

from ncl.training.baselines.sandbox import evaluate


@pytest.mark.parametrize(
    "source, found",
    [
        ("reverse(sort([3, 1, 2]))", [3, 2, 1]),
        ("count([4, 9, 4], 4)", [2]),
        ("modsum([5, 8, 13], 7)", [5]),
        ("stack([3, 8, 'pop', 5, 'pop', 'pop', 'pop'])", []),
        ("list(reversed((1, 2)))", [2, 1]),
        ("sum([1, 2]) % 2 - 4", [-3]),
        ("min([4, 2]) + max(4, 2) // len([1, 1])", [4]),
    ],
)
def test_numbers_come_back(source, found):
    assert evaluate(source) == found


@pytest.mark.parametrize(
    "source",
    [
        "modsum([1], 0)", "sort(1)", "sort", "[[1]]", "count", "(", "[1, 'a']", "sorted([1]) == [1]", "nix",
        "open('/etc/hostname')", "__import__('os')", "print(1)", "().__class__.__base__.__subclasses__()",
        "[0] * 10 ** 10",
    ],
)  # fmt: skip
def test_what_fails_or_reaches_out_gives_nothing(source):
    assert evaluate(source) is None


def test_it_ends_what_does_not_end():
    assert evaluate("9 ** 9 ** 9 ** 9", seconds=1) is None


def test_the_callers_environment_and_folder_stay_outside(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONSTARTUP", "x")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "json.py").write_text("raise SystemExit('imported from here')")
    assert evaluate("len([1])") == [1]
