"""One turn of a conversation with a chat model: the answer as it comes, and what was called for it.

Several threads may converse with one model. Called by `ncl chat`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ncl.errors import ConfigurationError
from ncl.llama.computer.calls import Call
from ncl.llama.pretrained.chat_format import chat_ids
from ncl.llama.pretrained.model import NCLChatLlamaForCausalLM
from ncl.llama.pretrained.special_tokens import end_tokens, padding_token

UNFINISHED = "\ufffd"  # what half a character decodes to
KEPT = 8  # tokens that are decoded again with new ones, for the blanks between them


@dataclass(frozen=True)
class Reply:
    """`ended`: with the end token, not cut off at `most`. `calls` in the order in which they were made."""

    text: str
    ended: bool
    calls: tuple[Call, ...]
    tokens: int
    seconds: float


def reply(
    model: NCLChatLlamaForCausalLM,
    text: str,
    before: Sequence[tuple[str, str]] = (),
    *,
    most: int = 512,
    temperature: float = 0.0,
    write: Callable[[str], None] = lambda part: None,
) -> Reply:
    """Answer a message behind earlier (message, answer) turns; `write` is given the text part by part.

    `most` new tokens of the language model; what the computer answers is given whole. Temperature 0 is greedy.
    Raises ConfigurationError for earlier turns where no chat template separates them.
    """
    begin = time.perf_counter()
    if before and not model.tokenizer.chat_template:
        raise ConfigurationError(
            "without a chat template earlier turns cannot be kept apart from this one", where="--remember",
            remedy="let each prompt stand alone",
        )  # fmt: skip
    tokens = chat_ids(model.tokenizer, text, before)
    ids_BT = torch.tensor([tokens], device=model.device)
    sampling = {"do_sample": True, "temperature": temperature} if temperature > 0 else {"do_sample": False}
    parts = Parts(model.tokenizer, write)
    out_BT = model.generate(
        input_ids=ids_BT, attention_mask=torch.ones_like(ids_BT), max_new_tokens=most,
        pad_token_id=padding_token(model), streamer=parts, **sampling,
    )  # fmt: skip
    new: list[int] = out_BT[0, len(tokens) :].tolist()
    calls: tuple[Call, ...] = ()
    latest = model.latest
    if latest is not None and bool(latest.called_B[0]):
        given, new, calls = len(new), latest.block(0), latest.calls[0]
        parts.put(torch.tensor(new[given:], dtype=torch.int64))
        parts.end()
    ends = end_tokens(model)
    stop = next((at for at, token in enumerate(new) if token in ends), None)
    answer = model.tokenizer.decode(new[:stop], skip_special_tokens=True)
    return Reply(answer, stop is not None, calls, len(new), time.perf_counter() - begin)


class Parts:
    """A streamer as transformers has them: the prompt is left out, each part is written once it is whole."""

    def __init__(self, tokenizer: Any, write: Callable[[str], None]) -> None:
        self.tokenizer, self.write = tokenizer, write
        self.decoded: list[int] = []  # written already; the last few, for context
        self.new: list[int] = []
        self.prompt = True

    def put(self, value: Tensor) -> None:
        """Take tokens of any shape, such as (1, T) of the prompt or (1,) of the answer."""
        if self.prompt:
            self.prompt = False
        else:
            self.new += value.flatten().tolist()
            self._flush(UNFINISHED)

    def end(self) -> None:
        """Write what is left."""
        self._flush("")

    def _flush(self, unfinished: str) -> None:
        before, now = (
            self.tokenizer.decode(t, skip_special_tokens=True) for t in (self.decoded, self.decoded + self.new)
        )
        if unfinished and now.endswith(unfinished):
            return
        if len(now) > len(before):
            self.write(now[len(before) :])
        self.decoded, self.new = (self.decoded + self.new)[-KEPT:], []
