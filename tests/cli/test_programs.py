"""`compile run trace disasm library`: what they do, and the documents that they print."""

import json

import pytest

from ncl import library
from ncl.build import EXECUTORS, Artefact


@pytest.mark.parametrize("executor", EXECUTORS)
def test_every_executor_runs_and_says_so(ncl, executor):
    document = ncl("run", "reverse", [1, 2, 3], "--width", "3", "--executor", executor, "--json").document
    assert set(document) == {"schema", "program", "executor", "width", "result", "ticks", "steps", "trap"}
    assert (document["executor"], document["width"]) == (executor, 3)
    assert (document["result"], document["trap"]) == ([3, 2, 1], None)


def test_a_result_is_printed_as_json(ncl):
    assert ncl("run", "mine.py", [3, 17, 5]).out == "17\n"
    assert ncl("run", "copy", []).out == "[]\n"


def test_a_trap_exits_with_1_and_names_its_place(ncl):
    ran = ncl("run", "two.py:pick", [1], "4", "--json")
    assert ran.code == 1
    assert (ran.document["result"], ran.document["trap"]) == (None, {"kind": "index", "line": 12, "column": 12})
    assert "trap index at line 12" in ncl("run", "two.py:pick", [1], "4").out


def test_a_check_tells_the_first_operation_that_wraps_and_where_it_stands(ncl, here):
    (here / "wraps.py").write_text(
        "from ncl import Word, program\n\n\n@program\ndef f(n: Word) -> Word:\n    n -= 1\n    return n - 7\n"
    )
    ran = ncl("run", "wraps.py", "5", "--check")
    assert (ran.code, ran.out) == (0, "65533\n")
    assert "first wrap: wraps.py:7:12: 4 - 7 is 65533 here and -3 in Python" in ran.err
    document = ncl("run", "wraps.py", "5", "--check", "--json").document
    assert document["wrap"] == {"operation": "4 - 7", "word": 65533, "python": -3, "line": 7, "column": 12}
    assert document["python"] == "wrapped"
    assert "wrap" not in ncl("run", "wraps.py", "9", "--check").err
    document = ncl("run", "wraps.py", "9", "--check", "--json").document
    assert (document["wrap"], document["python"], document["result"]) == (None, "agree", 1)


def test_a_check_fails_where_plain_python_says_something_else(ncl, monkeypatch):
    from ncl.language.interpret import plain

    monkeypatch.setitem(plain._BUILTINS, "len", lambda xs: 0)
    ran = ncl("run", "reverse", [1, 2, 3], "--check")
    assert ran.code == 1 and ran.out == "[3, 2, 1]\n"
    assert "plain Python differs: the source gives [3, 2, 1] after" in ran.err


@pytest.mark.parametrize("command", ["run shifts.py 3", "compile shifts.py"])
def test_a_shift_by_a_written_number_of_the_width_or_more_is_noted(ncl, here, command):
    body = "    n <<= 16\n    n >>= ~0\n    return n >> 20 | n << 15 | n << n\n"
    (here / "shifts.py").write_text(f"from ncl import Word, program\n\n\n@program\ndef f(n: Word) -> Word:\n{body}")
    assert ncl(*command.split()).err.splitlines() == [
        "note: shifts.py:6:5: a shift by 16 gives 0 at width 16",
        "note: shifts.py:7:5: a shift by 65535 gives 0 at width 16",
        "note: shifts.py:8:12: a shift by 20 gives 0 at width 16",
    ]
    assert len(ncl(*command.split(), "--width", "21").err.splitlines()) == 1


def test_a_budget_ends_a_run(ncl):
    assert ncl("run", "mine.py", [1, 2, 3], "--budget", "2", "--json").document["trap"]["kind"] == "budget"


def test_a_trace_shows_every_state(ncl):
    document = ncl("trace", "two.py:one", "6", "--json").document
    assert [s["instruction"].split()[0] for s in document["states"]] == ["constant", "add", "halt", "halt"]
    assert document["states"][-1]["registers"][0] == 7 and document["states"][-1]["halted"]
    assert (document["total"], document["trap"], document["divergence"]) == (4, None, None)


