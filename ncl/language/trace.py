"""What a run leaves behind: its result, its trap, and, on request, its states and their first divergence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from itertools import zip_longest

from ncl.errors import CapacityError, InputError
from ncl.language.opcodes import Trap
from ncl.language.program import Position, Value
from ncl.language.word import NATURALS

DEFAULT_BUDGET = 1_000_000  # ticks
MOST_CELLS = 1 << 27  # of memory that a run may hold: a gigabyte


def check_budget(budget: int) -> int:
    """The budget itself; raises InputError when it is no natural."""
    if isinstance(budget, bool) or not isinstance(budget, int) or not 0 <= budget < NATURALS:
        raise InputError(f"a budget is a number of ticks in 0 … 2^62 - 1, got {budget!r}")
    return budget


def check_room(cells: int, where: str) -> None:
    """Raises CapacityError when a run would hold more memory cells than it may; called before any is made."""
    if cells > MOST_CELLS:
        raise CapacityError(
            f"a run would hold {cells} memory cells ({cells * 8 >> 30} GiB), at most {MOST_CELLS}", where=where,
            remedy="a smaller memory (--memory)",
        )  # fmt: skip


@dataclass(frozen=True)
class TrapReport:
    """Which trap ended a run, and where in the source."""

    kind: Trap
    position: Position | None

    def to_json(self) -> dict[str, object]:
        """As the commands write it under `trap`."""
        return {"kind": self.kind.label, **(self.position.named() if self.position else {"line": None, "column": None})}

    def __str__(self) -> str:
        return f"trap {self.kind.label}" + (f" at {self.position}" if self.position else "")


@dataclass(frozen=True)
class Result:
    """`result` is None exactly when `trap` is set; `steps` is None for the source interpreter, which has none."""

    result: Value | None
    ticks: int
    steps: int | None
    trap: TrapReport | None = None

    def same_meaning(self, other: Result) -> bool:
        """Equal in all that a program means: result, ticks, trap. Steps belong to the compiler."""
        return (self.result, self.ticks, self.trap) == (other.result, other.ticks, other.trap)


@dataclass(frozen=True)
class State:
    """One state of the machine as plain values; what all executors can give and are compared in.

    `stack` holds (return pc, fp, hp) from the bottom; its length is the stack pointer. `trap` is 0 when there is none.
    """

    pc: int
    registers: tuple[int, ...]
    memory: tuple[int, ...]
    hp: int
    frame: tuple[int, ...]
    fp: int
    stack: tuple[tuple[int, int, int], ...]
    ticks: int
    halted: bool
    trap: int


@dataclass(frozen=True)
class Divergence:
    """The first place where two traces differ."""

    step: int
    component: str
    expected: object
    got: object

    def __str__(self) -> str:
        return f"step {self.step}: {self.component} should be {self.expected}, is {self.got}"


def first_divergence(expected: Iterable[State], got: Iterable[State]) -> Divergence | None:
    """Where two traces first differ, both read as they come; where one goes on, the lengths are compared."""
    rows = enumerate(zip_longest(expected, got))
    for step, (left, right) in rows:
        if left is None or right is None:
            most = step + 1 + sum(1 for _ in rows)
            return Divergence(step, "length", *((step, most) if left is None else (most, step)))
        for part in fields(State):
            mine, theirs = getattr(left, part.name), getattr(right, part.name)
            if mine != theirs:
                return Divergence(step, part.name, mine, theirs)
    return None
