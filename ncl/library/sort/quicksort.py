"""Sorting by dividing around one element."""

from ncl.language.contract_words import decreases, ensures, invariant, old, permutation, requires, result
from ncl.language.declare import Array, Word, program

# What both parts need to know to sort a part of a list: it lies between its neighbours, and stays there.


def partition(xs: Array, low: Word, high: Word) -> Word:
    """Of low … high-1: the elements below the middle one first, then it, then the others; the place where it is."""
    requires(low < high <= len(xs))
    requires(low == 0 or xs[low - 1] <= xs[k] for k in range(low, high))
    requires(high == len(xs) or xs[k] <= xs[high] for k in range(low, high))
    ensures(low <= result < high)
    ensures(permutation(xs, old(xs)))
    ensures(xs[:low] == old(xs)[:low] and xs[high:] == old(xs)[high:])
    ensures(xs[k] <= xs[result] for k in range(low, result))
    ensures(xs[k] >= xs[result] for k in range(result, high))
    ensures(low == 0 or xs[low - 1] <= xs[k] for k in range(low, high))
    ensures(high == len(xs) or xs[k] <= xs[high] for k in range(low, high))
    middle = low + (high - low) // 2
    last = high - 1
    xs[middle], xs[last] = xs[last], xs[middle]
    place = low
    for i in range(low, last):
        invariant(low <= place <= i)
        invariant(permutation(xs, old(xs)))
        invariant(xs[:low] == old(xs)[:low] and xs[high:] == old(xs)[high:])
        invariant(xs[k] < xs[last] for k in range(low, place))
        invariant(xs[k] >= xs[last] for k in range(place, i))
        invariant(low == 0 or xs[low - 1] <= xs[k] for k in range(low, high))
        invariant(high == len(xs) or xs[k] <= xs[high] for k in range(low, high))
        if xs[i] < xs[last]:
            xs[i], xs[place] = xs[place], xs[i]
            place += 1
    xs[place], xs[last] = xs[last], xs[place]
    return place


def sort_between(xs: Array, low: Word, high: Word) -> Array:
    """Sort low … high-1: the smaller side by a call, so that few are open, and the larger one in the next round."""
    requires(low <= high <= len(xs))
    requires(low == 0 or xs[low - 1] <= xs[k] for k in range(low, high))
    requires(high == len(xs) or xs[k] <= xs[high] for k in range(low, high))
    ensures(sorted(xs[low:high]))
    ensures(permutation(xs, old(xs)))
    ensures(xs[:low] == old(xs)[:low] and xs[high:] == old(xs)[high:])
    ensures(low == 0 or xs[low - 1] <= xs[k] for k in range(low, high))
    ensures(high == len(xs) or xs[k] <= xs[high] for k in range(low, high))
    decreases(high - low)
    while high - low > 1:
        invariant(old(low) <= low <= high <= old(high))
        invariant(permutation(xs, old(xs)))
        invariant(xs[: old(low)] == old(xs)[: old(low)] and xs[old(high) :] == old(xs)[old(high) :])
        invariant(sorted(xs[old(low) : low]) and sorted(xs[high : old(high)]))
        invariant(xs[a] <= xs[b] for a in range(old(low), low) for b in range(low, old(high)))
        invariant(xs[a] <= xs[b] for a in range(old(low), high) for b in range(high, old(high)))
        invariant(old(low) == 0 or xs[old(low) - 1] <= xs[k] for k in range(old(low), old(high)))
        invariant(old(high) == len(xs) or xs[k] <= xs[old(high)] for k in range(old(low), old(high)))
        decreases(high - low)
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
    ensures(sorted(result))
    ensures(permutation(result, old(xs)))
    sort_between(xs, 0, len(xs))
    return xs
