"""A list in the order that another list says."""

from ncl.language.contract_words import ensures, invariant, requires, result
from ncl.language.declare import Array, program


@program
def permute(xs: Array, places: Array) -> Array:
    """A fresh list whose element k is the one at `places[k]`; a permutation where `places` holds each place once.

    Requires as many places as elements, each below len(xs), and room for the result: 3·len(xs) cells of memory.

        permute([], []) -> []
        permute([7, 8], [1, 0]) -> [8, 7]
        permute([7, 8, 9], [2, 0, 1]) -> [9, 7, 8]
        permute([7, 8, 9], [1, 1, 1]) -> [8, 8, 8]
    """
    requires(len(places) == len(xs))
    requires(places[k] < len(xs) for k in range(len(places)))
    ensures(len(result) == len(places))
    ensures(result[k] == xs[places[k]] for k in range(len(places)))
    ys = [0] * len(places)
    for i in range(len(places)):
        invariant(ys[k] == xs[places[k]] for k in range(i))
        ys[i] = xs[places[i]]
    return ys
