"""The base model as it is: zero-shot, or behind a few answered examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ncl.llama.pretrained.base_model import Base
from ncl.training.baselines.few_shot import EXAMPLES, Turns, few_shot_encoding, prefix_length
from ncl.training.evaluation.chat_answers import Advance, answer_prompts
from ncl.training.evaluation.system import Outcome, System
from ncl.training.tasks.natural_prompts import Prompt


def zero_shot(base: Base) -> System:
    """`base`: the prompt and nothing else."""
    return plain_generation("base", base.model, base.tokenizer)


def few_shot(base: Base) -> System:
    """`base-few-shot`: behind an answered example of each task, and of two in a row."""
    return plain_generation("base-few-shot", base.model, base.tokenizer, [(e.prompt, e.answer) for e in EXAMPLES])


def plain_generation(name: str, model: Any, tokenizer: Any, before: Turns = ()) -> System:
    """Any causal language model that answers in words, behind the same turns each time."""

    def answer(prompts: Sequence[Prompt], advance: Advance) -> list[Outcome]:
        answers = answer_prompts(
            model, tokenizer, [p.text for p in prompts], None, advance, few_shot_encoding(before),
            prefix_length(tokenizer, before), golds=[p.answer for p in prompts],
        )  # fmt: skip
        return [Outcome(p, answer, answer.right(p.answer or ())) for p, answer in zip(prompts, answers, strict=True)]

    return System(name, answer)
