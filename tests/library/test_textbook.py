"""Programs of the textbooks against Python, SciPy and brute force."""

import functools
import itertools
import math
import random

import numpy as np
import pytest

import ncl
from ncl.language.opcodes import Trap

MOST = 65535


def ackermann(m, n):
    """By its closed forms."""
    return [n + 1, n + 2, 2 * n + 3, 2 ** (n + 3) - 3][m]


def hanoi(disks):
    """The moves of the smallest disk go round, each other move is the only one left."""
    pegs, moves = {1: [*range(disks, 0, -1)], 2: [], 3: []}, []
    order = (1, 3, 2) if disks % 2 else (1, 2, 3)
    while len(pegs[3]) < disks:
        if len(moves) % 2 == 0:
            source = next(p for p in pegs if pegs[p] and pegs[p][-1] == 1)
            target = order[(order.index(source) + 1) % 3]
        else:
            one, other = (p for p in pegs if not pegs[p] or pegs[p][-1] != 1)
            up = not pegs[one] or (pegs[other] and pegs[one][-1] > pegs[other][-1])
            source, target = (other, one) if up else (one, other)
        pegs[target].append(pegs[source].pop())
        moves.append(10 * source + target)
    return moves


def queens(n):
    """The first of all ways, where permutations can all be tried."""
    for columns in itertools.permutations(range(n)):
        if all(abs(columns[a] - columns[b]) != b - a for b in range(n) for a in range(b)):
            return list(columns)
    return []


