"""A string twice."""

from ncl.language.contract_words import ensures, invariant, old, requires, result
from ncl.language.declare import Array, program


@program
def duplicate_string(tokens: Array) -> Array:
    """The symbols, and the same again behind them.

    Requires room for all: 3·len(tokens) cells of memory. Data only move.

        duplicate_string([]) -> []
        duplicate_string([7]) -> [7, 7]
        duplicate_string([0, 1, 1]) -> [0, 1, 1, 0, 1, 1]
    """
    requires(2 * len(tokens) <= ~0)
    ensures(len(result) == 2 * len(tokens))
    ensures(result[: len(tokens)] == old(tokens) and result[len(tokens) :] == old(tokens))
    n = len(tokens)
    both = [0] * (2 * n)
    for i in range(n):
        invariant(both[:i] == tokens[:i] and both[n : n + i] == tokens[:i])
        both[i] = tokens[i]
        both[n + i] = tokens[i]
    return both
