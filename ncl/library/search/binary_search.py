"""The place of a symbol in a sorted list."""

from ncl.language.contract_words import decreases, ensures, invariant, requires, result
from ncl.language.declare import Array, Word, program


@program
def binary_search(xs: Array, s: Word) -> Word:
    """A place at which s stands in the ascending list xs, or len(xs) when it stands nowhere.

    Requires xs in ascending order. Looks at the middle of what is left, so at no more than log2(len(xs)) + 1 elements.

        binary_search([], 3) -> 0
        binary_search([2, 3, 5, 7], 5) -> 2
        binary_search([2, 3, 5, 7], 2) -> 0
        binary_search([2, 3, 5, 7], 4) -> 4
    """
    requires(sorted(xs))
    ensures(result <= len(xs))
    ensures(result == len(xs) or xs[result] == s)
    ensures(xs[k] != s or result < len(xs) for k in range(len(xs)))
    low = 0
    high = len(xs)
    while low < high:
        invariant(low <= high <= len(xs))
        invariant(xs[k] < s for k in range(low))
        invariant(xs[k] > s for k in range(high, len(xs)))
        decreases(high - low)
        middle = low + (high - low) // 2
        if xs[middle] == s:
            return middle
        if xs[middle] < s:
            low = middle + 1
        else:
            high = middle
    return len(xs)
