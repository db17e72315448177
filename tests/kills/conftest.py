"""The deaths are found beside the tests."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))

sys.path.append(str(Path(__file__).parents[1] / "training" / "baselines"))

import natural_made
import pytest
from runs import Command

from ncl.llama.pretrained.base_model import load_base
from ncl.training.from_scratch.config import ModelConfig, TrainConfig
from ncl.training.from_scratch.trainer import library_for, tokenizer_digest
from ncl.training.pretrained import recipe as natural
from ncl.training.pretrained import run as natural_run
from ncl.training.pretrained.config import NaturalConfig

TINY = TrainConfig(
    steps=3, batch=4, checkpoint_every=1, longest=3, programs=("reverse", "copy"), tasks=("reverse",),
    model=ModelConfig(hidden_size=16, layers=1, heads=2, key_value_heads=1, intermediate_size=16),
)  # fmt: skip
FEW = {
    "steps": 4, "batch": 4, "plan_samples": 2, "channels": 8, "readers": 2, "restarts": 1, "single_calls": 8,
    "multiple_lists": 0, "two_calls": 0, "checkpoint_every": 2,
}  # fmt: skip


def few_prompts():
    for module in (natural, natural_run):
        module.training_prompts = natural_made.few_prompts


@pytest.fixture(scope="session")
def commands(tmp_path_factory, granted):
    """By name, each with a place of its own."""
    made = tmp_path_factory.mktemp("kills")
    tiny = library_for(TINY)
    tiny.save(made / "tiny", granted(tiny, tokenizer=tokenizer_digest()))
    (made / "tiny.json").write_text(TINY.model_dump_json())
    base = load_base(str(natural_made.base_folder(made / "base")))
    config = NaturalConfig(base=str(made / "base"), **FEW)
    (made / "natural.json").write_text(config.model_dump_json())
    natural_made.certified("ncl", config, base, made / "natural", granted)
    found = {}

    def add(name, words, resumes=False, patched=()):
        place = made / f"place-{name}"
        words = tuple(word.replace("PLACE", str(place)) for word in words.split())
        found[name] = Command(name, words, (*words, "--resume") if resumes else words, place, patched)

    add("compile", "compile reverse -w 8 --out PLACE/artefact --json")
    add("verify", "verify copy -w 8 --jobs 1 --json --junit PLACE/j.xml --counterexamples PLACE/wrong")
    add("certify", "certify copy -w 8 --jobs 1 --out PLACE/artefact --json")
    add("tiny", f"train {made}/tiny.json --out PLACE/run --artefact {made}/tiny --json", True)
    add("natural", f"train {made}/natural.json --out PLACE/run --artefact {made}/natural/artefact --float32 --jobs 1 "
                   "--json", True, (few_prompts,))  # fmt: skip
    found["tiny"].place.mkdir()
    with pytest.MonkeyPatch.context() as patch:  # what is compiled when it first runs is there for every child
        patch.setenv("NCL_CACHE_DIR", str(made / "cache"))
        assert found["tiny"].begin() == 0
    return found
