"""Every shipped program: its own examples; and the first ones on random inputs against plain Python, up to hundreds of
elements. What the others are in Python stands in the files beside this one."""

import ast
import random
from collections import Counter
from pathlib import Path

import pytest

import ncl
from ncl import library
from ncl.errors import NotFoundError
from ncl.language.opcodes import Trap

LENGTHS = (0, 1, 2, 3, 7, 30, 100, 301)


def stack(ops, top=65535):
    left = []
    for word in ops:
        if word != top:
            left.append(word)
        elif left:
            left.pop()
    return left


# What each program is, in Python. Every file here has such a table, and together they know all programs.
MEANINGS = {
    "reverse": lambda xs: xs[::-1],
    "copy": lambda xs: list(xs),
    "count": lambda xs, s: Counter(xs)[s],
    "running_count": lambda xs, s: [Counter(xs[: n + 1])[s] for n in range(len(xs))],
    "stack": stack,
    "insertion_sort": sorted,
    "modsum": lambda xs, m: sum(xs) % m,
}


@pytest.fixture(scope="module")
def compiled():
    return {name: ncl.compile(name) for name in library.names()}


def random_arguments(function, chance, length):
    style = chance.choice(["all", "few", "pops"])
    words = {
        "all": lambda: chance.randrange(1 << 16),
        "few": lambda: chance.randrange(4),
        "pops": lambda: chance.choice([65535, chance.randrange(9)]),
    }[style]
    if function.name == "modsum":
        return [[chance.randrange(1 << 15) for _ in range(length)], chance.randrange(1, 1 << 15)]
    xs = [words() for _ in range(length)]
    if [p.sort for p in function.signature.parameters] == ["array", "word"]:
        return [xs, chance.choice([*xs, words()])]
    return [xs]


def test_there_is_a_meaning_for_every_program():
    found = []
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        for statement in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "MEANINGS":
                found += [ast.literal_eval(key) for key in statement.value.keys]
    assert sorted(found) == sorted(library.names())


@pytest.mark.parametrize("name", library.names())
def test_the_examples_in_the_docstring_hold(name, compiled):
    examples = library.examples(name)
    assert len(examples) >= 3
    results = compiled[name].run([arguments for arguments, _ in examples])
    assert [r.result for r in results] == [result for _, result in examples]
    if library.get(name).signature.parameters[0].sort == "array":
        assert any(arguments[0] == [] for arguments, _ in examples), "the empty list is an example"


@pytest.mark.parametrize("name", MEANINGS)
def test_random_inputs_give_what_python_gives(name, compiled):
    chance = random.Random(name)
    function = library.get(name)
    batch = [random_arguments(function, chance, length) for length in LENGTHS for _ in range(6)]
    results = compiled[name].run(batch, executor="integer")
    for arguments, result in zip(batch, results, strict=True):
        assert result.trap is None
        assert result.result == MEANINGS[name](*arguments), arguments


@pytest.mark.parametrize("name", MEANINGS)
def test_source_and_compiled_loop_agree_on_long_inputs(name, compiled):
    chance = random.Random(f"{name} again")
    batch = [random_arguments(library.get(name), chance, length) for length in (2, 40)]
    expected = compiled[name].run(batch, executor="source")
    assert all(a.same_meaning(b) for a, b in zip(compiled[name].run(batch), expected, strict=True))


@pytest.mark.parametrize("name", library.names())
def test_a_program_says_what_it_does_and_what_it_requires(name):
    text = library.get(name).documentation
    assert text.splitlines()[0].endswith(".")
    assert "Requires" in text


@pytest.mark.parametrize("width", [3, 8, 11])
def test_the_word_that_pops_is_the_largest_of_the_width(width):
    top = (1 << width) - 1
    code = ncl.compile("stack", width=width)
    ops = [1, 2, top, 3, top, top, top]
    assert code.run([[ops]])[0].result == stack(ops, top) == []
    assert code.run([[[5, top, top - 1]]])[0].result == [top - 1]


def test_a_precondition_that_does_not_hold_traps_or_wraps_as_written():
    assert ncl.compile("modsum").run([[[1], 0], [[], 0]])[1].trap.kind is Trap.DIVISION
    assert ncl.compile("copy", width=4, memory=9).run([[[1] * 5]])[0].trap.kind is Trap.MEMORY
    assert ncl.compile("modsum", width=4).run([[[9, 9], 15]])[0].result == (18 % 16) % 15


def test_programs_with_arguments_that_fill_all_of_memory_run(compiled):
    xs = list(range(4096))
    for name in ("reverse", "count", "running_count", "stack"):
        arguments = [xs, 7][: len(library.get(name).signature.parameters)]
        (result,) = compiled[name].run([arguments])
        if name == "stack":  # its own cells for the result no longer fit
            assert result.trap.kind is Trap.MEMORY
        else:
            assert result.result == MEANINGS[name](*arguments) if name != "running_count" else result.result[7] == 1


def test_names_come_in_a_fixed_order_and_each_has_a_file_of_its_own():
    assert library.names() == tuple(library.ROOMS)
    for name in library.names():
        function = library.get(name)
        assert function.name == name and function.file == f"ncl/library/{library.ROOMS[name]}/{name}.py"


def test_a_name_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(NotFoundError, match=r"'bogosort'\n  remedy: (write \w+|`ncl library` lists them)"):
        library.get("bogosort")
