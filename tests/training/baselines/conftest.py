"""A tiny base model and a run fitted to it; `natural_made` makes them."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import natural_made

from ncl.llama.pretrained.base_model import load_base
from ncl.training.pretrained.config import NaturalConfig
from ncl.training.pretrained.run import find_run, open_computer


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    return load_base(str(natural_made.base_folder(tmp_path_factory.mktemp("base"))))


@pytest.fixture(scope="session")
def config(base):
    return NaturalConfig(base=base.source, **natural_made.SMALL)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory, base, config, granted):
    """Not to be written to."""
    with pytest.MonkeyPatch.context() as patch:
        return natural_made.trained("ncl", config, base, tmp_path_factory.mktemp("fitted"), granted, patch)


@pytest.fixture(scope="session")
def model(run_folder, base):
    return open_computer(find_run(run_folder), base)
