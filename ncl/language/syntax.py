"""The typed syntax tree of the language: what `parse` makes, `typecheck` passes, and the compiler and the source
interpreter read. Nothing here knows Python's own `ast`.

Every node carries its source position. Evaluation order is left to right as written; `docs/language` says it in full.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ncl.language.contracts import NO_CONTRACT, NO_LOOP_CONTRACT, FunctionContract, LoopContract
from ncl.language.program import Position, Signature
from ncl.language.reader import lines_of

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
    """A word variable."""

    name: str
    position: Position


@dataclass(frozen=True)
class Length:
    """`len(array)`."""

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
    """`~operand` or `not operand`."""

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


@dataclass(frozen=True)
class Chain:
    """`a < b <= c`: the operands from left to right, each once, up to the first comparison that does not hold.

    The word is 1 when all hold, else 0. One operator fewer than operands; at least two operators.
    """

    operands: tuple[Expression, ...]
    operators: tuple[str, ...]  # of COMPARISONS
    position: Position


@dataclass(frozen=True)
class Conditional:
    """`then if condition else otherwise`: the condition, then the one of the two that it chooses."""

    condition: Expression
    then: Expression
    otherwise: Expression
    position: Position


@dataclass(frozen=True)
class Builtin:
    """A function of the language itself (`language.builtins` has them all): the arguments from left to right.

    No tick, no call. Those that divide trap `division` at `position`.
    """

    name: str
    arguments: tuple[Expression, ...]
    position: Position


@dataclass(frozen=True)
class Call:
    """`function(arguments)`: the arguments from left to right, then one tick (budget trap at `position`), then the
    question whether fewer than D calls are open (trap `stack` at `position`), then the body of the function.

    An argument that is an array is its name; no name stands twice. Array elements that the body writes are written in
    the caller's array. After a word result the heap is as it was before the call; after an array result it is kept.
    """

    function: str
    arguments: tuple[Expression | str, ...]
    position: Position


Expression = (
    Number | Variable | Length | Element | Unary | Binary | Logical | Chain | Conditional | Builtin | Call
)  # a Call among them gives a word


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
class Receive:
    """`target = function(…)` of a function that gives an array: a new one, or `target` itself, which it was passed."""

    target: str
    call: Call
    position: Position


@dataclass(frozen=True)
class Perform:
    """`function(…)` as a statement: for what it does to arrays. What it gives is dropped."""

    call: Call
    position: Position


@dataclass(frozen=True)
class If:
    """The condition, then one of two blocks."""

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
    contract: LoopContract = NO_LOOP_CONTRACT  # no part of what runs

    @property
    def endless(self) -> bool:
        """Whether only `break`, `return` or a trap leaves it: the condition is written as a number other than 0."""
        condition = self.condition
        return isinstance(condition, Number) and not condition.inverted and condition.value != 0


@dataclass(frozen=True)
class For:
    """`for variable in range(start, stop, step)`: start, stop, step from left to right, once.

    Two hidden variables: the *next* index and how many are *left*. The head ticks (budget trap at `position`); when
    none is left the loop ends, else variable = next, next moves on by step, left goes down by one, then the body.

    Rising (`falling` is None): left = 0 when start ≥ stop, else (stop - start - 1) // step + 1; step 0 traps `division`
    at `position` whatever start and stop are. The variable keeps its last value after the loop.

    Falling by a literal: `falling` is its size. With `stop` an expression, left = 0 when start ≤ stop, else
    (start - stop - 1) // falling + 1. With `stop` None (written as the literal -1): down to 0 inclusive, so there are
    start // falling + 1 rounds, N of them from N-1 by 1. Where the start is written as a difference a - b, there is
    none when a < b, as in Python, where it is below 0 then. So many rounds may be no word: `left` is 1 as long as there
    is one more, and 0 behind the last.
    """

    variable: str
    start: Expression
    stop: Expression | None
    step: Expression  # Number(1) when not written; unused when falling
    falling: int | None
    body: tuple[Statement, ...]
    position: Position
    contract: LoopContract = NO_LOOP_CONTRACT  # no part of what runs

    @property
    def to_zero(self) -> bool:
        """Whether the range falls down to 0 inclusive."""
        return self.falling is not None and self.stop is None

    @property
    def difference(self) -> Binary | None:
        """The start of a range down to 0 when it is written as a - b, which may be below 0."""
        start = self.start
        return start if self.to_zero and isinstance(start, Binary) and start.operator == "-" else None


@dataclass(frozen=True)
class Break:
    """Leaves the innermost loop."""

    position: Position


@dataclass(frozen=True)
class Continue:
    """Goes on with the head of the innermost loop."""

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


Statement = Assign | Augment | NewArray | Receive | Perform | If | While | For | Break | Continue | Assert | Return


@dataclass(frozen=True)
class Function:
    """One function as written, and with `others` the whole program that begins with it, over however many files.

    No two functions of a program share a name. `file` is for messages; `digest` is of all source texts and constants
    that decide the meaning.
    """

    name: str
    signature: Signature
    body: tuple[Statement, ...]
    file: str
    position: Position
    digest: str
    text: str  # the source text, dedented, decorators included
    documentation: str = ""
    constants: str = ""  # what it uses of its module: constants as assignments, and imports from ncl
    others: tuple[Function, ...] = ()  # those that it reaches by calls, in the order of their names, without itself
    contract: FunctionContract = NO_CONTRACT  # no part of what runs

    @cached_property
    def program(self) -> dict[str, Function]:
        """Every function of the program by its name, this one first."""
        return {f.name: f for f in (self, *self.others)}

    def home(self, place: Position) -> Function:
        """The function of the program in which a place of it stands; the first one where none is found."""
        for function in self.program.values():
            if function.position.file == place.file and function.line(place.line):
                return function
        return self

    def line(self, number: int) -> str:
        """A line of the function by its number in the file, "" outside of it: its text does not begin at line 1."""
        lines = lines_of(self.text)
        first = self.position.line - next((n for n, text in enumerate(lines) if text.startswith("def ")), 0)
        return lines[number - first] if 0 <= number - first < len(lines) else ""

    @property
    def whole(self) -> str:
        """A text of one file that holds the program: all that its meaning needs. `meanings` sees that one can."""
        functions = self.program.values()
        constants = dict.fromkeys(line for f in functions for line in f.constants.splitlines(keepends=True))
        return "".join(constants) + "\n\n".join(f.text for f in functions)

    @cached_property
    def arrays(self) -> frozenset[str]:
        """Names of all array variables, parameters included (a name has one sort in the whole function)."""
        names = {p.name for p in self.signature.parameters if p.sort == "array"}
        return frozenset(names | _new_arrays(self.body))


def _new_arrays(body: tuple[Statement, ...]) -> set[str]:
    names: set[str] = set()
    for statement in body:
        match statement:
            case NewArray(target=target) | Receive(target=target):
                names.add(target)
            case If(then=then, otherwise=otherwise):
                names |= _new_arrays(then) | _new_arrays(otherwise)
            case While(body=inner) | For(body=inner):
                names |= _new_arrays(inner)
    return names
