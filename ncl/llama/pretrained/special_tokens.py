"""Which tokens end an answer, and which one pads a batch; the config of a LLaMA may name one, several or none."""

from __future__ import annotations

from typing import Any


def end_tokens(model: Any, config: Any = None) -> set[int]:
    """The tokens that end an answer, as the model's config says, or another one of its own."""
    end = (model.config if config is None else config).eos_token_id
    return set(end if isinstance(end, list) else [end])


def padding_token(model: Any) -> int:
    """The padding token; an end token where a model has none, as in transformers."""
    pad = model.config.pad_token_id
    return int(pad) if pad is not None else min(end_tokens(model))
