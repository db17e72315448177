"""What running a segment may come to, on either side: forks of control, and the ends that are compared.

A segment is a lazy tree. Its inner nodes are conditions, its leaves are ends; the two sides' trees are walked together
by `segment`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ncl.language.opcodes import Trap
from ncl.language.program import Position
from ncl.verify.translation.terms import Term

# How a function ends: with the run, or with a return that gives its arrays' cells back, or one that keeps them.
Ending = Literal["halt", "restore", "keep"]
Spot = tuple[str, str]  # a point: "loop" or "join", and the path of its statement


@dataclass(frozen=True, eq=False)
class Fork:
    condition: Term
    yes: Callable[[], Node]
    no: Callable[[], Node]


@dataclass(frozen=True, eq=False)
class Assume:
    """On the source side: a condition that holds by the lemma of flat memory (docs/trust.md)."""

    condition: Term
    then: Callable[[], Node]


@dataclass(frozen=True, eq=False)
class Shared:
    """What both sides have in common: data memory, heap pointer, ticks."""

    memory: Term
    hp: Term
    ticks: Term


@dataclass(frozen=True, eq=False)
class Trapped:
    kind: Trap
    position: Position | None
    shared: Shared


@dataclass(frozen=True, eq=False)
class Returned:
    """The function's end: a word, or an array's base and length."""

    how: Ending
    words: tuple[Term, ...]
    shared: Shared


@dataclass(frozen=True, eq=False)
class Called:
    """A call that is about to begin. `then` goes on behind it, given the results and what both sides share there."""

    function: str
    words: tuple[Term, ...]  # the arguments, an array as its base and its length
    results: int
    keeps: bool  # the heap: its result is an array
    shared: Shared
    then: Callable[[tuple[Term, ...], Shared], Node]


@dataclass(frozen=True, eq=False)
class Arrived:
    """The source at a point, with the values of its terms."""

    spot: Spot
    value: Callable[[str], Term]
    shared: Shared


@dataclass(frozen=True, eq=False)
class Waiting:
    """The machine at a line that serves a point; it goes on when the source does."""

    line: int
    value: Callable[[str], Term]
    shared: Shared
    go_on: Callable[[], Node]


@dataclass(frozen=True, eq=False)
class Stuck:
    """What can be no end of a segment: a line comes round a second time, or control leaves the program."""

    why: str


Node = Fork | Assume | Trapped | Returned | Called | Arrived | Waiting | Stuck
