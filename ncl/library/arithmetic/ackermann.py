"""Ackermann's function."""

from ncl.language.contract_words import decreases, ensures, requires, result
from ncl.language.declare import Word, program


@program
def ackermann(m: Word, n: Word) -> Word:
    """n + 1 for m = 0; A(m - 1, 1) for n = 0; else A(m - 1, A(m, n - 1)). So n + 2 for m = 1, 2n + 3 for m = 2.

    The number of open calls is about the result, so the 64 of the usual machine take m = 2 up to n = 30 and m = 3 up to
    n = 3; deeper ones trap `stack`. Requires that (the contract speaks of these), and that the result is a word.

        ackermann(0, 7) -> 8
        ackermann(1, 4) -> 6
        ackermann(2, 3) -> 9
        ackermann(3, 0) -> 5
        ackermann(3, 2) -> 29
    """
    requires(m <= 2 or (m == 3 and n <= 3))
    requires((n + 1 if m == 0 else n + 2 if m == 1 else 2 * n + 3 if m == 2 else 61) <= ~0)
    ensures(m != 0 or result == n + 1)
    ensures(m != 1 or result == n + 2)
    ensures(m != 2 or result == 2 * n + 3)
    ensures(m != 3 or result == (5 if n == 0 else 13 if n == 1 else 29 if n == 2 else 61))
    decreases(m, n)
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))
