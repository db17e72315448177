"""Sorting by dividing around one element."""

from ncl.language.declare import Array, Word, program


def partition(xs: Array, low: Word, high: Word) -> Word:
    """Of low … high-1: the elements below the middle one first, then it, then the others; the place where it is."""
    middle = low + (high - low) // 2
    last = high - 1
    xs[middle], xs[last] = xs[last], xs[middle]
    place = low
    for i in range(low, last):
        if xs[i] < xs[last]:
            xs[i], xs[place] = xs[place], xs[i]
            place += 1
    xs[place], xs[last] = xs[last], xs[place]
    return place


def sort_between(xs: Array, low: Word, high: Word) -> Array:
    """Sort low … high-1: the smaller side by a call, so that few are open, and the larger one in the next round."""
    while high - low > 1:
        place = partition(xs, low, high)
        if place - low < high - place:
            sort_between(xs, low, place)
            low = place + 1
        else:
            sort_between(xs, place + 1, high)
            high = place
    return xs


@program
def quicksort(xs: Array) -> Array:
    """The elements in ascending order, sorted in place, by recursion.

    Requires nothing. No more than log2(len(xs)) + 1 calls are open at the same time, whatever the list; one of equal
    elements takes len(xs)^2 / 2 ticks.

        quicksort([]) -> []
        quicksort([2, 1]) -> [1, 2]
        quicksort([3, 1, 2, 1]) -> [1, 1, 2, 3]
        quicksort([9, 8, 7, 6, 5]) -> [5, 6, 7, 8, 9]
    """
    sort_between(xs, 0, len(xs))
    return xs
