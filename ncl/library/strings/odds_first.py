"""Every other symbol first."""

from ncl.language.contract_words import ensures, invariant, old, result
from ncl.language.declare import Array, program


@program
def odds_first(tokens: Array) -> Array:
    """The 2nd, 4th, 6th, … symbol, then the 1st, 3rd, 5th, … (counted from 0, the odd places come first).

    Requires room for both: 2·len(tokens) cells of memory. Data only move.

        odds_first([]) -> []
        odds_first([5]) -> [5]
        odds_first([1, 2]) -> [2, 1]
        odds_first([0, 0, 1, 1, 0, 1, 0, 1]) -> [0, 1, 1, 1, 0, 1, 0, 0]
        odds_first([1, 2, 3, 4, 5]) -> [2, 4, 1, 3, 5]
    """
    ensures(len(result) == len(old(tokens)))
    ensures(result[k] == old(tokens)[2 * k + 1] for k in range(len(tokens) // 2))
    ensures(result[len(tokens) // 2 + k] == old(tokens)[2 * k] for k in range((len(tokens) + 1) // 2))
    n = len(tokens)
    half = n // 2
    parted = [0] * n
    for i in range(half):
        invariant(parted[k] == tokens[2 * k + 1] for k in range(i))
        invariant(parted[half + k] == tokens[2 * k] for k in range(i))
        parted[i] = tokens[2 * i + 1]
        parted[half + i] = tokens[2 * i]
    if n % 2 == 1:
        parted[n - 1] = tokens[n - 1]
    return parted
