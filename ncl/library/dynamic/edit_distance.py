"""How far apart two sequences are."""

from ncl.language.declare import Array, Word, program


@program
def edit_distance(xs: Array, ys: Array) -> Word:
    """The fewest insertions, deletions and replacements of one element that make ys of xs.

    Row by row: least[j] is the distance of the elements of xs so far to the first j of ys. Requires room for one row.

        edit_distance([], []) -> 0
        edit_distance([], [4, 5]) -> 2
        edit_distance([1, 2, 3], [1, 3]) -> 1
        edit_distance([1, 2, 3, 4], [2, 3, 4, 5]) -> 2
        edit_distance([11, 9, 20, 20, 5, 14], [19, 9, 20, 20, 9, 14, 7]) -> 3
    """
    least = [0] * (len(ys) + 1)
    for j in range(len(ys) + 1):
        least[j] = j
    for i in range(len(xs)):
        before = least[0]  # least[j - 1] of the row before
        least[0] = i + 1
        for j in range(1, len(ys) + 1):
            kept = least[j]
            least[j] = min(before + (xs[i] != ys[j - 1]), least[j] + 1, least[j - 1] + 1)
            before = kept
    return least[len(ys)]
