"""The source interpreter against results worked by hand: operators, statements, traps, order, ticks."""

from functools import reduce
from operator import xor

import pytest
from reading import function, run, unmarked

from ncl.errors import CapacityError, InputError, LanguageError
from ncl.language.interpret.source import run_source, trace_source
from ncl.language.opcodes import Trap
from ncl.language.program import Position, Sizes

WORDS, WORD, ARRAY = "(n: Word, m: Word) -> Word", "(xs: Array, n: Word) -> Word", "(xs: Array, n: Word) -> Array"

# At width 8: N = 256.
OPERATORS = [
    ("n + m", 200, 100, 44), ("n + m", 255, 1, 0), ("n - m", 5, 3, 2), ("n - m", 3, 5, 254), ("n - m", 0, 255, 1),
    ("n * m", 16, 17, 16), ("n * m", 255, 255, 1), ("n // m", 200, 7, 28), ("n // m", 3, 5, 0), ("n % m", 200, 7, 4),
    ("n % m", 3, 5, 3), ("n & m", 12, 10, 8), ("n | m", 12, 10, 14), ("n ^ m", 12, 10, 6), ("n << m", 3, 2, 12),
    ("n << m", 255, 7, 128), ("n << m", 1, 8, 0), ("n << m", 1, 255, 0), ("n >> m", 200, 3, 25), ("n >> m", 255, 8, 0),
    ("n == m", 7, 7, 1), ("n == m", 7, 8, 0), ("n != m", 7, 7, 0), ("n != m", 7, 8, 1), ("n < m", 7, 8, 1),
    ("n < m", 8, 8, 0), ("n < m", 255, 0, 0), ("n <= m", 8, 8, 1), ("n <= m", 9, 8, 0), ("n > m", 9, 8, 1),
    ("n > m", 8, 8, 0), ("n >= m", 8, 8, 1), ("n >= m", 0, 255, 0), ("~n", 0, 0, 255), ("~n", 200, 0, 55),
    ("~0", 0, 0, 255), ("~200", 0, 0, 55), ("~~n", 9, 0, 9), ("not n", 0, 0, 1), ("not n", 7, 0, 0),
    ("not not n", 7, 0, 1), ("True + True", 0, 0, 2), ("not False", 0, 0, 1),
    # Python's values, not truth values
    ("n and m", 3, 7, 7), ("n and m", 0, 7, 0), ("n and m", 3, 0, 0), ("n or m", 3, 7, 3), ("n or m", 0, 7, 7),
    ("n and m or 9", 3, 0, 9), ("n or m and 9", 0, 0, 0), ("not n and m", 0, 5, 5), ("not (n and m)", 3, 0, 1),
    ("n and m and 9", 1, 2, 9), ("n or 0 or m", 0, 6, 6),
    # Python's precedence
    ("n + m * 2", 1, 3, 7), ("(n + m) * 2", 1, 3, 8), ("n - m - 1", 9, 3, 5), ("n << 1 + m", 1, 2, 8),
    ("n & m == 2", 3, 2, 1), ("~n + 1", 5, 0, 251), ("not n == m", 4, 4, 0),
    ("n // m * m + n % m", 200, 7, 200),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "n", "m", "value"), OPERATORS)
def test_an_operator_gives_what_was_worked_out_by_hand(expression, n, m, value):
    assert run(f"return {expression}", n, m, signature=WORDS).result == value
    # the same where a value is wanted in a variable, in a cell, and as a condition
    assert run(f"n = {expression}\nreturn n", n, m, signature=WORDS).result == value
    assert run(f"a = [0] * 1\na[0] = {expression}\nreturn a[0]", n, m, signature=WORDS).result == value
    truth = f"if {expression}:\n    return 1\nreturn 0"
    assert run(truth, n, m, signature=WORDS).result == int(value != 0)


