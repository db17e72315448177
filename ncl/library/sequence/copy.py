"""The same again, in cells of its own."""

from ncl.language.contract_words import ensures, invariant, old, result
from ncl.language.declare import Array, program


@program
def copy(xs: Array) -> Array:
    """A fresh array with the same elements.

    Requires room for both: 2·len(xs) cells of memory.

        copy([]) -> []
        copy([7]) -> [7]
        copy([3, 1, 2]) -> [3, 1, 2]
    """
    ensures(result == old(xs))
    ensures(xs == old(xs))
    n = len(xs)
    ys = [0] * n
    for i in range(n):
        invariant(ys[:i] == xs[:i])
        ys[i] = xs[i]
    return ys
