"""The last becomes the first."""

from ncl.language.contract_words import ensures, invariant, old, result
from ncl.language.declare import Array, program


@program
def reverse(xs: Array) -> Array:
    """The elements in opposite order, turned round in place.

    Requires nothing. Data only move, so every element teaches the place it came from.

        reverse([]) -> []
        reverse([5]) -> [5]
        reverse([1, 2, 3]) -> [3, 2, 1]
        reverse([4, 4, 0, 9]) -> [9, 0, 4, 4]
    """
    ensures(len(result) == len(old(xs)))
    ensures(result[k] == old(xs)[len(xs) - 1 - k] for k in range(len(xs)))
    n = len(xs)
    for i in range(n // 2):
        invariant(xs[k] == old(xs)[n - 1 - k] for k in range(i))
        invariant(xs[k] == old(xs)[k] for k in range(i, n - i))
        invariant(xs[k] == old(xs)[n - 1 - k] for k in range(n - i, n))
        xs[i], xs[n - 1 - i] = xs[n - 1 - i], xs[i]
    return xs
