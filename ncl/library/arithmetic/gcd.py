"""The greatest common divisor, by Euclid's algorithm."""

from ncl.language.contract_words import decreases, ensures, invariant, old, requires, result
from ncl.language.declare import Word, program


@program
def gcd(a: Word, b: Word) -> Word:
    """The largest word that divides both a and b: its divisors are those that they have in common.

    Requires that they are not both 0, which every word divides; then it gives 0.

        gcd(12, 18) -> 6
        gcd(7, 0) -> 7
        gcd(0, 7) -> 7
        gcd(35, 64) -> 1
        gcd(0, 0) -> 0
    """
    requires(a > 0 or b > 0)
    ensures(result > 0)
    ensures((result % d == 0) == (a % d == 0 and b % d == 0) for d in range(1, max(a, b) + 1))
    while b > 0:
        invariant(a > 0 or b > 0)
        invariant(
            (a % d == 0 and b % d == 0) == (old(a) % d == 0 and old(b) % d == 0)
            for d in range(1, max(old(a), old(b)) + 1)
        )
        decreases(b)
        a, b = b, a % b
    return a
