"""Programs for test_declare: what a user's own module looks like."""

import ncl
from ncl import Array, Word, program

LIMIT = 3


@program
def twice(n: Word) -> Word:
    """Twice the number."""
    return n + n


@ncl.program
def swapped(xs: Array) -> Array:
    if len(xs) > 1:
        xs[0], xs[1] = xs[1], xs[0]
    return xs


@program
def limited(n: Word) -> Word:
    assert n < LIMIT
    return n


@program
def fraction(n: Word) -> Word:
    return n / 2


@program
def largest() -> Word:
    return ~0


@program
def fibonacci(n: Word) -> Word:
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


@program
def swap_ends(xs: Array) -> Array:
    xs[0], xs[len(xs) - 1] = xs[len(xs) - 1], xs[0]
    return xs


@program
def swapped_twice(xs: Array) -> Array:
    swap_ends(xs)
    assert xs[0] != 1
    xs = swap_ends(xs)
    return xs
