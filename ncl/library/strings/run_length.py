"""Runs of equal symbols, counted."""

from ncl.language.declare import Array, program


@program
def run_length(xs: Array) -> Array:
    """For each run of equal elements x the two words x, n: n is how often it stands there.

    Requires room for the result: two cells for each run.

        run_length([]) -> []
        run_length([7]) -> [7, 1]
        run_length([4, 4, 4, 1]) -> [4, 3, 1, 1]
        run_length([0, 0, 5, 0]) -> [0, 2, 5, 1, 0, 1]
    """
    runs = 0
    for i in range(len(xs)):
        runs += i == 0 or xs[i] != xs[i - 1]
    coded = [0] * (2 * runs)
    at = 0
    for i in range(len(xs)):
        if i > 0 and xs[i] != xs[i - 1]:
            at += 2
        coded[at] = xs[i]
        coded[at + 1] += 1
    return coded
