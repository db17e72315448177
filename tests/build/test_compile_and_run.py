"""`ncl.compile(…).run(…)`: what may be compiled, what may be handed in, what comes back, what is refused."""

from pathlib import Path

import mine
import numpy as np
import pytest
import torch

import ncl
from ncl import build
from ncl.errors import CapacityError, InputError, LanguageError, NotFoundError
from ncl.language.opcodes import Trap
from ncl.language.program import Position
from ncl.language.trace import TrapReport, first_divergence

FILE = str(Path(mine.__file__))
SMALL = {"width": 4, "memory": 8, "registers": 12}


@pytest.mark.parametrize("target", [f"{FILE}:largest", mine.largest, mine.largest.python, mine.largest.function])
def test_a_program_is_named_by_file_function_or_tree(target):
    compiled = ncl.compile(target)
    assert (compiled.program.name, compiled.witness.function) == ("largest", "largest")
    results = compiled.run([[[3, 17, 5]], [[]]], executor="reference")
    assert [(r.result, r.ticks, r.trap) for r in results] == [(17, 4, None), (0, 1, None)]


def test_a_file_of_several_programs_needs_a_name():
    with pytest.raises(InputError, match="it holds 3 programs: largest, pairs, careful\n  remedy: name one: FILE:FUNC"):
        ncl.compile(FILE)


@pytest.mark.parametrize("executor", build.EXECUTORS)
def test_every_executor_gives_the_same_results(executor):
    pairs, careful = ncl.compile(mine.pairs, **SMALL), ncl.compile(mine.careful, **SMALL)
    assert [r.result for r in pairs.run([[[1, 2], [3, 15], 2], [[1, 2], [3, 4], 0]], executor=executor)] == [
        [4, 1],
        [1, 2],
    ]
    found = careful.run([[2], [0], [9]], executor=executor)
    assert [(r.result, r.trap) for r in found] == [
        (3, None),
        (None, TrapReport(Trap.DIVISION, Position(25, 12))),
        (None, TrapReport(Trap.ASSERT, Position(24, 5))),
    ]
    assert all((r.steps is None) == (executor == "source") for r in found)
    (short,) = pairs.run([[[1, 2], [3, 4], 2]], executor=executor, budget=1)
    assert (short.ticks, short.trap) == (1, TrapReport(Trap.BUDGET, Position(17, 5)))


@pytest.mark.parametrize("executor", build.EXECUTORS)
def test_an_empty_batch_gives_no_results(executor):
    assert ncl.compile(mine.largest, **SMALL).run([], executor=executor) == []


@pytest.mark.parametrize(
    "words",
    [
        [3, 1, 2],
        (3, 1, 2),
        np.array([3, 1, 2]),
        np.array([3, 1, 2], dtype=np.uint8),
        torch.tensor([3, 1, 2]),
        [np.int64(3), np.uint8(1), torch.tensor(2)],
    ],
)
def test_lists_tuples_arrays_and_tensors_are_all_arrays(words):
    assert ncl.compile("reverse").run([[words]], executor="reference")[0].result == [2, 1, 3]


@pytest.mark.parametrize("word", [3, np.int64(3), np.uint16(3), np.array(3), torch.tensor(3)])
def test_numbers_of_any_kind_are_words(word):
    assert ncl.compile("count").run([[[3, 1, 3], word]], executor="reference")[0].result == 2


def test_a_batch_may_be_any_iterable_of_argument_lists():
    batch = ([[n] * n] for n in range(3))
    assert [r.result for r in ncl.compile("reverse").run(batch, executor="reference")] == [[], [1], [2, 2]]


