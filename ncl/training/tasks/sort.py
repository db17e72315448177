"""sort 3 1 2 = 1 2 3"""

from random import Random

from ncl.training.tasks.example import Example, numbers, told

WORDS = ("sort",)


def sample(rng: Random, length: int) -> Example:
    data = numbers(rng, length)
    return Example(("sort", *told(data), "="), told(sorted(data)))
