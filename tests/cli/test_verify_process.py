"""`ncl verify` with its worker processes: budgets, progress, and what an interrupted run leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

PLANTED = Path(__file__).parent.parent / "verify"
# The command line with other obligations; a shell's background job has SIGINT ignored, a user's terminal does not.
ENTRY = f"""
import signal, sys
sys.path.append({str(PLANTED)!r})
signal.signal(signal.SIGINT, signal.default_int_handler)
import planted_checkers as planted
from ncl.cli import output
from ncl.cli.main import main
from ncl.verify.certification import prove

output.QUIET = 0.2
asked = [
    planted.make("a/quick", "give", "proved", budget=500.0),
    planted.make("a/deaf", "deaf", 600.0, "pid", budget=400.0),
    planted.make("a/never", "give", "proved", budget=300.0),
]
prove.obligations = lambda *_, **__: asked
main()
"""
REPORTS = ("--junit", "v.xml", "--sarif", "v.sarif", "--no-cache")


def begin(here, *options, entry=ENTRY):
    """The run, when its second obligation hears nothing any more."""
    command = [sys.executable, "-c", entry, "verify", "two.py:one", "--jobs", "1", *options]
    environment = os.environ | {"GITHUB_STEP_SUMMARY": str(here / "summary.md")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    while not (here / "pid").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    return process


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_writes_what_it_knows_and_exits_130(here, sent):
    process = begin(here, *REPORTS, "--json")
    process.send_signal(sent)
    out, err = process.communicate(timeout=240)
    assert (process.returncode, err.splitlines()[-1]) == (130, "ncl: interrupted")
    document = json.loads(out)
    assert document["interrupted"] and document["verdicts"] == {"proved": 1, "skipped": 2}
    assert [o["verdict"] for o in document["obligations"]] == ["proved", "skipped", "skipped"]
    suite = ElementTree.parse(here / "v.xml").getroot()[0]
    assert {k: suite.get(k) for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4", "failures": "0", "errors": "1", "skipped": "2",
    }  # fmt: skip
    assert len(suite) == 4 and len(suite.findall("testcase/skipped")) == 2
    run = json.loads((here / "v.sarif").read_text())["runs"][0]
    assert run["invocations"] == [{"executionSuccessful": False}]
    assert [r["level"] for r in run["results"]] == ["note", "note"]
    assert "interrupted: 2 of 3 obligations were left out" in (here / "summary.md").read_text()
    assert not list(here.glob(".*.tmp"))


def test_an_interrupted_run_tells_people_too(here):
    process = begin(here)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 130 and "Traceback" not in err
    assert "2 skipped: the run was interrupted" in out and "a/quick" in out.partition("slowest")[2]


def test_a_log_names_what_runs_and_since_when_and_a_budget_ends_it(here):
    process = begin(here, "--budget", "2", "--no-cache", "--json")
    out, err = process.communicate(timeout=240)
    assert process.returncode == 3
    told = [line for line in err.splitlines() if "a/deaf for" in line]
    assert told and told[0].startswith("ncl: verifying 1/3") and "Traceback" not in err
    found = {o["id"]: o for o in json.loads(out)["obligations"]}
    assert (found["a/deaf"]["verdict"], found["a/deaf"]["detail"]) == ("unknown", "more than 2 s")
    assert found["a/never"]["verdict"] == "proved"


def test_a_spent_budget_is_undecided(ncl):
    ran = ncl("verify", "two.py:one", "--no-machine", "--width", "4", "--total-budget", "0", "--json")
    assert (ran.code, set(ran.document["verdicts"])) == (3, {"unknown"})


@pytest.mark.parametrize("budget", ["nan", "-1", "inf"])
def test_a_budget_that_is_no_number_of_seconds_is_refused(ncl, budget):
    ran = ncl("verify", "two.py:one", "--no-machine", "--width", "4", "--budget", budget, "--json")
    assert ran.code == 2