STATEMENTS = [
    (WORDS, "n = n + m\nm = n\nreturn n * m", (3, 4), 49),
    (WORDS, "n, m = m, n\nreturn n * 10 + m", (3, 4), 43),
    (WORDS, "n, m = m, n + m\nn, m = m, n + m\nreturn m", (1, 1), 3),
    (WORDS, "n, n = 1, 2\nreturn n", (0, 0), 2),
    (WORDS, "[n, m] = (m, n)\nreturn n * 10 + m", (3, 4), 43),
    (WORDS, "(n,) = (m,)\nreturn n", (3, 4), 4),
    *[
        (WORDS, f"n {op}= m\nreturn n", (200, 7), value)
        for op, value in {
            "+": 207, "-": 193, "*": 120, "//": 28, "%": 4, "&": 0, "|": 207, "^": 207, "<<": 0, ">>": 1,
        }.items()
    ],
    (WORDS, "n += n + m\nreturn n", (3, 4), 10),
    (WORDS, "if n:\n    return 1\nelif m:\n    return 2\nelse:\n    return 3", (0, 5), 2),
    (WORDS, "if n > 2:\n    n = 0\nreturn n", (3, 0), 0),
    (WORDS, "while n < m:\n    n *= 2\nreturn n", (3, 20), 24),
    (WORDS, "while True:\n    n += 1\n    if n == m:\n        break\nreturn n", (3, 6), 6),
    (WORDS, "k = 0\nwhile n:\n    n -= 1\n    if n % 2:\n        continue\n    k += n\nreturn k", (7, 0), 12),
    (WORDS, "while n:\n    return n\nreturn m", (0, 4), 4),
    (WORDS, "while n:\n    while n:\n        n -= 1\n        break\n    m += 1\nreturn m", (5, 0), 5),
    (WORDS, "for i in range(n):\n    for j in range(i):\n        if j == 2:\n            break\n        m += 1\n"
            "return m", (5, 0), 7),
    (WORDS, "for i in range(n):\n    for j in range(3):\n        if j == i:\n            return i * 10 + j\n    m = 9\n"
            "return m", (5, 0), 0),
    (WORDS, "for i in range(n):\n    i = 100\n    m += 1\nreturn m", (5, 0), 5),
    (WORDS, "for n in range(n):\n    m += n\nreturn m", (4, 0), 6),
    (WORDS, "i = 9\nfor i in range(n):\n    pass\nreturn i", (0, 0), 9),
    (WORDS, "i = 9\nfor i in range(n):\n    pass\nreturn i", (3, 0), 2),
    (WORDS, "i = 9\nfor i in range(n):\n    if i == 1:\n        break\nreturn i", (3, 0), 1),
    (WORDS, "for i in range(n):\n    n = 0\n    m += 1\nreturn m", (5, 0), 5),
    (WORDS, "assert n == 3, 'so it is'\nreturn m", (3, 4), 4),
    (WORDS, "pass\nreturn n", (3, 4), 3),
    (WORD, "return len(xs)", ([4, 5, 6], 0), 3),
    (WORD, "return xs[n]", ([4, 5, 6], 2), 6),
    (WORD, "xs[n], n = n, 9\nreturn xs[2] * 10 + n", ([4, 5, 6], 2), 29),
    (WORD, "n, xs[n] = 0, 9\nreturn xs[0]", ([4, 5, 6], 2), 9),
    (ARRAY, "xs[0], xs[n] = xs[n], xs[0]\nreturn xs", ([4, 5, 6], 2), [6, 5, 4]),
    (ARRAY, "xs[n] += xs[n]\nxs[n] -= 1\nreturn xs", ([4, 5, 6], 1), [4, 9, 6]),
    (ARRAY, "xs[xs[0]] = xs[xs[xs[0]]]\nreturn xs", ([1, 2, 7], 0), [1, 7, 7]),
    (ARRAY, "xs[0] += xs[0] * 2\nreturn xs", ([4], 0), [12]),
    (ARRAY, "ys = [n] * len(xs)\nreturn ys", ([4, 5, 6], 7), [7, 7, 7]),
    (ARRAY, "ys = [0] * 0\nreturn ys", ([4], 0), []),
    (ARRAY, "xs = [n] * 2\nxs[0] = 1\nreturn xs", ([4, 5, 6], 7), [1, 7]),
    (ARRAY, "ys = [1] * 2\nif n:\n    ys = [2] * 3\nreturn ys", ([], 1), [2, 2, 2]),
    (ARRAY, "ys = [1] * 2\nif n:\n    ys = [2] * 3\nreturn ys", ([], 0), [1, 1]),
    (ARRAY, "for i in range(n):\n    xs = [i] * (i + 1)\nreturn xs", ([], 3), [2, 2, 2]),
    (ARRAY, "ys = [0] * 1\nzs = [0] * 1\nys[0] = 1\nzs[0] = 2\nxs[0] = ys[0]\nreturn xs", ([9], 0), [1]),
]  # fmt: skip


