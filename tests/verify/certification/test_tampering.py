"""The gate's tampering trials: refused as they are, and a gate that lets one through is refuted by its name."""

from pathlib import Path

import pytest

from ncl import certificate as record
from ncl import gate, sources
from ncl.verify.certification import tampering, trials
from ncl.verify.engine import counterexample

HOME = Path(record.__file__).parent.parent


@pytest.fixture(scope="module")
def case():
    return trials.honest()


def test_every_tampering_is_refused_and_the_honest_artefact_is_not():
    found = tampering.check()
    assert found.verdict == "tested", found.detail
    assert found.limits["trials"] > 60


def test_trials_have_names_of_their_own(case):
    names = [t.name for t in (*trials.TRIALS, *trials.dropped(case))]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("trial", trials.TRIALS, ids=lambda t: t.name)
def test_a_tampering_is_refused_for_what_it_is(trial, case):
    assert tampering.fault_of(trial, case) == ""


def let_through(monkeypatch, name):
    found = tampering.check()
    assert found.verdict == "refuted" and name in found.detail, found
    monkeypatch.undo()
    return found


def test_a_gate_that_does_not_compare_the_seal_is_refuted(monkeypatch, tmp_path):
    real = record.uncovered
    blind = lambda certificate, loaded: real(certificate, {k: v for k, v in loaded.items() if k != "seal"})  # noqa: E731
    monkeypatch.setattr(record, "uncovered", blind)
    found = tampering.check()
    file = counterexample.write(found.counterexample, tmp_path, "gate")
    assert counterexample.replay(file).reproduced
    let_through(monkeypatch, "a certificate edited by hand: let through")
    assert not counterexample.replay(file).reproduced


def test_a_gate_that_forgets_a_kind_of_obligation_is_refuted(monkeypatch):
    real = gate.required_obligations
    fewer = lambda *given: {k: v for k, v in real(*given).items() if not k.startswith("loop/")}  # noqa: E731
    monkeypatch.setattr(gate, "required_obligations", fewer)
    let_through(monkeypatch, "loop/is_zero left out")


def test_a_gate_that_forgets_one_obligation_is_refuted(monkeypatch):
    real = gate.required_obligations
    fewer = lambda *given: {k: v for k, v in real(*given).items() if k != "kernel/xor"}  # noqa: E731
    monkeypatch.setattr(gate, "required_obligations", fewer)
    let_through(monkeypatch, "kernel/xor may be left out")


@pytest.mark.parametrize(
    "path", ["ncl/gate.py", "ncl/llama/reader/ensemble.py", "ncl/policy.json", "ncl/properties/suite.py"]
)
def test_a_digest_that_leaves_out_a_file_is_refuted(path, monkeypatch):
    monkeypatch.setitem(sources.EXEMPT, path, "planted")
    let_through(monkeypatch, f"{path} shows in no digest")


def test_sources_that_are_not_there_and_are_digested_all_the_same_are_refuted(monkeypatch):
    real = sources.source_digests
    blind = lambda root=None: real(root) if (root or HOME / "x").joinpath("ncl/llama").is_dir() else real()  # noqa: E731
    monkeypatch.setattr(record, "source_digests", blind)
    let_through(monkeypatch, "a room that is not there is digested all the same")


def test_a_gate_that_does_not_look_where_modules_come_from_is_refuted(monkeypatch):
    monkeypatch.setattr(sources, "foreign_modules", list)
    let_through(monkeypatch, "a module that comes from elsewhere is let in")


def test_a_permit_that_does_not_look_again_is_refuted(monkeypatch):
    monkeypatch.setattr(gate.Permit, "recheck", lambda self, artefact, tensors=None: None)
    let_through(monkeypatch, "not seen when the permit looks again")


def test_a_gate_that_refuses_everything_is_refuted(monkeypatch):
    monkeypatch.setattr(gate, "unmet", lambda required, shown: ["no"])
    let_through(monkeypatch, "the honest artefact: refused")
