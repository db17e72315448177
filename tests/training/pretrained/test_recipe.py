"""The natural recipe in small: behind the gate, resumed from its features, reproducible, stalls told."""

import json
from dataclasses import replace

import pytest
import torch

from ncl import certificate as record
from ncl.errors import GateRefused
from ncl.llama import load_adapter
from ncl.training.pretrained import recipe, training_examples
from ncl.training.pretrained.config import NaturalConfig
from ncl.training.pretrained.fit_ensemble import _processes
from ncl.training.pretrained.recipe import METRICS, Progress, train_natural
from ncl.training.pretrained.training_examples import hidden_of, training_prompts

CONFIG = NaturalConfig(single_calls=12, statements=0, multiple_lists=4, two_calls=4, longest=3,
                       steps=2, batch=6, plan_samples=2, channels=8,
                       readers=2, restarts=1)  # fmt: skip


@pytest.fixture(autouse=True)
def little_chat(monkeypatch):
    """Few chat prompts, so that it is quick."""
    told = training_examples.phrasings("chat_train")
    few = {kind: told[kind][:10] for kind in ("plain", "near_misses")}
    monkeypatch.setattr(training_examples, "phrasings", lambda name, original=training_examples.phrasings: few)


@pytest.fixture
def train(chat_base, chat_artefact, tmp_path):
    def run(name="run", config=CONFIG, base=chat_base, **options):
        options = {"artefact": chat_artefact, "cache": tmp_path / "cache", **options}
        return train_natural(config, base, tmp_path / name, **options)

    return run


def test_a_run_leaves_an_adapter_that_loads_and_its_losses(train, chat_base, tmp_path):
    summary = train()
    loaded = load_adapter(tmp_path / "run" / "adapter", chat_base)
    assert len(loaded.readers) == 2 and loaded.permit is not None
    lines = [json.loads(line) for line in (tmp_path / "run" / METRICS).read_text().splitlines()]
    assert [(line["reader"], line["step"]) for line in lines] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert summary["prompts"] == 40 and summary["adapter"] == str(tmp_path / "run" / "adapter")
    assert len(summary["losses"]) == 2 and summary["softness"] == "soft-uncertified"


def test_who_is_interrupted_leaves_no_process_behind_that_goes_on_fitting(train):
    def leave(step, loss):
        raise KeyboardInterrupt

    endless = CONFIG.model_copy(update={"steps": 1_000_000})
    with pytest.raises(KeyboardInterrupt):
        train(config=endless, jobs=2, progress=Progress(step=leave))


def test_a_run_that_has_stalled_says_so_and_counts_its_restarts(train):
    summary = train()  # two steps of random weights
    assert summary["stalled"] and summary["restarts"] == 2
    assert train("other", CONFIG.model_copy(update={"restarts": 0}))["restarts"] == 0


def test_the_same_seed_gives_the_same_adapter_with_or_without_features_on_disk(train, tmp_path):
    train("one")
    train("two")
    train("fresh", cache=tmp_path / "elsewhere")
    train("other", CONFIG.model_copy(update={"seed": 1}))
    one, two, fresh, other = (
        (tmp_path / name / "adapter" / "readers.safetensors").read_bytes() for name in ("one", "two", "fresh", "other")
    )
    assert one == two == fresh != other


@pytest.mark.nightly
def test_readers_that_are_fitted_side_by_side_are_the_same(train, tmp_path):
    steps = []
    train("one")
    train("two", jobs=2, progress=Progress(step=lambda step, loss: steps.append(step)))
    one, two = ((tmp_path / name / "adapter" / "readers.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two and sorted(steps) == [0] * 4 + [1] * 4


def test_progress_tells_every_prompt_and_every_step(train):
    seen, steps = [], []
    train(progress=Progress(seen.append, lambda step, loss: steps.append(step)))
    assert sum(seen) == 40 and steps == [0, 1] * 4


def refused(train, tmp_path, **options):
    with pytest.raises(GateRefused):
        train(progress=Progress(lambda count: pytest.fail("it was begun")), **options)
    assert not (tmp_path / "run").exists()


def test_it_does_not_start_without_a_certified_library(train, chat_artefact, tmp_path):
    refused(train, tmp_path, artefact=tmp_path / "nothing")
    path = chat_artefact / "programs" / "reverse.json"
    data = json.loads(path.read_text())
    data["code"].reverse()
    path.write_text(json.dumps(data))
    refused(train, tmp_path)


def test_it_does_not_start_with_the_library_of_another_tokenizer(train, chat_artefact, tmp_path):
    file = chat_artefact / record.FILE_NAME
    certificate = record.read(chat_artefact)
    record.write(certificate.model_copy(update={"tokenizer": "0" * 64}), file)
    refused(train, tmp_path)


def test_it_does_not_start_where_the_width_is_another(train, tmp_path):
    refused(train, tmp_path, config=CONFIG.model_copy(update={"width": 12}))


def test_an_adapter_that_was_fitted_is_refused_on_another_base(train, chat_base, tmp_path):
    train()
    other = replace(chat_base, digest="0" * 64)
    with pytest.raises(GateRefused, match="fitted to the base"):
        load_adapter(tmp_path / "run" / "adapter", other)


def test_the_backbone_is_not_touched(train, chat_base):
    before = {name: tensor.clone() for name, tensor in chat_base.model.state_dict().items()}
    train()
    after = chat_base.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize(
    ("readers", "jobs", "processes"), [(4, 2, 2), (3, 2, 3), (4, 3, 4), (4, 4, 4), (4, 16, 4), (6, 3, 3)]
)
def test_readers_get_as_many_processes_as_share_them_out_evenly(readers, jobs, processes):
    assert _processes(readers, jobs) == processes


def test_text_is_hidden_only_where_nothing_hangs_on_one_word():
    told = {
        (prompt.phrasing, prompt.calls, prompt.task == "stack"): hidden_of(prompt, 0.2)
        for prompt in training_prompts(NaturalConfig())
    }
    assert told == {
        ("seen", 1, False): (0.2, 0.2), ("seen", 1, True): (0.0, 0.2),
        ("seen", 2, False): (0.0, 0.0), ("several", 1, False): (0.0, 0.0), ("several", 1, True): (0.0, 0.0),
        ("plain", 0, False): (0.0, 0.0), ("near_misses", 0, False): (0.0, 0.0),
    }  # fmt: skip


@pytest.mark.parametrize("share", [0.0, 0.4])
def test_lessons_hide_as_much_text_as_the_configuration_says(train, monkeypatch, share):
    class Seen(Exception):
        pass

    def look(wanted, examples, *rest):
        raise Seen(*{example.feature_dropout for example in examples})

    monkeypatch.setattr(recipe, "fit_readers", look)
    with pytest.raises(Seen) as told:
        train(config=CONFIG.model_copy(update={"feature_dropout": share}))
    assert set(told.value.args) == {(0.0, 0.0), (0.0, share), (share, share)}
