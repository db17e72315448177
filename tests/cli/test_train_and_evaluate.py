"""`ncl train`, `ncl evaluate` and `ncl regress` on a run so small that it takes seconds."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from ncl.training.from_scratch.config import ModelConfig, TrainConfig
from ncl.training.from_scratch.trainer import train

CELL = {"task", "length", "system", "arm", "phrasing", "calls", "seed", "n", "exact", "interval"}
EVALUATE = ("--task", "sort", "--task", "count", "--length", "3", "--n", "40", "--json")


@pytest.fixture
def run(here, runs):
    """A run of the `ncl` system that a test may spoil."""
    shutil.copytree(runs / "ncl", here / "run")
    return here / "run"


def test_training_needs_a_certified_library_and_leaves_a_checkpoint(ncl, here, config_file, certified):
    ran = ncl("train", config_file, "--out", "run", "--artefact", str(certified), "--json")
    assert ran.code == 0
    assert set(ran.document) >= {
        "schema",
        "system",
        "seed",
        "steps",
        "loss",
        "stalled",
        "softness",
        "checkpoint",
        "metrics",
    }
    assert ran.document["softness"] == "soft-uncertified"
    assert (here / ran.document["checkpoint"] / "model.safetensors").is_file()
    lines = [json.loads(line) for line in (here / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines[:-1]] == [0, 1, 2, 3]


def test_without_a_library_one_is_made_and_certified_beside_the_run(ncl, here, config_file, grant):
    grant()
    assert ncl("train", config_file, "--out", "run", "--steps", "1").code == 0
    assert ncl("gate", "run/artefact").code == 0
    assert ncl("gate", "run").code == 0


def test_the_plain_model_needs_none(ncl, here, config_file):
    ran = ncl("train", config_file, "--plain", "--out", "run", "--seed", "3", "--steps", "1", "--json")
    assert (ran.code, ran.document["system"], ran.document["seed"], ran.document["softness"]) == (0, "plain", 3, None)
    assert not (here / "run" / "artefact").exists()


@pytest.mark.parametrize(
    "changes, told",
    [
        ({"nix": 1}, "nix"), ({"steps": 0}, "steps"), ({"tasks": ["nix"]}, "tasks are reverse"),
        ({"tasks": []}, "no task"),
        ({"width": 8}, "width"), ({"width": 32}, "width"), ({"model": {"heads": 3}}, "hidden_size 64"),
        ({"model": {"heads": 4, "key_value_heads": 3}}, "key_value_heads"), ({"learning_rate": 1e999}, "learning_rate"),
        ({"longest": 5000}, "longest"), ({"programs": []}, "at least one"),
        ({"programs": ["reverse"] * 2}, "none twice"), ({"programs": ["nix", "two.py:one"]}, "nix, two.py:one:"),
        ({"batch": 10**9}, "batch"), ({"system": "base"}, "system"), ({"model": 7}, "model"),
    ],
    ids=str,
)  # fmt: skip
def test_a_configuration_that_is_none_is_refused_with_the_field(ncl, here, changes, told):
    (here / "mine.json").write_text(json.dumps(changes))
    ran = ncl("train", "mine.json", "--out", "run", "--json")
    error = ran.document["error"]
    assert (ran.code, error["class"], error["where"]) == (2, "FormatError", "mine.json")
    assert told in error["message"] and "training.md" in error["remedy"]
    assert not (here / "run").exists()


def test_a_folder_of_somebody_elses_is_not_replaced(ncl, here, config_file, certified):
    (here / "model").mkdir()
    (here / "model" / "precious").write_text("")
    ran = ncl("train", config_file, "--out", ".", "--artefact", str(certified))
    assert ran.code == 2 and "no checkpoint" in ran.err
    assert (here / "model" / "precious").exists()


def test_a_run_that_diverges_is_told_and_its_documents_stay_json(ncl, here, config_file, certified):
    settings = {**json.loads((here / "small.json").read_text()), "learning_rate": 1e30, "warmup": 0}
    (here / "wild.json").write_text(json.dumps(settings))
    ran = ncl("train", "wild.json", "--out", "run", "--artefact", str(certified), "--json")
    assert ran.code == 0
    assert (ran.document["loss"], ran.document["stalled"]) == (None, True)
    assert "NaN" not in (here / "run" / "metrics.jsonl").read_text()


def test_a_finished_run_resumes_to_itself_and_another_configuration_does_not(ncl, run, config_file, certified):
    resume = ("train", config_file, "--out", "run", "--artefact", str(certified), "--resume")
    assert ncl(*resume).code == 0
    ran = ncl(*resume, "--seed", "5")
    assert ran.code == 2 and "another configuration" in ran.err


def test_exact_answers_are_counted_by_task_and_length(ncl, runs):
    ran = ncl("evaluate", str(runs / "ncl"), "--length", "2", "--length", "4", "--n", "3", "--json")
    assert ran.code == 0
    assert set(ran.document) >= {"schema", "cells", "report", "seconds"}
    cells = ran.document["cells"]
    assert all(set(c) == CELL and (c["system"], c["n"]) == ("ncl", 3) for c in cells)
    assert [(c["task"], c["length"]) for c in cells] == [
        (task, length) for task in ("reverse", "count", "stack", "sort", "modsum") for length in (2, 4)
    ]
    assert all(c["interval"][0] <= c["exact"] <= c["interval"][1] for c in cells)


def test_the_plain_model_is_measured_on_the_same_samples(ncl, runs):
    ran = ncl("evaluate", str(runs / "plain"), "--task", "sort", "--length", "2", "--n", "2", "--json")
    assert [c["system"] for c in ran.document["cells"]] == ["plain"]


def test_the_table_has_a_row_a_task(ncl, runs):
    ran = ncl("evaluate", str(runs / "ncl"), "--task", "sort", "--length", "2", "--n", "2")
    assert ran.code == 0 and "sort" in ran.out and "of 2" in ran.out


def test_the_same_checkpoint_gives_the_same_cells(ncl, runs):
    first, second = (ncl("evaluate", str(runs / "ncl"), *EVALUATE).document["cells"] for _ in range(2))
    assert first == second


@pytest.mark.parametrize("length", ["1024", "5000", "99999999999999999999"])
def test_a_length_that_the_model_cannot_be_asked_is_refused(ncl, runs, length):
    ran = ncl("evaluate", str(runs / "ncl"), "--length", length, "--json")
    assert (ran.code, ran.document["error"]["class"]) == (2, "InputError")
    assert "0 to 1023" in ran.document["error"]["message"]


def garble(name, body=b"\xff{"):
    return lambda run: (run / "model" / name).write_bytes(body)


SPOILED = {
    "cut weights": (garble("model.safetensors", b"\x10" * 9), 2, "not a checkpoint"),
    "no weights": (lambda run: (run / "model" / "model.safetensors").unlink(), 2, "not a checkpoint"),
    "a garbled model configuration": (garble("config.json"), 2, "not a checkpoint"),
    "a garbled training configuration": (garble("train_config.json"), 2, "not a checkpoint"),
    "a wrong training configuration": (garble("train_config.json", b'{"steps": -1}'), 2, "steps"),
    "no training configuration": (lambda run: (run / "model" / "train_config.json").unlink(), 2, "no checkpoint here"),
    "no tokenizer": (lambda run: (run / "model" / "tokenizer.json").unlink(), 2, "not a checkpoint"),
    "no certificate": (lambda run: (run / "model" / "library" / "certificate.json").unlink(), 1, "no certificate"),
    "no library": (lambda run: shutil.rmtree(run / "model" / "library"), 1, "no artefact here"),
    "garbled library weights": (garble("library/weights.safetensors"), 1, "weights.safetensors"),
    "a garbled program": (garble("library/programs/reverse.json"), 1, "reverse.json"),
}


@pytest.mark.parametrize("what", SPOILED)
def test_a_spoiled_checkpoint_is_refused(ncl, run, what):
    spoil, code, told = SPOILED[what]
    spoil(run)
    ran = ncl("evaluate", "run", "--length", "2", "--n", "1")
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith("ncl: ") and told in ran.err


@pytest.fixture
def knowing_run(here, certified):
    """A run that has learned to sort and to count; seconds do when little is to be told apart."""
    config = TrainConfig(
        steps=40, batch=24, longest=5, warmup=2, learning_rate=1e-2, tasks=("sort", "count"),
        programs=("insertion_sort", "count"),
        model=ModelConfig(hidden_size=32, layers=1, heads=2, key_value_heads=1, intermediate_size=32),
    )  # fmt: skip
    train(config, here / "run", artefact=certified)
    return here / "run"


def with_random_weights(run):
    file = run / "model" / "model.safetensors"
    generator = torch.Generator().manual_seed(0)
    weights = load_file(file)
    save_file(
        {
            name: torch.randn(t.shape, generator=generator) if t.is_floating_point() else t
            for name, t in weights.items()
        },
        file,
        metadata={"format": "pt"},
    )


def test_a_spoiled_checkpoint_regresses_and_a_rerun_does_not(ncl, here, knowing_run):
    base = ncl("evaluate", "run", *EVALUATE)
    assert [c["exact"] for c in base.document["cells"]] == [1.0, 1.0]
    (here / "base.json").write_text(base.out)
    (here / "again.json").write_text(ncl("evaluate", "run", *EVALUATE).out)
    same = ncl("regress", "again.json", "--baseline", "base.json", "--json")
    assert (same.code, same.document["verdict"]) == (0, "passed")
    with_random_weights(knowing_run)
    (here / "spoiled.json").write_text(ncl("evaluate", "run", *EVALUATE).out)
    worse = ncl("regress", "spoiled.json", "--baseline", "base.json", "--json")
    assert (worse.code, worse.document["verdict"]) == (1, "regressed")
    keys = {"task", "length", "system", "phrasing", "calls", "baseline", "run", "p", "regressed"}
    assert all(set(c) >= keys for c in worse.document["cells"]) and len(worse.document["cells"]) == 2
    table = ncl("regress", "spoiled.json", "--baseline", "base.json")
    assert table.code == 1 and "REGRESSED" in table.out
    assert ncl("regress", "base.json", "--baseline", "spoiled.json").code == 0, "getting better is no regression"
