"""`ncl faults`: its document, its exit codes. The faults themselves are tried in `tests/faults`."""

import pytest

from ncl.verify.mutation import catalogue
from ncl.verify.mutation.laboratory import Fault

DOCUMENT = {"schema", "mutants", "equivalent", "killed", "by_stratum", "by_checker", "broken_checkers", "known_right"}
CHEAP = "an opcode that is none"
HARMLESS = Fault("nothing at all", "ops", (), "ncl.verify.runs.golden:check", (16,))


@pytest.fixture(autouse=True)
def controls_left_out(monkeypatch):
    for name in ("BROKEN", "RIGHT", "EQUIVALENT"):
        monkeypatch.setattr(catalogue, name, ())


def test_a_killed_fault_exits_with_0(ncl):
    ran = ncl("faults", "--only", CHEAP, "--jobs", "1", "--json")
    assert ran.code == 0
    assert set(ran.document) >= DOCUMENT
    assert (ran.document["mutants"], ran.document["killed"]) == (1, 1)
    assert ran.document["by_stratum"] == {"program-memory": 1}
    assert set(ran.document["broken_checkers"]) == {"total", "red"}
    assert set(ran.document["known_right"]) == {"total", "accepted"}


def test_a_fault_that_survives_exits_with_1(ncl, monkeypatch):
    monkeypatch.setattr(catalogue, "FAULTS", (HARMLESS,))
    ran = ncl("faults", "--jobs", "1")
    assert ran.code == 1
    assert "survived" in ran.out and "0 of 1 killed" in ran.out


def test_the_strata_are_told_when_nothing_matches(ncl):
    ran = ncl("faults", "--only", "nix")
    assert ran.code == 2 and "compiler" in ran.err and "step" in ran.err
