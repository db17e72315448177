"""The independently written test set: well-formed prompts in every task, none of them in words that training has."""

import importlib
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from ncl.training.evaluation.held_out import CALLS, KINDS, LENGTHS
from ncl.training.tasks.natural_prompts import TASKS, phrasings

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"


@pytest.fixture(scope="module")
def blind():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        return importlib.import_module("blind")


@pytest.fixture(scope="module")
def data(blind):
    return json.loads(blind.PHRASINGS.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def prompts(blind, data):
    return list(blind.prompts(blind.unknown(data)[0], 3, 1, 0))


def test_every_task_is_asked_at_every_length_and_chains_at_every_number_of_calls(prompts):
    cells = Counter((p.phrasing, p.task, p.length, p.calls) for p in prompts)
    for kind in KINDS:
        assert {cells[kind, task, length, 1] for task in TASKS for length in LENGTHS} == {1, 3}
    assert {cells["seen", "chain", 10, calls] for calls in CALLS} == {3}
    assert cells["chat", "chat", 0, 0] >= 50
    assert all((p.answer is None) == (p.task == "chat") for p in prompts)


def test_every_slot_is_filled(prompts):
    assert not [p.text for p in prompts if re.search(r"\{\w+\}", p.text)]


def test_what_training_has_is_left_out_in_any_case_and_with_any_marks_and_counted(blind, data):
    train, chat = phrasings("train"), phrasings("chat_train")
    kept, dropped = blind.unknown(data)
    planted = {**data, "chat": [*data["chat"], chat["plain"][0].title()]}
    planted["seen"] = {**data["seen"], "sort": [*data["seen"]["sort"], train["tasks"]["sort"][0].rstrip(".") + " !"]}
    planted["steps"] = {**data["steps"], "push": [*data["steps"]["push"], train["steps"]["push"][0]]}
    planted["chain"] = {**data["chain"], "reverse": [*data["chain"]["reverse"], train["chain"]["reverse"][0]]}
    assert blind.unknown(planted) == (kept, dropped + 4)
