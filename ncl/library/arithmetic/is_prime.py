"""Whether a number is prime."""

from ncl.language.contract_words import decreases, ensures, invariant, result
from ncl.language.declare import Word, program


@program
def is_prime(n: Word) -> Word:
    """1 when n is a prime number, else 0: every divisor up to the root of n is tried.

    Requires nothing; 0 and 1 are not prime.

        is_prime(0) -> 0
        is_prime(1) -> 0
        is_prime(2) -> 1
        is_prime(9) -> 0
        is_prime(91) -> 0
        is_prime(97) -> 1
    """
    ensures(result <= 1)
    ensures(result == 0 or n >= 2)
    ensures(result == 0 or n % d != 0 for d in range(2, n))
    ensures(result == 1 or n < 2 or any(n % d == 0 for d in range(2, n)))
    if n < 2:
        return 0
    d = 2
    while d <= n // d:
        invariant(d >= 2)
        invariant(n % e != 0 for e in range(2, d))
        decreases(n - d)
        if n % d == 0:
            return 0
        d += 1
    return 1
