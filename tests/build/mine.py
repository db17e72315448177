"""A user's own module, for the tests of the build."""

from ncl import Array, Word, program


@program
def largest(xs: Array) -> Word:
    best = 0
    for i in range(len(xs)):
        if xs[i] > best:
            best = xs[i]
    return best


@program
def pairs(xs: Array, ys: Array, n: Word) -> Array:
    for i in range(n):
        xs[i] += ys[i]
    return xs


@program
def careful(n: Word) -> Word:
    assert n < 5
    return 7 // n
