"""The typed syntax tree of the language: what `parse` makes, `typecheck` passes, and the compiler and the source
interpreter read. Nothing here knows Python's own `ast`.

Every node carries its source position. Evaluation order is left to right as written; `docs/language` says it in full.
"""

from __future__ import annotations

from dataclasses import dataclass

from ncl.language.program import Position, Signature

# Spelled as in source. All give words; comparisons give 0 or 1.
ARITHMETIC = ("+", "-", "*", "//", "%", "&", "|", "^", "<<", ">>")
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


# --- expressions: each is a word -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Number:
    """A literal, or a module constant by its value. `inverted` marks `~n`, whose value depends on the width."""

    value: int
    inverted: bool  # the word is ~value
    position: Position


@dataclass(frozen=True)
class Variable:
    name: str
    position: Position


@dataclass(frozen=True)
class Length:
    array: str
    position: Position


@dataclass(frozen=True)
class Element:
    """`array[index]`. Reading or writing traps `index` at `position` when index ≥ length."""

    array: str
    index: Expression
    position: Position


@dataclass(frozen=True)
class Unary:
    operator: str  # "~" or "not"
    operand: Expression
    position: Position


@dataclass(frozen=True)
class Binary:
    """Left, then right, then the operator. `//` and `%` trap `division` at `position`."""

    operator: str  # of ARITHMETIC or COMPARISONS
    left: Expression
    right: Expression
    position: Position


@dataclass(frozen=True)
class Logical:
    """Short-circuit, with Python's values: `a and b` is b when a is not 0, else a; `a or b` is a when not 0, else b."""

    operator: str  # "and" or "or"
    left: Expression
    right: Expression
    position: Position


Expression = Number | Variable | Length | Element | Unary | Binary | Logical


# --- statements ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Assign:
    """All values from left to right, then the targets from left to right (an element's index when its turn comes)."""

    targets: tuple[Variable | Element, ...]
    values: tuple[Expression, ...]
    position: Position


@dataclass(frozen=True)
class Augment:
    """`target operator= value`: the target's index and old value, then value, then the operator, then the store.

    The index is evaluated and checked once. A division traps at `position`.
    """

    target: Variable | Element
    operator: str  # of ARITHMETIC
    value: Expression
    position: Position


@dataclass(frozen=True)
class NewArray:
    """`target = [fill] * count`: fill, then count; trap `memory` at `position` when hp + count > M.

    Filled by a counted loop whose head ticks (so count + 1 ticks, budget trap at `position`).
    """

    target: str
    fill: Expression
    count: Expression
    position: Position


@dataclass(frozen=True)
class If:
    condition: Expression
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]
    position: Position


@dataclass(frozen=True)
class While:
    """The head ticks (budget trap at `position`), then the condition, then the body."""

    condition: Expression
    body: tuple[Statement, ...]
    position: Position


@dataclass(frozen=True)
class For:
    """`for variable in range(start, stop, step)`: start, stop, step from left to right, once.

    Two hidden variables: the *next* index and how many are *left*. The head ticks (budget trap at `position`); when
    none is left the loop ends, else variable = next, next moves on by step, left goes down by one, then the body.

    Rising (`falling` is None): left = 0 when start ≥ stop, else (stop - start - 1) // step + 1; step 0 traps `division`
    at `position` whatever start and stop are. The variable keeps its last value after the loop.

    Falling by a literal: `falling` is its size. With `stop` an expression, left = 0 when start ≤ stop, else
    (start - stop - 1) // falling + 1. With `stop` None (written as the literal -1): down to 0 inclusive, and none at
    all when start is N-1, which is what n - 1 is for n = 0; else left = start // falling + 1.
    """

    variable: str
    start: Expression
    stop: Expression | None
    step: Expression  # Number(1) when not written; unused when falling
    falling: int | None
    body: tuple[Statement, ...]
    position: Position


@dataclass(frozen=True)
class Break:
    position: Position


@dataclass(frozen=True)
class Continue:
    position: Position


@dataclass(frozen=True)
class Assert:
    """Trap `assert` at `position` when the condition is 0."""

    condition: Expression
    position: Position


@dataclass(frozen=True)
class Return:
    """A word expression, or the name of an array when the function returns one."""

    value: Expression | str
    position: Position


Statement = Assign | Augment | NewArray | If | While | For | Break | Continue | Assert | Return


@dataclass(frozen=True)
class Function:
    """One program as written. `file` is for messages; `digest` is of the function's source text and its constants."""

    name: str
    signature: Signature
    body: tuple[Statement, ...]
    file: str
    position: Position
    digest: str
    text: str  # the source text, dedented, decorators included
    documentation: str = ""
    constants: str = ""  # the module constants that it uses, as assignments: with `text`, all that its meaning needs

    @property
    def arrays(self) -> frozenset[str]:
        """Names of all array variables, parameters included (a name has one sort in the whole function)."""
        names = {p.name for p in self.signature.parameters if p.sort == "array"}
        return frozenset(names | _new_arrays(self.body))


def _new_arrays(body: tuple[Statement, ...]) -> set[str]:
    names: set[str] = set()
    for statement in body:
        match statement:
            case NewArray(target=target):
                names.add(target)
            case If(then=then, otherwise=otherwise):
                names |= _new_arrays(then) | _new_arrays(otherwise)
            case While(body=inner) | For(body=inner):
                names |= _new_arrays(inner)
    return names
