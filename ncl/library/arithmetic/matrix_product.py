"""The product of two matrices."""

from ncl.language.contract_words import ensures, requires, result
from ncl.language.declare import Array, Word, program


@program
def matrix_product(xs: Array, ys: Array, n: Word) -> Array:
    """The product of a matrix with n columns and one with n rows, each row behind the other.

    Requires n > 0 (else it traps `division`), lengths that n divides, room for the product, and elements so small that
    no sum wraps. Without a branch on the data.

        matrix_product([], [], 1) -> []
        matrix_product([1, 2], [3, 4], 2) -> [11]
        matrix_product([1, 2], [3, 4], 1) -> [3, 4, 6, 8]
        matrix_product([1, 2, 3, 4], [0, 1, 1, 0], 2) -> [2, 1, 4, 3]
        matrix_product([1, 0, 2], [5, 6, 7, 8, 9, 10], 3) -> [23, 26]
    """
    requires(n > 0 and len(xs) % n == 0 and len(ys) % n == 0)
    requires(n * xs[i] * ys[j] <= ~0 for i in range(len(xs)) for j in range(len(ys)))
    requires((len(xs) // n) * (len(ys) // n) <= ~0)
    ensures(len(result) == (len(xs) // n) * (len(ys) // n))
    ensures(
        result[i * (len(ys) // n) + j] == sum(xs[i * n + k] * ys[k * (len(ys) // n) + j] for k in range(n))
        for i in range(len(xs) // n)
        for j in range(len(ys) // n)
    )
    rows = len(xs) // n
    columns = len(ys) // n
    zs = [0] * (rows * columns)
    for row in range(rows):
        for column in range(columns):
            for k in range(n):
                zs[row * columns + column] += xs[row * n + k] * ys[k * columns + column]
    return zs
