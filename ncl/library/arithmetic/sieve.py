"""The prime numbers, by the sieve of Eratosthenes."""

from ncl.language.contract_words import decreases, ensures, invariant, result
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
    ensures(result[k] == 0 for k in range(n) if k < 2)
    ensures(result[k] == 0 or k % d != 0 for k in range(2, n) for d in range(2, k))
    ensures(result[k] == 1 or any(k % d == 0 for d in range(2, k)) for k in range(2, n))
    prime = [1] * n
    for k in range(min(n, 2)):
        invariant(prime[i] == 0 for i in range(k))
        invariant(prime[i] == 1 for i in range(k, n))
        prime[k] = 0
    d = 2
    while d <= n // d:
        invariant(d >= 2)
        invariant(prime[k] == 0 for k in range(n) if k < 2)
        invariant(prime[k] == 0 or k % e != 0 for k in range(2, n) for e in range(2, d) if e < k)
        invariant(prime[k] == 1 or any(k % e == 0 for e in range(2, k)) for k in range(2, n))
        decreases(n - d)
        if prime[d]:
            for j in range(d, (n - 1) // d + 1):
                invariant(prime[k] == 0 for k in range(n) if k < 2)
                invariant(prime[k] == 0 or k % e != 0 for k in range(2, n) for e in range(2, d) if e < k)
                invariant(prime[k] == 0 or k % d != 0 or k // d < d or k // d >= j for k in range(2, n))
                invariant(prime[k] == 1 or any(k % e == 0 for e in range(2, k)) for k in range(2, n))
                prime[d * j] = 0
        d += 1
    return prime
