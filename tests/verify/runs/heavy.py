"""Programs whose runs are long: recursion that grows fast, loops that may never end. Read as text by tests."""

from ncl import Array, Word, program


@program
def n_queens(n: Word) -> Word:
    """How many ways n queens stand on an n by n board, none attacking another."""
    columns = [0] * n
    return placed(columns, 0)


def placed(columns: Array, row: Word) -> Word:
    if row == len(columns):
        return 1
    total = 0
    for column in range(len(columns)):
        if free(columns, row, column):
            columns[row] = column
            total += placed(columns, row + 1)
    return total


def free(columns: Array, row: Word, column: Word) -> Word:
    for other in range(row):
        there = columns[other]
        if there == column or there + (row - other) == column or column + (row - other) == there:
            return 0
    return 1


@program
def ackermann(m: Word, n: Word) -> Word:
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


@program
def collatz(n: Word) -> Word:
    steps = 0
    while n > 1:
        if n % 2 == 0:
            n //= 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


@program
def dijkstra(weights: Array, source: Word) -> Array:
    """Distances over a square matrix of weights (0: no edge)."""
    n = 0
    while (n + 1) * (n + 1) <= len(weights):
        n += 1
    distance = [0] * n
    reached = [0] * n
    done = [0] * n
    if source < n:
        reached[source] = 1
    for _ in range(n):
        best = n
        for i in range(n):
            if reached[i] and not done[i] and (best == n or distance[i] < distance[best]):
                best = i
        if best < n:
            done[best] = 1
            for j in range(n):
                w = weights[best * n + j]
                if w and not done[j] and (not reached[j] or distance[best] + w < distance[j]):
                    reached[j] = 1
                    distance[j] = distance[best] + w
    return distance
