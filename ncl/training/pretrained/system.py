"""The base model with a fitted reader and a certified library: the systems `ncl` and `random-library`.

A prompt for which nothing is to be called is answered exactly when the base model is left alone to the bit: its own
greedy tokens in the same batch with the same padding, and no call made.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ncl.llama.pretrained.base_model import Base
from ncl.llama.pretrained.model import NCLChatLlamaForCausalLM
from ncl.training.evaluation.chat_answers import Advance, answer_prompts, compared_with_base
from ncl.training.evaluation.system import Outcome, System
from ncl.training.pretrained.cached_answers import answer_from_features
from ncl.training.tasks.natural_prompts import Prompt

ALONE = 16  # tokens of an answer that are compared with the base model's


def computer_system(model: NCLChatLlamaForCausalLM, base: Base, name: str = "ncl", cache: Path | None = None) -> System:
    """`base` is the model that the adapter was loaded onto. `cache`: what was read of prompts is kept there."""

    def answer_all(prompts: Sequence[Prompt], advance: Advance) -> list[Outcome]:
        called = [p for p in prompts if p.answer is not None]
        quiet = [p for p in prompts if p.answer is None]
        texts, golds = [p.text for p in called], [p.answer for p in called]
        if cache is None:
            answers = answer_prompts(model, base.tokenizer, texts, None, advance, golds=golds)
        else:
            answers = answer_from_features(model, base, texts, golds, cache, advance)
        alone = compared_with_base(model, base.model, base.tokenizer, [p.text for p in quiet], ALONE, advance)
        found = {id(p): Outcome(p, answer, answer.right(p.answer or ())) for p, answer in zip(called, answers)}
        found |= {id(p): Outcome(p, answer, same) for p, (answer, same) in zip(quiet, alone)}
        return [found[id(p)] for p in prompts]

    return System(name, answer_all, answers_chat=True)
