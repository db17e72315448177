"""Prompts for which nothing is called: the language model itself must know how they go on. Some hold numbers."""

from random import Random

from ncl.training.tasks.example import Example

_NAMES = ("ada", "alan", "grace", "kurt", "emmy", "alonzo")
_OPPOSITES = {"hot": "cold", "big": "small", "old": "new", "up": "down", "day": "night", "wet": "dry"}
_SEASONS = ("winter", "spring", "summer", "autumn")
_PLAIN = ("greet", "hello", "opposite", "of", "season", "month", "say", "twice")
WORDS = (*_PLAIN, *_NAMES, *_OPPOSITES, *_OPPOSITES.values(), *_SEASONS)


def sample(rng: Random, length: int) -> Example:
    """The length is of no account: text is as long as it is."""
    kind = rng.randrange(4)
    if kind == 0:
        name = rng.choice(_NAMES)
        return Example(("greet", name, "="), ("hello", name))
    if kind == 1:
        word = rng.choice(list(_OPPOSITES))
        return Example(("opposite", "of", word, "="), (_OPPOSITES[word],))
    if kind == 2:
        month = rng.randrange(1, 13)
        return Example(("season", "of", "month", str(month), "="), (_SEASONS[month % 12 // 3],))
    name = rng.choice(_NAMES)
    return Example(("say", name, "twice", "="), (name, name))
