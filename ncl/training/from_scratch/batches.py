"""Examples as padded tensors; the same step of the same seed always gives the same batch."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from ncl.training.from_scratch.config import TrainConfig
from ncl.training.tasks import TASKS, Example


def examples(config: TrainConfig, step: int) -> list[Example]:
    """Fresh examples of one step, short lists as often as long ones."""
    rng = Random(f"{config.seed}/{step}")
    chosen = []
    for number in range(config.batch):
        text = number < round(config.text_share * config.batch)
        task = "text" if text else rng.choice(config.tasks)
        chosen.append(TASKS[task](rng, rng.randint(1, config.longest)))
    return chosen


def encode(tokenizer: PreTrainedTokenizerFast, chosen: Sequence[Example]) -> dict[str, Tensor]:
    """input_ids, attention_mask and labels (-100 on prompts and padding), padded on the right."""
    rows, starts = [], []
    for example in chosen:
        names = [tokenizer.bos_token, *example.prompt]
        rows.append(ids(tokenizer, [*names, *example.answer, tokenizer.eos_token]))
        starts.append(len(names))
    size = max(map(len, rows))
    input_ids = torch.full((len(rows), size), tokenizer.pad_token_id)
    labels = torch.full((len(rows), size), -100)
    mask = torch.zeros(len(rows), size, dtype=torch.int64)
    for number, (row, start) in enumerate(zip(rows, starts, strict=True)):
        values = torch.tensor(row)
        input_ids[number, : len(row)] = values
        labels[number, start : len(row)] = values[start:]
        mask[number, : len(row)] = 1
    return {"input_ids": input_ids, "attention_mask": mask, "labels": labels}


def prompts(tokenizer: PreTrainedTokenizerFast, chosen: Sequence[Example]) -> dict[str, Tensor]:
    """input_ids and attention_mask of the prompts alone, padded on the left, for generation."""
    rows = [ids(tokenizer, [tokenizer.bos_token, *example.prompt]) for example in chosen]
    size = max(map(len, rows))
    input_ids = torch.full((len(rows), size), tokenizer.pad_token_id)
    mask = torch.zeros(len(rows), size, dtype=torch.int64)
    for number, row in enumerate(rows):
        input_ids[number, size - len(row) :] = torch.tensor(row)
        mask[number, size - len(row) :] = 1
    return {"input_ids": input_ids, "attention_mask": mask}


def ids(tokenizer: PreTrainedTokenizerFast, names: Sequence[str]) -> list[int]:
    found = tokenizer.convert_tokens_to_ids(list(names))
    assert isinstance(found, list)
    return found
