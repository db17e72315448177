"""What programs are run on: all inputs of a small space, and random ones.

A space holds every word of one width and every array up to one length. Called by whoever runs programs to compare them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from math import prod

from ncl.language.program import Program, Signature, Value

Arguments = list[Value]

WIDTH = 3  # at which every word is tried
LENGTH = 4  # up to which every array is tried
TELLING = 2  # what a space should reach at least: width, and length where there are arrays
MOST = 70_000  # inputs
DRAWN = 300  # inputs by which a space is judged


@dataclass(frozen=True)
class Space:
    """All inputs with every word of this width and arrays up to this length, `count` of them."""

    width: int
    length: int
    count: int


def spaces(signature: Signature) -> Iterator[Space]:
    """What could be enumerated, the most telling first: three-bit words and long arrays, or wide words alone.

    Wider ones follow for sources whose literals need them, narrower ones for long signatures.
    """
    if has_arrays(signature):
        wanted = [
            (w, n) for least in (TELLING, 1) for w in (WIDTH, 2, *range(4, 9)) for n in range(LENGTH, least - 1, -1)
        ]
        wanted.append((1, 1))
    else:
        wanted = [(w, 0) for w in range(8, 0, -1)]
    for width, length in dict.fromkeys(wanted):
        space = Space(width, length, _count(signature, width, length))
        if space.count <= MOST:
            yield space


def has_arrays(signature: Signature) -> bool:
    return any(p.sort == "array" for p in signature.parameters)


def is_telling(signature: Signature, space: Space) -> bool:
    return space.width >= TELLING and (space.length >= TELLING or not has_arrays(signature))


def _count(signature: Signature, width: int, length: int) -> int:
    words = 1 << width
    arrays: int = sum(words**n for n in range(length + 1))
    return prod(arrays if p.sort == "array" else words for p in signature.parameters)


def inputs(signature: Signature, space: Space) -> Iterator[Arguments]:
    """Every input of the space, the shortest arrays first."""
    words = range(1 << space.width)

    def choices(sort: str) -> Iterable[Value]:
        if sort == "word":
            return words
        return (list(cells) for n in range(space.length + 1) for cells in product(words, repeat=n))

    for row in product(*(choices(p.sort) for p in signature.parameters)):
        yield [list(v) if isinstance(v, list) else v for v in row]


def drawn(signature: Signature, space: Space) -> list[Arguments]:
    """Some inputs of the space, each as likely as another and always the same; all of them where they are few."""
    chance = random.Random(f"{space}")
    words = 1 << space.width
    sizes = [words**n for n in range(space.length + 1)]

    def value(sort: str) -> Value:
        if sort == "word":
            return chance.randrange(words)
        length = chance.choices(range(space.length + 1), sizes)[0]
        return [chance.randrange(words) for _ in range(length)]

    if space.count <= DRAWN:
        return list(inputs(signature, space))
    return [[value(p.sort) for p in signature.parameters] for _ in range(DRAWN)]


def random_inputs(
    program: Program, count: int, seed: int, longest: int = 64, top: int | None = None
) -> list[Arguments]:
    """Lengths from 0 to `longest` as far as memory allows; words over the whole range, near its ends, and small.

    `top`: the largest word, when it is not the machine's.
    """
    chance = random.Random(f"{seed}:{program.name}")
    largest = (1 << program.sizes.width) - 1
    top = largest if top is None else min(top, largest)
    arrays = sum(p.sort == "array" for p in program.signature.parameters)
    longest = min(longest, largest, program.sizes.memory // max(1, 2 * arrays))

    def word(style: int) -> int:
        match style:
            case 0:
                return chance.randint(0, top)
            case 1:
                return chance.randint(0, min(3, top))
            case 2:
                return chance.choice((0, 1, top, top - 1 if top > 1 else 0, top // 2, top // 2 + 1))
        return chance.randint(0, min(longest + 2, top))

    def value(sort: str) -> Value:
        style = chance.randrange(5)
        if sort == "word":
            return word(style)
        size = chance.choice((chance.randint(0, longest), chance.randint(0, min(8, longest))))
        return [word(style if style < 4 else chance.randrange(4)) for _ in range(size)]

    return [[value(p.sort) for p in program.signature.parameters] for _ in range(count)]
