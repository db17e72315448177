"""A remedy leads to a program: what each refusal says to write, written out, is accepted and gives what was meant."""

import pytest
from reading import refusals, run

COPY = "ys = [0] * len(xs)\nfor i in range(len(xs)):\n    ys[i] = xs[i]\n"

# as first tried | a piece of the remedy | as the remedy says | what that gives for xs = [5, 3, 4], n = 2
REMEDIES = [
    ("return xs[-1]", "xs[len(xs) - 1]", "return xs[len(xs) - 1]", 4),
    ("return xs[-n]", "xs[len(xs) - n]", "return xs[len(xs) - n]", 3),
    ("xs[-1] = 7\nreturn xs[2]", "xs[len(xs) - 1]", "xs[len(xs) - 1] = 7\nreturn xs[2]", 7),
    ("return max(-128, n)", "write 0", "return max(0, n)", 2),
    ("if n > -1:\n    n = 9\nreturn n", "write 0", "if n >= 0:\n    n = 9\nreturn n", 9),
    ("return -1", "write ~0", "return ~0", 255),
    ("return -n", "0 - x", "return 0 - n", 254),
    ("return n == -3", "write ~2", "return n == ~2", 0),
    (
        "xs.append(n)\nreturn n",
        "xs[count] = x",
        "ys = [0] * 4\ncount = 0\nys[count] = n\ncount += 1\nreturn ys[0] + count",
        3,
    ),
    ("n = xs.pop()\nreturn n", "count -= 1", "count = len(xs)\ncount -= 1\nn = xs[count]\nreturn n", 4),
    (
        "xs.sort()\nreturn n",
        "loops of your own",
        "for i in range(len(xs)):\n    for j in range(i):\n        if xs[j] > xs[i]:\n"
        "            xs[i], xs[j] = xs[j], xs[i]\nreturn xs[0]",
        3,
    ),
    (
        "xs.reverse()\nreturn n",
        "xs[i], xs[j] = xs[j], xs[i]",
        "i = 0\nj = 2\nxs[i], xs[j] = xs[j], xs[i]\nreturn xs[0]",
        4,
    ),
    (
        "return xs.index(4)",
        "stop with break",
        "i = 0\nfor i in range(len(xs)):\n    if xs[i] == 4:\n        break\nreturn i",
        2,
    ),
    (
        "return xs.count(3)",
        "total += xs[i] == x",
        "total = 0\nfor i in range(len(xs)):\n    total += xs[i] == 3\nreturn total",
        1,
    ),
    ("ys = xs.copy()\nreturn ys[0]", "[0] * len(xs)", f"{COPY}return ys[0]", 5),
    ("dp = [[0] * n] * n\nreturn n", "n * m cells", "dp = [0] * (n * n)\ndp[1 * n + 0] = 7\nreturn dp[n]", 7),
    (
        "dp = [0] * n\ndp[n][1] = 3\nreturn n",
        "dp[n * columns + 1]",
        "columns = 2\ndp = [0] * 9\ndp[n * columns + 1] = 3\nreturn dp[5]",
        3,
    ),
    ("return xs[0][n - 1]", "xs[0 * columns + (n - 1)]", "columns = 3\nreturn xs[0 * columns + (n - 1)]", 3),
    ("return xs[0, 1]", "xs[0 * columns + 1]", "columns = 3\nreturn xs[0 * columns + 1]", 3),
    ("seen = set()\nreturn n", "seen[x] = 1", "seen = [0] * 9\nseen[n] = 1\nreturn seen[2] + seen[3]", 1),
    ("seen = {}\nreturn n", "seen[x] = 1", "seen = [0] * 9\nseen[n] = 1\nreturn seen[2]", 1),
    ("ys = list(xs)\nreturn ys[0]", "copy the elements", f"{COPY}return ys[0]", 5),
    (
        "ys = xs[1:]\nreturn ys[0]",
        "copy the elements",
        "ys = [0] * (len(xs) - 1)\nfor i in range(len(ys)):\n    ys[i] = xs[i + 1]\nreturn ys[0]",
        3,
    ),
    ("ys = [1, 2]\nreturn n", "[0] * n and fill it", "ys = [0] * 2\nys[0], ys[1] = 1, 2\nreturn ys[1]", 2),
    ("ys = []\nreturn n", "[0] * n and fill it", "ys = [0] * 0\nreturn len(ys)", 0),
    ("ys = xs\nreturn n", "copy the elements", f"{COPY}return ys[0]", 5),
    ("ys = [0] * -1\nreturn len(ys)", "write 0", "ys = [0] * 0\nreturn len(ys)", 0),
    ("return sum(xs)", "total += xs[i]", "total = 0\nfor i in range(len(xs)):\n    total += xs[i]\nreturn total", 12),
    (
        "return max(xs)",
        "best = max(best, xs[i])",
        "best = 0\nfor i in range(len(xs)):\n    best = max(best, xs[i])\nreturn best",
        5,
    ),
    ("return abs(n - 9 - 1)", "abs(a - (b + c))", "return abs(n - (9 + 1))", 8),
    ("return abs(n)", "abs(a - b)", "return abs(n - 0)", 2),
    (
        "for x in xs:\n    n += x\nreturn n",
        "range(len(xs)), and xs[i]",
        "for i in range(len(xs)):\n    n += xs[i]\nreturn n",
        14,
    ),
    (
        "for i, x in enumerate(xs):\n    n += x\nreturn n",
        "range(",
        "for i in range(len(xs)):\n    n += xs[i]\nreturn n",
        14,
    ),
    ("return n ** 2", "n * n", "return n * n", 4),
    ("return n / 2", "`//`", "return n // 2", 1),
    ("return +n", "leave it out", "return n", 2),
    ("return 2.0", "without a fraction", "return 2", 2),
    (
        "return n in xs",
        "a loop",
        "found = 0\nfor i in range(len(xs)):\n    if n == xs[i]:\n        found = 1\nreturn found",
        0,
    ),
    ("return int(n > 1)", "leave it out", "return n > 1", 1),
    ("return bool(n)", "x != 0", "return n != 0", 1),
    ("a = b = n\nreturn a", "a = x, then b = x", "a = n\nb = a\nreturn b", 2),
    ("a: Word = n\nreturn a", "name = value", "a = n\nreturn a", 2),
    ("if (m := n) > 1:\n    n = m\nreturn n", "statement of its own", "m = n\nif m > 1:\n    n = m\nreturn n", 2),
    ("a, b = xs\nreturn a", "a, b = x, y", "a, b = xs[0], xs[1]\nreturn a", 5),
    ("print(n)\nreturn n", "leave it out", "return n", 2),
    ("n\nreturn n", "delete it", "return n", 2),
    (
        "while n:\n    n -= 1\nelse:\n    n = 7\nreturn n",
        "set a variable before `break`",
        "broken = 0\nwhile n:\n    n -= 1\nif not broken:\n    n = 7\nreturn n",
        7,
    ),
    ("return divmod(n, 2)", "a // b and a % b", "return n // 2", 1),
    ("try:\n    n = 1 // n\nexcept E:\n    n = 0\nreturn n", "if n != 0", "if n != 0:\n    n = 1 // n\nreturn n", 0),
    ("raise n\nreturn n", "use assert", "assert n\nreturn n", 2),
    ("match n:\n    case 1:\n        n = 3\nreturn n", "if and elif", "if n == 1:\n    n = 3\nreturn n", 2),
    ("return totl + n", "not known", "totl = 1\nreturn totl + n", 3),
    ("total = n\nreturn totl", "write total", "total = n\nreturn total", 2),
    ("return f'{n}'", "use numbers", "return n", 2),
    ("return (lambda: n)()", "in statements", "return n", 2),
    ("return [x for x in xs]", "for loop", f"{COPY}return ys[1]", 3),
    ("n = len(xs + xs)\nreturn n", "len(xs)", "n = len(xs) + len(xs)\nreturn n", 6),
]


@pytest.mark.parametrize(("tried", "remedy", "instead", "result"), REMEDIES)
def test_the_remedy_written_out_is_accepted_and_does_what_was_meant(tried, remedy, instead, result):
    found = refusals(tried)
    assert found, "it is accepted"
    told = "\n".join(f"{v.reason}: {v.remedy}" for v in found)
    assert remedy in told or remedy == "not known"
    assert refusals(instead) == ()
    assert run(instead, [5, 3, 4], 2).result == result


@pytest.mark.parametrize(("tried", "remedy", "instead", "result"), REMEDIES)
def test_every_refusal_has_its_line_and_a_caret_in_it(tried, remedy, instead, result):
    for violation in refusals(tried):
        assert violation.text.strip() and 1 <= violation.column <= len(violation.text)
        assert violation.remedy
