"""Catalan's numbers, by recursion."""

from ncl.language.declare import Word, program


@program
def catalan(n: Word) -> Word:
    """In how many ways n pairs of brackets can stand: C(0) = 1, C(n) = C(0)·C(n-1) + C(1)·C(n-2) + … + C(n-1)·C(0).

    The sum over which pair the first bracket makes, taken literally: about 3^n calls. Requires that the result is a
    word, so n at most 11 at width 16.

        catalan(0) -> 1
        catalan(1) -> 1
        catalan(2) -> 2
        catalan(3) -> 5
        catalan(4) -> 14
    """
    if n == 0:
        return 1
    ways = 0
    for inside in range(n):
        ways += catalan(inside) * catalan(n - 1 - inside)
    return ways
