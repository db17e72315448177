"""How the computer's answers leave `generate()`: as a block, whatever the language model would have been made to write.

The first pass over a prompt, or a look ahead, settles whether it calls. Rows that do are stopped after their first
token, and their whole answer is put behind the prompt afterwards; the others go on as they would. Nothing of a block
has been through the language model: if the conversation goes on, its tokens enter the cache with the next turn, in one
pass. Where something beside the sequences is handed out that has to agree with them (a cache, scores, a stream of
several rows), answers are forced token by token instead, behind every other processor.

Legend: S sequences, T tokens so far, V vocabulary.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor, StoppingCriteria

from ncl.llama.computer.session import Session

_log = logging.getLogger("ncl.llama")


class StopTaken(StoppingCriteria):
    """Rows that are answered at once are done after their first token, forced ones after their last."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def __call__(self, input_ids: Tensor, scores: Any, **_options: Any) -> Tensor:
        session = self.session
        session.model.look_again(session, input_ids)
        done = [False] * len(input_ids)
        if session.answers is not None:
            each, new = len(input_ids) // len(session.ids_BT), input_ids.shape[1] - session.prompt
            for row in session.called:
                over = not session.forces or new >= len(session.answers.blocks[row])
                done[row * each : (row + 1) * each] = [over] * each
        return torch.tensor(done, device=input_ids.device)


class Forced(LogitsProcessor):
    """Gives the answer's next token probability 1; the last of all processors."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        session = self.session
        if session.answers is None or not session.forces:
            return scores
        each, at = len(input_ids) // len(session.ids_BT), input_ids.shape[1] - session.prompt
        for row in session.called:
            block = session.answers.blocks[row]
            if at < len(block):
                mine = slice(row * each, (row + 1) * each)
                scores[mine] = torch.finfo(scores.dtype).min
                scores[mine, block[at]] = 0.0
        return scores


class BlockStreamer:
    """Hands a streamer what `generate` returns: of a block nothing before its end, then all of it."""

    def __init__(self, streamer: Any, session: Session, most: int | None) -> None:
        self.streamer, self.session, self.most = streamer, session, most
        self.new = -1  # tokens handed on; before there were any, the prompt

    def put(self, value: Tensor) -> None:
        """Hand on tokens of any shape, such as (S,) or the prompt's (B, T); nothing of a block."""
        if self.new >= 0 and self.session.called and not self.session.forces:
            return
        if self.new < 0:
            self.new = 0
        elif len(self.session.ids_BT) == 1:
            self.new += value.numel()
        else:
            self.new += 1
        self.streamer.put(value)

    def end(self) -> None:
        """Hand on what is left of the blocks, and end the streamer."""
        session = self.session
        if session.answers is not None and len(session.called) == len(session.ids_BT):
            blocks = [block[: self.most] for block in session.answers.blocks]
            pad = session.model.pad_for_answers
            for at in range(max(0, self.new), max(map(len, blocks))):
                column = [block[at] if at < len(block) else pad for block in blocks]
                self.streamer.put(torch.tensor(column))
        self.streamer.end()


def spliced(out_ST: Tensor, prompt: int, blocks: Mapping[int, tuple[int, ...]], pad: int, most: int | None) -> Tensor:
    """The sequences, in the rows named with their block behind the prompt; `most` new tokens at most.

    A block that is cut has no end token, as any answer that was cut, and the log says so. out_ST: (S, T); the result is
    (S, prompt + the longest answer).
    """
    if not blocks:
        return out_ST
    for row, block in blocks.items():
        if most is not None and len(block) > most:
            _log.warning("answer %d has %d tokens and was cut after %d, as many as were allowed", row, len(block), most)
    cut = {row: block[:most] for row, block in blocks.items()}
    size = max([out_ST.shape[1] - prompt, *map(len, cut.values())])
    if len(cut) == len(out_ST):
        size = max(map(len, cut.values()))
    wide_ST = torch.full((len(out_ST), prompt + size), pad, dtype=out_ST.dtype, device=out_ST.device)
    kept = min(out_ST.shape[1], prompt + size)
    wide_ST[:, :kept] = out_ST[:, :kept]
    for row, block in cut.items():
        wide_ST[row, prompt:] = pad
        wide_ST[row, prompt : prompt + len(block)] = torch.tensor(block, device=out_ST.device)
    return wide_ST
