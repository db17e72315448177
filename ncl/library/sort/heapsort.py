"""Sorting by a heap."""

from ncl.language.declare import Array, Word, program


def sift_down(xs: Array, top: Word, size: Word) -> Array:
    """Of the heap in xs[:size], let the element at `top` sink until none under it is larger."""
    place = top
    while place < size // 2:
        child = 2 * place + 1
        if child + 1 < size and xs[child + 1] > xs[child]:
            child += 1
        if xs[place] >= xs[child]:
            return xs
        xs[place], xs[child] = xs[child], xs[place]
        place = child
    return xs


@program
def heapsort(xs: Array) -> Array:
    """The elements in ascending order, sorted in place: a heap is built, and its largest element taken off it.

    Requires nothing. Under place p of a heap stand 2p + 1 and 2p + 2, neither of them larger.

        heapsort([]) -> []
        heapsort([2, 1]) -> [1, 2]
        heapsort([3, 1, 2, 1]) -> [1, 1, 2, 3]
        heapsort([9, 8, 7, 6, 5]) -> [5, 6, 7, 8, 9]
    """
    n = len(xs)
    for done in range(n // 2):
        sift_down(xs, n // 2 - 1 - done, n)
    for done in range(n):
        last = n - 1 - done
        xs[0], xs[last] = xs[last], xs[0]
        sift_down(xs, 0, last)
    return xs
