"""A tiny base model, a natural run fitted to it, and training that knows a few wordings only."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "training" / "baselines"))

import natural_made

from ncl.llama.pretrained.base_model import load_base
from ncl.training.pretrained import demo as natural_demo
from ncl.training.pretrained import recipe as natural
from ncl.training.pretrained import run as natural_run
from ncl.training.pretrained.config import NaturalConfig


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    return load_base(str(natural_made.base_folder(tmp_path_factory.mktemp("base"))))


@pytest.fixture(scope="session")
def config(base):
    return NaturalConfig(base=base.source, **natural_made.SMALL)


@pytest.fixture(scope="session")
def fitted(tmp_path_factory, base, config, granted):
    """A run's folder, with `artefact` beside it; not to be written to."""
    with pytest.MonkeyPatch.context() as patch:
        return natural_made.trained("ncl", config, base, tmp_path_factory.mktemp("fitted"), granted, patch)


@pytest.fixture
def few(monkeypatch):
    """Training has the few prompts of `natural_made`."""
    for module in (natural, natural_run, natural_demo):
        monkeypatch.setattr(module, "training_prompts", natural_made.few_prompts)


@pytest.fixture
def run(here, fitted):
    """A run that a test may spoil."""
    shutil.copytree(fitted, here / "run")
    return here / "run"


@pytest.fixture
def recipe(here, config):
    """The small run's configuration as a user writes it."""
    file = here / "natural.json"
    file.write_text(config.model_copy(update={"steps": 3, "single_calls": 20}).model_dump_json(), encoding="utf-8")
    return str(file)
