"""Checks of models: right ones pass, wrong ones are refuted at their first length with a small input."""

import random
from math import exp

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import one_hot

import ncl
from ncl.errors import FormerName, InputError
from ncl.language.parse import parse_text
from ncl.properties import conformance
from ncl.properties.conformance import Difference, check_model, python_text
from ncl.properties.failure import Failed

TEXTS = """
def half(x: Word, y: Word) -> Word:
    requires(y > 0)
    return x // y

def merged(xs: Array, ys: Array) -> Word:
    requires(len(xs) == len(ys))
    total = 0
    for i in range(len(xs)):
        total += xs[i] * ys[i]
    return total

def never(xs: Array) -> Word:
    assert len(xs) > 1000
    return 0
"""


def read(name):
    return parse_text("from ncl import requires\n" + TEXTS, "mine.py", name)[0]


# --- right models ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, model",
    [
        ("reverse", lambda xs: xs[::-1]),
        ("reverse", lambda xs: tuple(reversed(xs))),
        ("copy", lambda xs: np.array(xs, dtype=np.int64)),
        ("insertion_sort", sorted),
        ("count", lambda xs, s: torch.tensor(xs).eq(s).sum()),
        ("modsum", lambda xs, m: sum(xs) % m),
    ],
)
def test_a_right_model_passes_at_every_length(name, model):
    found = check_model(model, name, width=16, top=200, samples=30)  # sums stay below 2^16
    assert found.verdict == "tested" and found.check() is found and found.first_failing_length is None
    assert [t.length for t in found.tried] == list(conformance.LENGTHS) and found.compared > 300
    # A sum modulo 0 is a trap: of such inputs the program says nothing.
    assert (sum(t.undefined for t in found.tried) > 0) == (name == "modsum")


