"""Failing arguments made small. Called by whoever has found some: checks of models here, and `verify`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ncl.language.program import Value

Arguments = list[Value]
SMALL = 16  # words that are all tried


def minimise(arguments: Arguments, fails: Callable[[Arguments], bool], trials: int = 2000) -> Arguments:
    """Smaller arguments that still fail: shorter arrays first, then smaller words. Gives up after `trials` runs."""
    best, left = arguments, trials
    progress = True
    while progress and left:
        progress = False
        for candidate in _smaller(best):
            if not left:
                break
            left -= 1
            if fails(candidate):
                best, progress = candidate, True
                break
    return best


def _smaller(arguments: Arguments) -> Iterator[Arguments]:
    """Each strictly smaller in (cells, sum of words), so that minimising ends."""
    for place, value in enumerate(arguments):
        for less in _shorter(value) if isinstance(value, list) else _lower(value):
            yield [*arguments[:place], less, *arguments[place + 1 :]]


def _shorter(cells: list[int]) -> Iterator[list[int]]:
    size = len(cells)
    while size:
        for begin in range(0, len(cells), size):
            yield cells[:begin] + cells[begin + size :]
        size //= 2
    for word in dict.fromkeys(cells):
        if cells.count(word) > 1:
            for less in _lower(word):
                yield [less if cell == word else cell for cell in cells]
    for place, word in enumerate(cells):
        for less in _lower(word):
            yield [*cells[:place], less, *cells[place + 1 :]]


def _lower(word: int) -> Iterator[int]:
    """0 first, then ever smaller steps down: a bound between is found by halving. Small words are all tried."""
    if word <= SMALL:
        yield from range(word)
        return
    step = word
    while step:
        yield word - step
        step //= 2
