"""A power modulo m, by squaring."""

from ncl.language.contract_words import decreases, ensures, invariant, old, requires, result
from ncl.language.declare import Word, program


@program
def mod_power(base: Word, exponent: Word, m: Word) -> Word:
    """The power of `base` to the `exponent` modulo m, in as many rounds as the exponent has bits.

    Requires m > 0, else it traps `division`, and (m - 1)·(m - 1) < N, so that no product wraps: m ≤ 256 at width 16.
    Contracts have no word for powers: this one spells out the first three.

        mod_power(2, 10, 100) -> 24
        mod_power(3, 0, 7) -> 1
        mod_power(0, 0, 5) -> 1
        mod_power(5, 3, 1) -> 0
        mod_power(200, 2, 256) -> 64
        mod_power(2, 2, 0) -> trap division
    """
    requires(m > 0 and (m - 1) * (m - 1) <= ~0)
    ensures(result < m)
    ensures(exponent != 0 or result == 1 % m)
    ensures(exponent != 1 or result == base % m)
    ensures(exponent != 2 or result == base * base % m)
    power = 1 % m
    base %= m
    while exponent > 0:
        invariant(power < m and base < m)
        invariant(old(exponent) != 0 or (exponent == 0 and power == 1 % m))
        invariant(
            old(exponent) != 1
            or (exponent == 1 and power * base % m == old(base) % m)
            or (exponent == 0 and power == old(base) % m)
        )
        invariant(
            old(exponent) != 2
            or (exponent == 2 and power * base * base % m == old(base) * old(base) % m)
            or (exponent == 1 and power * base % m == old(base) * old(base) % m)
            or (exponent == 0 and power == old(base) * old(base) % m)
        )
        decreases(exponent)
        if exponent % 2 == 1:
            power = power * base % m
        base = base * base % m
        exponent //= 2
    return power
