"""reverse 3 1 2 = 2 1 3"""

from collections.abc import Sequence
from random import Random

from ncl.training.tasks.example import Example, as_tokens, numbers
from ncl.training.tasks.task import Step, Task

WORDS = ("reverse",)


def sample(rng: Random, length: int) -> Example:
    data = numbers(rng, length)
    return Example(("reverse", *as_tokens(data), "="), as_tokens(data[::-1]))


def _answer(values: Sequence[Step], argument: int) -> tuple[int, ...]:
    return tuple(value for value in values if value is not None)[::-1]


TASK = Task("reverse", "reverse", WORDS, sample, _answer, listed=True)
