"""Answers at once: what the computer has taken over leaves `generate()` as a block, not a token at a time.

The first pass over a prompt settles whether it calls. Rows that do are stopped there, and their whole answer is put
behind the prompt afterwards; the others go on as they would. Nothing of a block has been through the language model: if
the conversation goes on, its tokens enter the cache with the next turn, in one pass.

Legend: B rows, T tokens of the prompt, A answer tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import StoppingCriteria

from ncl.llama.call import Answers


@dataclass
class Taken:
    """What one `generate()` has found out so far."""

    answers: Answers | None = None

    def rows(self, like: Tensor) -> Tensor:
        """Which rows the computer answers."""
        if self.answers is None or len(self.answers.called_B) != len(like):
            return torch.zeros(len(like), dtype=torch.bool, device=like.device)
        return self.answers.called_B & (self.answers.at_B >= 0)


class StopTaken(StoppingCriteria):
    """Rows that are answered at once are done after their first token."""

    def __init__(self, taken: Taken) -> None:
        self.taken = taken

    def __call__(self, input_ids: Tensor, scores: Any, **_options: Any) -> Tensor:
        return self.taken.rows(input_ids).to(input_ids.device)


class BlockStreamer:
    """Hands a streamer the rest of the block before the end; `most` tokens of it at most."""

    def __init__(self, streamer: Any, taken: Taken, most: int | None) -> None:
        self.streamer, self.taken, self.most = streamer, taken, most

    def put(self, value: Tensor) -> None:
        self.streamer.put(value)

    def end(self) -> None:
        answers = self.taken.answers
        if answers is not None and bool(self.taken.rows(answers.called_B).all()):
            for token in answers.block(0)[1 : self.most]:
                self.streamer.put(torch.tensor([token]))
        self.streamer.end()


def spliced(out_BT: Tensor, prompt: int, taken: Taken, pad: int, most: int | None) -> Tensor:
    """The sequences with each taken row's block behind its prompt; `most` new tokens at most."""
    rows_B = taken.rows(out_BT)
    if taken.answers is None or not bool(rows_B.any()):
        return out_BT
    blocks = {row: taken.answers.block(row)[:most] for row in rows_B.nonzero().squeeze(1).tolist()}
    size = max([out_BT.shape[1] - prompt, *map(len, blocks.values())])
    if bool(rows_B.all()):
        size = max(map(len, blocks.values()))
    wide_BT = torch.full((len(out_BT), prompt + size), pad, dtype=out_BT.dtype, device=out_BT.device)
    kept = min(out_BT.shape[1], prompt + size)
    wide_BT[:, :kept] = out_BT[:, :kept]
    for row, block in blocks.items():
        wide_BT[row, prompt:] = pad
        wide_BT[row, prompt : prompt + len(block)] = torch.tensor(block, device=out_BT.device)
    return wide_BT
