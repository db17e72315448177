"""A string from its end to its beginning."""

from ncl.language.contract_words import ensures, invariant, old, result
from ncl.language.declare import Array, program


@program
def reverse_string(tokens: Array) -> Array:
    """The symbols in opposite order, in cells of their own.

    Requires room for both: 2·len(tokens) cells of memory. Data only move.

        reverse_string([]) -> []
        reverse_string([1]) -> [1]
        reverse_string([0, 1, 1]) -> [1, 1, 0]
        reverse_string([1, 0, 0, 1, 0]) -> [0, 1, 0, 0, 1]
    """
    ensures(len(result) == len(old(tokens)))
    ensures(result[k] == old(tokens)[len(tokens) - 1 - k] for k in range(len(tokens)))
    n = len(tokens)
    turned = [0] * n
    for i in range(n):
        invariant(turned[k] == tokens[n - 1 - k] for k in range(i))
        turned[i] = tokens[n - 1 - i]
    return turned
