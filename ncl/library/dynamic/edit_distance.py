"""How far apart two sequences are."""

from ncl.language.contract_words import ensures, invariant, requires, result
from ncl.language.declare import Array, Word, program


@program
def edit_distance(xs: Array, ys: Array) -> Word:
    """The fewest insertions, deletions and replacements of one element that make ys of xs.

    Row by row: least[j] is the distance of the elements of xs so far to the first j of ys. Requires room for one row,
    and that both lengths together are below the largest word. The contract bounds the distance, and says when it is 0.

        edit_distance([], []) -> 0
        edit_distance([], [4, 5]) -> 2
        edit_distance([1, 2, 3], [1, 3]) -> 1
        edit_distance([1, 2, 3, 4], [2, 3, 4, 5]) -> 2
        edit_distance([11, 9, 20, 20, 5, 14], [19, 9, 20, 20, 9, 14, 7]) -> 3
    """
    requires(len(xs) + len(ys) < ~0)
    ensures(len(xs) - len(ys) <= result and len(ys) - len(xs) <= result)
    ensures(result <= max(len(xs), len(ys)))
    ensures((result == 0) == (xs == ys))
    least = [0] * (len(ys) + 1)
    for j in range(len(ys) + 1):
        invariant(least[k] == k for k in range(j))
        least[j] = j
    for i in range(len(xs)):
        invariant(i - k <= least[k] and k - i <= least[k] for k in range(len(least)))
        invariant(least[k] <= max(i, k) for k in range(len(least)))
        invariant(least[k] != 0 or k == i for k in range(len(least)))
        invariant(i >= len(least) or (least[i] == 0) == (xs[:i] == ys[:i]))
        before = least[0]  # least[j - 1] of the row before
        least[0] = i + 1
        for j in range(1, len(ys) + 1):
            invariant(i + 1 - k <= least[k] and k - i - 1 <= least[k] for k in range(j))
            invariant(i - k <= least[k] and k - i <= least[k] for k in range(j, len(least)))
            invariant(least[k] <= max(i + 1, k) for k in range(j))
            invariant(least[k] <= max(i, k) for k in range(j, len(least)))
            invariant(least[k] != 0 or k == i + 1 for k in range(j))
            invariant(least[k] != 0 or k == i for k in range(j, len(least)))
            invariant(i - j + 1 <= before and j - 1 - i <= before and before <= max(i, j - 1))
            invariant(before != 0 or j - 1 == i)
            invariant(j != i + 1 or (before == 0) == (xs[:i] == ys[:i]))
            invariant(i < j or i >= len(least) or (least[i] == 0) == (xs[:i] == ys[:i]))
            invariant(j <= i + 1 or (least[i + 1] == 0) == (xs[: i + 1] == ys[: i + 1]))
            kept = least[j]
            least[j] = min(before + (xs[i] != ys[j - 1]), least[j] + 1, least[j - 1] + 1)
            before = kept
    return least[len(ys)]
