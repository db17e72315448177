"""The state of one run of source, and how a run leaves what it is in: what the closures of `source` are made over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from ncl.language.interpret.contracts import View
from ncl.language.interpret.endless import LATE, Chain
from ncl.language.opcodes import Trap
from ncl.language.program import Position, Value
from ncl.language.trace import TrapReport


class Mark(NamedTuple):
    """A contract that a run came to: a function's `requires` that held, a loop's head, a round of it that began."""

    what: str  # requires, head, round
    function: str
    position: Position


@dataclass
class Run:
    """Variables of the open function by name, cells taken, calls open, ticks."""

    words: dict[str, int]
    arrays: dict[str, list[int]]
    cells: int
    budget: int
    ticks: int = 0
    calls: int = 0
    result: Value | None = None
    watch: Callable[[Position], None] | None = field(default=None)
    entry: dict[str, Value] = field(default_factory=dict)  # the open function's arguments, where contracts are checked
    measure: tuple[str, tuple[int, ...]] | None = None  # of the open function, with its name
    reached: set[Mark] = field(default_factory=set)  # where contracts are checked
    promised: bool = False  # a function with a contract is open, where contracts are checked: it says that it ends
    chain: Chain = field(default_factory=Chain)

    def tick(self, place: Position) -> None:
        """Count one tick; raises Trapped when the budget is used up."""
        if self.ticks >= self.budget:
            raise Trapped(Trap.BUDGET, place)
        self.ticks += 1

    @property
    def late(self) -> bool:
        """Whether it is worth asking if the run ends at all."""
        return self.promised and LATE * (self.budget - self.ticks) < self.budget

    def view(self, size: int, words: dict[str, int] | None = None) -> View:
        """What a contract sees of it."""
        return View(size, self.words if words is None else words, self.arrays, self.entry, self.result)


class Trapped(Exception):
    """Ends the run."""

    def __init__(self, kind: Trap, position: Position) -> None:
        super().__init__(kind, position)
        self.report = TrapReport(kind, position)


Word = Callable[[Run], int]
# How a statement ended: None goes on, else what leaves the enclosing loop or function.
Leaving = str | None
Action = Callable[[Run], Leaving]
