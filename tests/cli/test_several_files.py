"""A program over several files on the command line: compiled, run, traced, verified and replayed like any other."""

import json

import pytest

from ncl.build import EXECUTORS, Artefact
from ncl.language.program import Position

MAIN = """from ncl import Word, ensures, program, requires, result

from .parts.steps import step
from .parts.limits import LIMIT


@program
def main(n: Word) -> Word:
    requires(n < LIMIT)
    ensures(result == n + 1)
    return step(n)
"""
STEPS = """from ncl import Word, ensures, requires, result

from .limits import LIMIT


def step(n: Word) -> Word:
    requires(n < LIMIT)
    ensures(result == n + 1)
    assert n != LIMIT
    return n + 1
"""
pytestmark = pytest.mark.usefixtures("in_this_process")

QUICK = ("verify", "main.py:main", "--no-machine", "--width", "4", "--jobs", "1", "--json")
SOURCE = {"source/main", "compiled/main", "cross-check/main", "python/main", "contract/main"}


@pytest.fixture
def files(here):
    """Three of them in the current folder; `files(text)` writes another parts/steps.py."""
    (here / "parts").mkdir()
    (here / "main.py").write_text(MAIN)
    (here / "parts/limits.py").write_text("LIMIT = 5\n")

    def steps(text=STEPS):
        (here / "parts/steps.py").write_text(text)

    steps()
    return steps


@pytest.mark.parametrize("executor", EXECUTORS)
def test_every_executor_runs_it_and_names_the_file_of_a_trap(ncl, files, executor):
    assert ncl("run", "main.py", "3", "--width", "3", "--executor", executor).out == "4\n"
    ran = ncl("run", "main.py", "5", "--width", "3", "--executor", executor, "--json")
    assert ran.document["trap"] == {"kind": "assert", "line": 9, "column": 5, "file": "parts/steps.py"}


def test_a_run_with_its_contracts_checked_names_the_file_of_the_broken_one(ncl, files):
    files(STEPS.replace("return n + 1", "return n + 2"))
    ran = ncl("run", "main.py", "3", "--check")
    assert ran.code == 1 and "ensures(result == n + 1) does not hold at line 8, column 5 of parts/steps.py" in ran.out


def test_a_trace_names_the_file_of_every_line_that_is_not_in_the_programs_own(ncl, files):
    ran = ncl("trace", "main.py", "5", "--executor", "source", "--json")
    assert [(s["line"], s.get("file")) for s in ran.document["states"]] == [(11, None), (9, "parts/steps.py")]
    for executor in ("reference", "integer"):
        ran = ncl("trace", "main.py", "5", "--executor", executor, "--json")
        assert ran.document["trap"]["file"] == "parts/steps.py"
        assert {(s["line"], s.get("file")) for s in ran.document["states"]} >= {(11, None), (9, "parts/steps.py")}
    assert "trap assert at line 9, column 5 of parts/steps.py" in ncl("trace", "main.py", "5").out


def test_an_artefact_holds_the_files_of_its_places_and_a_digest_of_all_sources(ncl, files, here):
    assert ncl("compile", "main.py", "--out", "first").code == 0
    first = Artefact.load("first").programs["main"]
    assert Position(9, 5, "parts/steps.py") in first.positions and any(p and not p.file for p in first.positions)
    text = ncl("disasm", "main.py").out
    assert "; parts/steps.py:9:5" in text and "; 11:12" in text
    for number, change in enumerate((STEPS.replace("n + 1\n", "1 + n\n"), STEPS), 1):
        files(change)
        assert ncl("compile", "main.py", "--out", f"again{number}").code == 0
        again = Artefact.load(f"again{number}").programs["main"]
        assert (again.source == first.source, again == first) == (change == STEPS, change == STEPS)
    (here / "parts/limits.py").write_text("LIMIT = 4\n")
    assert ncl("compile", "main.py", "--out", "other").code == 0
    assert Artefact.load("other").programs["main"].source != first.source


def test_it_is_verified_and_proved_again_once_an_imported_file_has_changed(ncl, files, here):
    def cached():
        ran = ncl(*QUICK)
        assert ran.code == 0, ran.err
        found = {o["id"]: o for o in ran.document["obligations"] if o["id"] in SOURCE}
        assert (
            found.keys() == SOURCE and found["contract/main"]["verdict"] == found["source/main"]["verdict"] == "proved"
        )
        return {o["cached"] for o in found.values()}

    assert cached() == {False}
    assert cached() == {True}
    files(STEPS.replace("return n + 1", "return 1 + n"))
    assert cached() == {False}
    (here / "parts/limits.py").write_text("LIMIT = 4\n")
    assert cached() == {False}


def test_a_contract_that_fails_in_an_imported_file_is_refuted_there_and_replays(ncl, files, here):
    files(STEPS.replace("return n + 1", "return n + 1 if n < 3 else 7"))
    ran = ncl("verify", "main.py", "--no-machine", "--width", "4", "--jobs", "1", "--json", "--sarif", "x.sarif")
    (broken,) = (o for o in ran.document["obligations"] if o["id"] == "contract/main")
    assert ran.code == 1 and broken["verdict"] == "refuted" and "of parts/steps.py" in broken["detail"]
    results = json.loads((here / "x.sarif").read_text())["runs"][0]["results"]
    (place,) = (r["locations"][0]["physicalLocation"] for r in results if r["ruleId"] == "contract")
    assert place["artifactLocation"]["uri"] == "parts/steps.py" and place["region"]["startLine"] == 8
    replayed = ncl("replay", ran.document["counterexamples"]["contract/main"])
    assert replayed.code == 1 and "ensures(result == n + 1) does not hold" in replayed.out


def test_a_wrong_compiler_is_refuted_by_it_and_the_counterexample_stands_alone(ncl, files, here, wrong_compiler):
    case = ncl(*QUICK).document["counterexamples"]["cross-check/main"]
    for file in ("main.py", "parts/steps.py", "parts/limits.py"):
        (here / file).unlink()
    assert ncl("replay", case).code == 1
    wrong_compiler.undo()
    assert ncl("replay", case).code == 0


def test_a_missing_file_is_told_with_its_remedy(ncl, files, here):
    (here / "parts/steps.py").unlink()
    ran = ncl("run", "main.py", "3")
    assert ran.code == 2
    assert "main.py:11:12: step cannot be imported: parts/steps.py: no such file" in ran.err
    assert "remedy: write that file, or mend `from .parts.steps import step`" in ran.err
