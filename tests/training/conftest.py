"""A run so small that it takes seconds, with its certified library."""

import pytest

from ncl import certificate as record
from ncl.training.config import ModelConfig, TrainConfig
from ncl.training.trainer import library_for, tokenizer_digest

SMALL = TrainConfig(
    steps=4, batch=8, checkpoint_every=2, longest=4,
    model=ModelConfig(hidden_size=32, layers=1, heads=2, key_value_heads=1, intermediate_size=32),
)  # fmt: skip


@pytest.fixture(scope="session")
def small():
    return SMALL


@pytest.fixture
def artefact(tmp_path, granted):
    """The folder of a certified library."""
    made = library_for(SMALL)
    folder = made.save(tmp_path / "artefact")
    record.write(granted(made, tokenizer=tokenizer_digest()), folder / record.FILE_NAME)
    return folder
