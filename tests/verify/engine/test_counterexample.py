"""Counterexamples are small, replay on the real executors, and a bad file is said to be one."""

import json

import pytest

from ncl.errors import FormatError, NotFoundError
from ncl.language.text import assemble
from ncl.language.trace import Result
from ncl.properties.minimise import minimise
from ncl.verify.engine import counterexample, executors
from ncl.verify.runs import differential

FIRST = assemble("""
.program first_plus
.signature (xs: Array, k: Word) -> Word
.sizes width=8 registers=8 memory=16 frame=0 depth=0
.source 0
   0  constant r3, 0
   1  bound r3, r1
   2  load r0, r0, r3
   3  add r0, r0, r2
   4  halt
""")


def spoiled(program, batch, budget):
    """An executor that is wrong from 100 on, in arrays of two cells or more."""
    right = executors.run("reference", program, None, batch, budget)
    return [
        Result(7, r.ticks, r.steps) if len(a[0]) >= 2 and a[0][0] >= 100 else r
        for a, r in zip(batch, right, strict=True)
    ]


@pytest.fixture
def with_spoiled_bytecode(monkeypatch):
    from ncl.machine.executors import integer

    monkeypatch.setattr(integer, "run", spoiled)


def refute():
    return differential.check_executor("integer", None, FIRST, 60, 0)


def test_executors_that_agree_are_tested_with_the_number_of_runs():
    outcome = refute()
    assert outcome.verdict == "tested" and outcome.limits == {"samples": 60} and "60 random runs" in outcome.bound


def test_a_wrong_executor_is_refuted_with_the_smallest_arguments(with_spoiled_bytecode):
    outcome = refute()
    assert outcome.verdict == "refuted" and outcome.counterexample["arguments"] == [[100, 0], 0]
    assert "first_plus([100, 0], 0)" in outcome.detail and "integer gives 7" in outcome.detail


def test_a_counterexample_replays_while_the_fault_is_there_and_is_gone_after(tmp_path, monkeypatch):
    from ncl.machine.executors import integer

    with monkeypatch.context() as patched:
        patched.setattr(integer, "run", spoiled)
        file = counterexample.write(refute().counterexample, tmp_path, "executor/integer/first_plus")
        assert counterexample.replay(file).reproduced
    gone = counterexample.replay(file)
    assert not gone.reproduced and gone.expected == gone.got | {"steps": gone.expected["steps"]}
    assert gone.to_json()["verdict"] == "tested" and str(gone).startswith("gone: ")


def test_a_counterexample_carries_the_constants_of_its_source(tmp_path):
    from ncl import library
    from ncl.build import Compiled, sizes_for

    compiled = Compiled.of(library.get("stack"), sizes_for(8, memory=16))
    right = executors.run("source", compiled.program, compiled.function, [[[5, 6, 255]]], 99)[0]
    case = counterexample.program_case(
        compiled.program, compiled.function, [[5, 6, 255]], 99, ("source", right), ("reference", Result([5, 6], 9, 9))
    )
    assert "POP = ~0x0" in case["source"]["text"]
    assert not counterexample.replay(counterexample.write(case, tmp_path, "source/stack")).reproduced


def test_counterexamples_of_one_obligation_do_not_overwrite_each_other(tmp_path, with_spoiled_bytecode):
    case = refute().counterexample
    files = {counterexample.write(case | {"budget": n}, tmp_path, "a/b").name for n in range(3)}
    assert len(files) == 3


def test_minimising_reaches_a_smallest_failing_input():
    def fails(arguments):
        xs, k = arguments
        return len(xs) >= 3 and sum(xs) >= 10 and k > 4

    small = minimise([[200, 3, 77, 1, 0, 9], 250], fails)
    assert fails(small) and len(small[0]) == 3 and sum(small[0]) == 10 and small[1] == 5


def test_minimising_ends_even_when_everything_fails():
    assert minimise([[5, 6], 9], lambda _: True) == [[], 0]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema": 2, "kind": "program"}', '{"schema": 1, "kind": "os.system"}'],
)
def test_a_file_that_is_no_counterexample_is_a_format_error(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(FormatError, match="not a counterexample"):
        counterexample.replay(tmp_path / "x.json")


@pytest.mark.parametrize("lacking", ["program", "arguments", "budget", "executors", "source"])
def test_a_counterexample_with_a_part_missing_is_a_format_error(tmp_path, with_spoiled_bytecode, lacking):
    case = dict(refute().counterexample)
    del case[lacking]
    (tmp_path / "x.json").write_text(json.dumps(case))
    with pytest.raises(FormatError, match=f"not a counterexample: KeyError: '{lacking}'"):
        counterexample.replay(tmp_path / "x.json")


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(NotFoundError):
        counterexample.replay(tmp_path / "x.json")
