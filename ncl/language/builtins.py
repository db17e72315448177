"""The functions of the language itself: what each means, once, over the algebra of `word.py`.

`min` and `max` are Python's own. `abs` takes a difference, written out: a word has no sign, and `abs(a - b)` is how far
two words lie apart, which is what Python says too. The signed ones read a word as a number in two's complement, -N/2 …
N/2 - 1; a program imports them from `ncl`, and as plain Python they are those of `declare`.

From a row are derived the source interpreter and whatever a prover says of the function. The compiler has instructions
of its own for each, so that the two can be compared; for an op of the machine that source texts may call it has one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

from ncl.language.opcodes import CALLED, Opcode
from ncl.language.ops import OPS
from ncl.language.word import Algebra, Term


@dataclass(frozen=True)
class Row:
    """`meaning` takes the algebra and as many words as there are arguments; `examples` are worked by hand."""

    name: str
    prose: str
    least: int  # arguments
    most: int | None  # None: as many as one likes
    meaning: Callable[..., Term]
    imported: bool = False  # from ncl; the others are there without
    traps_on_zero: bool = False  # the last argument
    examples: tuple[tuple[int, tuple[int, ...], int | None], ...] = ()  # (width, arguments, result; None: a trap)


def _smaller(k: Algebra, x: Term, y: Term) -> Term:
    return k.choose(k.less(y, x), y, x)


def _larger(k: Algebra, x: Term, y: Term) -> Term:
    return k.choose(k.less(x, y), y, x)


def _half(k: Algebra) -> Term:
    """N/2, the first word that reads as negative."""
    return k.word(1 << (k.width - 1))


def _negative(k: Algebra, x: Term) -> Term:
    return k.choose(k.less(x, _half(k)), k.word(0), k.word(1))


def _magnitude(k: Algebra, x: Term) -> Term:
    return k.choose(k.less(x, _half(k)), x, k.subtract(k.word(0), x))


def _signed_less(k: Algebra, x: Term, y: Term) -> Term:
    return k.choose(k.less(k.add(x, _half(k)), k.add(y, _half(k))), k.word(1), k.word(0))


def _signed_divide(k: Algebra, x: Term, y: Term) -> Term:
    """Rounded down as `//` does: where the signs differ, away from 0."""
    above, below = _magnitude(k, x), _magnitude(k, y)
    up = k.divide(k.subtract(k.add(above, below), k.word(1)), below)
    alike = k.equal(_negative(k, x), _negative(k, y))
    return k.choose(alike, k.divide(above, below), k.subtract(k.word(0), up))


def _signed_remainder(k: Algebra, x: Term, y: Term) -> Term:
    return k.subtract(x, k.multiply(y, _signed_divide(k, x, y)))


ROWS: tuple[Row, ...] = (
    Row(
        "min", "The smallest argument.", 2, None, lambda k, *xs: reduce(lambda x, y: _smaller(k, x, y), xs),
        examples=((4, (3, 5), 3), (4, (5, 3), 3), (4, (15, 0), 0), (4, (7, 7), 7), (4, (9, 4, 12), 4)),
    ),
    Row(
        "max", "The largest argument.", 2, None, lambda k, *xs: reduce(lambda x, y: _larger(k, x, y), xs),
        examples=((4, (3, 5), 5), (4, (5, 3), 5), (4, (15, 0), 15), (4, (7, 7), 7), (4, (9, 4, 12), 12)),
    ),
    Row(
        "abs", "How far the two sides of a difference lie apart, both unsigned.", 2, 2,
        lambda k, x, y: k.subtract(_larger(k, x, y), _smaller(k, x, y)),
        examples=((4, (3, 5), 2), (4, (5, 3), 2), (4, (15, 0), 15), (4, (0, 15), 15), (4, (7, 7), 0)),
    ),
    Row(
        "is_negative", "1 for a word of N/2 and above, else 0.", 1, 1, _negative, imported=True,
        examples=((4, (7,), 0), (4, (8,), 1), (4, (15,), 1), (4, (0,), 0), (1, (1,), 1)),
    ),
    Row(
        "magnitude", "The word without its sign: N/2 stays N/2.", 1, 1, _magnitude, imported=True,
        examples=((4, (7,), 7), (4, (15,), 1), (4, (9,), 7), (4, (8,), 8), (4, (0,), 0)),
    ),
    Row(
        "signed_less", "1 when the first is below the second, else 0.", 2, 2, _signed_less, imported=True,
        examples=((4, (3, 5), 1), (4, (5, 3), 0), (4, (15, 0), 1), (4, (0, 15), 0), (4, (8, 7), 1), (4, (7, 7), 0)),
    ),
    Row(
        "signed_divide", "The quotient, rounded down; trap `division` when the second is 0.", 2, 2, _signed_divide,
        imported=True, traps_on_zero=True,
        examples=(
            (4, (7, 2), 3), (4, (9, 2), 12), (4, (7, 14), 12), (4, (9, 14), 3), (4, (8, 15), 8), (4, (1, 9), 15),
            (4, (0, 9), 0), (4, (3, 0), None),
        ),
    ),
    Row(
        "signed_remainder", "What is left of the first, with the sign of the second; trap `division` when that is 0.",
        2, 2, _signed_remainder, imported=True, traps_on_zero=True,
        examples=(
            (4, (7, 2), 1), (4, (9, 2), 1), (4, (7, 14), 15), (4, (9, 14), 15), (4, (8, 15), 0), (4, (3, 0), None),
        ),
    ),
)  # fmt: skip


def _of_op(name: str) -> Row:
    """An op that the table calls a function is one as it stands."""
    row = OPS[Opcode[name.upper()]]
    assert row.word is not None
    count = len(row.operands) - 1
    return Row(name, row.prose, count, count, row.word, True, row.traps_on_zero, row.examples)


BUILTINS: dict[str, Row] = {row.name: row for row in (*ROWS, *map(_of_op, CALLED))}
IMPORTED = frozenset(row.name for row in BUILTINS.values() if row.imported)
