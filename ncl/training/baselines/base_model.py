"""The base model as it is: asked plainly, or behind a few answered examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ncl.llama.pretrained.base_model import Base
from ncl.training.baselines.few_shot import EXAMPLES, Turns, after, preamble
from ncl.training.evaluation.chat_answers import Advance, ask
from ncl.training.evaluation.system import Outcome, System
from ncl.training.tasks.natural_prompts import Prompt


def zero_shot(base: Base) -> System:
    """`base`: the prompt and nothing else."""
    return speaking("base", base.model, base.tokenizer)


def few_shot(base: Base) -> System:
    """`base-few-shot`: behind an answered example of each task, and of two in a row."""
    return speaking("base-few-shot", base.model, base.tokenizer, [(e.prompt, e.answer) for e in EXAMPLES])


def speaking(name: str, model: Any, tokenizer: Any, before: Turns = ()) -> System:
    """Any causal language model that answers in words, behind the same turns each time."""

    def asked(prompts: Sequence[Prompt], advance: Advance) -> list[Outcome]:
        answers = ask(
            model, tokenizer, [p.text for p in prompts], None, advance, after(before), preamble(tokenizer, before),
            golds=[p.answer for p in prompts],
        )  # fmt: skip
        return [Outcome(p, answer, answer.right(p.answer or ())) for p, answer in zip(prompts, answers, strict=True)]

    return System(name, asked)
