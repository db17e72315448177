"""Plain Python beside the source: they agree where nothing wraps, and the first number to leave the words is told."""

import sys
from dataclasses import replace

import pytest
from reading import function

from ncl import library
from ncl.errors import CapacityError
from ncl.language.interpret import plain
from ncl.language.interpret.plain import compared, run_plain
from ncl.language.interpret.source import run_exact
from ncl.language.opcodes import Trap
from ncl.language.parse import parse_text
from ncl.language.program import Position, Sizes

WORDS, ARRAY = "(n: Word, m: Word) -> Word", "(xs: Array, n: Word) -> Array"
SMALL = Sizes(8, memory=32)


def first_wrap(body, *arguments, signature=WORDS):
    run = run_exact(function(body, signature), list(arguments), SMALL)
    assert (run.result is None) == (run.wrap is not None)
    return run.wrap


# body | n, m | the operation, its word, Python's number, where it stands
WRAPS = [
    ("return n + m", (200, 100), ("200 + 100", 44, 300), (2, 12)),
    ("n -= m\nreturn n", (3, 5), ("3 - 5", 254, -2), (2, 5)),
    ("return 1 + n * m", (16, 17), ("16 * 17", 16, 272), (2, 16)),
    ("return n << m", (3, 7), ("3 << 7", 128, 384), (2, 12)),
    ("return n << m", (3, 200), ("3 << 200", 0, None), (2, 12)),
    ("return ~n & 1", (4, 0), ("~4", 251, -5), (2, 12)),
    ("return n & ~1", (4, 0), ("~1", 254, -2), (2, 16)),
    ("if n and m - n:\n    return n\nreturn 0", (3, 1), ("1 - 3", 254, -2), (2, 14)),
]


@pytest.mark.parametrize(("body", "arguments", "told", "place"), WRAPS)
def test_the_first_number_that_leaves_the_words_is_told_with_its_operands(body, arguments, told, place):
    wrap = first_wrap(body, *arguments)
    assert (wrap.operation, wrap.word, wrap.python) == told
    assert (wrap.position.line, wrap.position.column) == place


@pytest.mark.parametrize(
    ("body", "arguments"),
    [
        ("return abs(n - m)", (3, 5)),
        ("return n << m", (0, 200)),
        ("return n >> m", (9, 200)),
        ("return n - m", (5, 5)),
        ("for i in range(n - m, -1, -1):\n    m += 1\nreturn m", (3, 5)),
        ("return n and m - n", (0, 5)),
        ("return (not n) + (n < m) * 2", (0, 1)),
        ("return n // m", (5, 0)),
        ("return n + m", (200, 55)),
    ],
)
def test_where_no_number_leaves_the_words_nothing_is_told_and_python_agrees(body, arguments):
    assert first_wrap(body, *arguments) is None
    assert compared(function(body, WORDS), list(arguments), SMALL).kind == "agree"


def test_signed_words_are_python_s_numbers_below_half():
    text = "from ncl import signed_less\ndef f(n: Word) -> Word:\n    return signed_less(n, 1)\n"
    (f,) = parse_text(text, "f.py", "f")
    assert run_exact(f, [127], SMALL).wrap is None
    wrap = run_exact(f, [255], SMALL).wrap
    assert (wrap.operation, wrap.word, wrap.python) == ("signed_less(255, 1)", 1, 0)


TRAPS = [
    ("return 5 // n", Trap.DIVISION),
    ("for i in range(0, 5, n):\n    pass\nreturn 1", Trap.DIVISION),
    ("return xs[n]", Trap.INDEX),
    ("xs[n] = 1\nreturn 1", Trap.INDEX),
    ("xs[n] += 1\nreturn 1", Trap.INDEX),
    ("assert n\nreturn 1", Trap.ASSERT),
    ("while not n:\n    pass\nreturn 1", Trap.BUDGET),
    ("n = 9\nfor i in range(9):\n    ys = [0] * n\nreturn 1", Trap.BUDGET),
    ("return f(xs, n)", Trap.STACK),
]


@pytest.mark.parametrize(("body", "kind"), TRAPS)
def test_python_ends_where_the_source_traps(body, kind):
    machine = Sizes(8, memory=255, depth=5)
    found = compared(function(body), [[], 0], machine, 50)
    assert found.kind == "agree" and found.source.result.trap.kind is kind
    assert found.python.result.trap.position.line == found.source.result.trap.position.line
    assert found.python.result.ticks == found.source.result.ticks


def test_python_has_no_end_of_memory_so_such_a_run_is_not_compared():
    assert compared(function("ys = [0] * n\nreturn len(ys)", WORDS), [200, 0], SMALL).kind == "beyond"


@pytest.mark.parametrize("budget", range(12))
def test_both_stop_after_the_same_tick(budget):
    body = "ys = [n] * 2\nwhile n:\n    n -= 1\n    for i in range(2):\n        xs[0] += i\nreturn xs"
    assert compared(function(body, ARRAY), [[5], 2], SMALL, budget).kind == "agree"