def collatz(n):
    path = [n]
    while path[-1] != 1:
        path.append(3 * path[-1] + 1 if path[-1] % 2 else path[-1] // 2)
    return path


def converted(digits, base, target):
    n, found = functools.reduce(lambda n, d: n * base + d, digits, 0), []
    while n:
        n, digit = divmod(n, target)
        found.append(digit)
    return found[::-1]


def balanced(tokens):
    """Take out pairs until there are none."""
    text = "".join("()"[token] for token in tokens)
    while "()" in text:
        text = text.replace("()", "")
    return int(not text)


def common(xs, ys):
    @functools.cache
    def longest(i, j):
        if i == 0 or j == 0:
            return 0
        if xs[i - 1] == ys[j - 1]:
            return longest(i - 1, j - 1) + 1
        return max(longest(i - 1, j), longest(i, j - 1))

    return longest(len(xs), len(ys))


def apart(xs, ys):
    table = np.add.outer(np.arange(len(xs) + 1), np.arange(len(ys) + 1))
    for i, j in itertools.product(range(1, len(xs) + 1), range(1, len(ys) + 1)):
        ways = table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (xs[i - 1] != ys[j - 1])
        table[i, j] = min(ways)
    return int(table[-1, -1])


def packed(weights, values, capacity):
    """Every choice; few things only."""
    things = range(len(weights))
    chosen = (c for n in range(len(weights) + 1) for c in itertools.combinations(things, n))
    return max(sum(values[i] for i in c) for c in chosen if sum(weights[i] for i in c) <= capacity)


def product(xs, ys, n):
    return (np.array(xs, dtype=int).reshape(-1, n) @ np.array(ys, dtype=int).reshape(n, -1)).ravel().tolist()


MEANINGS = {
    "ackermann": ackermann,
    "hanoi": hanoi,
    "catalan": lambda n: math.comb(2 * n, n) // (n + 1),
    "n_queens": queens,
    "collatz": collatz,
    "base_conversion": converted,
    "run_length": lambda xs: [v for x, run in itertools.groupby(xs) for v in (x, len([*run]))],
    "balanced_brackets": balanced,
    "matrix_product": product,
    "longest_common_subsequence": common,
    "edit_distance": apart,
    "knapsack": packed,
}


# --- inputs ----------------------------------------------------------------------------------------------------------


def words(chance, length, most):
    return [chance.randint(0, most) for _ in range(length)]


def number_in_a_base(chance):
    base = chance.choice([2, 3, 10, 16, 255])
    return [words(chance, chance.choice([0, 1, 5, 40]), base - 1), base, chance.choice([2, 7, 10, 16, 256])]


def bracketed(chance):
    """Matching ones, and ones with a symbol changed."""
    tokens = []
    for _ in range(chance.randint(0, 40)):
        at = chance.randint(0, len(tokens))
        tokens = [0, *tokens, 1] if chance.random() < 0.5 else [*tokens[:at], 0, 1, *tokens[at:]]
    if tokens and chance.random() < 0.5:
        tokens[chance.randrange(len(tokens))] ^= 1
    return [tokens]


def alike(chance):
    """Two sequences, the second one often made from the first."""
    xs = words(chance, chance.choice([0, 1, 2, 9, 60]), chance.choice([1, 3, MOST]))
    if chance.random() < 0.4:
        return [xs, words(chance, chance.choice([0, 1, 7, 50]), 3)]
    ys = [x for x in xs if chance.random() < 0.8]
    return [xs, ys + words(chance, chance.randrange(3), 3)]


def things(chance):
    n = chance.randrange(9)
    return [words(chance, n, 12), words(chance, n, 5000), chance.choice([0, 5, 20, 100])]


def matrices(chance):
    rows, n, columns = (chance.choice([1, 2, 3, 7, 10]) for _ in range(3))
    return [words(chance, rows * n, 80), words(chance, n * columns, 80), n]


ARGUMENTS = {
    "ackermann": [[0, n] for n in (0, 9, 65534)] + [[1, n] for n in range(63)] + [[2, n] for n in range(31)]
    + [[3, n] for n in range(4)],
    "hanoi": [[n] for n in range(12)],
    "catalan": [[n] for n in range(10)],
    "n_queens": [[n] for n in range(9)],
    "collatz": [[n] for n in range(1, 703)],
    "base_conversion": number_in_a_base,
    "run_length": lambda chance: [words(chance, chance.choice([0, 1, 2, 9, 500]), chance.choice([1, 2, MOST]))],
    "balanced_brackets": bracketed,
    "matrix_product": matrices,
    "longest_common_subsequence": alike,
    "edit_distance": alike,
    "knapsack": things,
}  # fmt: skip


@pytest.mark.parametrize("name", MEANINGS)
def test_a_program_gives_what_python_gives(name):
    chance, given = random.Random(name), ARGUMENTS[name]
    batch = given if isinstance(given, list) else [given(chance) for _ in range(80)]
    for arguments, result in zip(batch, ncl.compile(name).run(batch), strict=True):
        assert result.trap is None, arguments
        assert result.result == MEANINGS[name](*arguments), arguments


def test_brackets_of_500_symbols_and_half_of_them_open():
    code = ncl.compile("balanced_brackets")
    deep = [0] * 250 + [1] * 250
    batch = [[deep], [deep[:-1]], [deep[1:]], [deep + deep]]
    assert [r.result for r in code.run(batch)] == [1, 0, 0, 1]


def test_sequences_of_hundreds_of_elements_have_their_distance():
    xs, ys = ([k * k % 7 for k in range(500)], [k * 3 % 7 for k in range(450)])
    assert ncl.compile("edit_distance").run([[xs, ys]])[0].result == apart(xs, ys)
    assert ncl.compile("edit_distance").run([[xs, xs]])[0].result == 0
    assert ncl.compile("longest_common_subsequence").run([[xs, xs[::2]]])[0].result == 250


def test_ten_queens_stand_as_the_first_way_says():
    columns = ncl.compile("n_queens").run([[10]])[0].result
    assert columns == [0, 2, 5, 7, 9, 4, 8, 1, 3, 6]


def test_what_is_too_deep_or_too_long_for_the_machine_traps():
    assert ncl.compile("ackermann").run([[3, 4]])[0].trap.kind is Trap.STACK
    assert ncl.compile("hanoi").run([[12]])[0].trap.kind is Trap.MEMORY
    assert ncl.compile("matrix_product").run([[[1], [1], 0]])[0].trap.kind is Trap.DIVISION
    assert ncl.compile("knapsack").run([[[1], [1], 4096]])[0].trap.kind is Trap.MEMORY


def test_a_path_ends_before_a_number_that_is_no_word():
    """703 climbs to 250504; all smaller ones stay below 65536."""
    whole = collatz(703)
    first = next(k for k, number in enumerate(whole) if number > MOST)
    assert ncl.compile("collatz").run([[703]])[0].result == whole[:first]
    assert ncl.compile("collatz", width=32, memory=4096).run([[703]])[0].result == whole
