"""Collatz' path."""

from ncl.language.contract_words import ensures, result
from ncl.language.declare import Array, Word, program

TOP = ~0


@program
def collatz(n: Word) -> Array:
    """The path from n to 1: of an even number its half comes next, of an odd one 3n + 1.

    It ends early before a number that is no word; at width 16 that happens first for n = 703. Requires n > 0, and room
    for the path. That every path ends is shown by trying: whether it is so for all numbers is not known.

        collatz(1) -> [1]
        collatz(6) -> [6, 3, 10, 5, 16, 8, 4, 2, 1]
        collatz(7) -> [7, 22, 11, 34, 17, 52, 26, 13, 40, 20, 10, 5, 16, 8, 4, 2, 1]
        collatz(16) -> [16, 8, 4, 2, 1]
    """
    ensures(result[0] == n)
    ensures(
        result[k + 1] == (result[k] // 2 if result[k] % 2 == 0 else 3 * result[k] + 1) for k in range(len(result) - 1)
    )
    ensures(result[k] > 1 for k in range(len(result) - 1))
    ensures(result[len(result) - 1] <= 1 or (result[len(result) - 1] % 2 == 1 and 3 * result[len(result) - 1] + 1 > ~0))
    steps = 0
    at = n
    while at > 1 and (at % 2 == 0 or at <= (TOP - 1) // 3):
        at = 3 * at + 1 if at % 2 else at // 2
        steps += 1
    path = [n] * (steps + 1)
    for i in range(steps):
        path[i + 1] = 3 * path[i] + 1 if path[i] % 2 else path[i] // 2
    return path
