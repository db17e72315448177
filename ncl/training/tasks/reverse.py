"""reverse 3 1 2 = 2 1 3"""

from random import Random

from ncl.training.tasks.example import Example, numbers, told

WORDS = ("reverse",)


def sample(rng: Random, length: int) -> Example:
    data = numbers(rng, length)
    return Example(("reverse", *told(data), "="), told(data[::-1]))
