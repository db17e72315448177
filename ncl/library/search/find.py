"""The place of a symbol."""

from ncl.language.contract_words import ensures, invariant, result
from ncl.language.declare import Array, Word, program


@program
def find(xs: Array, s: Word) -> Word:
    """The first place at which s stands, or len(xs) when it stands nowhere.

    Requires nothing.

        find([], 3) -> 0
        find([5, 3, 9], 9) -> 2
        find([3, 7, 3], 3) -> 0
        find([3, 7, 3], 4) -> 3
    """
    ensures(result <= len(xs))
    ensures(result == len(xs) or xs[result] == s)
    ensures(xs[k] != s for k in range(result))
    for i in range(len(xs)):
        invariant(xs[k] != s for k in range(i))
        if xs[i] == s:
            return i
    return len(xs)
