"""What two sequences have in common."""

from ncl.language.declare import Array, Word, program


@program
def longest_common_subsequence(xs: Array, ys: Array) -> Word:
    """The length of the longest sequence that is left of both when elements are taken out.

    Row by row: best[j] is that length for the elements of xs so far and the first j of ys. Requires room for one row.

        longest_common_subsequence([], [1, 2]) -> 0
        longest_common_subsequence([1, 2, 3], [2, 3, 4]) -> 2
        longest_common_subsequence([1, 2], [2, 1]) -> 1
        longest_common_subsequence([1, 3, 5, 3, 1], [3, 1, 5, 1, 3]) -> 3
        longest_common_subsequence([6, 6, 6], [6]) -> 1
    """
    best = [0] * (len(ys) + 1)
    for i in range(len(xs)):
        before = 0  # best[j - 1] of the row before
        for j in range(1, len(ys) + 1):
            kept = best[j]
            best[j] = before + 1 if xs[i] == ys[j - 1] else max(best[j], best[j - 1])
            before = kept
    return best[len(ys)]
