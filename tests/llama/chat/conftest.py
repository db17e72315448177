"""Small chat models with a library, and an oracle that reads prompts in the reader's place."""

import sys
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

sys.path.append(str(Path(__file__).parent))

import tokenizers_made
from oracle import put_oracle

from ncl.build import build_library
from ncl.llama.adapter import PROGRAMS, default_settings, dressed
from ncl.llama.base import Base, markers, weights_digest
from ncl.llama.numbers import NumberLexer
from ncl.llama.reader import Reader
from ncl.llama.tokenizer import digest_of

LARGEST = (1 << 16) - 2


@pytest.fixture(scope="session")
def by_digit():
    return tokenizers_made.single_digits()


@pytest.fixture(scope="session")
def by_group():
    return tokenizers_made.digit_groups()


@pytest.fixture(scope="session", params=["by_digit", "by_group"])
def tokenizer(request):
    """Either kind."""
    return request.getfixturevalue(request.param)


def llama_shape(tokenizer, **more):
    shape = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "num_key_value_heads": 1,
             "intermediate_size": 48, "max_position_embeddings": 512}  # fmt: skip
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "bos_token_id": None}
    return LlamaConfig(vocab_size=len(tokenizer), **shape, **ends, **more)


@pytest.fixture(scope="session")
def small_base():
    """`small_base(tokenizer, seed=0, **shape)`: a LLaMA of random weights, as if it had been loaded."""

    def make(tokenizer, seed=0, **more):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(llama_shape(tokenizer, **more)).eval()
        return Base(model, tokenizer, "small", weights_digest(model))

    return make


@pytest.fixture(scope="session")
def base(by_digit, small_base):
    return small_base(by_digit)


@pytest.fixture(scope="session")
def base_by_group(by_group, small_base):
    """As Llama 3: no token for padding, several that end."""
    return small_base(by_group)


def filled(tokenizer):
    return NumberLexer(len(tokenizer)).fill(tokenizer)


@pytest.fixture(scope="session")
def lexer(tokenizer):
    return filled(tokenizer)


@pytest.fixture(scope="session")
def around(tokenizer):
    return markers(tokenizer)


@pytest.fixture(scope="session")
def certified(granted):
    """`certified(tokenizer)`: the library that an adapter on it needs, and its certificate."""
    made = {}

    def make(tokenizer):
        if id(tokenizer) not in made:
            library = build_library(PROGRAMS, width=16, weights=filled(tokenizer).tables())
            made[id(tokenizer)] = library, granted(library, tokenizer=digest_of(tokenizer))
        return made[id(tokenizer)]

    return make


@pytest.fixture(scope="session")
def fitted(certified):
    """`fitted(base, readers=1)`: the base with readers of random weights and the certified library."""

    def make(base, readers=1, channels=16, seed=0):
        torch.manual_seed(seed)
        settings = default_settings(base, channels=channels, readers=readers)
        modules = [Reader(base.model.config.hidden_size, channels, len(PROGRAMS)).eval() for _ in range(readers)]
        for module in modules:
            module.start()
        model = dressed(base, modules, settings, filled(base.tokenizer))
        model.attach(*certified(base.tokenizer), tokenizer=digest_of(base.tokenizer))
        return model

    return make


@pytest.fixture
def model(base, fitted):
    """A model whose prompts the oracle reads."""
    return put_oracle(fitted(base))


@pytest.fixture
def model_by_group(base_by_group, fitted):
    return put_oracle(fitted(base_by_group))


@pytest.fixture(scope="session")
def encoded():
    """`encoded(tokenizer, texts…)`: a batch of one-message prompts, padded on the left."""

    def make(tokenizer, *texts):
        shown = [
            tokenizer.apply_chat_template([{"role": "user", "content": text}], tokenize=False,
                                          add_generation_prompt=True)
            for text in texts
        ]  # fmt: skip
        rows = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in shown]
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        size = max(map(len, rows))
        return {
            "input_ids": torch.tensor([[pad] * (size - len(row)) + row for row in rows]),
            "attention_mask": torch.tensor([[0] * (size - len(row)) + [1] * len(row) for row in rows]),
        }

    return make


@pytest.fixture
def ask(encoded):
    """`ask(model, texts…)`: the texts of the answers, all in one batch; an answer that does not end is marked."""

    def run(model, *texts, **options):
        tokenizer = model.tokenizer
        batch = encoded(tokenizer, *texts)
        options = {"do_sample": False, "max_new_tokens": 60, "pad_token_id": tokenizer.eos_token_id, **options}
        out = model.generate(**batch, **options)
        answers = []
        for row in out[:, batch["input_ids"].shape[1] :].tolist():
            stop = row.index(tokenizer.eos_token_id) if tokenizer.eos_token_id in row else None
            answers.append(tokenizer.decode(row[:stop]) + ("" if stop is not None else " …"))
        return answers

    return run
