"""What was answered lies beside a key-value cache, for callers who feed tokens on their own instead of by `generate`.

A cache whose rows were exchanged, repeated or taken out since is refused: else one prompt would get another's answer.
The rows differ in their keys in the last layer, on which every token before has left its mark.

Called by the models' `forward` and by `generation`. Legend: B rows, T tokens in the cache, D size of a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ncl.errors import ConfigurationError
from ncl.llama.computer.calls import Answers

REMEDY = "pass the whole prompt with an empty cache, or let `generate` do it"


@dataclass(frozen=True)
class CachedAnswers:
    """`marks_BTD`: one head's keys, None where there is one row alone."""

    answers: Answers
    marks_BTD: Tensor | None


def attach_answers(cache: Any, answers: Answers, ids_BT: Tensor, mask_BT: Tensor) -> None:
    """Lay the answers beside a cache that holds the first of these tokens; `mask_BT` may be shorter."""
    if cache is None or not hasattr(cache, "get_seq_length"):
        return
    seen = int(cache.get_seq_length())
    if len(ids_BT) != len(answers.rows) or seen > ids_BT.shape[1]:
        return
    held_BT = torch.ones_like(ids_BT, dtype=torch.bool)
    held_BT[:, : mask_BT.shape[1]] = mask_BT[:, : ids_BT.shape[1]]
    cache.ncl_answers = CachedAnswers(answers.at(ids_BT[:, :seen], held_BT[:, :seen]), _marks(cache, seen, len(ids_BT)))


def attached_answers(cache: Any, rows: int, seen: int) -> Answers | None:
    """What lies beside, of the first `seen` tokens. Raises ConfigurationError where the rows are not what they were."""
    held: CachedAnswers | None = getattr(cache, "ncl_answers", None)
    if held is None:
        return None
    ids_BT, mask_BT = held.answers.ids_BT, held.answers.mask_BT
    if len(ids_BT) != rows:
        raise ConfigurationError("the batch changed while an answer was given out", remedy=REMEDY)
    if seen > ids_BT.shape[1]:
        raise ConfigurationError("the cache was filled on without the computer's state", remedy=REMEDY)
    marks_BTD = _marks(cache, seen, rows)
    if marks_BTD is not None and (
        held.marks_BTD is None or not torch.equal(marks_BTD[:, -1], held.marks_BTD[:, seen - 1].to(marks_BTD.device))
    ):
        raise ConfigurationError("the rows of the cache were moved while answers were given out", remedy=REMEDY)
    return held.answers.at(ids_BT[:, :seen], mask_BT[:, :seen])


def _marks(cache: Any, seen: int, rows: int) -> Tensor | None:
    if rows == 1:
        return None
    keys = getattr(cache.layers[-1], "keys", None) if getattr(cache, "layers", None) else None
    if not isinstance(keys, Tensor) or keys.dim() != 4 or len(keys) != rows or keys.shape[2] < seen:
        raise ConfigurationError(
            f"{type(cache).__name__} does not show which of several rows is which",
            remedy="take a DynamicCache or StaticCache, one row at a time, or `generate`",
        )
    return keys[:, 0, :seen].detach().clone()
