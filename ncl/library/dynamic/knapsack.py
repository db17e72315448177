"""The most that fits into a bag."""

from ncl.language.declare import Array, Word, program


@program
def knapsack(weights: Array, values: Array, capacity: Word) -> Word:
    """The largest sum of values of things, each taken once or not, whose weights together are at most the capacity.

    Thing by thing: best[c] is the most that the things so far can be worth in a bag of capacity c. Requires a value for
    each weight, capacity + 1 cells, and that all values together are a word.

        knapsack([], [], 10) -> 0
        knapsack([5], [7], 4) -> 0
        knapsack([5], [7], 5) -> 7
        knapsack([1, 3, 4, 5], [1, 4, 5, 7], 7) -> 9
        knapsack([2, 2, 3], [3, 3, 5], 4) -> 6
    """
    best = [0] * (capacity + 1)
    for i in range(len(weights)):
        for c in range(capacity, -1, -1):
            if weights[i] > c:
                break
            best[c] = max(best[c], best[c - weights[i]] + values[i])
    return best[capacity]