def test_a_trace_is_cut_but_counted(ncl):
    ran = ncl("trace", "two.py:one", "6", "--limit", "1")
    assert "… 3 more states" in ran.out
    document = ncl("trace", "two.py:one", "6", "--limit", "1", "--json").document
    assert (len(document["states"]), document["total"]) == (1, 4)


def test_a_trace_ends_with_its_trap(ncl):
    ran = ncl("trace", "two.py:pick", [1], "4", "--json")
    assert (ran.code, ran.document["trap"]) == (1, {"kind": "index", "line": 12, "column": 12})


def test_executors_that_agree_are_said_to(ncl):
    ran = ncl("trace", "reverse", [1, 2, 3], "--against", "integer")
    assert ran.code == 0 and "agree in every state" in ran.out


def test_the_first_divergence_is_named(ncl, monkeypatch):
    from dataclasses import replace

    from ncl.machine.executors import integer

    def wrong(program, arguments, budget, walk=integer.walk):
        for step, state in enumerate(walk(program, arguments, budget)):
            yield replace(state, ticks=9) if step == 2 else state

    monkeypatch.setattr(integer, "walk", wrong)
    ran = ncl("trace", "two.py:one", "6", "--against", "integer", "--json")
    assert ran.code == 1
    assert ran.document["divergence"] == {"step": 2, "component": "ticks", "expected": 0, "got": 9}


def test_the_source_is_traced_by_its_variables(ncl):
    document = ncl("trace", "mine.py", [3, 5], "--executor", "source", "--json").document
    assert document["states"][-1]["variables"]["best"] == 5
    assert document["total"] == len(document["states"]) and document["trap"] is None
    ran = ncl("trace", "two.py:pick", [1], "4", "--executor", "source", "--json")
    assert (ran.code, ran.document["trap"]["kind"]) == (1, "index")


def test_assembly_reads_back_to_the_same_program(ncl, here):
    document = ncl("disasm", "insertion_sort", "--json").document
    assert set(document) == {"schema", "program", "text"}
    assert ncl("disasm", "insertion_sort", "--out", "a.ncla").out == ""
    (here / "program.json").write_text(json.dumps(document["program"]), encoding="utf-8")
    for again in ("a.ncla", "program.json"):
        assert ncl("disasm", again, "--json").document == document


def test_programs_are_compiled_into_an_artefact(ncl, here):
    document = ncl("compile", "two.py", "--out", "made", "--width", "8", "--json").document
    assert set(document) == {"schema", "programs", "width", "artefact"}
    assert [(p["name"], p["signature"]) for p in document["programs"]] == [
        ("one", "(x: Word) -> Word"), ("pick", "(xs: Array, k: Word) -> Word"),
    ]  # fmt: skip
    assert sorted(Artefact.load(here / "made").programs) == ["one", "pick"]
    assert ncl("compile", "mine.py", "--out", "made").code == 0, "an artefact is replaced"
    assert sorted(Artefact.load(here / "made").programs) == ["largest"]


def test_the_library_is_listed_with_what_is_known(ncl):
    document = ncl("library", "--json").document
    assert [p["name"] for p in document["programs"]] == list(library.names())
    keys = {"name", "signature", "source_verdict", "has_contract", "contract_verdict", "instructions"}
    assert all(set(p) >= keys and p["contract_verdict"] is None for p in document["programs"])
    assert {p["source_verdict"] for p in document["programs"]} == {None}, "nothing is verified yet"
    assert {p["name"]: p["has_contract"] for p in document["programs"]}["gcd"]
    assert "not verified" in ncl("library").out


def test_a_library_program_shows_its_source(ncl):
    assert "def reverse(xs: Array) -> Array:" in ncl("library", "reverse").out
    assert set(ncl("library", "reverse", "--json").document) == {"schema", "name", "source", "documentation"}


def test_a_program_is_found_from_another_folder(ncl, here, monkeypatch):
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    assert ncl("run", "../mine.py", [4, 2]).out == "4\n"
    assert ncl("run", f"{here}/two.py:one", "4").out == "5\n"
