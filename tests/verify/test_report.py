"""Reports say what was found, and nothing that is not green passes in any of them."""

import json
from xml.etree import ElementTree

import planted_checkers as planted
import pytest

from ncl.verify import report
from ncl.verify.obligation import VERDICTS, Outcome
from ncl.verify.runner import Finding


def finding(verdict, name="source/reverse", **more):
    return Finding(planted.make(name, "give"), Outcome(verdict, "m", bound="k", seconds=0.5, **more))


def test_the_document_has_the_stable_keys():
    document = report.document([finding("proved"), finding("tested", "golden/add")])
    assert document["schema"] == 1 and document["certificate"] is None
    assert document["verdicts"] == {"proved": 1, "tested": 1}
    wanted = {"id", "subject", "kind", "verdict", "method", "bound", "solver", "seconds"}
    assert all(wanted <= set(row) for row in document["obligations"])
    json.dumps(document, allow_nan=False)


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_exit_code_is_0_for_green_only(verdict):
    expected = {"proved": 0, "proved-bounded": 0, "tested": 0, "refuted": 1}.get(verdict, 3)
    assert report.exit_code([finding("proved"), finding(verdict)]) == expected


def test_nothing_shown_is_not_success():
    assert report.exit_code([]) == 3


def test_a_refutation_outweighs_an_unknown():
    assert report.exit_code([finding("unknown"), finding("refuted")]) == 1


@pytest.mark.parametrize("verdict", VERDICTS)
def test_junit_counts_everything_that_is_not_green(verdict):
    root = ElementTree.fromstring(report.junit([finding(verdict, detail="why\x00 <so>")]).split("\n", 1)[1])
    suite = root.find("testsuite")
    bad = int(suite.get("failures")) + int(suite.get("errors"))
    assert suite.get("tests") == "1" and bad == (verdict not in ("proved", "proved-bounded", "tested"))
    assert bool(list(suite.find("testcase"))) == bool(bad)


def test_sarif_has_a_result_for_each_obligation_that_is_not_green():
    place = {"file": "a.py", "line": 3, "column": 1}
    found = [
        finding("proved"),
        finding("refuted", detail="d", counterexample={"kind": "program", "place": place}),
        finding("unknown", "step/pc"),
    ]
    (run,) = report.sarif(found)["runs"]
    assert [r["level"] for r in run["results"]] == ["error", "warning"]
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 3
    rules = [r["id"] for r in run["tool"]["driver"]["rules"]]
    assert all(rules[r["ruleIndex"]] == r["ruleId"] for r in run["results"])


def test_the_summary_names_counts_bounds_and_what_is_not_green():
    text = report.summary([finding("proved-bounded"), finding("unknown", "step/pc", detail="a|b")])
    assert "1 proved-bounded, 1 unknown" in text and "`step/pc`" in text and "a\\|b" in text and "| k |" in text
