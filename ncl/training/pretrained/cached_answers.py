"""Answers of a chat model to prompts that are read once and kept: other runs on the same base answer from those.

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
from ncl.llama.pretrained.special_tokens import padding_token
from ncl.training.data.features import features
from ncl.training.evaluation.chat_answers import Advance, Answer, answer_prompts, token_budget

TOGETHER = 32  # prompts whose readings are decided in one batch


def answer_from_features(
    model: NCLChatLlamaForCausalLM,
    base: Base,
    texts: Sequence[str],
    golds: Sequence[Sequence[int] | None],
    cache: Path,
    advance: Advance = lambda count: None,
) -> list[Answer]:
    """As `chat_answers.answer_prompts`: the answer to each prompt."""
    rows = [chat_ids(base.tokenizer, text) for text in texts]
    found = [model.messages(torch.tensor([row]), torch.ones(1, len(row), dtype=torch.bool))[0] for row in rows]
    legible = {i: one for i, one in enumerate(found) if one is not None and one.place}
    seen = features(model.model, base.digest, list(legible.values()), model.layers, padding_token(model), cache)
    near = dict(zip(legible, seen, strict=True))
    answers: dict[int, Answer] = {}
    order = sorted(legible, key=lambda i: len(legible[i].place))
    for begin in range(0, len(order), TOGETHER):
        part = order[begin : begin + TOGETHER]
        decisions = model.decisions(
            [found[i] for i in part], {at: near[i].to(model.device) for at, i in enumerate(part)}
        )
        for i, decision in zip(part, decisions, strict=True):
            row = torch.tensor([rows[i]])
            made = model.answers_of(row, torch.ones_like(row, dtype=torch.bool), [found[i]], [decision])
            if bool(made.called_B[0]):
                block = made.block(0)
                text = model.tokenizer.decode(block[:-1], skip_special_tokens=True)
                fits = len(block) <= token_budget(len(rows[i]), texts[i])
                answers[i] = Answer(text, fits, made.calls[0], True)
                advance(1)
    rest = [i for i in range(len(texts)) if i not in answers]
    said = answer_prompts(
        model, base.tokenizer, [texts[i] for i in rest], None, advance, golds=[golds[i] for i in rest]
    )
    answers |= dict(zip(rest, said, strict=True))
    return [answers[i] for i in range(len(texts))]