def test_lengths_with_few_inputs_are_tried_whole_and_the_report_says_to_where():
    found = check_model(sorted, "insertion_sort", width=8, top=3, samples=10)
    assert found.exhaustive_to == 4 and [t.compared for t in found.tried[:5]] == [1, 4, 16, 64, 256]
    assert "lengths 0 to 128" in str(found)  # memory has 256 cells, half of them free
    assert check_model(lambda a, b: a // b, read("half"), top=9).exhaustive_to == 0


def test_a_network_runs_in_evaluation_mode_without_gradients_and_trains_on_after():
    class Layer(nn.Module):
        def forward(self, xs):
            assert not self.training and not torch.is_grad_enabled()
            return xs.flip(0)

    model = Layer()
    assert check_model(model, "reverse", encode=torch.tensor, top=9, samples=5).ok and model.training


def test_a_compiled_program_as_a_layer_is_what_it_was_compiled_from():
    compiled = ncl.compile("running_count", width=4, memory=8)
    layer = compiled.module(executor="integer")

    def encode(xs, s):
        return (
            one_hot(torch.tensor([[*xs, 0]]), 16).float(),
            torch.tensor([len(xs)]),
            [one_hot(torch.tensor([s]), 16).float()],
        )

    def decode(out):
        (values_MN,), (length,) = out
        return values_MN.argmax(-1)[: int(length)]

    assert ncl.check_model(layer, compiled, encode, decode, samples=20).ok


def test_inputs_on_which_the_program_says_nothing_are_left_out():
    assert check_model(lambda x, y: x // y, read("half"), width=3).ok
    dot = lambda xs, ys: sum(x * y for x, y in zip(xs, ys, strict=True))  # noqa: E731
    found = check_model(dot, read("merged"), top=3, lengths=range(6), samples=20)
    assert found.ok and sum(t.undefined for t in found.tried) > 0


# --- wrong models ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, model, length, arguments",
    [
        ("reverse", list, 2, [[0, 1]]),
        ("reverse", lambda xs: xs[::-1] if len(xs) <= 20 else xs, 21, [[0] * 20 + [1]]),
        ("reverse", lambda xs: xs[::-1] if len(xs) < 100 else [*xs[::-1], 0], 100, [[0] * 100]),
        ("count", lambda xs, s: xs.count(s) if len(xs) < 7 or s != 2 else 7, 7, [[0] * 7, 2]),
        ("insertion_sort", lambda xs: sorted(set(xs)), 2, [[0, 0]]),
        ("modsum", lambda xs, m: sum(xs) % m if len(xs) < 56 else 0, 56, None),
    ],
)
def test_a_wrong_model_is_refuted_at_its_first_length_with_a_small_input(name, model, length, arguments):
    found = check_model(model, name, width=16, top=9)
    assert found.verdict == "refuted" and found.first_failing_length == length
    assert arguments is None or found.difference.arguments == arguments
    with pytest.raises(Failed, match=f"at length {length}"):
        found.check()


def test_a_model_that_raises_or_gives_another_kind_of_thing_is_refuted():
    cases = (
        (lambda xs: xs[5:][0], "IndexError"),
        (lambda xs: "none", "'none'"),
        (lambda xs: 3.0, "3.0"),
        (lambda xs: {"answer": 1}, "answer"),
    )
    for model, told in cases:
        with pytest.raises(Failed) as fault:
            check_model(model, "count" if told == "3.0" else "reverse", encode=lambda xs, s=0: xs, top=9).check()
        assert told in fault.value.got


def test_a_model_that_does_not_say_the_same_twice_is_refuted():
    chance = random.Random(0)
    found = check_model(lambda xs: xs[::-1] if chance.random() < 0.9 else xs, "reverse", top=9)
    assert found.verdict == "refuted"


def test_attention_of_fixed_hardness_goes_wrong_as_length_grows():
    def attend(xs):
        place = torch.arange(len(xs))
        mass = (3.0 * (place[:, None] + place == len(xs) - 1)).softmax(-1)
        return (mass @ one_hot(torch.tensor(xs, dtype=torch.int64), 5).float()).argmax(-1)

    found = check_model(attend, "reverse", top=4)
    assert found.first_failing_length == int(exp(3.0)) + 2 == len(found.difference.arguments[0])
    (xs,) = found.difference.arguments
    assert sorted(map(xs.count, set(xs))) == [1, len(xs) - 1] and max(xs) == 1
    assert "should be" in found.difference.where


# --- what is said ----------------------------------------------------------------------------------------------------


def test_nothing_to_compare_is_vacuous_and_no_pass():
    found = check_model(lambda xs: 0, read("never"), lengths=range(5), top=3)
    assert found.verdict == "vacuous" and not found.ok
    with pytest.raises(InputError, match="nothing to compare"):
        found.check()


@pytest.mark.parametrize(
    "given", [{"lengths": [-1]}, {"lengths": []}, {"lengths": [200], "width": 8}, {"top": 1 << 16}]
)
def test_what_the_machine_has_not_is_refused(given):
    with pytest.raises(InputError):
        check_model(list, "reverse", **given)


def test_the_same_seed_searches_the_same_and_the_report_is_json():
    wrong = lambda xs: xs if 30 < max(xs, default=0) < 40 else xs[::-1]  # noqa: E731
    one, two = (check_model(wrong, "reverse", seed=3, top=200).to_json() for _ in range(2))
    assert one == two and one["verdict"] == "refuted" and one["counterexample"]["arguments"][0] in ([0, 31], [31, 0])


def test_long_lists_are_written_by_their_runs():
    assert (
        python_text([0] * 55 + [1]) == "[0] * 55 + [1]"
        and python_text([1, 2, 3]) == "[1, 2, 3]"
        and python_text(7) == "7"
    )
    assert Difference("f", [[0] * 9, 3], [1], [1, 2], 9).call == "f([0] * 9, 3)"


# --- broken checks ---------------------------------------------------------------------------------------------------

WRONG = (
    ("reverse", list),
    ("reverse", lambda xs: xs[::-1] if len(xs) < 40 else xs),
    ("reverse", lambda xs: [*xs[::-1][:-1], xs[0] ^ 1] if len(xs) > 30 else xs[::-1]),
    ("count", lambda xs, s: xs.count(s) if s else 0),
    ("modsum", lambda xs, m: 1 // 0 if len(xs) > 50 else sum(xs) % m),
)


def all_refuted():
    return all(check_model(model, name, top=9, samples=30).verdict == "refuted" for name, model in WRONG)


def test_the_wrong_models_are_all_refuted():
    assert all_refuted()


@pytest.mark.parametrize("broken", ["itself", "first", "raises", "short", "alike", "silent"])
def test_a_broken_check_lets_one_of_them_through(broken, monkeypatch):
    subject = conformance._Subject
    difference, answer, meaning = subject.difference, subject.answer, subject.meaning

    def first_only(self, arguments):
        found = difference(self, arguments)
        return None if found and isinstance(found.got, list) and found.got[:1] == found.expected[:1] else found

    def no_failure(self, arguments):
        got = answer(self, arguments)
        return meaning(self, arguments) if isinstance(got, Exception) else got

    patches = {
        "itself": (subject, "meaning", answer),  # compared with itself
        "first": (subject, "difference", first_only),
        "raises": (subject, "answer", no_failure),  # an exception counts as right
        "short": (conformance, "_lengths", lambda *_: [0, 1, 2, 3]),
        "alike": (conformance, "_drawn", lambda *_: None),  # nothing is drawn
        "silent": (subject, "meaning", lambda *_: None),  # the program never says anything
    }
    monkeypatch.setattr(*patches[broken])
    assert not all_refuted()


@pytest.mark.parametrize(("former", "name"), [("whole", "exhaustive"), ("silent", "undefined")])
def test_a_former_name_of_what_was_tried_is_read_with_a_warning_and_written(former, name):
    found = check_model(sorted, "insertion_sort", top=1, lengths=[2], samples=1)
    with pytest.warns(FormerName, match=f"{former} is named {name}"):
        assert getattr(found.tried[0], former) == getattr(found.tried[0], name)
    document = found.to_json()["tried"][0]
    assert document[former] == document[name]


def test_the_former_name_of_the_exhaustive_length_is_read_with_a_warning_and_written():
    found = check_model(sorted, "insertion_sort", top=1, lengths=[0, 1], samples=1)
    with pytest.warns(FormerName, match="whole_to is named exhaustive_to"):
        assert found.whole_to == found.exhaustive_to == 1
    assert found.to_json()["whole_to"] == found.to_json()["exhaustive_to"] == 1


def test_a_name_that_was_never_there_is_no_attribute():
    found = check_model(sorted, "insertion_sort", top=1, lengths=[0], samples=1)
    for name in ("whole", "silent", "others"):
        with pytest.raises(AttributeError, match=name):
            getattr(found, name)
