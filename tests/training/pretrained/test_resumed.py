"""A fit that is cut off at any step, in any attempt, ends with the bits and the summary of one that was not."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from ncl.errors import FormatError
from ncl.training.pretrained import training_examples
from ncl.training.pretrained.config import NaturalConfig
from ncl.training.pretrained.recipe import Progress, train_natural

CONFIG = NaturalConfig(single_calls=12, statements=0, multiple_lists=4, two_calls=4, longest=3,
                       steps=5, batch=6, plan_samples=2, channels=8,
                       readers=2, restarts=1, checkpoint_every=2)  # fmt: skip


class Cut(BaseException):
    pass


@pytest.fixture
def train(chat_base, chat_artefact, tmp_path, monkeypatch):
    told = training_examples.phrasings("chat_train")
    monkeypatch.setattr(training_examples, "phrasings", lambda name: {kind: told[kind][:10] for kind in told})

    def run(name, cut=None, config=CONFIG, **options):
        """`cut`: after how many steps made here it ends."""
        made = []

        def step(number, loss):
            made.append(number)
            if len(made) == cut:
                raise Cut

        options = {"artefact": chat_artefact, "cache": tmp_path / "cache", "progress": Progress(step=step), **options}
        return train_natural(config, chat_base, tmp_path / name, **options)

    return run


def left(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted((folder / "adapter").rglob("*"))
            if path.is_file()} | {"metrics": (folder / "metrics.jsonl").read_bytes()}  # fmt: skip


def test_a_fit_that_was_cut_off_ends_as_one_that_was_not(train, tmp_path):
    whole = train("whole")
    for cut in (3, 8, 17):  # of two readers with two attempts of five steps each
        with pytest.raises(Cut):
            train("cut", cut)
        summary = train("cut", resume=True)
        assert {**summary, "adapter": ""} == {**whole, "adapter": ""}
        assert left(tmp_path / "cut") == left(tmp_path / "whole")


def test_a_fit_that_is_cut_off_again_and_again_still_ends(train, tmp_path):
    train("whole")
    cut, cuts = 4, 0
    while cuts < 20:
        try:
            train("cut", cut, resume=True)
            break
        except Cut:
            cut, cuts = cut + 2, cuts + 1
    assert 3 < cuts < 20
    assert left(tmp_path / "cut") == left(tmp_path / "whole")


def test_what_was_begun_otherwise_is_not_gone_on_with_and_without_being_asked_nothing_is(train, tmp_path):
    with pytest.raises(Cut):
        train("cut", 3)
    other = CONFIG.model_copy(update={"seed": 7})
    with pytest.raises(FormatError, match="another configuration"):
        train("cut", config=other, resume=True)
    train("cut", config=other)
    train("fresh", config=other)
    assert left(tmp_path / "cut") == left(tmp_path / "fresh")


def test_a_file_that_was_spoiled_is_told(train, tmp_path):
    with pytest.raises(Cut):
        train("cut", 3)
    (file,) = (tmp_path / "cut" / "fitting").iterdir()
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(FormatError, match="not readable"):
        train("cut", resume=True)


def test_metrics_of_a_fit_are_lines_of_json(train, tmp_path):
    train("whole")
    lines = [json.loads(line) for line in (tmp_path / "whole" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [*range(5)] * 2


@pytest.mark.nightly
def test_who_is_killed_leaves_no_process_behind_and_is_gone_on_with(train, tmp_path):
    def children(pid):
        told = [path.read_text().rsplit(")", 1)[1].split() for path in Path("/proc").glob("[0-9]*/stat")]
        return [fields for fields in told if int(fields[2]) == pid and fields[0] != "Z"]  # of its session group

    begun = tmp_path / "begun"
    child = os.fork()
    if not child:
        os.setsid()
        train("cut", config=CONFIG.model_copy(update={"steps": 2000}), jobs=2,
              progress=Progress(step=lambda step, loss: begun.touch()))  # fmt: skip
        os._exit(0)
    for _ in range(600):
        if begun.exists():
            break
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for _ in range(100):
        if not children(child):
            break
        time.sleep(0.1)
    assert begun.exists() and not children(child)
