"""Every element one more."""

from ncl.language.contract_words import ensures, invariant, old, requires, result
from ncl.language.declare import Array, program


@program
def increment(xs: Array) -> Array:
    """Every element plus one, in place.

    Requires that no element is the largest word, N - 1: its successor would wrap to 0.

        increment([]) -> []
        increment([0]) -> [1]
        increment([9, 3, 9]) -> [10, 4, 10]
    """
    requires(xs[k] < ~0 for k in range(len(xs)))
    ensures(len(result) == len(old(xs)))
    ensures(result[k] == old(xs)[k] + 1 for k in range(len(xs)))
    for i in range(len(xs)):
        invariant(xs[k] == old(xs)[k] + 1 for k in range(i))
        invariant(xs[i:] == old(xs)[i:])
        xs[i] += 1
    return xs
