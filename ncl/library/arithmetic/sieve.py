"""The prime numbers, by the sieve of Eratosthenes."""

from ncl.language.contract_words import ensures, result
from ncl.language.declare import Array, Word, program


@program
def sieve(n: Word) -> Array:
    """For each number below n: 1 when it is prime, else 0.

    Requires n cells of memory. The multiples of each prime are struck out, from its square on.

        sieve(0) -> []
        sieve(2) -> [0, 0]
        sieve(6) -> [0, 0, 1, 1, 0, 1]
        sieve(10) -> [0, 0, 1, 1, 0, 1, 0, 1, 0, 0]
    """
    ensures(len(result) == n)
    ensures(result[k] == (k >= 2 and all(k % d != 0 for d in range(2, k))) for k in range(n))
    prime = [1] * n
    for k in range(min(n, 2)):
        prime[k] = 0
    d = 2
    while d < n and d <= (n - 1) // d:
        if prime[d]:
            for m in range(d * d, n, d):
                prime[m] = 0
        d += 1
    return prime
