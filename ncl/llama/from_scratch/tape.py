"""Tapes: what the machine is given to work on, written from a prompt's literals.

A tape is hard: gates say which literals are data, in order; the pointer says which one is the argument. `sampled` draws
several from the side module's probabilities for learning, with the log-probability of each; `decided` takes the most
probable one for use.

Legend: B prompts, K tapes a prompt, L literals (padded), M cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ncl.llama.from_scratch.side_module import Reading


@dataclass(frozen=True)
class Literals:
    """The literals of each prompt, moved to the front in order."""

    words_BL: Tensor
    there_BL: Tensor
    gate_BL: Tensor
    pointer_BL: Tensor

    @staticmethod
    def of(words_BT: Tensor, literal_BT: Tensor, reading: Reading) -> Literals:
        """Those of prompts: words_BT, literal_BT: (B, T)."""
        count = max(1, int(literal_BT.sum(1).max()))
        order_BL = (~literal_BT).int().argsort(dim=1, stable=True)[:, :count]
        return Literals(
            words_BT.gather(1, order_BL),
            literal_BT.gather(1, order_BL),
            reading.gate_BT.gather(1, order_BL),
            reading.pointer_BT.gather(1, order_BL),
        )


@dataclass(frozen=True)
class Tapes:
    """values_BKM with lengths_BK cells in use, argument_BK, and how probable the tape was."""

    values_BKM: Tensor
    lengths_BK: Tensor
    argument_BK: Tensor  # 0 where the prompt has no literal
    write_BK: Tensor  # log-probability of the gates
    point_BK: Tensor  # log-probability of the pointer


def sampled(literals: Literals, count: int, generator: torch.Generator | None = None) -> Tapes:
    """Tapes drawn independently; the first one is the most probable, so that what works is always tried."""
    odds_BKL = literals.gate_BL.detach()[:, None].expand(-1, count, -1)
    uniform_BKL = torch.rand(odds_BKL.shape, generator=generator)
    taken_BKL = uniform_BKL.to(odds_BKL.device) < odds_BKL.sigmoid()
    taken_BKL[:, 0] = literals.gate_BL > 0
    chances_BL = literals.pointer_BL.detach().exp()
    chances_BL = torch.where(chances_BL.sum(1, keepdim=True) > 0, chances_BL, 1.0)
    picked_BK = torch.multinomial(chances_BL.cpu(), count, replacement=True, generator=generator)
    picked_BK = picked_BK.to(odds_BKL.device)
    picked_BK[:, 0] = literals.pointer_BL.argmax(1)
    return _written(literals, taken_BKL & literals.there_BL[:, None], picked_BK)


def decided(literals: Literals) -> Tapes:
    """The most probable tape of each prompt."""
    return _written(
        literals, ((literals.gate_BL > 0) & literals.there_BL)[:, None], literals.pointer_BL.argmax(1)[:, None]
    )


def _written(literals: Literals, taken_BKL: Tensor, picked_BK: Tensor) -> Tapes:
    order_BKL = (~taken_BKL).int().argsort(dim=2, stable=True)
    lengths_BK = taken_BKL.sum(2)
    words_BKL = literals.words_BL[:, None].expand_as(taken_BKL).gather(2, order_BKL)
    cells_L = torch.arange(taken_BKL.shape[2], device=taken_BKL.device)
    values_BKM = torch.where(cells_L < lengths_BK[..., None], words_BKL, 0)
    odds_BKL = literals.gate_BL[:, None].expand(taken_BKL.shape)
    log_BKL = torch.nn.functional.logsigmoid(torch.where(taken_BKL, odds_BKL, -odds_BKL))
    write_BK = log_BKL.masked_fill(~literals.there_BL[:, None], 0).sum(2)
    return Tapes(
        values_BKM,
        lengths_BK,
        literals.words_BL.gather(1, picked_BK).clamp(min=0),
        write_BK,
        literals.pointer_BL.gather(1, picked_BK),
    )
