"""Queens that do not attack each other."""

from ncl.language.contract_words import decreases, ensures, invariant, old, requires, result
from ncl.language.declare import Array, Word, program


def safe(queens: Array, row: Word) -> Word:
    """Whether the queen of this row attacks none of the rows before it."""
    requires(row < len(queens))
    requires(queens[k] < len(queens) for k in range(row + 1))
    ensures(result == 0 or all(queens[k] != queens[row] for k in range(row)))
    ensures(
        result == 0 or all(max(queens[k], queens[row]) - min(queens[k], queens[row]) != row - k for k in range(row))
    )
    for k in range(row):
        invariant(queens[i] != queens[row] for i in range(k))
        invariant(max(queens[i], queens[row]) - min(queens[i], queens[row]) != row - i for i in range(k))
        if queens[k] == queens[row] or abs(queens[k] - queens[row]) == row - k:
            return 0
    return 1


def place(queens: Array, row: Word) -> Word:
    """Put a queen into this row and all behind it, the first way there is; 0 when there is none."""
    requires(row <= len(queens))
    requires(queens[k] < len(queens) for k in range(row))
    requires(queens[a] != queens[b] for b in range(row) for a in range(b))
    requires(max(queens[a], queens[b]) - min(queens[a], queens[b]) != b - a for b in range(row) for a in range(b))
    ensures(queens[:row] == old(queens)[:row])
    ensures(result == 0 or all(queens[k] < len(queens) for k in range(len(queens))))
    ensures(result == 0 or all(queens[a] != queens[b] for b in range(len(queens)) for a in range(b)))
    ensures(
        result == 0
        or all(
            max(queens[a], queens[b]) - min(queens[a], queens[b]) != b - a for b in range(len(queens)) for a in range(b)
        )
    )
    decreases(len(queens) - row)
    if row == len(queens):
        return 1
    for column in range(len(queens)):
        invariant(queens[:row] == old(queens)[:row])
        queens[row] = column
        found = 0
        if safe(queens, row):
            found = place(queens, row + 1)
        if found:
            return 1
    return 0


@program
def n_queens(n: Word) -> Array:
    """For each row of an n × n board the column of its queen, so that none attacks another; [] when there is no way.

    The first such board in the order of its columns, found by going back where nothing fits. Requires n ≤ 15, for which
    the usual million ticks are enough; the search grows fast with n.

        n_queens(0) -> []
        n_queens(1) -> [0]
        n_queens(3) -> []
        n_queens(4) -> [1, 3, 0, 2]
        n_queens(5) -> [0, 2, 4, 1, 3]
    """
    requires(n <= 15)
    ensures(len(result) == n or len(result) == 0)
    ensures(result[k] < n for k in range(len(result)))
    ensures(result[a] != result[b] for b in range(len(result)) for a in range(b))
    ensures(
        max(result[a], result[b]) - min(result[a], result[b]) != b - a for b in range(len(result)) for a in range(b)
    )
    queens = [0] * n
    if place(queens, 0):
        return queens
    none = [0] * 0
    return none
