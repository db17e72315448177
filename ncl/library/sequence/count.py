"""How often a symbol occurs."""

from ncl.language.contract_words import ensures, invariant, result
from ncl.language.declare import Array, Word, program


@program
def count(xs: Array, s: Word) -> Word:
    """The number of elements equal to s.

    Requires nothing: a length is a word, so the count is one too. Without a branch on the data, so that the elements
    and the symbol learn from the count.

        count([], 3) -> 0
        count([3, 7, 3], 3) -> 2
        count([3, 7, 3], 5) -> 0
        count([4, 4, 4, 4], 4) -> 4
    """
    ensures(result == sum(xs[k] == s for k in range(len(xs))))
    total = 0
    for i in range(len(xs)):
        invariant(total == sum(xs[k] == s for k in range(i)))
        total += xs[i] == s
    return total