@pytest.mark.parametrize(("signature", "body", "arguments", "value"), STATEMENTS)
def test_statements_give_what_was_worked_out_by_hand(signature, body, arguments, value):
    assert run(body, *arguments, signature=signature).result == value


# range(…) with n and m | the indices
RANGES = [
    ("n", 0, 0, []), ("n", 3, 0, [0, 1, 2]), ("m, n", 3, 1, [1, 2]), ("m, n", 3, 3, []), ("m, n", 3, 5, []),
    ("m, n, 2", 7, 1, [1, 3, 5]), ("m, n, 2", 6, 1, [1, 3, 5]), ("m, n, 9", 3, 1, [1]), ("m, n, 9", 3, 3, []),
    ("0, 255, 100", 0, 0, [0, 100, 200]), ("0, 255, 254", 0, 0, [0, 254]), ("250, ~0, 2", 0, 0, [250, 252, 254]),
    ("0, n, m", 5, 2, [0, 2, 4]), ("0, n, ~0", 5, 0, [0]), ("250, n - 6, 200", 5, 0, [250]),
    ("n, m, -1", 4, 1, [4, 3, 2]), ("n, m, -2", 5, 0, [5, 3, 1]), ("n, m, -1", 1, 1, []), ("n, m, -1", 0, 4, []),
    ("n, m, -200", 255, 3, [255, 55]), ("n, m, -255", 255, 0, [255]),
    ("n - 1, -1, -1", 0, 0, []), ("n - 1, -1, -1", 1, 0, [0]), ("n - 1, -1, -1", 4, 0, [3, 2, 1, 0]),
    ("n, -1, -2", 5, 0, [5, 3, 1]), ("n, -1, -2", 4, 0, [4, 2, 0]), ("n, -1, -9", 4, 0, [4]),
    ("n - 1, -1, -3", 0, 0, []), ("~1, -1, -200", 0, 0, [254, 54]), ("~0, -1, -200", 0, 0, [255, 55]),
    ("n - m, -1, -1", 3, 5, []), ("n - m, -1, -1", 5, 3, [2, 1, 0]), ("n - m, -1, -1", 0, 255, []),
    ("n - m, -1, -2", 0, 1, []), ("n - m, -1, -2", 255, 250, [5, 3, 1]),
    ("True, n", 3, 0, [1, 2]),
]  # fmt: skip


@pytest.mark.parametrize(("bounds", "n", "m", "indices"), RANGES)
def test_a_range_runs_over_the_indices_worked_out_by_hand(bounds, n, m, indices):
    body = f"ys = [0] * 9\nk = 0\nfor i in range({bounds}):\n    ys[k] = i\n    k += 1\nzs = [0] * k\n"
    body += "for i in range(k):\n    zs[i] = ys[i]\nreturn zs"
    result = run(body, n, m, signature="(n: Word, m: Word) -> Array")
    assert result.result == indices
    assert result.ticks == 10 + len(indices) + 1 + len(indices) + 1 + len(indices) + 1


@pytest.mark.parametrize("width", [1, 2, 3, 8])
def test_a_range_down_to_zero_from_the_largest_word_has_a_round_for_every_word(width):
    top = (1 << width) - 1
    for bounds in ("n, -1, -1", "~0, -1, -1", "n - 0, -1, -1"):
        body = f"m = 0\nfor i in range({bounds}):\n    m ^= i\nreturn m"
        result = run(body, top, 0, signature=WORDS, width=width, memory=2)
        assert (result.result, result.ticks) == (reduce(xor, range(top + 1)), top + 2)


