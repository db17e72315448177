"""The product of two matrices."""

from ncl.language.declare import Array, Word, program


@program
def matrix_product(xs: Array, ys: Array, n: Word) -> Array:
    """The product of a matrix with n columns and one with n rows, each row behind the other.

    Requires n > 0 (else it traps `division`), lengths that n divides, and elements so small that no sum wraps. Without
    a branch on the data.

        matrix_product([], [], 1) -> []
        matrix_product([1, 2], [3, 4], 2) -> [11]
        matrix_product([1, 2], [3, 4], 1) -> [3, 4, 6, 8]
        matrix_product([1, 2, 3, 4], [0, 1, 1, 0], 2) -> [2, 1, 4, 3]
        matrix_product([1, 0, 2], [5, 6, 7, 8, 9, 10], 3) -> [23, 26]
    """
    rows = len(xs) // n
    columns = len(ys) // n
    zs = [0] * (rows * columns)
    for row in range(rows):
        for column in range(columns):
            for k in range(n):
                zs[row * columns + column] += xs[row * n + k] * ys[k * columns + column]
    return zs
