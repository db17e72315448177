"""A power modulo m, by squaring."""

from ncl.language.declare import Word, program


@program
def mod_power(base: Word, exponent: Word, m: Word) -> Word:
    """The power of `base` to the `exponent` modulo m, in as many rounds as the exponent has bits.

    Requires m > 0, else it traps `division`, and (m - 1)·(m - 1) < N, so that no product wraps: m ≤ 256 at width 16.

        mod_power(2, 10, 100) -> 24
        mod_power(3, 0, 7) -> 1
        mod_power(0, 0, 5) -> 1
        mod_power(5, 3, 1) -> 0
        mod_power(200, 2, 256) -> 64
        mod_power(2, 2, 0) -> trap division
    """
    power = 1 % m
    base %= m
    while exponent > 0:
        if exponent % 2 == 1:
            power = power * base % m
        base = base * base % m
        exponent //= 2
    return power
