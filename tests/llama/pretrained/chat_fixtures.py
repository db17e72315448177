"""Small chat models with a library, and an oracle that reads prompts in the reader's place."""

import chat_models
import pytest
import tokenizers_made
from oracle import put_oracle

from ncl.build import build_library
from ncl.digests import tokenizer_digest
from ncl.llama.pretrained.adapter_record import PROGRAMS
from ncl.llama.pretrained.chat_format import markers


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


@pytest.fixture(scope="session")
def small_base():
    """`small_base(tokenizer, seed=0, **shape)`: a LLaMA of random weights, as if it had been loaded."""
    return chat_models.small_base


@pytest.fixture(scope="session")
def base(by_digit):
    return chat_models.small_base(by_digit)


@pytest.fixture(scope="session")
def base_by_group(by_group):
    """As Llama 3: no token for padding."""
    return chat_models.small_base(by_group)


@pytest.fixture(scope="session")
def lexer(tokenizer):
    return chat_models.filled(tokenizer)


@pytest.fixture(scope="session")
def around(tokenizer):
    return markers(tokenizer)


@pytest.fixture(scope="session")
def certified(granted):
    """`certified(tokenizer)`: the library that an adapter on it needs, and its certificate."""
    made = {}

    def make(tokenizer):
        key = tokenizer_digest(tokenizer)
        if key not in made:
            library = build_library(PROGRAMS, width=16, weights=chat_models.filled(tokenizer).tables())
            made[key] = library, granted(library, tokenizer=key)
        return made[key]

    return make


@pytest.fixture(scope="session")
def fitted(certified):
    """`fitted(base, readers=1)`: the base with readers of random weights and the certified library."""
    return lambda base, **options: chat_models.fitted(base, *certified(base.tokenizer), **options)


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
    return lambda tokenizer, *texts: chat_models.batch_of(tokenizer, texts)


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