@pytest.mark.parametrize("bounds", ["0, 5, n", "5, 0, n", "3, 3, n - n", "0, 0, 0"])
def test_a_step_of_zero_traps_whatever_the_bounds_are(bounds):
    body, place, _ = unmarked(f"‹for› i in range({bounds}):\n    m += 1\nreturn m")
    result = run(body, 0, 0, signature=WORDS)
    assert (result.trap.kind, result.trap.position, result.ticks) == (Trap.DIVISION, place, 0)


# body with ‹the piece at whose start the run ends› | xs, n | trap. Where several could trap, the order decides.
TRAPS = [
    ("return ‹n // 0›", [], 1, Trap.DIVISION),
    ("return ‹n % 0›", [], 1, Trap.DIVISION),
    ("‹n //= 0›\nreturn n", [], 1, Trap.DIVISION),
    ("‹xs[0] %= 0›\nreturn n", [1], 1, Trap.DIVISION),
    ("return ‹xs[n]›", [1], 1, Trap.INDEX),
    ("return ‹xs[n - 1]›", [1], 0, Trap.INDEX),
    ("return ‹xs[~0]›", [1], 0, Trap.INDEX),
    ("‹xs[n]› = 1\nreturn n", [1], 1, Trap.INDEX),
    ("‹xs[n]› += 1\nreturn n", [1], 1, Trap.INDEX),
    ("ys = [0] * 3\nreturn ‹ys[n]›", [1, 2, 3, 4], 3, Trap.INDEX),
    ("‹assert n == 2›\nreturn n", [], 1, Trap.ASSERT),
    ("‹assert False›, 'no'\nreturn n", [], 1, Trap.ASSERT),
    ("‹ys = [0] * 33›\nreturn n", [], 1, Trap.MEMORY),
    ("ys = [0] * 20\n‹zs = [0] * 11›\nreturn n", [1, 2], 1, Trap.MEMORY),
    ("while n:\n    ‹ys = [0] * 9›\nreturn n", [], 1, Trap.MEMORY),  # nothing is given back
    # left operand, right operand, operator
    ("return ‹xs[5]› + n // 0", [], 1, Trap.INDEX),
    ("return ‹n // 0› + xs[5]", [], 1, Trap.DIVISION),
    ("return ‹xs[5]› // 0", [], 1, Trap.INDEX),
    ("return n // ‹xs[5]›", [], 1, Trap.INDEX),
    ("return ‹n // 0› > xs[5]", [], 1, Trap.DIVISION),  # also where the compiler turns the operands round
    ("return ‹n // 0› >= xs[5]", [], 1, Trap.DIVISION),
    ("return ‹(n + 1) // 0› == xs[5]", [], 1, Trap.DIVISION),
    # an index before its element
    ("return xs[‹xs[n // 1 + 4]›]", [1], 1, Trap.INDEX),
    ("return xs[‹n // 0›]", [], 1, Trap.DIVISION),
    # short circuits
    ("return n or ‹xs[5]›", [], 0, Trap.INDEX),
    ("return n and ‹xs[5]›", [], 1, Trap.INDEX),
    ("if n and ‹n // (n - 1)›:\n    pass\nreturn n", [], 1, Trap.DIVISION),
    # a value before the index of its target
    ("xs[xs[5]] = ‹n // 0›\nreturn n", [], 1, Trap.DIVISION),
    ("xs[‹xs[5]›] = n // 1\nreturn n", [], 1, Trap.INDEX),
    # all values, then the targets from left to right
    ("xs[5], n = n, ‹n // 0›\nreturn n", [], 1, Trap.DIVISION),
    ("a, b = ‹n // 0›, xs[5]\nreturn n", [], 1, Trap.DIVISION),
    ("n, ‹xs[n]› = 5, 1\nreturn n", [1, 2], 1, Trap.INDEX),
    ("‹xs[n]›, xs[n + 1] = 1, 2\nreturn n", [], 1, Trap.INDEX),
    # target, value, operator of an augmented assignment
    ("‹xs[5]› += n // 0\nreturn n", [], 1, Trap.INDEX),
    ("xs[‹n // 0›] += xs[5]\nreturn n", [], 1, Trap.DIVISION),
    ("xs[0] //= ‹xs[5]›\nreturn n", [1], 1, Trap.INDEX),
    # fill, count, memory, ticks of a new array
    ("ys = [‹n // 0›] * xs[5]\nreturn n", [], 1, Trap.DIVISION),
    ("ys = [n] * ‹xs[5]›\nreturn n", [], 1, Trap.INDEX),
    # start, stop, step of a range, and all of them before the head ticks
    ("for i in range(‹n // 0›, xs[5], xs[6]):\n    pass\nreturn n", [], 1, Trap.DIVISION),
    ("for i in range(n, ‹xs[5]›, n // 0):\n    pass\nreturn n", [], 1, Trap.INDEX),
    ("for i in range(n, n, ‹n // 0›):\n    pass\nreturn n", [], 1, Trap.DIVISION),
    ("for i in range(‹xs[5]›, -1, -1):\n    pass\nreturn n", [], 1, Trap.INDEX),
    # an assert's condition before its own trap
    ("assert ‹n // 0›\nreturn n", [], 1, Trap.DIVISION),
]


