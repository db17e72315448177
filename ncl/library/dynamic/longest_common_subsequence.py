"""What two sequences have in common."""

from ncl.language.contract_words import ensures, invariant, requires, result
from ncl.language.declare import Array, Word, program


@program
def longest_common_subsequence(xs: Array, ys: Array) -> Word:
    """The length of the longest sequence that is left of both when elements are taken out.

    Row by row: best[j] is that length for the elements of xs so far and the first j of ys. Requires room for one row.
    The contract bounds the length, and says when it is 0 and that a sequence has all of itself in common.

        longest_common_subsequence([], [1, 2]) -> 0
        longest_common_subsequence([1, 2, 3], [2, 3, 4]) -> 2
        longest_common_subsequence([1, 2], [2, 1]) -> 1
        longest_common_subsequence([1, 3, 5, 3, 1], [3, 1, 5, 1, 3]) -> 3
        longest_common_subsequence([6, 6, 6], [6]) -> 1
    """
    requires(len(ys) < ~0)
    ensures(result <= len(xs) and result <= len(ys))
    ensures(result > 0 or xs[a] != ys[b] for a in range(len(xs)) for b in range(len(ys)))
    ensures(result == 0 or any(xs[a] == ys[b] for a in range(len(xs)) for b in range(len(ys))))
    ensures(xs != ys or result == len(xs))
    best = [0] * (len(ys) + 1)
    for i in range(len(xs)):
        invariant(best[k] <= i and best[k] <= k for k in range(len(best)))
        invariant(best[k] > 0 or xs[a] != ys[b] for k in range(len(best)) for a in range(i) for b in range(k))
        invariant(best[k] == 0 or any(xs[a] == ys[b] for a in range(i) for b in range(k)) for k in range(len(best)))
        invariant(xs != ys or best[k] >= min(i, k) for k in range(len(best)))
        before = 0  # best[j - 1] of the row before
        for j in range(1, len(ys) + 1):
            invariant(best[k] <= i + 1 and best[k] <= k for k in range(j))
            invariant(best[k] <= i and best[k] <= k for k in range(j, len(best)))
            invariant(before <= i and before <= j - 1)
            invariant(best[k] > 0 or xs[a] != ys[b] for k in range(j) for a in range(i + 1) for b in range(k))
            invariant(best[k] > 0 or xs[a] != ys[b] for k in range(j, len(best)) for a in range(i) for b in range(k))
            invariant(best[k] == 0 or any(xs[a] == ys[b] for a in range(i + 1) for b in range(k)) for k in range(j))
            invariant(
                best[k] == 0 or any(xs[a] == ys[b] for a in range(i) for b in range(k)) for k in range(j, len(best))
            )
            invariant(xs != ys or best[k] >= min(i + 1, k) for k in range(j))
            invariant(xs != ys or best[k] >= min(i, k) for k in range(j, len(best)))
            invariant(xs != ys or before >= min(i, j - 1))
            kept = best[j]
            best[j] = before + 1 if xs[i] == ys[j - 1] else max(best[j], best[j - 1])
            before = kept
    return best[len(ys)]
