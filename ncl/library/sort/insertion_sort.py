"""Sorting as one sorts a hand of cards."""

from ncl.language.contract_words import decreases, ensures, invariant, old, permutation, result
from ncl.language.declare import Array, program


@program
def insertion_sort(xs: Array) -> Array:
    """The elements in ascending order, sorted in place; equal elements keep their order.

    Requires nothing. The comparisons decide where the elements go; the elements themselves only move.

        insertion_sort([]) -> []
        insertion_sort([2, 1]) -> [1, 2]
        insertion_sort([3, 1, 2, 1]) -> [1, 1, 2, 3]
        insertion_sort([9, 8, 7, 6, 5]) -> [5, 6, 7, 8, 9]
    """
    ensures(sorted(result))
    ensures(permutation(result, old(xs)))
    i = 1
    while i < len(xs):
        invariant(i >= 1)
        invariant(sorted(xs[:i]))
        invariant(permutation(xs, old(xs)))
        decreases(len(xs) - i)
        key = xs[i]
        j = i
        while j > 0 and xs[j - 1] > key:
            invariant(j <= i)
            invariant(permutation([*xs[:j], key, *xs[j + 1 :]], old(xs)))
            invariant(sorted(xs[:j]) and sorted(xs[j + 1 : i + 1]))
            invariant(xs[a] <= xs[b] for a in range(j) for b in range(j + 1, i + 1))
            invariant(key < xs[b] for b in range(j + 1, i + 1))
            decreases(j)
            xs[j] = xs[j - 1]
            j -= 1
        xs[j] = key
        i += 1
    return xs
