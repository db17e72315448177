"""Runs that wrap against Python that takes its results modulo N: the same text, read apart from the interpreter."""

# The rows quote source text, whole.
# ruff: noqa: E501

import random

import pytest

from ncl.language.interpret import plain
from ncl.language.interpret.plain import compared
from ncl.language.parse import parse_text
from ncl.language.program import Sizes

HEAD = "from ncl import Array, Word, signed_less\n"
BUMP = "def bump(xs: Array) -> Word:\n    xs[0] += 3\n    return xs[0]\n\n\n"
BODIES = {
    "a hash": "    for i in range(len(xs)):\n        a = (a ^ xs[i]) * 5 + 7\n    return a",
    "not": "    return ~a + ~0 - ~xs[0]",
    "a shift": "    return (a << b) + (b << 3) - (a >> 1)",
    "a difference": "    return (a - b) // 2 + (a - b) % 3 + (b - a - 1 if a < b else a - b)",
    "elements": "    xs[a % len(xs)] -= b\n    xs[0] <<= b\n    xs[b % len(xs)] *= xs[0] - 1\n    return xs[0] + a",
    "an index evaluated once": "    xs[bump(xs) % len(xs)] += bump(xs)\n    return xs[0] - a",
    "an element read before its change": "    xs[0] -= bump(xs)\n    return xs[0]",
    "names": "    a += b\n    a -= 9\n    a *= a\n    a <<= 1\n    a ^= b\n    return a",
    "apart": "    return abs(a - b) + abs(b + b - a) - 9",
    "down to 0": "    for i in range(a - b, -1, -2):\n        b -= i + 7\n    return b",
    "down from what wraps": "    for i in range(a + b, -1, -1):\n        b -= i + 7\n    return b",
    "down from a difference to a word": "    c = 0\n    for i in range(a - b, 1, -1):\n        c += 3 * i\n    return c",
    "up": "    c = 0\n    for i in range(a - b, a + b, b * 3 + 1):\n        c += i + 9\n    return c",
    "a new array": "    ys = [a - b] * (b + 1)\n    return ys[0] + len(ys)",
    "conditions": "    return (a - b < b) + (a + b and b - 9) - (not a) + (a < a + b < a - b)",
    "a trap": "    a -= 9\n    assert a - b != 2\n    return xs[a] + 9",
    "tuples": "    a, b = b - a, a - b\n    xs[0], a = a * 3, xs[0] - b\n    return a + xs[0]",
    "calls": "    return bump(xs) - bump(xs) * xs[0] + min(a - 1, b - 1) - max(a * b, 3)",
    "a loop that counts down past 0": "    c = 0\n    while a != 3:\n        a -= 1\n        c += 2\n    return c",
}  # fmt: skip


def tried(body, count=150):
    text = f"{HEAD}{BUMP}def f(xs: Array, a: Word, b: Word) -> Word:\n{body}\n"
    function, chance = parse_text(text, "f.py", "f")[0], random.Random(body)
    found = []
    for _ in range(count):
        sizes = Sizes(width := chance.choice((4, 5, 8)), memory=1 << width)
        top = (1 << sizes.width) - 1
        given = [
            [chance.randint(0, top) for _ in range(chance.randint(1, 3))],
            chance.randint(0, top),
            chance.randint(0, 6),
        ]
        found.append(compared(function, given, sizes, 2000))
    return found


@pytest.mark.parametrize("name", BODIES)
def test_runs_that_wrap_agree_modulo_n(name):
    found = tried(BODIES[name])
    assert not [one.difference for one in found if one.kind == "differ"]
    assert sum(one.kind == "wrapped" and one.python is not None for one in found) > 10


@pytest.mark.parametrize("body", ["a hash", "elements", "names"])
def test_python_that_multiplies_wrongly_is_seen_in_runs_that_wrap(monkeypatch, body):
    monkeypatch.setitem(plain._OPERATORS, "Mult", lambda x, y: x * y + 1)
    assert any(one.kind == "differ" and "plain Python" in one.difference for one in tried(BODIES[body]))


def test_signed_operations_of_runs_that_wrap_are_not_compared():
    found = tried("    return signed_less(a - b, b - a) - 1")
    assert {(one.kind, one.python) for one in found if one.kind != "agree"} == {("wrapped", None)}
