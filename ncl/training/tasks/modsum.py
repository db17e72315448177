"""sum modulo 10 : 5 6 7 = 8"""

from random import Random

from ncl.training.tasks.example import BASE, Example, numbers, told

WORDS = ("sum", "modulo", ":")


def sample(rng: Random, length: int) -> Example:
    data = numbers(rng, length)
    modulus = rng.randrange(1, BASE)
    return Example(("sum", "modulo", str(modulus), ":", *told(data), "="), (str(sum(data) % modulus),))
