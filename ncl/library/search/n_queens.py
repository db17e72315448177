"""Queens that do not attack each other."""

from ncl.language.contract_words import decreases, ensures, invariant, old, requires, result
from ncl.language.declare import Array, Word, program


def safe(queens: Array, row: Word) -> Word:
    """Whether the queen of this row attacks none of the rows before it."""
    requires(row < len(queens))
    ensures(
        (result != 0)
        == all(
            queens[k] != queens[row] and queens[k] + row - k != queens[row] and queens[k] != queens[row] + row - k
            for k in range(row)
        )
    )
    for k in range(row):
        invariant(
            queens[i] != queens[row] and queens[i] + row - i != queens[row] and queens[i] != queens[row] + row - i
            for i in range(k)
        )
        if queens[k] == queens[row] or abs(queens[k] - queens[row]) == row - k:
            return 0
    return 1


def place(queens: Array, row: Word) -> Word:
    """Put a queen into this row and all behind it, the first way there is; 0 when there is none."""
    requires(row <= len(queens))
    requires(queens[k] < len(queens) for k in range(row))
    ensures(queens[:row] == old(queens)[:row])
    decreases(len(queens) - row)
    if row == len(queens):
        return 1
    for column in range(len(queens)):
        invariant(queens[:row] == old(queens)[:row])
        queens[row] = column
        if safe(queens, row) and place(queens, row + 1):
            return 1
    return 0


@program
def n_queens(n: Word) -> Array:
    """For each row of an n × n board the column of its queen, so that none attacks another; [] when there is no way.

    The first such board in the order of its columns, found by going back where nothing fits. Requires n ≤ 64, the calls
    that may be open; the search grows fast with n (n = 8 takes 10 000 ticks, n = 16 a million).

        n_queens(0) -> []
        n_queens(1) -> [0]
        n_queens(3) -> []
        n_queens(4) -> [1, 3, 0, 2]
        n_queens(5) -> [0, 2, 4, 1, 3]
    """
    queens = [0] * n
    if place(queens, 0):
        return queens
    none = [0] * 0
    return none
