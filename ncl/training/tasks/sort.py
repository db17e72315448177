"""sort 3 1 2 = 1 2 3"""

from collections.abc import Sequence
from random import Random

from ncl.training.tasks.example import Example, as_tokens, numbers
from ncl.training.tasks.task import Step, Task

WORDS = ("sort",)


def sample(rng: Random, length: int) -> Example:
    data = numbers(rng, length)
    return Example(("sort", *as_tokens(data), "="), as_tokens(sorted(data)))


def _answer(values: Sequence[Step], argument: int) -> tuple[int, ...]:
    return tuple(sorted(value for value in values if value is not None))


TASK = Task("sort", "insertion_sort", WORDS, sample, _answer, listed=True)
