"""The exam by another hand: well-formed prompts in every task, none of them in words that training has."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from ncl.training.held_out import CALLS, KINDS, LENGTHS
from ncl.training.prompts import TASKS, phrasings

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def prompts(tmp_path_factory):
    file = tmp_path_factory.mktemp("blind") / "blind.jsonl"
    command = [
        sys.executable,
        str(BENCHMARKS / "blind.py"),
        "no-run",
        "--n",
        "3",
        "--n-long",
        "1",
        "--prompts",
        str(file),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_every_task_is_asked_at_every_length_and_chains_at_every_number_of_calls(prompts):
    cells = Counter((p["phrasing"], p["task"], p["length"], p["calls"]) for p in prompts)
    for kind in KINDS:
        assert {cells[kind, task, length, 1] for task in TASKS for length in LENGTHS} == {1, 3}
    assert {cells["seen", "chain", 10, calls] for calls in CALLS} == {3}
    assert cells["chat", "chat", 0, 0] >= 50
    assert all(p["answer"] is None for p in prompts if p["task"] == "chat")


def test_every_slot_is_filled(prompts):
    assert not [p["prompt"] for p in prompts if re.search(r"\{\w+\}", p["prompt"])]


def test_chat_prompts_are_not_in_training(prompts):
    known = {text.lower() for texts in phrasings("chat_train").values() for text in texts}
    assert not known & {p["prompt"].lower() for p in prompts if p["task"] == "chat"}
