"""The functions of the language itself: what their rows say, what is compiled for them, and what they are in Python."""

import random
from itertools import product

import pytest

from ncl.compiler.compile import compile_function
from ncl.language import declare
from ncl.language.builtins import BUILTINS, IMPORTED, ROWS
from ncl.language.interpret.machine import finish, loaded
from ncl.language.interpret.source import run_source
from ncl.language.opcodes import Trap
from ncl.language.parse import parse_text
from ncl.language.program import Position, Sizes
from ncl.language.word import Integers

NAMES = tuple(BUILTINS)


def function(name, count):
    """A program that gives what the function gives."""
    words = "abcd"[:count]
    call = f"abs({' - '.join(words)})" if name == "abs" else f"{name}({', '.join(words)})"
    signature = ", ".join(f"{word}: Word" for word in words)
    head = f"from ncl import {name}\n\n" if name in IMPORTED else ""
    return parse_text(f"{head}def f({signature}) -> Word:\n    return {call}\n", "f.py", "f")[0]


def meaning(name, width, words):
    row = BUILTINS[name]
    if row.traps_on_zero and words[-1] == 0:
        return None
    return row.meaning(Integers(width), *words)


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_every_row_means_what_its_examples_say(row):
    assert len(row.examples) >= 5 or row.traps_on_zero
    for width, words, result in row.examples:
        assert meaning(row.name, width, words) == result, (width, words)


def runs(name, width, every):
    """Source interpreter and machine code on each tuple of words, with what the row says."""
    programs = {}
    for words in every:
        if len(words) not in programs:
            source = function(name, len(words))
            programs[len(words)] = source, compile_function(source, Sizes(width=width, memory=0))[0]
        source, program = programs[len(words)]
        got = finish(loaded(program, list(words)))
        assert got.same_meaning(run_source(source, list(words), program.sizes)), words
        assert got.result == meaning(name, width, words), words
        if got.result is None:
            assert got.trap.kind == Trap.DIVISION and got.trap.position == Position(source.position.line + 1, 12)


@pytest.mark.parametrize("width", [1, 2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_machine_code_is_the_row_for_every_word_of_a_narrow_machine(name, width):
    row = BUILTINS[name]
    counts = {row.least, row.most or 3}
    runs(name, width, [words for n in counts for words in product(range(1 << width), repeat=n)])


@pytest.mark.parametrize("name", NAMES)
def test_machine_code_is_the_row_at_full_width(name):
    chance, row = random.Random(name), BUILTINS[name]
    edges = [0, 1, 2, (1 << 31) - 1, 1 << 31, (1 << 31) + 1, (1 << 32) - 1]
    words = [chance.choice([*edges, chance.getrandbits(32), chance.getrandbits(5)]) for _ in range(300 * row.least)]
    runs(name, 32, [tuple(words[n : n + row.least]) for n in range(0, len(words), row.least)])


@pytest.mark.parametrize("name", sorted(IMPORTED))
def test_the_signed_functions_are_python_s_own_on_numbers_that_fit(name):
    row, width = BUILTINS[name], 4
    for numbers in product(range(-8, 8), repeat=row.least):
        if row.traps_on_zero and numbers[-1] == 0:
            continue
        python = getattr(declare, name)(*numbers)
        assert python % 16 == meaning(name, width, [n % 16 for n in numbers]), numbers


@pytest.mark.parametrize(("name", "python"), [("min", min), ("max", max)])
def test_min_and_max_are_python_s_own(name, python):
    for numbers in product(range(16), repeat=2):
        assert meaning(name, 4, numbers) == python(numbers)
        assert meaning("abs", 4, numbers) == abs(numbers[0] - numbers[1])


def test_an_import_may_rename_a_function_and_a_file_may_have_its_own_min():
    text = """
from ncl import signed_less as below

def min(a: Word, b: Word) -> Word:
    return a * 100 + b

def f(a: Word, b: Word) -> Word:
    return below(a, b) + min(a, b)
"""
    (read,) = parse_text(text, "f.py", "f")
    assert [f.name for f in read.others] == ["min"]
    assert run_source(read, [1, 2]).result == 103
    again = parse_text(read.whole, "f.py", "f")[0]
    assert run_source(again, [1, 2]).result == 103
    assert again.digest == read.digest
