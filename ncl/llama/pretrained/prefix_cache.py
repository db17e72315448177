"""What many prompts begin with (a system prompt, examples): it goes through the model once, and serves all of them.

Called by `hidden_states`, and where many prompts are answered.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import takewhile
from typing import Any

import torch
from transformers import DynamicCache


def common_prefix(rows: Sequence[Sequence[int]]) -> list[int]:
    """The tokens that all of them begin with."""
    return [column[0] for column in takewhile(lambda column: len(set(column)) == 1, zip(*rows))]


@torch.no_grad()
def cached_prefix(model: Any, tokens: Sequence[int], device: torch.device | str) -> DynamicCache | None:
    """Keys and values of these tokens; None where there are none."""
    if not tokens:
        return None
    cache = DynamicCache()
    model(input_ids=torch.tensor([list(tokens)], device=device), past_key_values=cache, use_cache=True)
    return cache


def repeated(cache: DynamicCache, rows: int) -> DynamicCache:
    """A copy for a batch, which a pass may add to."""
    own = copy.deepcopy(cache)
    own.batch_repeat_interleave(rows)
    return own
