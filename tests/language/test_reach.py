"""Which array a function gives back is followed along its paths: a new one, always, or always the same parameter."""

import pytest

from ncl.errors import LanguageError
from ncl.language.interpret.source import run_source
from ncl.language.parse import parse_text
from ncl.language.program import Sizes
from ncl.language.reach import NEW, origins

LOOP = "for i in range(n):\n    "
# body of `g(xs: Array, ys: Array, n: Word) -> Array` | what it may give back
GIVEN = [
    ("return xs", {"xs"}),
    ("xs = [9] * 2\nreturn xs", {NEW}),
    ("xs = [9] * 2\nif n:\n    return xs\nreturn xs", {NEW}),
    ("if n:\n    xs = [9] * 2\nreturn xs", {NEW, "xs"}),
    ("if n:\n    xs = [9] * 2\nelse:\n    xs = [8] * 1\nreturn xs", {NEW}),
    ("if n:\n    xs = [9] * 2\n    return xs\nreturn ys", {NEW, "ys"}),
    (f"{LOOP}xs = [i] * 2\nreturn xs", {NEW, "xs"}),
    ("while True:\n    xs = [9] * n\n    if len(xs):\n        return xs", {NEW}),
    ("while True:\n    if n:\n        return xs\n    xs = [9] * n\n    n = 1", {NEW, "xs"}),
    ("while True:\n    xs = [9] * n\n    if n:\n        break\n    n += 1\nreturn xs", {NEW}),
    ("while n:\n    n -= 1\n    if n:\n        continue\n    xs = [1] * 1\nreturn xs", {NEW, "xs"}),
    ("xs = h(xs)\nreturn xs", {"xs"}),
    ("xs = [1] * 1\nxs = h(xs)\nreturn xs", {NEW}),
    ("xs = k(n)\nreturn xs", {NEW}),
    ("if n:\n    ys = g(xs, ys, n - 1)\nreturn ys", {"ys"}),
    ("ys = [1] * 1\nreturn xs", {"xs"}),
    ("xs = [1] * 1\nif n:\n    return xs\nxs = g(xs, ys, 1)\nreturn xs", {NEW}),
]
HELPERS = "def h(xs: Array) -> Array:\n    xs[0] = 1\n    return xs\n"
HELPERS += "def k(n: Word) -> Array:\n    zs = [n] * 2\n    return zs\n"


@pytest.mark.parametrize(("body", "given"), GIVEN)
def test_what_is_given_back_is_known_path_by_path(body, given):
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    text = f"{HELPERS}def g(xs: Array, ys: Array, n: Word) -> Array:\n{lines}"
    (g,) = parse_text(text, "f.py", "g")
    assert origins(g.program)["g"] == given
    called = f"{text}def f(xs: Array, ys: Array) -> Word:\n    zs = g(xs, ys, 2)\n    return len(zs)\n"
    if given == {NEW}:
        assert run_source(parse_text(called, "f.py", "f")[0], [[1], [2]], Sizes(8, memory=64)).result is not None
    else:
        with pytest.raises(LanguageError, match=r"is given back|are given on different paths"):
            parse_text(called, "f.py", "f")
