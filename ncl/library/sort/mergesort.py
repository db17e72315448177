"""Sorting by merging sorted halves."""

from ncl.language.declare import Array, Word, program


def merge_halves(xs: Array, spare: Array, low: Word, middle: Word, high: Word) -> Array:
    """Merge the sorted xs[low:middle] and xs[middle:high] into xs[low:high], by way of the same places of `spare`."""
    i = low
    j = middle
    for k in range(low, high):
        if j == high or (i < middle and xs[i] <= xs[j]):
            spare[k] = xs[i]
            i += 1
        else:
            spare[k] = xs[j]
            j += 1
    for k in range(low, high):
        xs[k] = spare[k]
    return xs


def sort_between(xs: Array, spare: Array, low: Word, high: Word) -> Array:
    """Sort low … high-1: each half by a call, then both together."""
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
    n = len(xs)
    spare = [0] * n
    sort_between(xs, spare, 0, n)
    return xs
