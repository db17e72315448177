"""Asks a chat model prompts that are read once and kept: other runs on the same base are asked from what was seen.

What the computer answers is given out as a block, so it is known before any of it goes through the language model;
prompts for which it calls nothing are left to `generate`. Called by the system of computers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from ncl.llama.pretrained.base_model import Base
from ncl.llama.pretrained.chat_format import chat_ids
from ncl.llama.pretrained.model import NCLChatLlamaForCausalLM
from ncl.llama.pretrained.special_tokens import pad_of
from ncl.training.data.features import features
from ncl.training.evaluation.chat_answers import Advance, Answer, ask, most_tokens

TOGETHER = 32  # prompts whose readings are decided in one batch


def ask_read(
    model: NCLChatLlamaForCausalLM,
    base: Base,
    texts: Sequence[str],
    golds: Sequence[Sequence[int] | None],
    cache: Path,
    advance: Advance = lambda count: None,
) -> list[Answer]:
    """As `chat_answers.ask`: the answer to each prompt."""
    rows = [chat_ids(base.tokenizer, text) for text in texts]
    found = [model.messages(torch.tensor([row]), torch.ones(1, len(row), dtype=torch.bool))[0] for row in rows]
    legible = {i: one for i, one in enumerate(found) if one is not None and one.place}
    seen = features(model.model, base.digest, list(legible.values()), model.layers, pad_of(model), cache)
    near = dict(zip(legible, seen, strict=True))
    answers: dict[int, Answer] = {}
    order = sorted(legible, key=lambda i: len(legible[i].place))
    for begin in range(0, len(order), TOGETHER):
        part = order[begin : begin + TOGETHER]
        verdicts = model.verdicts([found[i] for i in part], {at: near[i].to(model.device) for at, i in enumerate(part)})
        for i, verdict in zip(part, verdicts, strict=True):
            row = torch.tensor([rows[i]])
            made = model.answers_of(row, torch.ones_like(row, dtype=torch.bool), [found[i]], [verdict])
            if bool(made.called_B[0]):
                block = made.block(0)
                text = model.tokenizer.decode(block[:-1], skip_special_tokens=True)
                fits = len(block) <= most_tokens(len(rows[i]), texts[i])
                answers[i] = Answer(text, fits, made.calls[0], True)
                advance(1)
    rest = [i for i in range(len(texts)) if i not in answers]
    said = ask(model, base.tokenizer, [texts[i] for i in rest], None, advance, golds=[golds[i] for i in rest])
    answers |= dict(zip(rest, said, strict=True))
    return [answers[i] for i in range(len(texts))]
