"""Sorting by exchanging neighbours."""

from ncl.language.contract_words import ensures, invariant, old, permutation, result
from ncl.language.declare import Array, program


@program
def bubble_sort(xs: Array) -> Array:
    """The elements in ascending order, sorted in place; each round carries the largest that is left to the end.

    Requires nothing.

        bubble_sort([]) -> []
        bubble_sort([2, 1]) -> [1, 2]
        bubble_sort([3, 1, 2, 1]) -> [1, 1, 2, 3]
        bubble_sort([9, 8, 7, 6, 5]) -> [5, 6, 7, 8, 9]
    """
    ensures(sorted(result))
    ensures(permutation(result, old(xs)))
    n = len(xs)
    for done in range(n):
        invariant(permutation(xs, old(xs)))
        invariant(sorted(xs[n - done :]))
        invariant(xs[a] <= xs[b] for a in range(n - done) for b in range(n - done, n))
        for i in range(n - 1 - done):
            invariant(permutation(xs, old(xs)))
            invariant(sorted(xs[n - done :]))
            invariant(xs[a] <= xs[b] for a in range(n - done) for b in range(n - done, n))
            invariant(xs[a] <= xs[i] for a in range(i))
            if xs[i] > xs[i + 1]:
                xs[i], xs[i + 1] = xs[i + 1], xs[i]
    return xs