ORDERS = [
    "xs[n], n = n, 1\nreturn xs",
    "n, xs[n] = 1, 9\nreturn xs",
    "xs[g(xs)] = g(xs)\nreturn xs",
    "xs[g(xs)] += g(xs)\nreturn xs",
    "xs[0] += g(xs)\nreturn xs",
    "xs[g(xs)], xs[g(xs)] = g(xs), g(xs)\nreturn xs",
    "n = g(xs) < g(xs) < g(xs)\nxs[0] += n\nreturn xs",
    "n = g(xs) if g(xs) == 2 else 7\nxs[0] += n\nreturn xs",
    "n = g(xs) and g(xs) or g(xs)\nxs[0] += n\nreturn xs",
    "for i in range(g(xs), g(xs) + 3):\n    xs[0] += i\nreturn xs",
    "for i in range(3):\n    xs[0] += i\n    i = 9\nxs[1] = n\nreturn xs",
    "n = 1 < 2 == True\nxs[0] = n\nreturn xs",
    "ys = [g(xs)] * g(xs)\nreturn ys",
    "n = max(g(xs), min(g(xs), 1))\nxs[0] += n\nreturn xs",
    "xs = [n] * 3\nxs[0] = 1\nreturn xs",
    "n = 0x1F + 1_0 + 0b1 + 0o7\nxs[0] = n\nreturn xs",
    "for i in range(n):\n    n = 0\n    xs[0] += 1\nreturn xs",
    "n = True + True\nxs[0] = n & True | (n == 2)\nreturn xs",
]


@pytest.mark.parametrize("body", ORDERS)
def test_what_is_done_first_is_what_python_does_first(body):
    helper = "def g(xs: Array) -> Word:\n    xs[1] += 1\n    return xs[1]\n"
    text = f"def f{ARRAY}:\n" + "".join(f"    {line}\n" for line in body.splitlines()) + helper
    (f,) = parse_text(text, "f.py", "f")
    for arguments in ([[0, 0, 0, 0, 0, 0], 2], [[1, 1, 1, 1, 1, 1], 0], [[4, 2], 1], [[], 0]):
        assert compared(f, arguments, SMALL, 100).kind == "agree", arguments


def test_what_python_gives_instead_is_told(monkeypatch):
    monkeypatch.setitem(plain._BUILTINS, "max", min)
    found = compared(function("xs[0] = max(n, 3)\nreturn xs", ARRAY), [[9], 7], SMALL)
    assert found.kind == "differ"
    assert found.difference == (
        "the source gives [7] after 0 ticks, arrays [7], plain Python [3] after 0 ticks, arrays [3]"
    )
    monkeypatch.setitem(plain._BUILTINS, "max", None)
    assert "plain Python TypeError" in compared(function("n = max(n, 3)\nreturn xs", ARRAY), [[9], 7], SMALL).difference


def test_contracts_are_left_out_and_constants_and_several_files_are_there(tmp_path):
    (tmp_path / "near.py").write_text(
        "from ncl import Word\nSTEP = 3\ndef g(n: Word) -> Word:\n    return n // (n - STEP)\n"
    )
    text = (
        "from ncl import Array, Word, program, requires, invariant\nfrom .near import g, STEP\nTOP = 0x10\n@program\n"
        "def f(xs: Array, n: Word) -> Word:\n    requires(xs[99] == 1)\n    while n < TOP:\n"
        "        invariant(xs[99] == 1)\n        n += STEP\n    return g(n - 13)\n"
    )
    (f,) = parse_text(text, str(tmp_path / "main.py"))
    assert compared(f, [[], 1], SMALL).kind == "agree"
    found = compared(f, [[], 16], SMALL)
    assert found.kind == "agree" and found.python.result.trap.position == Position(4, 1, "near.py")


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "n.real",
        "[x for x in n]",
        "(lambda: n)()",
        "n[0:1]",
        "f'{n}'",
        "print(n, end=n)",
        "(m := n)",
    ],
)
def test_a_text_that_holds_more_than_the_language_is_not_run(text):
    f = replace(function("return n", WORDS), text=f"def f(n, m):\n    return {text}\n")
    with pytest.raises(CapacityError, match="is not run as Python"):
        run_plain(f, [1, 2], 8)


def test_no_name_leads_out_of_the_program():
    f = replace(function("return n", WORDS), text="def f(n, m):\n    return open(n)\n")
    assert "NameError" in run_plain(f, [1, 2], 8).raised


def test_a_deep_recursion_leaves_the_limit_as_it_was():
    (f,) = parse_text("def f(n: Word) -> Word:\n    return n + f(n - 1) if n else 0\n", "f.py", "f")
    before = sys.getrecursionlimit()
    assert compared(f, [300], Sizes(16, depth=400)).kind == "agree"
    assert sys.getrecursionlimit() == before


@pytest.mark.parametrize("name", library.names())
def test_a_program_of_the_library_is_what_python_makes_of_it(name):
    f = library.get(name)
    for example in library.examples(name):
        assert compared(f, example[0], Sizes(32, memory=4096, depth=2000), 20_000).kind in ("agree", "wrapped")
