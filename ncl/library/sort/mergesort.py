"""Sorting by merging sorted halves."""

from ncl.language.contract_words import decreases, ensures, invariant, old, permutation, requires, result
from ncl.language.declare import Array, Word, program


def merge_halves(xs: Array, spare: Array, low: Word, middle: Word, high: Word) -> Array:
    """Merge the sorted xs[low:middle] and xs[middle:high] into xs[low:high], by way of the same places of `spare`."""
    requires(low <= middle <= high <= len(xs) and len(spare) == len(xs))
    requires(sorted(xs[low:middle]) and sorted(xs[middle:high]))
    ensures(sorted(xs[low:high]))
    ensures(permutation(xs, old(xs)))
    ensures(xs[:low] == old(xs)[:low] and xs[high:] == old(xs)[high:])
    i = low
    j = middle
    for k in range(low, high):
        invariant(low <= i <= middle <= j <= high and i + j == k + middle)
        invariant(sorted(spare[low:k]))
        invariant(spare[a] <= xs[b] for a in range(low, k) for b in range(i, middle))
        invariant(spare[a] <= xs[b] for a in range(low, k) for b in range(j, high))
        invariant(permutation([*spare[low:k], *xs[i:middle], *xs[j:high]], xs[low:high]))
        if j == high or (i < middle and xs[i] <= xs[j]):
            spare[k] = xs[i]
            i += 1
        else:
            spare[k] = xs[j]
            j += 1
    for k in range(low, high):
        invariant(xs[low:k] == spare[low:k])
        invariant(xs[:low] == old(xs)[:low] and xs[high:] == old(xs)[high:])
        invariant(permutation([*xs[:k], *spare[k:high], *xs[high:]], old(xs)))
        xs[k] = spare[k]
    return xs


def sort_between(xs: Array, spare: Array, low: Word, high: Word) -> Array:
    """Sort low … high-1: each half by a call, then both together."""
    requires(low <= high <= len(xs) and len(spare) == len(xs))
    ensures(sorted(xs[low:high]))
    ensures(permutation(xs, old(xs)))
    ensures(xs[:low] == old(xs)[:low] and xs[high:] == old(xs)[high:])
    decreases(high - low)
    if high - low > 1:
        middle = low + (high - low) // 2
        sort_between(xs, spare, low, middle)
        sort_between(xs, spare, middle, high)
        merge_halves(xs, spare, low, middle, high)
    return xs


@program
def mergesort(xs: Array) -> Array:
    """The elements in ascending order, sorted in place, by recursion; equal elements keep their order.

    Requires room to merge: 2·len(xs) cells of memory.

        mergesort([]) -> []
        mergesort([2, 1]) -> [1, 2]
        mergesort([3, 1, 2, 1]) -> [1, 1, 2, 3]
        mergesort([9, 8, 7, 6, 5]) -> [5, 6, 7, 8, 9]
    """
    ensures(sorted(result))
    ensures(permutation(result, old(xs)))
    n = len(xs)
    spare = [0] * n
    sort_between(xs, spare, 0, n)
    return xs
