"""count 7 in 3 7 5 7 = 2"""

from collections.abc import Sequence
from random import Random

from ncl.training.tasks.example import BASE, Example, as_tokens, numbers
from ncl.training.tasks.task import Step, Task

WORDS = ("count", "in")


def sample(rng: Random, length: int) -> Example:
    data = numbers(rng, length)
    symbol = rng.choice(data) if data and rng.random() < 0.8 else rng.randrange(BASE)
    return Example(("count", str(symbol), "in", *as_tokens(data), "="), (str(data.count(symbol)),))


def _symbol(rng: Random, values: Sequence[int], among: tuple[int, int]) -> int:
    return rng.choice(values) if values and rng.random() < 0.8 else rng.randint(*among)


def _count(values: Sequence[Step], symbol: int) -> tuple[int, ...]:
    return (list(values).count(symbol),)


TASK = Task("count", "count", WORDS, sample, _count, slot="s", sample_argument=_symbol)
