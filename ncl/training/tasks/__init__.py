"""The tasks: fresh random prompts with the answers that plain Python gives, never the compiled programs.

One file a task, each with `sample(rng, length) -> Example` and the words of its prompts.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ncl.training.tasks import count, modsum, reverse, sort, stack, text
from ncl.training.tasks.example import Example

Sampler = Callable[[Random, int], Example]

NUMBER_TASKS: dict[str, Sampler] = {
    "reverse": reverse.sample,
    "count": count.sample,
    "stack": stack.sample,
    "sort": sort.sample,
    "modsum": modsum.sample,
}
TASKS: dict[str, Sampler] = {**NUMBER_TASKS, "text": text.sample}
WORDS: tuple[str, ...] = tuple(
    dict.fromkeys(word for task in (reverse, count, stack, sort, modsum, text) for word in task.WORDS)
)

__all__ = ["NUMBER_TASKS", "TASKS", "WORDS", "Example"]
