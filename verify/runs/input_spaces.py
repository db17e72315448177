"""What programs are run on: all inputs of a small space, and random ones.

A space holds every word of one width and every array up to one length. Called by whoever runs programs to compare them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from ncl.language.program import Program, Signature, Value

Arguments = list[Value]

WIDTH = 3  # at which every word is tried
LENGTH = 4  # up to which every array is tried
TELLING = 2  # what a space should reach at least: width, and length where there are arrays
MOST = 70_000  # inputs that go everywhere
WIDE = 200_000  # inputs that are tried where fewer tell nothing
SAMPLED = 300  # inputs by which a space is judged
UNBOUNDED = 1 << 32


@dataclass(frozen=True)
class Space:
    """All inputs with every word of this width and arrays up to this length, `count` of them.

    Arrays have at most `cells` cells together: what takes more are no arguments of a machine with so much memory.
    """

    width: int
    length: int
    count: int
    cells: int = UNBOUNDED


def spaces(signature: Signature, most: int = MOST, memory: int = UNBOUNDED) -> Iterator[Space]:
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
        cells = min(memory, 1 << width)
        space = Space(width, length, _count(signature, width, length, cells), cells)
        if space.count <= most and length < 1 << width and length <= cells:
            yield space


def has_arrays(signature: Signature) -> bool:
    return any(p.sort == "array" for p in signature.parameters)


def is_telling(signature: Signature, space: Space) -> bool:
    return space.width >= TELLING and (space.length >= TELLING or not has_arrays(signature))


def is_cut(signature: Signature, space: Space) -> bool:
    """Whether not all arrays can have the full length together."""
    return sum(p.sort == "array" for p in signature.parameters) * space.length > space.cells


def _count(signature: Signature, width: int, length: int, cells: int) -> int:
    words = 1 << width
    found = [1]  # inputs by the cells that their arrays take
    for parameter in signature.parameters:
        if parameter.sort == "word":
            found = [count * words for count in found]
        else:
            sums = [0] * (len(found) + length)
            for taken, count in enumerate(found):
                for n in range(length + 1):
                    sums[taken + n] += count * words**n
            found = sums
    return sum(found[: cells + 1])


def inputs(signature: Signature, space: Space) -> Iterator[Arguments]:
    """Every input of the space, the shortest arrays first."""
    words = range(1 << space.width)

    def rows(sorts: tuple[str, ...], left: int) -> Iterator[tuple[Value, ...]]:
        if not sorts:
            yield ()
        elif sorts[0] == "word":
            for word in words:
                for rest in rows(sorts[1:], left):
                    yield (word, *rest)
        else:
            for n in range(min(space.length, left) + 1):
                for cells in product(words, repeat=n):
                    for rest in rows(sorts[1:], left - n):
                        yield (list(cells), *rest)

    for row in rows(tuple(p.sort for p in signature.parameters), space.cells):
        yield list(row)


def sample(signature: Signature, space: Space) -> list[Arguments]:
    """Some inputs of the space, each as likely as another and always the same; all of them where they are few."""
    chance = random.Random(f"{space}")
    words = 1 << space.width
    sizes = [words**n for n in range(space.length + 1)]

    def value(sort: str) -> Value:
        if sort == "word":
            return chance.randrange(words)
        length = chance.choices(range(space.length + 1), sizes)[0]
        return [chance.randrange(words) for _ in range(length)]

    if space.count <= SAMPLED:
        return list(inputs(signature, space))
    found: list[Arguments] = []
    while len(found) < SAMPLED:
        row = [value(p.sort) for p in signature.parameters]
        if sum(len(v) for v in row if isinstance(v, list)) <= space.cells:
            found.append(row)
    return found


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
