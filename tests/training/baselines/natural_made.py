"""A tiny chat LLaMA with random weights, and runs fitted to it in seconds: only a few wordings are to be told apart."""

import sys
from pathlib import Path
from random import Random

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from ncl import certificate as record
from ncl.digests import tokenizer_digest
from ncl.training.pretrained import recipe
from ncl.training.pretrained.run import library_for, train_system
from ncl.training.tasks.natural_prompts import Prompt

sys.path.insert(0, str(Path(__file__).parents[2] / "llama" / "pretrained"))
from tokenizers_made import single_digits

WORDINGS = {"sort": ("Sort {}.", "Put {} in order."), "reverse": ("Reverse {}.", "Turn {} around.")}
CHAT = ("How are you?", "Tell me a story.", "What is a stack?", "I am 12 years old.")
SMALL = {
    "steps": 50, "batch": 16, "plan_samples": 4, "channels": 24, "readers": 1, "restarts": 0, "single_calls": 120,
    "multiple_lists": 0, "two_calls": 0,
}  # fmt: skip


def base_folder(place):
    """A base model as a Hugging Face folder."""
    tokenizer = single_digits()
    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
        intermediate_size=48, max_position_embeddings=512, bos_token_id=None, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(shape).save_pretrained(place)
    tokenizer.save_pretrained(place)
    return place


def numbers(rng, task, length):
    """Fresh numbers for a task with the answer, as (values, answer)."""
    values = [rng.randint(0, 999) for _ in range(length)]
    return values, tuple(sorted(values) if task == "sort" else values[::-1])


def few_prompts(config):
    """In the training prompts' place."""
    rng = Random(config.seed)
    found = []
    for _ in range(config.single_calls):
        task = rng.choice(list(WORDINGS))
        values, answer = numbers(rng, task, rng.randint(2, 6))
        text = rng.choice(WORDINGS[task]).format(", ".join(map(str, values)))
        found.append(Prompt(text, answer, task, len(values), 1, "seen"))
    return found + [Prompt(text, None, "chat", 0, 0, "plain") for text in CHAT * 5]


def certified(system, config, base, place, granted):
    """The folder of what a system needs, certified with its proofs taken for granted."""
    made = library_for(system, config, base, place / "source")
    folder = made.save(place / "artefact")
    record.write(granted(made, tokenizer=tokenizer_digest(base.tokenizer)), folder / record.FILE_NAME)
    return folder


def trained(system, config, base, place, granted, monkeypatch, seconds=0.0):
    """A run of a system in `place/run`."""
    monkeypatch.setattr(recipe, "training_prompts", few_prompts)
    monkeypatch.setattr("ncl.training.pretrained.run.training_prompts", few_prompts)
    artefact = certified(system, config, base, place, granted)
    train_system(system, config, base, place / "run", artefact=artefact, cache=place / "features", seconds=seconds)
    return place / "run"
