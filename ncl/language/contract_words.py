"""The words of contracts as Python meets them: functions that do nothing, so that a program runs unharmed.

Python evaluates what stands in a contract before it calls, except behind a `for`, which is never begun. `result` takes
part in any expression without a fault, since nothing has been returned yet. Users import all of them from `ncl`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

Anything = TypeVar("Anything")


def requires(condition: object) -> None:
    """What callers must see to; nothing is promised when it does not hold."""


def ensures(condition: object) -> None:
    """What holds of the result and of the arrays when the function returns."""


def invariant(condition: object) -> None:
    """What holds whenever the loop's head is reached."""


def decreases(*measure: object) -> None:
    """What becomes smaller in every round, or in every call: so the loop, or the recursion, ends."""


def old(value: Anything) -> Anything:
    """The parameter as it was passed."""
    return value


def permutation(left: object, right: object) -> bool:
    """Whether both hold the same elements, each as often."""
    return True


class _Result:
    """Stands for what will be returned: whatever is done with it gives itself again, and it holds nothing."""

    def _itself(self, *_others: Any) -> _Result:
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __getitem__ = _itself
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __lt__ = __le__ = __gt__ = __ge__ = _itself
    __eq__ = __ne__ = _itself  # type: ignore[assignment]  # it compares as itself, which is true
    __hash__ = object.__hash__

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return True

    def __index__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __repr__(self) -> str:
        return "result"


result: Any = _Result()
