"""What the text of `checked_text` calls on machines of one size, and how it reports that a run ended; see `checked`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ncl.language.builtins import BUILTINS, Row
from ncl.language.interpret.checked_clauses import CALLED, Meaningless
from ncl.language.interpret.endless import Chain, Rounds
from ncl.language.program import Sizes
from ncl.language.word import Integers


class Stopped(Exception):
    """The machine ended the run: budget, memory, stack."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Unmet(Exception):
    """`requires` of the function itself does not hold."""


class Unensured(Meaningless):
    """An `ensures` is false."""


class Endless(Meaningless):
    """The run goes round for ever, and a contract promises that it ends."""


class Overspent(Exception):
    """The contracts of the run asked for too many elements."""


def names_for(sizes: Sizes, state: list[Any], seen: list[bool], mark: Callable[[int], None]) -> dict[str, Any]:
    """What the text calls, for machines of these sizes. `state` is described in `checked`."""
    numbers = {"M": (1 << sizes.width) - 1, "D": sizes.depth}
    faults = {"Unmet": Unmet, "Broken": Meaningless, "Unensured": Unensured, "Stopped": Stopped}
    algebra = Integers(sizes.width)
    built = {f"built_{name}": partial(_built, row, algebra) for name, row in BUILTINS.items()}
    return {
        **CALLED,
        **_called(state, sizes.width),
        **built,
        **numbers,
        **faults,
        "S": state,
        "seen": seen,
        "mark": mark,
    }


def _built(row: Row, algebra: Integers, *words: int) -> int:
    if row.traps_on_zero and not words[-1]:
        raise ZeroDivisionError
    return int(row.meaning(algebra, *words))


def _called(state: list[Any], width: int) -> dict[str, Callable[..., Any]]:
    def span(start: int, stop: int) -> range:
        if stop > start:
            state[3] -= stop - start
            if state[3] < 0:
                raise Overspent
        return range(start, stop)

    def left(x: int, y: int) -> int:
        return (x << y) % (1 << width) if y < width else 0

    def new(fill: int, count: int) -> list[int]:
        if count > state[2]:
            raise Stopped("memory")
        state[2] -= count
        state[0] -= count + 1
        if state[0] < 0:
            raise Stopped("budget")
        return [fill] * count

    def call(function: Callable[..., Any], gives_word: bool, *given: Any) -> Any:
        state[0] -= 1
        if state[0] < 0:
            raise Stopped("budget")
        if state[1] <= 0:
            raise Stopped("stack")
        if state[5] and 2 * state[1] <= state[5]:
            deep(function, given)
        state[1] -= 1
        cells = state[2]
        value = function(*given)
        state[1] += 1
        if gives_word:
            state[2] = cells
        return value

    chain = Chain()

    def deep(function: Callable[..., Any], given: tuple[Any, ...]) -> None:
        if chain.again(function, given, state[1]):
            raise Endless

    def again(rounds: Rounds | None, names: dict[str, Any]) -> Rounds:
        rounds = rounds or Rounds()
        words = {name: value for name, value in names.items() if name[0] == "w"}
        if rounds.again(words, {name: value for name, value in names.items() if name[0] == "a"}):
            raise Endless
        return rounds

    def falls(now: tuple[int, ...], before: tuple[int, ...]) -> bool:
        return min(before) >= 0 and now < before

    def rounds(first: int, stop: int, step: int) -> tuple[int, int]:
        if step == 0:
            raise ZeroDivisionError
        return first, (stop - first - 1) // step + 1 if first < stop else 0

    return {"span": span, "left": left, "new": new, "call": call, "falls": falls, "rounds": rounds, "again": again}
