"""A sum by counting."""

from ncl.language.contract_words import decreases, ensures, invariant, old, requires, result
from ncl.language.declare import Word, program


@program
def add_by_steps(a: Word, b: Word) -> Word:
    """The sum of a and b: one is taken from b and given to a until b is used up.

    Requires that the sum is a word; else it wraps.

        add_by_steps(0, 0) -> 0
        add_by_steps(2, 3) -> 5
        add_by_steps(0, 4) -> 4
        add_by_steps(30, 12) -> 42
    """
    requires(a + b <= ~0)
    ensures(result == a + b)
    while b > 0:
        invariant(a + b == old(a) + old(b))
        decreases(b)
        a += 1
        b -= 1
    return a
