"""count 7 in 3 7 5 7 = 2"""

from random import Random

from ncl.training.tasks.example import BASE, Example, numbers, told

WORDS = ("count", "in")


def sample(rng: Random, length: int) -> Example:
    data = numbers(rng, length)
    symbol = rng.choice(data) if data and rng.random() < 0.8 else rng.randrange(BASE)
    return Example(("count", str(symbol), "in", *told(data), "="), (str(data.count(symbol)),))
