"""`ncl verify` and `ncl replay` on a program of a user's own; what holds of every program is left out."""

import json
from xml.etree import ElementTree

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


def test_a_spent_budget_is_undecided(ncl):
    ran = ncl(*QUICK, "--total-budget", "0", "--json")
    assert (ran.code, set(ran.document["verdicts"])) == (3, {"unknown"})


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
