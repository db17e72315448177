"""Whether the ones come an even number of times."""

from ncl.language.contract_words import ensures, invariant, requires, result
from ncl.language.declare import Array, Word, program


@program
def parity_check(tokens: Array) -> Word:
    """The number of 1 in a string of 0 and 1, modulo 2.

    Requires that every symbol is 0 or 1. Without a branch on the data.

        parity_check([]) -> 0
        parity_check([1]) -> 1
        parity_check([1, 0, 1, 0, 1, 0, 0]) -> 1
        parity_check([0, 1, 1, 1, 1]) -> 0
    """
    requires(tokens[k] <= 1 for k in range(len(tokens)))
    ensures(result == sum(tokens) % 2)
    odd = 0
    for i in range(len(tokens)):
        invariant(odd == sum(tokens[k] for k in range(i)) % 2)
        odd = (odd + tokens[i]) % 2
    return odd
