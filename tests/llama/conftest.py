"""A small LLaMA with a library, and a reader of prompts that needs no training."""

from contextvars import ContextVar

import pytest
import torch

from ncl.digests import tokenizer_digest
from ncl.llama.from_scratch.side_module import Reading
from ncl.llama.from_scratch.tokenizer import make_tokenizer
from ncl.training.from_scratch.config import ModelConfig, TrainConfig
from ncl.training.from_scratch.trainer import library_for, new_model
from ncl.training.tasks import WORDS

CONFIG = TrainConfig(model=ModelConfig(hidden_size=32, layers=1, heads=2, key_value_heads=1, intermediate_size=32))
SEEN = ContextVar("seen")  # the tokens that this thread's model reads
ARGUMENT_FIRST = {"count": "count", "sum": "modsum"}
CALLS = {"reverse": "reverse", "stack": "stack", "sort": "insertion_sort", **ARGUMENT_FIRST}


@pytest.fixture(scope="session")
def config():
    return CONFIG


@pytest.fixture(scope="session")
def tokenizer():
    return make_tokenizer(WORDS)


@pytest.fixture(scope="session")
def library():
    return library_for(CONFIG)


@pytest.fixture
def model(tokenizer, library, granted):
    """Random weights, the certified library attached; it reads prompts as its untrained side module happens to."""
    made = new_model(CONFIG, tokenizer).eval()
    made.attach(library, granted(library, tokenizer=tokenizer_digest(tokenizer)))
    return made


def knowing(model, tokenizer):
    """Instead of the side module: the first word names the program; the first number is the argument if one is due."""
    vocabulary = tokenizer.get_vocab()
    number_of = {vocabulary[word]: CONFIG.programs.index(name) + 1 for word, name in CALLS.items()}
    with_argument = {vocabulary[word] for word in ARGUMENT_FIRST}

    def read(hidden_BTH, literal_BT, prompt_BT):
        batch, count = literal_BT.shape
        gate_BT = torch.full((batch, count), 9.0)
        pointer_BT = torch.full((batch, count), -9.0)
        selection_BP = torch.full((batch, len(CONFIG.programs) + 1), -9.0)
        for row in range(batch):
            prompt = [t for t, inside in zip(SEEN.get()[row].tolist(), prompt_BT[row].tolist()) if inside]
            named = next((t for t in prompt if t in number_of), None)
            selection_BP[row, number_of.get(named, 0)] = 0.0
            first = literal_BT[row].int().argmax()
            if named in with_argument:
                gate_BT[row, first], pointer_BT[row, first] = -9.0, 0.0
        return Reading(gate_BT, pointer_BT, selection_BP)

    def before(ids_BT, prompt_BT, original=model.read):
        SEEN.set(ids_BT)
        return original(ids_BT, prompt_BT)

    model.read, model.side_module.forward = before, read
    return model


@pytest.fixture
def knower(model, tokenizer):
    return knowing(model, tokenizer)


@pytest.fixture
def ask(tokenizer):
    """`ask(model, prompt texts…)`: the texts of the answers, up to and without the end token, all in one batch."""

    def run(model, *texts, **options):
        batch = tokenizer(list(texts), return_tensors="pt", padding=True)
        options = {"do_sample": False, "max_new_tokens": 12, "pad_token_id": tokenizer.pad_token_id, **options}
        out = model.generate(**batch, **options)
        answers = []
        for row in out[:, batch["input_ids"].shape[1] :].tolist():
            stop = row.index(tokenizer.eos_token_id) if tokenizer.eos_token_id in row else len(row)
            answers.append(" ".join(tokenizer.convert_ids_to_tokens(row[:stop])))
        return answers

    return run
