"""Collatz' path."""

from ncl.language.declare import Array, Word, program


def after(n: Word) -> Word:
    return 3 * n + 1 if n % 2 else n // 2


@program
def collatz(n: Word) -> Array:
    """The path from n to 1: of an even number its half comes next, of an odd one 3n + 1.

    Requires n > 0, and that the path stays among the words: at width 16 that holds up to n = 702. Whether every path
    ends is not known.

        collatz(1) -> [1]
        collatz(6) -> [6, 3, 10, 5, 16, 8, 4, 2, 1]
        collatz(7) -> [7, 22, 11, 34, 17, 52, 26, 13, 40, 20, 10, 5, 16, 8, 4, 2, 1]
        collatz(16) -> [16, 8, 4, 2, 1]
    """
    steps = 0
    at = n
    while at > 1:
        at = after(at)
        steps += 1
    path = [n] * (steps + 1)
    for i in range(steps):
        path[i + 1] = after(path[i])
    return path
