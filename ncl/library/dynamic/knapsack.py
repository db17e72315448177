"""The most that fits into a bag."""

from ncl.language.contract_words import ensures, invariant, requires, result
from ncl.language.declare import Array, Word, program


@program
def knapsack(weights: Array, values: Array, capacity: Word) -> Word:
    """The largest sum of values of things, each taken once or not, whose weights together are at most the capacity.

    Thing by thing: best[c] is the most that the things so far can be worth in a bag of capacity c. Requires a value for
    each weight, capacity + 1 cells, and that all values together are a word. The contract bounds the sum: a thing that
    fits alone is worth no more, all things together no less, and where all fit it is the sum of all.

        knapsack([], [], 10) -> 0
        knapsack([5], [7], 4) -> 0
        knapsack([5], [7], 5) -> 7
        knapsack([1, 3, 4, 5], [1, 4, 5, 7], 7) -> 9
        knapsack([2, 2, 3], [3, 3, 5], 4) -> 6
    """
    requires(len(weights) == len(values) and capacity < ~0)
    requires(sum(values) <= ~0)
    ensures(result <= sum(values))
    ensures(weights[k] > capacity or values[k] <= result for k in range(len(weights)))
    ensures(sum(weights) > capacity or result == sum(values))
    ensures(result == 0 or any(weights[k] <= capacity for k in range(len(weights))))
    best = [0] * (capacity + 1)
    for i in range(len(weights)):
        invariant(best[c] <= sum(values[k] for k in range(i)) for c in range(capacity + 1))
        invariant(best[c] >= values[k] or weights[k] > c for c in range(capacity + 1) for k in range(i))
        invariant(
            best[c] == sum(values[k] for k in range(i)) or sum(weights[k] for k in range(i)) > c
            for c in range(capacity + 1)
        )
        invariant(best[c] == 0 or any(weights[k] <= c for k in range(i)) for c in range(capacity + 1))
        for c in range(capacity, -1, -1):
            invariant(best[d] <= sum(values[k] for k in range(i)) for d in range(c + 1))
            invariant(best[d] <= sum(values[k] for k in range(i + 1)) for d in range(c + 1, capacity + 1))
            invariant(best[d] >= values[k] or weights[k] > d for d in range(capacity + 1) for k in range(i))
            invariant(best[d] >= values[i] or weights[i] > d for d in range(c + 1, capacity + 1))
            invariant(
                best[d] == sum(values[k] for k in range(i)) or sum(weights[k] for k in range(i)) > d
                for d in range(c + 1)
            )
            invariant(
                best[d] == sum(values[k] for k in range(i + 1)) or sum(weights[k] for k in range(i + 1)) > d
                for d in range(c + 1, capacity + 1)
            )
            invariant(best[d] == 0 or any(weights[k] <= d for k in range(i)) for d in range(c + 1))
            invariant(best[d] == 0 or any(weights[k] <= d for k in range(i + 1)) for d in range(c + 1, capacity + 1))
            if weights[i] > c:
                break
            best[c] = max(best[c], best[c - weights[i]] + values[i])
    return best[capacity]
