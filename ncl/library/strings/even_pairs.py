"""Whether unlike neighbours come an even number of times."""

from ncl.language.contract_words import ensures, invariant, result
from ncl.language.declare import Array, Word, program


@program
def even_pairs(tokens: Array) -> Word:
    """The number of neighbours 01 and 10 in a string of 0 and 1, modulo 2.

    Requires nothing: of other symbols, unlike neighbours count. Without a branch on the data.

        even_pairs([]) -> 0
        even_pairs([1]) -> 0
        even_pairs([0, 1]) -> 1
        even_pairs([0, 0, 1, 1, 1, 0]) -> 0
        even_pairs([0, 1, 0, 1, 0, 0, 1]) -> 1
    """
    ensures(result == sum(tokens[k] != tokens[k + 1] for k in range(len(tokens) - 1)) % 2)
    pairs = 0
    for i in range(1, len(tokens)):
        invariant(pairs == sum(tokens[k] != tokens[k + 1] for k in range(i - 1)) % 2)
        pairs = (pairs + (tokens[i - 1] != tokens[i])) % 2
    return pairs
