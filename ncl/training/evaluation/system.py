"""What a system is: a name, and a function from prompts to how it answered each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ncl.training.evaluation.chat_answers import Advance, Answer
from ncl.training.tasks.natural_prompts import Prompt


@dataclass(frozen=True)
class Outcome:
    """How one prompt was answered. `parsed`, `executed`: of what a tool user wrote; None for the others."""

    prompt: Prompt
    answer: Answer
    exact: bool
    parsed: bool | None = None
    executed: bool | None = None


@dataclass(frozen=True)
class System:
    """`answers_chat`: whether it also takes chat that is to be left alone: prompts whose answer is None."""

    name: str
    answer: Callable[[Sequence[Prompt], Advance], list[Outcome]]
    answers_chat: bool = False

    def supported(self, prompts: Sequence[Prompt]) -> list[Prompt]:
        """Those of the prompts that it can answer."""
        return [prompt for prompt in prompts if self.answers_chat or prompt.answer is not None]
