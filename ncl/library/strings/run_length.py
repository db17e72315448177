"""Runs of equal symbols, counted."""

from ncl.language.contract_words import ensures, invariant, requires, result
from ncl.language.declare import Array, program


@program
def run_length(xs: Array) -> Array:
    """For each run of equal elements x the two words x, n: n is how often it stands there.

    Requires room for the result: two cells for each run, and 2·len(xs) < N. In the contract, the number of unlike
    neighbours before a place tells the run that the place belongs to.

        run_length([]) -> []
        run_length([7]) -> [7, 1]
        run_length([4, 4, 4, 1]) -> [4, 3, 1, 1]
        run_length([0, 0, 5, 0]) -> [0, 2, 5, 1, 0, 1]
    """
    requires(2 * len(xs) <= ~0)
    ensures(len(result) == (2 * sum(xs[k] != xs[k + 1] for k in range(len(xs) - 1)) + 2 if len(xs) > 0 else 0))
    ensures(result[2 * sum(xs[k] != xs[k + 1] for k in range(i))] == xs[i] for i in range(len(xs)))
    ensures(result[2 * sum(xs[k] != xs[k + 1] for k in range(i)) + 1] >= 1 for i in range(len(xs)))
    n = len(xs)
    if n == 0:
        none = [0] * 0
        return none
    runs = 1
    for i in range(1, n):
        invariant(runs == 1 + sum(xs[k] != xs[k + 1] for k in range(i - 1)))
        runs += xs[i - 1] != xs[i]
    coded = [0] * (2 * runs)
    coded[0] = xs[0]
    coded[1] = 1
    at = 0
    for i in range(1, n):
        invariant(at == 2 * sum(xs[k] != xs[k + 1] for k in range(i - 1)))
        invariant(at + 2 <= len(coded))
        invariant(coded[2 * sum(xs[k] != xs[k + 1] for k in range(j))] == xs[j] for j in range(i))
        invariant(coded[k] == 0 for k in range(at + 2, len(coded)))
        invariant(1 <= coded[at + 1] <= i)
        invariant(coded[2 * sum(xs[k] != xs[k + 1] for k in range(j)) + 1] >= 1 for j in range(i))
        if xs[i - 1] != xs[i]:
            at += 2
            coded[at] = xs[i]
        coded[at + 1] += 1
    return coded
