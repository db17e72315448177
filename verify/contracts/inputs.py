"""Inputs that are likely to break a contract: such as meet `requires`, at one width, with arrays as long as memory has
room for.

Words near the ends, near the literals of program and contract, near lengths and elements; arrays that ascend, that
repeat, that are each other's copies. An input that does not meet `requires` is moved towards it; from one that does,
small moves lead to others. Called by `search`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from ncl.language.contracts import Literal
from ncl.language.program import Position, Sizes, Value
from ncl.language.syntax import Function, Number
from ncl.verify.contracts.distance import Distance, distance_of

Arguments = list[Value]
LONGEST = 500  # a length that is asked for by its number
TRIALS = 160  # moves of one input towards `requires`
GIVE_UP = 10  # inputs in a row that did not come there
AGAIN = 12  # of so many inputs one begins anew
MENDED = 7  # of so many one is moved away and mended: two elements may have to change together
PUSHED = 15  # of so many one is pushed against what `requires` allows


def literals(function: Function) -> frozenset[int]:
    """The numbers that program and contracts name; of `~n`, n."""
    return frozenset(_literals([(f.body, f.contract) for f in function.program.values()]))


def required_length(function: Function) -> int:
    """How long arrays may have to be: a little above the largest number that `requires` names, within reason."""
    named = [n for n in _literals(function.contract.requires) if n <= LONGEST]
    return max(named, default=0) + 2


def _literals(node: Any) -> Iterator[int]:
    if isinstance(node, Number | Literal):
        yield node.value
    elif isinstance(node, tuple | list):
        for part in node:
            yield from _literals(part)
    elif is_dataclass(node) and not isinstance(node, Position):
        for field in fields(node):
            yield from _literals(getattr(node, field.name))


class Inputs:
    """A stream of inputs of one function on one machine, always the same for the same seed."""

    def __init__(self, function: Function, sizes: Sizes, longest: int, seed: int) -> None:
        self.chance = random.Random(f"{seed}:{function.name}:{sizes.width}")
        self.top = (1 << sizes.width) - 1
        self.sorts = [p.sort for p in function.signature.parameters]
        self.memory, self.longest = sizes.memory, min(longest, self.top, sizes.memory)
        self.distance: Distance | None = distance_of(function, sizes)
        half, top = self.top // 2, self.top
        around = {0, 1, 2, 3, half - 1, half, half + 1, half + 2, top - 2, top - 1, top, int((top + 1) ** 0.5)}
        named = literals(function)
        around |= {word + more for word in named for more in (-1, 0, 1)} | {top - word for word in named}
        self.pool = sorted(word for word in around if 0 <= word <= top)
        self.factors = sorted(word for word in named if 1 < word <= top) or [1]

    def stream(self, count: int) -> Iterator[Arguments]:
        if self.distance is None:
            yield from self._free(count)
            return
        at, lost = None, 0
        for number in range(count):
            if at is None or number % AGAIN == 0:
                found = self.met()
                lost = 0 if found else lost + 1
                at = found or at
                if at is None:
                    if lost >= GIVE_UP:
                        return
                    continue
            elif number % PUSHED == 0:
                at = self.pushed(at)
            elif number % MENDED == 0:
                at = self.met(self.moved(at)) or at
            else:
                at = self._beside(at)
            yield at

    def _free(self, count: int) -> Iterator[Arguments]:
        at = self.fresh()
        for number in range(count):
            at = self.moved(at) if number % 3 else self.fresh()
            yield at

    # --- towards what is required

    def met(self, begun: Arguments | None = None) -> Arguments | None:
        """One that meets `requires`, from some input on, or None where the moves led to none."""
        assert self.distance is not None
        at = begun or self.fresh()
        far = self.distance(at)
        for _ in range(TRIALS):
            if not far:
                return at
            other = self.moved(at)
            there = self.distance(other)
            if there <= far:
                at, far = other, there
        return None if far else at

    def _beside(self, at: Arguments) -> Arguments:
        """Another that meets `requires`, if one of a few moves leads to one."""
        assert self.distance is not None
        for _ in range(4):
            other = self.moved(at)
            if not self.distance(other):
                return other
        return at

    def pushed(self, at: Arguments) -> Arguments:
        """One word as large, or as small, as `requires` allows."""
        assert self.distance is not None
        place = self.chance.randrange(len(at)) if at else 0
        cells = at[place] if at else 0
        index = self.chance.randrange(len(cells)) if isinstance(cells, list) and cells else None
        if not at or (isinstance(cells, list) and index is None):
            return at
        word = cells[index] if isinstance(cells, list) and index is not None else cells
        assert isinstance(word, int)
        sign, step = self.chance.choice((1, 1, -1)), (self.top + 1) // 2
        while step:
            other = word + sign * step
            if 0 <= other <= self.top:
                given = self._with(at, place, index, other)
                if not self.distance(given):
                    at, word = given, other
            step //= 2
        return at

    @staticmethod
    def _with(at: Arguments, place: int, index: int | None, word: int) -> Arguments:
        value = at[place]
        if isinstance(value, list) and index is not None:
            return [*at[:place], [*value[:index], word, *value[index + 1 :]], *at[place + 1 :]]
        return [*at[:place], word, *at[place + 1 :]]

    # --- from nothing

    def fresh(self) -> Arguments:
        given: Arguments = []
        left = self.memory
        style = self.chance.random()
        for number, sort in enumerate(self.sorts):
            if sort == "array":
                others = self.sorts[number + 1 :].count("array")
                cells = self.cells(given, max(0, min(self.longest, left if style < 0.2 else left // (others + 1))))
                left -= len(cells)
                given.append(cells)
            else:
                given.append(self.word(given))
        return given

    def word(self, given: Arguments) -> int:
        chance = self.chance
        match chance.randrange(8):
            case 0:
                return chance.randint(0, self.top)
            case 4:
                factor = chance.choice(self.factors)
                return min(factor * chance.randint(0, self.top // factor) + chance.choice((0, 0, 1)), self.top)
            case 1 | 2:
                return chance.choice(self.pool)
            case 3:
                return chance.randint(0, min(self.top, self.longest + 1, 12))
        near = [len(v) if isinstance(v, list) else v for v in given]
        near += [chance.choice(v) for v in given if isinstance(v, list) and v]
        word = (chance.choice(near) if near else chance.choice(self.pool)) + chance.choice((0, 0, 0, 1, -1))
        return min(max(word, 0), self.top)

    def cells(self, given: Arguments, most: int) -> list[int]:
        chance = self.chance
        others = [v for v in given if isinstance(v, list) and len(v) <= most]
        size = chance.choice((chance.randint(0, most), chance.randint(0, min(5, most)), most))
        if others and chance.random() < 0.5:
            size = len(others[-1])
        largest = chance.choice((self.top, self.top, 1, 2, min(self.top, max(0, size - 1)), min(self.top, size + 2)))
        match chance.randrange(7):
            case 0:
                cells = [chance.choice(self.pool)] * size
            case 1:
                first = chance.randint(0, max(0, self.top - size))
                cells = [min(self.top, first + n) for n in range(size)]
            case 2 if others:
                cells = chance.choice((list(others[-1]), others[-1][::-1], sorted(others[-1])))
            case 3:
                cells = [chance.choice(self.pool) for _ in range(size)]
            case _:
                cells = [chance.randint(0, largest) for _ in range(size)]
        match chance.randrange(6):
            case 0 | 1:
                cells.sort()
            case 2:
                chance.shuffle(cells)
            case 3 if cells:
                cells[chance.randrange(len(cells))] = self.word(given)
        return cells

    # --- from one to another

    def moved(self, given: Arguments) -> Arguments:
        moved = list(given)
        for _ in range(self.chance.choice((1, 1, 2, 3))):
            if moved:
                place = self.chance.randrange(len(moved))
                value = moved[place]
                others = [v for n, v in enumerate(moved) if n != place]
                moved[place] = self._cells(value, others) if isinstance(value, list) else self._word(value, others)
        return moved

    def _word(self, word: int, others: Arguments) -> int:
        step = self.chance.choice((1, -1, 1, -1, word, -(word // 2), 0))
        return min(max(word + step, 0), self.top) if step else self.word(others)

    def _cells(self, old: list[int], others: Arguments) -> list[int]:
        chance, cells = self.chance, list(old)
        taken = sum([len(v) for v in others if isinstance(v, list)])
        most = min(self.longest, self.memory - taken)
        at = chance.randrange(len(cells)) if cells else 0
        kind = chance.randrange(10)
        if kind == 9 or (not cells and kind < 4):
            return self.cells(others, most)
        if kind < 3:
            cells[at] = self._element(cells, at, others)
        elif kind == 3:
            del cells[at]
        elif kind in (4, 5) and len(cells) < most:
            cells.insert(at, self._element(cells, at, others) if cells else self.word(others))
        elif kind == 6 and cells:
            other = chance.randrange(len(cells))
            cells[at], cells[other] = cells[other], cells[at]
        elif kind == 7:
            cells.sort()
        elif kind == 8:
            wanted = [v if isinstance(v, int) else len(v) for v in others]
            size = min(chance.choice(wanted) if wanted else most, most)
            cells = (cells + [cells[-1] if cells else 0] * size)[:size]
        return cells

    def _element(self, cells: list[int], at: int, others: Arguments) -> int:
        match self.chance.randrange(4):
            case 0:
                return self.chance.choice(cells)
            case 1:
                return min(max(cells[at] + self.chance.choice((1, -1)), 0), self.top)
            case 2:
                return cells[at - 1]
        return self.word([*others, cells])
