"""How often a symbol has occurred so far, at every place."""

from ncl.language.contract_words import ensures, invariant, old, result
from ncl.language.declare import Array, Word, program


@program
def running_count(xs: Array, s: Word) -> Array:
    """For each place, the number of elements equal to s up to and including it, written over the elements.

    Requires nothing. Without a branch on the data, like `count`.

        running_count([], 1) -> []
        running_count([3, 7, 3], 3) -> [1, 1, 2]
        running_count([1, 2], 9) -> [0, 0]
        running_count([5, 5, 5], 5) -> [1, 2, 3]
    """
    ensures(len(result) == len(old(xs)))
    ensures(result[k] == sum(old(xs)[j] == s for j in range(k + 1)) for k in range(len(xs)))
    total = 0
    for i in range(len(xs)):
        invariant(total == sum(old(xs)[j] == s for j in range(i)))
        invariant(xs[k] == sum(old(xs)[j] == s for j in range(k + 1)) for k in range(i))
        invariant(xs[i:] == old(xs)[i:])
        total += xs[i] == s
        xs[i] = total
    return xs
