"""The list of all that is to be shown, and certificates that are written only when all of it was."""

from dataclasses import replace

import pytest
import torch

from ncl import certificate as record
from ncl import gate
from ncl.build import build_library, compile
from ncl.errors import ConfigurationError, Refuted, Undecided
from ncl.verify.certification import certify, prove
from ncl.verify.engine.obligation import Outcome
from ncl.verify.engine.runner import Finding


@pytest.fixture(scope="module")
def artefact():
    weights = {"table": torch.tensor([1.0, 2.0])}
    return build_library(["reverse", "count"], width=8, memory=16, weights=weights)


def well(artefact, policy=None):
    """Findings in which every obligation was met as asked."""
    rules = policy or gate.read_policy()
    required = gate.required_obligations(artefact, rules)
    return [
        Finding(o, Outcome(required[o.id].accept[0], "given", bound="as asked", limits=required[o.id].at_least))
        for o in prove.obligations(artefact, executors=rules.executors)
        if o.kind != "contract"
    ]


def test_what_is_shown_is_what_the_default_policy_requires(artefact):
    rules = gate.read_policy()
    shown = [o.id for o in prove.obligations(artefact, executors=rules.executors)]
    assert len(shown) == len(set(shown))
    # A program may have no contract, so no policy asks for it by default.
    more = {f"contract/{name}" for name in ("reverse", "count")}
    assert set(shown) - more == set(gate.required_obligations(artefact, rules))
    assert more <= set(shown)


def test_every_obligation_names_its_kind_and_can_be_digested(artefact):
    for obligation in prove.obligations(artefact):
        assert obligation.id.startswith(f"{obligation.kind}/") and obligation.digest()


def test_without_the_machine_only_the_programs_are_left(artefact):
    kinds = {o.kind for o in prove.obligations(artefact, machine=False)}
    assert kinds == {"weights", "compiled", "source", "cross-check", "python", "contract", "executor"}


def test_weights_that_are_not_finite_are_refuted_as_they_are_loaded(artefact):
    def finite(**options):
        (found,) = [o.run() for o in prove.obligations(artefact, machine=False, **options) if o.kind == "weights"]
        return found.verdict

    assert finite() == "proved"
    assert finite(tensors={"table": torch.tensor([1.0, float("nan")])}) == "refuted"
    # 70 000 is a float32, and no float16.
    assert finite(tensors={"table": torch.tensor([70000.0]).half()}) == "refuted"


def test_a_program_whose_source_is_not_at_hand_is_said_so(artefact):
    strange = replace(artefact.programs["count"], source="0" * 64)
    lacking = replace(artefact, programs={"count": strange}, functions={})
    with pytest.raises(ConfigurationError, match="the source of count"):
        prove.obligations(lacking)


def test_programs_of_several_widths_are_not_proved_together(artefact):
    other = compile("reverse", width=9).program
    with pytest.raises(ConfigurationError, match="widths"):
        prove.obligations(replace(artefact, programs={**artefact.programs, "reverse": other}))


def test_a_proof_is_ok_only_when_all_is_green_and_something_was_shown(artefact):
    findings = well(artefact)
    assert prove.Proof(tuple(findings)).ok and prove.Proof(tuple(findings)).check()
    assert not prove.Proof(()).ok
    with pytest.raises(Undecided):
        prove.Proof(()).check()
    bad = replace(findings[0], outcome=Outcome("refuted", "m", detail="why"))
    with pytest.raises(Refuted, match="why"):
        prove.Proof((bad, *findings[1:])).check()


# --- certify ---------------------------------------------------------------------------------------------------------


def test_a_certificate_is_made_when_everything_was_met(artefact, tmp_path):
    certificate = certify.certify(artefact, findings=well(artefact), out=tmp_path)
    assert certificate.seal == certificate.content_digest() and record.read(tmp_path) == certificate
    gate.require(artefact, tmp_path, gate.read_policy())


def test_nothing_is_written_when_an_obligation_is_refuted_or_not_met(artefact, tmp_path):
    findings = well(artefact)
    for verdict, error in (("refuted", Refuted), ("unknown", Undecided), ("vacuous", Undecided)):
        bad = replace(findings[3], outcome=Outcome(verdict, "m", detail="because"))
        with pytest.raises(error, match="because"):
            certify.certify(artefact, findings=[*findings[:3], bad, *findings[4:]], out=tmp_path)
    with pytest.raises(Undecided, match="is missing"):
        certify.certify(artefact, findings=findings[1:], out=tmp_path)
    assert not list(tmp_path.iterdir())


def test_findings_about_another_artefact_are_refused(artefact):
    other = build_library(["reverse", "count"], width=8, memory=15, weights=artefact.weights)
    with pytest.raises(Undecided, match="findings about something else: compiled/reverse"):
        certify.certify(artefact, findings=well(other))


def test_findings_about_weights_before_their_cast_are_refused(artefact):
    cast = {"table": torch.tensor([1e9, 2.0]).half()}
    with pytest.raises(Undecided, match="weights/finite"):
        certify.certify(artefact, findings=well(artefact), tensors=cast)


def test_sources_that_change_while_they_are_proved_void_the_proof(artefact, monkeypatch):
    answers = iter([{"machine": "a"}, {"machine": "b"}])
    monkeypatch.setattr(record, "source_digests", lambda root=None: next(answers))
    with pytest.raises(Undecided, match="changed while"):
        certify.certify(artefact, findings=well(artefact))
