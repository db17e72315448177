"""Two elements change places."""

from ncl.language.contract_words import ensures, old, requires, result
from ncl.language.declare import Array, Word, program


@program
def swap(xs: Array, i: Word, j: Word) -> Array:
    """The list with the elements at places i and j exchanged, in place.

    Requires i < len(xs) and j < len(xs), else it traps `index`; i and j may be the same place.

        swap([4, 5, 6], 0, 2) -> [6, 5, 4]
        swap([4, 5, 6], 2, 1) -> [4, 6, 5]
        swap([7], 0, 0) -> [7]
        swap([], 0, 0) -> trap index
    """
    requires(i < len(xs) and j < len(xs))
    ensures(len(result) == len(old(xs)))
    ensures(result[i] == old(xs)[j] and result[j] == old(xs)[i])
    ensures(result[k] == old(xs)[k] for k in range(len(xs)) if k != i and k != j)
    xs[i], xs[j] = xs[j], xs[i]
    return xs
