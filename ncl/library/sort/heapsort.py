"""Sorting by a heap."""

from ncl.language.contract_words import decreases, ensures, invariant, old, permutation, requires, result
from ncl.language.declare import Array, Word, program


def sift_down(xs: Array, top: Word, size: Word) -> Array:
    """Of the heap in xs[:size], let the element at `top` sink until none under it is larger."""
    requires(top <= size <= len(xs))
    requires(xs[(k - 1) // 2] >= xs[k] for k in range(1, size) if (k - 1) // 2 > top)
    requires(size == len(xs) or xs[k] <= xs[size] for k in range(size))
    ensures(xs[(k - 1) // 2] >= xs[k] for k in range(1, size) if (k - 1) // 2 >= top)
    ensures(size == len(xs) or xs[k] <= xs[size] for k in range(size))
    ensures(xs[size:] == old(xs)[size:])
    ensures(permutation(xs, old(xs)))
    place = top
    while place < size // 2:
        invariant(top <= place)
        invariant(xs[(k - 1) // 2] >= xs[k] for k in range(1, size) if (k - 1) // 2 >= top and (k - 1) // 2 != place)
        invariant(xs[(place - 1) // 2] >= xs[k] for k in range(1, size) if (k - 1) // 2 == place and place > top)
        invariant(size == len(xs) or xs[k] <= xs[size] for k in range(size))
        invariant(xs[size:] == old(xs)[size:])
        invariant(permutation(xs, old(xs)))
        decreases(size - place)
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
    ensures(sorted(result))
    ensures(permutation(result, old(xs)))
    n = len(xs)
    for done in range(n // 2):
        invariant(xs[(k - 1) // 2] >= xs[k] for k in range(1, n) if (k - 1) // 2 >= n // 2 - done)
        invariant(permutation(xs, old(xs)))
        sift_down(xs, n // 2 - 1 - done, n)
    for done in range(n):
        invariant(xs[(k - 1) // 2] >= xs[k] for k in range(1, n - done))
        invariant(xs[k] <= xs[0] for k in range(n - done))
        invariant(sorted(xs[n - done :]))
        invariant(xs[a] <= xs[b] for a in range(n - done) for b in range(n - done, n))
        invariant(permutation(xs, old(xs)))
        last = n - 1 - done
        xs[0], xs[last] = xs[last], xs[0]
        sift_down(xs, 0, last)
    return xs