@pytest.mark.parametrize(("marked", "xs", "n", "kind"), TRAPS)
def test_a_run_ends_at_its_first_trap_with_the_place_of_it(marked, xs, n, kind):
    body, place, _ = unmarked(marked)
    result = run(body, xs, n)
    assert result.result is None
    assert (result.trap.kind, result.trap.position) == (kind, place)


@pytest.mark.parametrize(
    ("body", "arguments", "value"),
    [
        ("return n and xs[5]", ([], 0), 0),
        ("return n or xs[5]", ([], 3), 3),
        ("if n == 0 or xs[5] // 0:\n    return 1\nreturn 2", ([], 0), 1),
        ("while n < len(xs) and xs[n]:\n    n += 1\nreturn n", ([1, 2], 0), 2),
        ("assert n or xs[5]\nreturn n", ([], 3), 3),
    ],
)
def test_what_a_short_circuit_skips_cannot_trap(body, arguments, value):
    assert run(body, *arguments).result == value


TICKS = [
    ("return n", 0),
    ("if n:\n    n = 1\nreturn n", 0),
    ("while False:\n    n = 1\nreturn n", 1),
    ("while n:\n    n -= 1\nreturn n", 4),
    ("while n:\n    break\nreturn n", 1),
    ("while n:\n    n -= 1\n    continue\nreturn n", 4),
    ("while n:\n    return n\nreturn n", 1),
    ("for i in range(n):\n    pass\nreturn n", 4),
    ("for i in range(0):\n    pass\nreturn n", 1),
    ("for i in range(n - 1, -1, -1):\n    pass\nreturn n", 4),
    ("for i in range(n):\n    if i == 1:\n        break\nreturn n", 2),
    ("for i in range(n):\n    for j in range(i):\n        pass\nreturn n", 4 + 1 + 2 + 3),
    ("ys = [0] * n\nreturn n", 4),
    ("ys = [0] * 0\nreturn n", 1),
]


@pytest.mark.parametrize(("body", "ticks"), TICKS)
def test_every_arrival_at_a_loop_head_ticks_once(body, ticks):
    assert run(body, [], 3).ticks == ticks


@pytest.mark.parametrize(("body", "ticks"), [row for row in TICKS if row[1]])
def test_a_budget_of_the_ticks_suffices_and_each_smaller_one_traps_at_a_head(body, ticks):
    assert run(body, [], 3, budget=ticks).trap is None
    for budget in range(ticks):
        result = run(body, [], 3, budget=budget)
        assert (result.result, result.ticks, result.trap.kind) == (None, budget, Trap.BUDGET)
        lines = ["", *body.splitlines()]
        head = lines[result.trap.position.line - 1].strip()
        assert head.startswith(("while", "for", "ys ="))


