"""What a check raises: the input, what it should have given, and what it gave."""

from __future__ import annotations

from typing import Any

from ncl.errors import Refuted
from ncl.language.program import Program, Value


class Failed(Refuted, AssertionError):
    """A check found a counterexample. `what` is the input as a user would write it.

    `case` is the JSON of a counterexample that `ncl replay` runs, where the suite found it.
    """

    case: dict[str, Any] | None = None

    def __init__(self, what: str, expected: str, got: str) -> None:
        super().__init__(f"{what}\n  expected {expected}\n  got      {got}")
        self.what, self.expected, self.got = what, expected, got

    def __reduce__(self) -> tuple[object, ...]:
        return (Failed, (self.what, self.expected, self.got))


def call(program: Program, arguments: list[Value], budget: int | None = None) -> str:
    """`count([1, 2], 1) at width 16`, with the budget where it is worth saying."""
    shown = ", ".join(map(str, arguments))
    ticks = "" if budget is None else f", budget {budget}"
    return f"{program.name}({shown}) at width {program.sizes.width}{ticks}"
