"""A sum modulo m, one element at a time."""

from ncl.language.contract_words import ensures, invariant, requires, result
from ncl.language.declare import Array, Word, program


@program
def modsum(xs: Array, m: Word) -> Word:
    """The sum of the elements modulo m, reduced after each of them.

    Requires m > 0 (else it traps `division`, for an empty list too) and m - 1 + max(xs) < N, so that nothing wraps:
    three-digit numbers need width 11.

        modsum([], 7) -> 0
        modsum([5, 6, 7], 10) -> 8
        modsum([100, 100], 1) -> 0
        modsum([12, 30, 1], 13) -> 4
    """
    requires(m > 0)
    requires(m - 1 + xs[k] <= ~0 for k in range(len(xs)))
    ensures(result == sum(xs) % m)
    total = 0 % m
    for i in range(len(xs)):
        invariant(total == sum(xs[k] for k in range(i)) % m)
        total = (total + xs[i]) % m
    return total