def test_the_budget_is_asked_before_the_condition_and_after_the_bounds():
    body, place, _ = unmarked("‹while› n // 0:\n    pass\nreturn n")
    result = run(body, [], 1, budget=0)
    assert (result.trap.kind, result.trap.position) == (Trap.BUDGET, place)
    assert run("for i in range(n // 0):\n    pass\nreturn n", [], 1, budget=0).trap.kind is Trap.DIVISION
    assert run("ys = [0] * 33\nreturn n", [], 1, budget=0).trap.kind is Trap.MEMORY


def test_an_endless_loop_ends_with_its_budget():
    result = run("while True:\n    pass\nreturn n", [], 1, budget=1000)
    assert (result.ticks, result.trap.kind, result.trap.position) == (1000, Trap.BUDGET, Position(2, 5))


def test_arguments_are_never_written_to():
    xs = [1, 2, 3]
    run_source(function("xs[0] = n\nreturn xs", ARRAY), [xs, 9])
    assert xs == [1, 2, 3]


@pytest.mark.parametrize("width", [1, 2, 3, 8, 16, 31, 32])
def test_words_wrap_at_every_width(width):
    top = (1 << width) - 1
    for body, value in [
        ("return n + 1", 0), ("return m - 1", top), ("return n * n", 1), ("m = ~m\nreturn m", top),
        ("n += n\nreturn n", top - 1), ("m -= n\nreturn m", 1), ("return n << 1", top - 1),
    ]:  # fmt: skip
        assert run(body, top, 0, signature=WORDS, width=width, memory=0).result == value


def test_arguments_that_do_not_fit_are_bad_input():
    f = function("return n")
    small = Sizes(width=2, memory=3)
    for arguments, message in [
        ([[]], "expected 2 arguments, got 1"),
        ([1, 1], "argument xs must be an array, got 1"),
        ([[], []], "argument n must be a word"),
        ([[4], 1], "argument xs holds 4, which is no word in 0 … 3"),
        ([[0], -1], "argument n holds -1"),
        ([[True], 1], "argument xs holds True"),
        ([[1.0], 1], "argument xs holds 1.0"),
        ([[0, 0, 0, 0], 1], "argument xs has 4 elements, more than 3"),
    ]:
        with pytest.raises(InputError, match=message):
            run_source(f, arguments, small)
    with pytest.raises(InputError, match="the arrays take 3 cells, the memory has 2"):
        run_source(f, [[0, 0, 0], 1], Sizes(width=2, memory=2))


@pytest.mark.parametrize("budget", [-1, 1 << 62, 1.5, None, True, "3"])
def test_a_budget_is_a_natural(budget):
    with pytest.raises(InputError, match="a budget is a number of ticks"):
        run_source(function("return n"), [[], 1], budget=budget)


def test_a_literal_too_large_for_the_width_is_refused_before_the_run():
    with pytest.raises(LanguageError, match="256 is no word of width 8"):
        run("return n + 256", [], 1)


def test_a_trace_shows_each_statement_with_the_variables_before_it():
    f = function("for i in range(n):\n    xs[i] += n\nreturn xs", ARRAY)
    seen = [(place.line, variables) for place, variables in trace_source(f, [[5, 6], 2])]
    assert seen == [
        (2, {"n": 2, "xs": [5, 6]}),
        (3, {"n": 2, "i": 0, "xs": [5, 6]}),
        (3, {"n": 2, "i": 1, "xs": [7, 6]}),
        (4, {"n": 2, "i": 1, "xs": [7, 8]}),
    ]


def test_a_trace_ends_at_a_trap():
    f = function("n = 1\nn = n // 0\nreturn n")
    assert [place.line for place, _ in trace_source(f, [[], 5])] == [2, 3]


def test_running_out_of_stack_is_said_in_words(monkeypatch):
    from ncl.language.interpret import source

    def exhausted(*_):
        raise RecursionError

    monkeypatch.setattr(source.Statements, "block", exhausted)
    with pytest.raises(CapacityError, match="the nesting is too deep to run"):
        run("return n + 77", [], 1)
