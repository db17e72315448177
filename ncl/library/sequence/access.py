"""One element of a list."""

from ncl.language.contract_words import ensures, requires, result
from ncl.language.declare import Array, Word, program


@program
def access(xs: Array, i: Word) -> Word:
    """The element at place i, counted from 0.

    Requires i < len(xs); else it traps `index`.

        access([7], 0) -> 7
        access([4, 5, 6], 1) -> 5
        access([4, 5, 6], 2) -> 6
        access([], 0) -> trap index
    """
    requires(i < len(xs))
    ensures(result == xs[i])
    return xs[i]
