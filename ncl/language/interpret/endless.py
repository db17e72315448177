"""Whether a run goes round for ever: a loop's head or a call that is come to again with all variables as they were.

What a function does depends on its variables alone, so a state that comes back does so without end. A function with a
contract promises to end, so that breaks it. Looked for late in a run, when much of its budget is used up, since a run
that ends need not pay for it. Called by `source_statements`, `source_words` and `checked_names`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

LATE = 4  # one part of so many of the ticks is left
NEVER = "this loop comes back to the state in which it was, so it never ends"
DEEP = "this call is made by a call with the same arguments, so it never ends"


def copied(values: Iterable[Any]) -> tuple[Any, ...]:
    """The values with each array copied, so that later writes do not change them."""
    return tuple([value[:] if isinstance(value, list) else value for value in values])


@dataclass(slots=True)
class Rounds:
    """One loop's states, each compared with one before, which is replaced ever more seldom (Brent 1980)."""

    kept: Any = None
    left: int = 0
    power: int = 1

    def again(self, words: dict[str, int], arrays: dict[str, list[int]]) -> bool:
        """Whether the variables are as they were when they were last noted; notes them when it is time."""
        if self.kept is not None and words == self.kept[0] and arrays == self.kept[1]:
            return True
        if self.left == 0:
            self.kept = dict(words), {name: cells[:] for name, cells in arrays.items()}
            self.left, self.power = self.power, 2 * self.power
        self.left -= 1
        return False


@dataclass(slots=True)
class Chain:
    """Calls that are open in each other, each compared with one around it; `room` is for how many more there is."""

    function: object = None
    given: tuple[Any, ...] = ()
    room: int = 0

    def again(self, function: object, given: tuple[Any, ...], room: int) -> bool:
        """Whether an open call around this one has the same function and arguments; notes it when it is time."""
        around = self.room > room
        if around and function is self.function and given == self.given:
            return True
        if not around or 2 * room <= self.room:
            self.function, self.given, self.room = function, copied(given), room
        return False
