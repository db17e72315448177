"""What a model from scratch learns by: the probability of each row's answer under the mixture of LM and computer.

Which tape and which program is meant is marginalised over tapes that are drawn (`tape.sampled`, `select.marginal`).
Called by the model's `forward` with labels.

Legend: B rows, T tokens, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ncl.errors import GateRefused
from ncl.llama import select, tape

TAPES = 16  # sampled a prompt while learning


def of_answers(model: Any, ids_BT: Tensor, prompt_BT: Tensor, labels_BT: Tensor, logits_BTV: Tensor) -> Tensor:
    """log-probability of each row's labels, B; of rows without a call the language model's. Raises GateRefused."""
    plain_B = _plain(logits_BTV, labels_BT)
    asked_B = prompt_BT.any(1)
    if not bool(asked_B.any()):
        return plain_B
    if model.permit is None:
        raise GateRefused("no certified library is attached", where="training")
    return torch.where(asked_B, _marginal(model, ids_BT, prompt_BT, labels_BT, plain_B), plain_B)


def _marginal(model: Any, ids_BT: Tensor, prompt_BT: Tensor, labels_BT: Tensor, plain_B: Tensor) -> Tensor:
    reading, literals = model.read(ids_BT, prompt_BT)
    tapes = tape.sampled(literals, TAPES if model.training else 1, model.tape_generator)
    end = model._end()
    matches = select.matches(model.programs, tapes, _answers(labels_BT, end), model.lexer, end)
    return select.marginal(reading.selection_BP, plain_B, model.programs, tapes, matches)


def _plain(logits_BTV: Tensor, labels_BT: Tensor) -> Tensor:
    """log-probability of each row's labels (-100: none), in float32."""
    gold_BT = labels_BT[:, 1:]
    log_BTV = logits_BTV[:, :-1].float().log_softmax(-1)
    log_BT = log_BTV.gather(2, gold_BT.clamp(min=0)[..., None]).squeeze(-1)
    return (log_BT * (gold_BT != -100)).sum(1)


def _answers(labels_BT: Tensor, end: int) -> Tensor:
    """The labels of each row moved to the front, padded with the end token."""
    there_BT = labels_BT != -100
    order_BT = (~there_BT).int().argsort(dim=1, stable=True)
    size = max(1, int(there_BT.sum(1).max()))
    moved_BT = labels_BT.gather(1, order_BT)
    return torch.where(moved_BT == -100, end, moved_BT)[:, :size]
