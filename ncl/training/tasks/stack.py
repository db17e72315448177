"""stack 5 6 pop 7 = 5 7: bottom to top; a pop on the empty stack is ignored."""

from collections.abc import Sequence
from random import Random

from ncl.training.tasks.example import Example, as_tokens, numbers
from ncl.training.tasks.task import Step, Task

WORDS = ("stack",)


def _answer(steps: Sequence[Step], argument: int) -> tuple[int, ...]:
    left: list[int] = []
    for step in steps:
        if step is not None:
            left.append(step)
        elif left:
            left.pop()
    return tuple(left)


def sample(rng: Random, length: int) -> Example:
    chance = rng.choice((0.1, 0.3, 0.5, 0.7))
    steps = [None if rng.random() < chance else value for value in numbers(rng, length)]
    texts = tuple("pop" if step is None else str(step) for step in steps)
    return Example(("stack", *texts, "="), as_tokens(list(_answer(steps, 0))))


TASK = Task("stack", "stack", WORDS, sample, _answer, listed=True, steps=True)
