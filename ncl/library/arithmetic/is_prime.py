"""Whether a number is prime."""

from ncl.language.contract_words import ensures, result
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
    ensures(result == (n >= 2 and all(n % d != 0 for d in range(2, n))))
    if n < 2:
        return 0
    d = 2
    while d <= n // d:
        if n % d == 0:
            return 0
        d += 1
    return 1
