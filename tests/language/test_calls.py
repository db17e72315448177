"""Functions that call functions: what belongs to a program, what each gives back, and how a run goes through calls."""

import sys

import pytest
from declared import fibonacci, swap_ends, swapped_twice

from ncl.errors import LanguageError
from ncl.language.interpret.source import run_source, trace_source
from ncl.language.opcodes import Trap
from ncl.language.parse import parse_text
from ncl.language.program import Position, Sizes
from ncl.language.reach import NEW, origins

FILE = """
LIMIT = 3
FAR = 9

def leaf(n: Word) -> Word:
    return n + LIMIT

def middle(n: Word) -> Word:
    return leaf(n) if n else other(n)

def other(n: Word) -> Word:
    return middle(n + 1)

def alone(n: Word) -> Word:
    return n

@program
def top(n: Word) -> Word:
    return middle(n)
"""


def named(name, text=FILE):
    return parse_text(text, "f.py", name)[0]


def test_a_program_is_a_function_with_all_that_it_reaches():
    assert [f.name for f in named("top").others] == ["leaf", "middle", "other"]
    assert [f.name for f in named("middle").others] == ["leaf", "other"]
    assert named("leaf").others == named("alone").others == ()
    assert list(named("top").program) == ["top", "leaf", "middle", "other"]


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("n + LIMIT", "n - LIMIT", True), ("LIMIT = 3", "LIMIT = 4", True), ("middle(n + 1)", "middle(n + 2)", True),
        ("FAR = 9", "FAR = 8", False), ("    return n\n", "    return n + 1\n", False),
    ],
)  # fmt: skip
def test_the_digest_covers_every_function_and_constant_of_the_program_and_nothing_else(old, new, changed):
    assert old in FILE
    assert (named("top").digest != named("top", FILE.replace(old, new)).digest) == changed


def test_the_digest_of_a_function_that_calls_nothing_is_of_its_own_text():
    assert named("leaf").digest == named("leaf", FILE.replace("n + 1", "n + 2")).digest
    assert named("middle").digest != named("middle", FILE.replace("n + 1", "n + 2")).digest


def test_a_program_written_out_whole_reads_back_to_the_same_program():
    for name in ("top", "middle", "other", "leaf"):
        function = named(name)
        again = named(name, function.whole)
        assert again.digest == function.digest
        assert run_source(again, [0]).same_meaning(run_source(function, [0]))
        assert "alone" not in function.whole and "FAR" not in function.whole


def test_violations_of_every_function_that_is_reached_are_reported_at_once_and_those_of_others_are_not():
    text = FILE.replace("n + LIMIT", "n / LIMIT").replace("middle(n + 1)", "middle(-n)")
    text = text.replace("    return n\n", "    return 1.5\n")
    with pytest.raises(LanguageError) as caught:
        named("top", text)
    assert [(v.line, v.reason.split(",")[0]) for v in caught.value.violations] == [
        (6, "`/` gives fractions"),
        (12, "words are unsigned"),
    ]


ARRAYS = """
def new(n: Word) -> Array:
    ys = [0] * n
    return ys

def same(n: Word, xs: Array) -> Array:
    return xs

def new_by_call(n: Word) -> Array:
    zs = new(n)
    return zs

def same_by_call(xs: Array, n: Word) -> Array:
    xs = same(n, xs)
    return xs

def replaced(xs: Array, n: Word) -> Array:
    if n:
        xs = [n] * 2
    return xs

def two(xs: Array, ys: Array, n: Word) -> Array:
    if n:
        return xs
    return ys

def going_round(xs: Array, n: Word) -> Array:
    if n:
        xs = back(xs, n - 1)
    return xs

def back(ys: Array, n: Word) -> Array:
    ys = going_round(ys, n)
    return ys
"""


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("new", {NEW}), ("same", {"xs"}), ("new_by_call", {NEW}), ("same_by_call", {"xs"}), ("replaced", {NEW, "xs"}),
        ("two", {"xs", "ys"}), ("going_round", {"xs"}), ("back", {"ys"}),
    ],
)  # fmt: skip
def test_what_a_function_gives_back_is_found_through_its_calls(name, given):
    assert origins(named(name, ARRAYS).program)[name] == given


ALIASES = [
    ("zs = same(n, xs)", "xs is given back: another name for it would be an alias"),
    ("xs = two(xs, ys, n)", "xs and ys are given on different paths"),
    ("xs = replaced(xs, n)", "a new array and xs are given on different paths"),
    ("zs = going_round(ys, n)", "ys is given back: another name for it would be an alias"),
    ("two(xs, xs, n)", "xs is passed twice: two names for it would be an alias"),
]


@pytest.mark.parametrize(("statement", "reason"), ALIASES)
def test_a_second_name_for_an_array_is_refused(statement, reason):
    text = ARRAYS + f"\ndef f(xs: Array, ys: Array, n: Word) -> Word:\n    {statement}\n    return n\n"
    with pytest.raises(LanguageError) as caught:
        named("f", text)
    assert [v.reason for v in caught.value.violations] == [reason]


@pytest.mark.parametrize("statement", ["xs = same(n, xs)", "same(n, xs)", "zs = new(n)", "xs = new(n)",
                                       "two(xs, ys, n)", "ys = going_round(ys, n)"])  # fmt: skip
def test_what_keeps_one_name_for_each_array_is_read(statement):
    text = ARRAYS + f"\ndef f(xs: Array, ys: Array, n: Word) -> Word:\n    {statement}\n    return n\n"
    assert run_source(named("f", text), [[1], [2], 3]).result == 3


DEEP = "def deep(n: Word) -> Word:\n    return 1 + deep(n - 1) if n else 0\n"


def test_the_source_interpreter_goes_as_deep_as_the_machine_allows_and_leaves_python_as_it_was():
    before = sys.getrecursionlimit()
    sizes = Sizes(depth=3000)
    assert run_source(named("deep", DEEP), [3000], sizes).result == 3000
    trapped = run_source(named("deep", DEEP), [3001], sizes).trap
    assert (trapped.kind, trapped.position) == (Trap.STACK, Position(2, 16))
    assert sys.getrecursionlimit() == before


def test_a_trace_of_the_source_shows_the_variables_of_the_function_that_is_open():
    text = "def f(n: Word) -> Word:\n    m = g(n + 1)\n    return m\n\ndef g(k: Word) -> Word:\n    return k * 2\n"
    steps = list(trace_source(named("f", text), [3]))
    assert steps == [
        (Position(2, 5), {"n": 3}), (Position(6, 5), {"k": 4}), (Position(3, 5), {"n": 3, "m": 8}),
    ]  # fmt: skip


def test_a_program_that_calls_programs_runs_from_python_in_both_ways():
    assert fibonacci(10) == fibonacci.python(10) == 55
    mine = [1, 2, 3]
    assert swapped_twice(mine) == [1, 2, 3] == mine
    assert swapped_twice.python(mine) is mine and mine == [1, 2, 3]
    assert swap_ends(mine) == [3, 2, 1] and mine == [1, 2, 3], "outside of .python the caller's list stays as it is"
