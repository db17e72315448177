"""The greatest common divisor as a difference of multiples."""

from ncl.language.contract_words import decreases, ensures, invariant, old, requires, result
from ncl.language.declare import Array, Word, program


def plus_times(x: Word, q: Word, u: Word) -> Word:
    """x and q times u, which is a word."""
    requires(x + q * u <= ~0)
    ensures(result == x + q * u)
    return x + q * u


@program
def extended_gcd(a: Word, b: Word) -> Array:
    """[g, x, y] with g the greatest common divisor of a and b and a·x = b·y + g, by Euclid's algorithm.

    Requires a > 0. x is at most max(b, 1), y at most a, so both are words; the products may be larger than words.

        extended_gcd(12, 18) -> [6, 2, 1]
        extended_gcd(18, 12) -> [6, 1, 1]
        extended_gcd(7, 0) -> [7, 1, 0]
        extended_gcd(35, 64) -> [1, 11, 6]
        extended_gcd(240, 46) -> [2, 14, 73]
    """
    requires(a > 0)
    ensures(len(result) == 3)
    ensures(a * result[1] == b * result[2] + result[0])
    ensures((result[0] % d == 0) == (a % d == 0 and b % d == 0) for d in range(1, max(a, b) + 1))
    x, y = 1, 0
    u, v = 0, 1
    odd = 0
    while b > 0:
        invariant(a > 0 and odd <= 1 and (a > b or (x == 1 and u == 0)))
        invariant(x * b + u * a == old(b) and y * b + v * a == old(a))
        invariant(odd or (old(a) * x == old(b) * y + a and old(b) * v == old(a) * u + b))
        invariant(not odd or (old(b) * y == old(a) * x + a and old(a) * u == old(b) * v + b))
        invariant(not odd or (x <= u and (y <= v or b > 0)))
        invariant(
            (a % d == 0 and b % d == 0) == (old(a) % d == 0 and old(b) % d == 0)
            for d in range(1, max(old(a), old(b)) + 1)
        )
        decreases(b)
        q = a // b
        a, b = b, a % b
        x, u = u, plus_times(x, q, u)
        y, v = v, plus_times(y, q, v)
        odd = 1 - odd
    if odd:
        x, y = u - x, v - y
    found = [0] * 3
    found[0], found[1], found[2] = a, x, y
    return found
