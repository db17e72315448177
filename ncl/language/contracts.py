"""The tree of contracts: what `requires`, `ensures`, `invariant` and `decreases` say, as data.

Numbers in a contract are whole numbers that do not wrap. A comparison is the number 0 or 1, and a condition holds when
its number is not 0, as in the language. Contracts are read by `parse_contracts`, evaluated by `interpret.contracts`,
proved by `verify`, and never compiled. An element outside its array, or a divisor below 1, has no meaning: such a
contract is broken where it is evaluated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as Choices

from ncl.language.program import Position

# Of the three, only `now` changes while a program runs. `result` is what is returned, known in `ensures` alone.
Time = Choices["now", "old", "result"]
ARITHMETIC = ("+", "-", "*", "//", "%")


# --- numbers ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Literal:
    """A literal, or a module constant by its value; `inverted` marks `~n`, which is N - 1 - n."""

    value: int
    inverted: bool
    position: Position


@dataclass(frozen=True)
class Name:
    """A word variable now, a word parameter as it was passed (`old`), or the word returned; or a bound variable."""

    name: str
    time: Time
    position: Position


@dataclass(frozen=True)
class Size:
    """`len(array)`."""

    array: ArrayName
    position: Position


@dataclass(frozen=True)
class Cell:
    """`array[index]`; without a meaning where the index is outside."""

    array: ArrayName
    index: Expression
    position: Position


@dataclass(frozen=True)
class Calculation:
    """`left operator right` in whole numbers that do not wrap; without a meaning for a divisor below 1."""

    operator: str  # of ARITHMETIC, floor division
    left: Expression
    right: Expression
    position: Position


@dataclass(frozen=True)
class Choice:
    """`then if condition else otherwise`."""

    condition: Expression
    then: Expression
    otherwise: Expression
    position: Position


# --- conditions: the number 0 or 1 -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """`left operator right`, one comparison of a chain."""

    operator: str  # of syntax.COMPARISONS
    left: Expression
    right: Expression
    position: Position


@dataclass(frozen=True)
class Not:
    """`not operand`."""

    operand: Expression
    position: Position


@dataclass(frozen=True)
class Junction:
    """`and` or `or` of all parts, from left to right; a part that is not needed has to have no meaning."""

    operator: str
    parts: tuple[Expression, ...]
    position: Position


@dataclass(frozen=True)
class Quantified:
    """`body for variable in range(start, stop) if condition`: whether all or any hold, or the sum of the bodies."""

    kind: Choices["all", "any", "sum"]
    variable: str
    start: Expression
    stop: Expression
    condition: Expression | None
    body: Expression
    position: Position


@dataclass(frozen=True)
class Sorted:
    """Ascending; equal neighbours are allowed."""

    sequence: Sequence
    position: Position


@dataclass(frozen=True)
class Permutation:
    """The same elements, each as often, in any order."""

    left: Sequence
    right: Sequence
    position: Position


@dataclass(frozen=True)
class Same:
    """The same length and the same elements in the same order."""

    left: Sequence
    right: Sequence
    position: Position


Expression = (
    Literal | Name | Size | Cell | Calculation | Choice | Comparison | Not | Junction | Quantified | Sorted
    | Permutation | Same
)  # fmt: skip


# --- sequences -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ArrayName:
    """An array variable now, an array parameter as it was passed, or the array returned (named `result`)."""

    name: str
    time: Time
    position: Position


@dataclass(frozen=True)
class Slice:
    """`array[start:stop]`, cut to the array as in Python; None is the array's own end."""

    array: ArrayName
    start: Expression | None
    stop: Expression | None
    position: Position


@dataclass(frozen=True)
class Display:
    """`[*xs[:i], key, *ys]`: slices and single elements one behind the other."""

    parts: tuple[Slice | Expression, ...]
    position: Position


Sequence = Slice | Display


# --- clauses ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Clause:
    """One condition as written; `position` and `text` are of the whole statement."""

    expression: Expression
    text: str
    position: Position


@dataclass(frozen=True)
class Measure:
    """Never below 0, and smaller each time, the first number first (lexicographically)."""

    numbers: tuple[Expression, ...]
    text: str
    position: Position


@dataclass(frozen=True)
class FunctionContract:
    """What holds when a function is called, and what when it returns."""

    requires: tuple[Clause, ...] = ()
    ensures: tuple[Clause, ...] = ()
    decreases: Measure | None = None  # over recursive calls

    def __bool__(self) -> bool:
        return bool(self.requires or self.ensures or self.decreases)


@dataclass(frozen=True)
class LoopContract:
    """What holds whenever the head is reached. In a `for`, its variable stands for the next index there."""

    invariants: tuple[Clause, ...] = ()
    decreases: Measure | None = None

    def __bool__(self) -> bool:
        return bool(self.invariants or self.decreases)


NO_CONTRACT, NO_LOOP_CONTRACT = FunctionContract(), LoopContract()
