"""sum modulo 10 : 5 6 7 = 8"""

from collections.abc import Sequence
from random import Random

from ncl.training.tasks.example import BASE, Example, as_tokens, numbers
from ncl.training.tasks.task import Step, Task

WORDS = ("sum", "modulo", ":")


def sample(rng: Random, length: int) -> Example:
    data = numbers(rng, length)
    modulus = rng.randrange(1, BASE)
    return Example(("sum", "modulo", str(modulus), ":", *as_tokens(data), "="), (str(sum(data) % modulus),))


def _modulus(rng: Random, values: Sequence[int], among: tuple[int, int]) -> int:
    return rng.randint(2, max(2, among[1]))


def _answer(values: Sequence[Step], modulus: int) -> tuple[int, ...]:
    return (sum(value for value in values if value is not None) % modulus,)


TASK = Task("modsum", "modsum", WORDS, sample, _answer, slot="m", sample_argument=_modulus)
