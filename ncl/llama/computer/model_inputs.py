"""Tokens as they come into a model: which of them are real, and what several users' prompts in one row look like.

Legend: B rows, T tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ncl.errors import ConfigurationError, InputError
from ncl.llama.computer.calls import Answers


def real_tokens(ids_BT: Tensor, attention_mask: Any) -> Tensor:
    """Which tokens are real; of a mask made for attention itself (4-D), those that the last token sees.

    ids_BT and the result: (B, T).
    """
    size = ids_BT.shape[1]
    if not isinstance(attention_mask, Tensor) or attention_mask.dim() not in (2, 4):
        return torch.ones_like(ids_BT, dtype=torch.bool)
    if attention_mask.dim() == 2:
        return attention_mask[:, -size:].bool()
    seen_BT = attention_mask[:, 0, -1, :size]
    return seen_BT if seen_BT.dtype == torch.bool else seen_BT == 0


def appended(before: Answers, ids_BT: Tensor) -> tuple[Tensor, Tensor]:
    """All tokens and which are real, with these behind. ids_BT: (B, new tokens); both results: (B, T)."""
    ids_BT = ids_BT.to(before.ids_BT.device)
    mask_BT = torch.ones_like(ids_BT, dtype=torch.bool)
    return torch.cat([before.ids_BT, ids_BT], 1), torch.cat([before.mask_BT, mask_BT], 1)


def refuse_packed_rows(options: Mapping[str, Any], kwargs: Mapping[str, Any]) -> None:
    """Raise ConfigurationError for a row that holds the prompts of several users."""
    position_BT = options["position_ids"]
    restarts = False
    if isinstance(position_BT, Tensor) and position_BT.dim() == 2 and position_BT.shape[1] > 1:
        mask = options["attention_mask"]
        falls_BT = position_BT.diff() < 0
        if isinstance(mask, Tensor) and mask.dim() == 2 and mask.shape[1] >= position_BT.shape[1]:
            falls_BT = falls_BT & (mask[:, -position_BT.shape[1] :][:, :-1] != 0)
        restarts = bool(falls_BT.any())
    if restarts or kwargs.get("cu_seq_lens_q") is not None:
        raise ConfigurationError("several prompts are packed into one row, so their numbers would mix",
                                 remedy="pass them as rows of a padded batch")  # fmt: skip


def one_row(ids_T: Tensor, mask_T: Tensor) -> tuple[Tensor, Tensor]:
    """One row as a batch; what its mask does not reach is real.

    ids_T: (T,), mask_T: (T,) or shorter; both results: (1, T).
    """
    mask_1T = torch.ones_like(ids_T[None], dtype=torch.bool)
    mask_1T[0, : len(mask_T)] = mask_T[: len(ids_T)]
    return ids_T[None], mask_1T


def refuse_unknown_tokens(ids_BT: Tensor, called_BT: Tensor, unknown: int | None) -> None:
    """Raise InputError where a prompt that calls holds what the tokenizer has no token for. Both are (B, T)."""
    if unknown is not None and bool((called_BT & (ids_BT == unknown)).any()):
        raise InputError(
            "the prompt holds what the tokenizer has no token for, so a number of it would be missing",
            where="prompt", remedy="write numbers whole and plain, with blanks between, as large as it has them",
        )  # fmt: skip
