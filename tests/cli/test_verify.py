"""`ncl verify` and `ncl replay` on a program of a user's own; what holds of every program is left out."""

import json
import os
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ncl.cli import output

pytestmark = pytest.mark.usefixtures("in_this_process")

OBLIGATIONS = [
    "compiled/one",
    "cross-check/one",
    "executor/dense/one",
    "executor/integer/one",
    "executor/pathwise/one",
    "python/one",
    "source/one",
]
QUICK = ("verify", "two.py:one", "--no-machine", "--width", "4", "--jobs", "1")


def test_a_program_of_ones_own_is_shown(ncl):
    ran = ncl(*QUICK, "--json")
    document = ran.document
    assert ran.code == 0
    assert set(document) >= {"schema", "verdicts", "obligations", "certificate"}
    assert set(document["obligations"][0]) >= {
        "id", "subject", "kind", "verdict", "method", "bound", "solver", "seconds",
    }  # fmt: skip
    assert [o["id"] for o in sorted(document["obligations"], key=lambda o: o["id"])][:7] == OBLIGATIONS
    assert sum(document["verdicts"].values()) == len(document["obligations"])
    assert all(o["bound"] for o in document["obligations"] if o["verdict"].startswith(("tested", "proved-b")))


def test_the_table_names_kinds_verdicts_and_bounds(ncl):
    ran = ncl(*QUICK)
    assert ran.code == 0
    assert "source" in ran.out and "executor" in ran.out and "tested" in ran.out


def test_a_source_is_found_from_another_folder(ncl, here, monkeypatch):
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    assert ncl("verify", "../two.py:one", "--no-machine", "--width", "4", "--jobs", "1").code == 0


def test_the_second_time_the_cache_answers(ncl):
    assert not any(o["cached"] for o in ncl(*QUICK, "--json").document["obligations"])
    assert all(o["cached"] for o in ncl(*QUICK, "--json").document["obligations"])
    assert not any(o["cached"] for o in ncl(*QUICK, "--no-cache", "--json").document["obligations"])


def test_shards_are_a_partition(ncl):
    whole = {o["id"] for o in ncl(*QUICK, "--json").document["obligations"]}
    parts = [{o["id"] for o in ncl(*QUICK, "--shard", f"{k}/3", "--json").document["obligations"]} for k in (1, 2, 3)]
    assert set.union(*parts) == whole and sum(map(len, parts)) == len(whole)


def test_an_empty_shard_shows_nothing_and_is_not_green(ncl):
    ran = ncl(*QUICK, "--shard", "99/99", "--json")
    assert (ran.code, ran.document["obligations"]) == (3, [])


def test_reports_for_ci_are_written(ncl, here, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(here / "summary.md"))
    (here / "summary.md").write_text("earlier\n")
    assert ncl(*QUICK, "--junit", "out/v.xml", "--sarif", "out/v.sarif").code == 0
    suite = ElementTree.parse(here / "out" / "v.xml").getroot()[0]
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0") and int(suite.get("tests")) == len(suite)
    sarif = json.loads((here / "out" / "v.sarif").read_text())
    assert (sarif["version"], sarif["runs"][0]["results"]) == ("2.1.0", [])
    summary = (here / "summary.md").read_text()
    assert summary.startswith("earlier\n### ncl verify:") and "| source | 1 |" in summary


def test_a_summary_that_cannot_be_written_does_not_hide_the_verdict(ncl, here, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(here / "nix" / "summary.md"))
    ran = ncl(*QUICK)
    assert ran.code == 0 and "no step summary" in ran.err


def test_a_wrong_compiler_is_refuted_with_a_counterexample_that_replays(ncl, here, wrong_compiler):
    ran = ncl(*QUICK, "--junit", "v.xml", "--sarif", "v.sarif", "--json")
    assert ran.code == 1
    refuted = {o["id"]: o for o in ran.document["obligations"] if o["verdict"] == "refuted"}
    assert {"compiled/one", "source/one"} <= set(refuted)
    (case,) = [path for name, path in ran.document["counterexamples"].items() if name == "source/one"]
    assert refuted["source/one"]["counterexample"]["arguments"] == [0], "it is minimal"
    assert f"ncl replay {case}" in ncl(*QUICK).out
    assert int(ElementTree.parse(here / "v.xml").getroot()[0].get("failures")) == len(refuted)
    results = json.loads((here / "v.sarif").read_text())["runs"][0]["results"]
    assert {r["level"] for r in results} == {"error"} and len(results) == len(refuted)
    again = ncl("replay", case, "--json")
    assert (again.code, again.document["reproduced"]) == (1, True)
    assert "still there" in ncl("replay", case).out


def test_a_counterexample_is_gone_once_the_compiler_is_mended(ncl, wrong_compiler):
    found = ncl(*QUICK, "--json").document["counterexamples"]
    wrong_compiler.undo()
    ran = ncl("replay", found["source/one"], "--json")
    assert (ran.code, ran.document["reproduced"]) == (0, False)
    assert set(ran.document) >= {"schema", "verdict", "reproduced", "what", "expected", "got"}


def test_the_slowest_are_named_at_the_end(ncl):
    out = ncl(*QUICK).out
    assert "cross-check/one" in out.partition("slowest")[2]
    assert "slowest" not in ncl(*QUICK).out, "what the cache answers takes no time"


@pytest.mark.parametrize("option", ["--junit", "--sarif"])
def test_where_no_report_can_be_written_is_told_before_the_work(ncl, here, option, monkeypatch):
    (here / "file").write_text("")
    monkeypatch.setattr("ncl.build.artefact_of", lambda *_: pytest.fail("the work had begun"))
    ran = ncl(*QUICK, option, "file/v.out")
    assert ran.code == 2 and "cannot write" in ran.err and "file/v.out" in ran.err


def test_folders_for_reports_are_made_when_there_is_something_to_write(ncl, here):
    assert ncl("verify", "nix.py:f", "--junit", "out/deep/v.xml").code == 2
    assert not (here / "out").exists()
    assert ncl(*QUICK, "--junit", "out/deep/v.xml").code == 0
    assert [p.name for p in (here / "out" / "deep").iterdir()] == ["v.xml"]


def test_reports_and_cache_have_the_mode_that_umask_gives(ncl, here, wrong_compiler):
    before = os.umask(0o022)
    try:
        ran = ncl(*QUICK, "--junit", "v.xml", "--sarif", "v.sarif", "--json")
    finally:
        os.umask(before)
    files = ["v.xml", "v.sarif", *ran.document["counterexamples"].values(), *(here / "cache").rglob("*.json")]
    assert len(files) > 4 and {Path(file).stat().st_mode & 0o777 for file in files} == {0o644}


def test_a_report_may_go_to_a_stream(ncl, here):
    assert ncl(*QUICK, "--junit", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()


def test_a_log_without_a_terminal_gets_lines_of_what_runs_and_since_when(ncl, monkeypatch):
    monkeypatch.setattr(output, "QUIET", 0.01)
    err = ncl(*QUICK, "--no-cache").err
    assert "ncl: verifying" in err and "/8" in err
