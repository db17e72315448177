"""A run so small that it takes seconds, with its certified library; and a chat model as small to be fitted or asked."""

import sys
from pathlib import Path

import pytest

from ncl import certificate as record
from ncl.training.from_scratch import trainer
from ncl.training.from_scratch.config import ModelConfig, TrainConfig
from ncl.training.from_scratch.trainer import library_for

sys.path.append(str(Path(__file__).parents[1] / "llama" / "pretrained"))

import chat_models
import tokenizers_made
from oracle import put_oracle

from ncl.digests import tokenizer_digest
from ncl.training.pretrained.recipe import natural_library

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
    record.write(granted(made, tokenizer=trainer.tokenizer_digest()), folder / record.FILE_NAME)
    return folder


@pytest.fixture(scope="session")
def chat_base():
    """A chat model of random weights."""
    return chat_models.small_base(tokenizers_made.single_digits())


@pytest.fixture(scope="session")
def certified_chat(chat_base, granted):
    """Its certified library."""
    library = natural_library(chat_base, 16)
    return library, granted(library, tokenizer=tokenizer_digest(chat_base.tokenizer))


@pytest.fixture
def chat_artefact(certified_chat, tmp_path):
    """The folder of that library."""
    library, certificate = certified_chat
    folder = library.save(tmp_path / "chat-artefact")
    record.write(certificate, folder / record.FILE_NAME)
    return folder


@pytest.fixture
def knower(chat_base, certified_chat):
    """A chat model whose prompts the oracle reads."""
    return put_oracle(chat_models.fitted(chat_base, *certified_chat))
