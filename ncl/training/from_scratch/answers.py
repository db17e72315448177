"""Free-running answers: generate from the prompt alone and compare with what plain Python says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

import torch
from transformers import PreTrainedTokenizerFast

from ncl.errors import InputError
from ncl.llama.from_scratch.tokenizer import NUMBERS
from ncl.training.from_scratch.batches import ids, prompts
from ncl.training.from_scratch.config import TrainConfig
from ncl.training.tasks import TASKS, Example

ROOM = 8  # tokens that an answer may be longer than any right one, before it is cut off and counts as wrong
TOKENS_AT_ONCE = 40_000


def fitting(lengths: Iterable[int], config: TrainConfig) -> tuple[int, ...]:
    """The lengths, each once in order. Raises InputError for what such a model cannot answer.

    A count needs its number token, a list its cells, and prompt and answer together their positions.
    """
    most = min(NUMBERS - 1, (1 << config.width) - 1, (config.model.positions - 2 * ROOM) // 2)
    found = tuple(sorted(set(lengths)))
    if not found or found[0] < 0 or found[-1] > most:
        raise InputError(
            f"lengths {', '.join(map(str, found))}: this model answers prompts of 0 to {most} numbers", where="--length"
        )
    return found


def fresh(task: str, length: int, n: int, seed: int) -> list[Example]:
    """Test examples: another stream of randomness than any training step's. The first ones are the hard corners."""
    rng = Random(f"test/{task}/{length}/{seed}")
    found = [TASKS[task](rng, length) for _ in range(n)]
    corners = _corners(task, length)[:n]
    return [*corners, *found[len(corners) :]]


def _corners(task: str, length: int) -> list[Example]:
    """One symbol all along: the largest count, and the most repeats."""
    if task == "count":
        return [Example(("count", "5", "in", *["5"] * length, "="), (str(length),)),
                Example(("count", "6", "in", *["5"] * length, "="), ("0",))]  # fmt: skip
    if task == "stack":
        return [Example(("stack", *["pop"] * length, "="), ())]
    return []


@torch.no_grad()
def generated(model: Any, tokenizer: PreTrainedTokenizerFast, chosen: Sequence[Example]) -> list[list[int]]:
    """The tokens after each prompt, up to and including the end token if it came. The gold length is never used."""
    model.eval()
    size = max(len(e.prompt) for e in chosen) + 1
    rows = max(1, TOKENS_AT_ONCE // (2 * size))
    found: list[list[int]] = []
    for begin in range(0, len(chosen), rows):
        batch = prompts(tokenizer, chosen[begin : begin + rows])
        batch = {name: tensor.to(model.device) for name, tensor in batch.items()}
        out = model.generate(**batch, do_sample=False, max_new_tokens=size + ROOM, pad_token_id=tokenizer.pad_token_id)
        for row in out[:, batch["input_ids"].shape[1] :].tolist():
            stop = row.index(tokenizer.eos_token_id) + 1 if tokenizer.eos_token_id in row else len(row)
            found.append(row[:stop])
    return found


def exact(model: Any, tokenizer: PreTrainedTokenizerFast, task: str, length: int, n: int, seed: int) -> list[bool]:
    """For each of n fresh examples, whether the answer was exactly right and ended."""
    chosen = fresh(task, length, n, seed)
    gold = [ids(tokenizer, [*e.answer, tokenizer.eos_token]) for e in chosen]
    return [got == wanted for got, wanted in zip(generated(model, tokenizer, chosen), gold, strict=True)]