def test_what_is_handed_in_is_never_written_to():
    xs, array = [3, 1, 2], np.array([3, 1, 2])
    for executor in build.EXECUTORS:
        ncl.compile("reverse", **SMALL).run([[xs], [array]], executor=executor)
    assert xs == [3, 1, 2] and array.tolist() == [3, 1, 2]


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (None, "a batch is a list of argument lists, got None"),
        (5, "a batch is a list of argument lists, got 5"),
        ("text", "a batch is a list of argument lists, got 'text'"),
        ([5], "the arguments of one run are a list, got 5"),
        ([["text"]], "argument xs must be an array, got 'text'"),
        ([{"xs": [1]}], "the arguments of one run are a list"),
        ([[1, 2]], "expected 1 arguments, got 2"),
        ([[]], "expected 1 arguments, got 0"),
        ([[5]], "argument xs must be an array, got 5"),
        ([[[1.0]]], "argument xs holds 1.0, which is no word in 0 … 65535"),
        ([[np.array([1.0])]], "argument xs holds 1.0"),
        ([[np.array([True])]], "argument xs holds True"),
        ([[np.zeros((2, 2), dtype=int)]], r"argument xs holds \[0, 0\]"),
        ([[torch.tensor([-1])]], "argument xs holds -1"),
        ([[[65536]]], "argument xs holds 65536.*\n  remedy: choose a larger --width"),
        ([[[None]]], "argument xs holds None"),
        ([[[10**5000]]], "argument xs holds a number of thousands of digits, which is no word"),
        ([[10**5000]], "argument xs must be an array, got a number of thousands of digits"),
        ([[[0] * 4097]], "the arrays take 4097 cells, the memory has 4096"),
    ],
)
def test_arguments_that_are_none_are_refused_by_every_executor(batch, message):
    compiled = ncl.compile("reverse")
    for executor in build.EXECUTORS:
        with pytest.raises(InputError, match=message):
            compiled.run(batch, executor=executor)
    with pytest.raises(InputError):
        compiled.trace(batch[0] if isinstance(batch, list) else batch)


@pytest.mark.parametrize("budget", [-1, 1 << 62, 1.5, None, "3", True])
def test_a_budget_that_is_none_is_refused_by_every_executor(budget):
    compiled = ncl.compile("reverse", **SMALL)
    for executor in build.EXECUTORS:
        with pytest.raises(InputError, match="a budget is a number of ticks"):
            compiled.run([[[1, 2]]], executor=executor, budget=budget)
    for executor in ("reference", "integer", "dense"):
        with pytest.raises(InputError, match="a budget is a number of ticks"):
            compiled.trace([[1, 2]], executor=executor, budget=budget)


def test_an_executor_that_is_none_is_refused_with_those_there_are():
    compiled = ncl.compile("reverse")
    with pytest.raises(InputError, match="no executor 'fast' here\n  remedy: choose one of source, reference, integer"):
        compiled.run([[[1]]], executor="fast")
    with pytest.raises(InputError, match="no executor 'source' here"):
        compiled.trace([[1]], executor="source")
    with pytest.raises(InputError, match="no executor 'reference' here"):
        compiled.module(executor="reference")


@pytest.mark.parametrize(
    ("options", "fault", "message"),
    [
        ({"width": 0}, InputError, "width 0"),
        ({"width": 33}, InputError, "width 33"),
        ({"width": "8"}, InputError, "width is '8'"),
        ({"registers": 2}, CapacityError, "2 registers, at least 3 are needed"),
        ({"memory": 70000}, InputError, "memory 70000 is not in 0 … N = 65536"),
        ({"registers": 3, "frame": 2}, CapacityError, "frame slots are needed, frame memory has 2"),
    ],
)
def test_a_machine_that_cannot_be_or_cannot_hold_the_program_is_refused(options, fault, message):
    with pytest.raises(fault, match=message):
        ncl.compile("insertion_sort", **options)


def test_what_cannot_be_compiled_is_refused():
    with pytest.raises(LanguageError, match="5 is no word of width 2"):
        ncl.compile(mine.careful, width=2)
    for nothing in ("none.py", "none.py:f", "none", 5, None, len):
        with pytest.raises(NotFoundError):
            ncl.compile(nothing)


def test_the_default_memory_is_4096_cells_or_all_that_the_width_can_name():
    assert [build.sizes_for(w).memory for w in (1, 8, 12, 13, 16, 32)] == [2, 256, 4096, 4096, 4096, 4096]


def test_traces_of_reference_integer_and_dense_are_the_same_states():
    compiled = ncl.compile("reverse", width=3, memory=4, registers=8)
    reference, integer, dense = (compiled.trace([[1, 2, 3]], executor=e) for e in ("reference", "integer", "dense"))
    assert first_divergence(reference, integer) is None and first_divergence(reference, dense) is None
    assert reference[-1].halted and reference[-1].memory[:3] == (3, 2, 1)


def test_states_come_one_by_one_so_that_an_endless_run_can_be_watched():
    compiled = ncl.compile("reverse", width=3, memory=4, registers=8)
    walk = compiled.states([[1, 2, 3]])
    assert next(walk).pc == 0 and next(walk).pc == 1
