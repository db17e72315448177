"""The gate lets through what a certificate covers and refuses everything else, with the reason in one line."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from ncl import certificate as record
from ncl import digests, gate, sources
from ncl.errors import FormatError, GateRefused
from ncl.language.program import Instruction, Program
from ncl.verify.certification.certify import compose


def reason(artefact, certificate, policy, **more):
    with pytest.raises(GateRefused) as caught:
        gate.require(artefact, certificate, policy, **more)
    assert caught.value.exit_code == 1
    assert "\n" not in caught.value.message
    return caught.value.message


def without(certificate, name):
    kept = tuple(o for o in certificate.obligations if o.id != name)
    assert len(kept) == len(certificate.obligations) - 1
    return certificate.model_copy(update={"obligations": kept}).sealed()


def with_record(certificate, name, **changes):
    changed = tuple(o.model_copy(update=changes) if o.id == name else o for o in certificate.obligations)
    assert changed != certificate.obligations
    return certificate.model_copy(update={"obligations": changed}).sealed()


def test_an_untouched_artefact_passes_and_its_permit_names_what_was_covered(artefact, certificate, policy):
    permit = gate.require(artefact, certificate, policy, executor="integer", device="cpu")
    assert permit.programs == certificate.programs and permit.policy == policy.digest and permit.width == 8
    permit.recheck(artefact)


def test_a_certificate_read_back_from_its_file_passes(artefact, certificate, policy, tmp_path):
    record.write(certificate, tmp_path / record.FILE_NAME)
    gate.require(artefact, tmp_path, policy)
    gate.require(artefact, tmp_path / record.FILE_NAME, policy)


# --- tampering -------------------------------------------------------------------------------------------------------


def test_one_bit_of_a_weight_is_refused(artefact, certificate, policy):
    bits = artefact.weights["table"].view(torch.int32)
    bits[1, 2] ^= 1
    assert "tensors" in reason(artefact, certificate, policy)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: {"table": t.double()},
        lambda t: {"table": t.reshape(3, 2)},
        lambda t: {"other": t},
        lambda t: {"table": t, "extra": t},
        lambda t: {},
        lambda t: {"table": t.to(torch.bfloat16)},
    ],
    ids=["dtype", "shape", "name", "extra", "none", "cast"],
)
def test_tensors_loaded_otherwise_than_certified_are_refused(artefact, certificate, policy, change):
    assert "tensors" in reason(artefact, certificate, policy, tensors=change(artefact.weights["table"]))


def test_minus_zero_is_another_weight(artefact, certificate, policy):
    artefact.weights["table"][0, 0] = -0.0
    assert "tensors" in reason(artefact, certificate, policy)


def test_the_layout_in_memory_does_not_matter(artefact, certificate, policy):
    turned = artefact.weights["table"].t().contiguous().t()
    gate.require(artefact, certificate, policy, tensors={"table": turned})


def test_an_edited_program_is_refused(artefact, certificate, policy):
    program = artefact.programs["double"]
    data = json.loads(json.dumps(program.to_json()))
    data["code"][0][3] = 1
    artefact.programs["double"] = Program.from_json(data)
    assert "programs double: certified" in reason(artefact, certificate, policy)


def test_an_edited_witness_is_refused(artefact, certificate, policy):
    artefact.witnesses["double"].where["x"] = 1
    assert "witnesses double" in reason(artefact, certificate, policy)


def test_a_program_added_after_certifying_is_refused_for_itself_and_its_obligations(artefact, certificate, policy):
    artefact.programs["triple"] = replace(artefact.programs["double"], name="triple")
    message = reason(artefact, certificate, policy)
    assert "programs triple: not in the certificate" in message and "obligation source/triple is missing" in message


def test_another_librarys_certificate_is_refused(artefact, policy):
    other = replace(artefact.programs["double"], code=(Instruction(16, 0, 0, 1), Instruction(0)))
    theirs = replace_programs(artefact, {"double": other})
    paper = certify_well(theirs, policy)
    assert "programs double" in reason(artefact, paper, policy)


def test_another_width_is_refused(artefact, certificate, policy):
    program = artefact.programs["double"]
    artefact.programs["double"] = replace(program, sizes=replace(program.sizes, width=9))
    assert "width 9, certified at 8" in reason(artefact, certificate, policy)


@pytest.mark.parametrize("room, file", [("machine", "ncl/machine/step.py"), ("properties", "ncl/properties/suite.py")])
def test_one_edited_line_of_an_installed_copy_is_refused(certificate, tmp_path, room, file):
    sources.copy_to(tmp_path)
    certified = tmp_path / "certificate.json"
    program = [
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])",
        "from ncl import certificate as record",
        "assert record.__file__.startswith(sys.argv[1]), record.__file__",
        "paper = record.read(Path(sys.argv[2]))",
        "print('; '.join(record.uncovered(paper, {'sources': record.source_digests()})) or 'covered')",
    ]
    command = [sys.executable, "-I", "-c", "\n".join(program), str(tmp_path), str(certified)]
    record.write(certificate.model_copy(update={"sources": record.source_digests(tmp_path)}), certified)
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "covered"
    place = tmp_path / file
    place.write_text(place.read_text() + "\nEDITED = True\n")
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told.startswith(f"sources {room}: certified") and told.count("sources") == 1


def test_edited_sources_reach_the_gate(artefact, certificate, policy, monkeypatch):
    now = record.source_digests() | {"machine": "0" * 64}
    monkeypatch.setattr(record, "source_digests", lambda root=None: now)
    assert "sources machine" in reason(artefact, certificate, policy)


def test_an_edited_policy_is_refused(artefact, certificate, policy, tmp_path):
    data = json.loads(gate.DEFAULT_POLICY.read_text())
    data["obligations"][0]["at_least"] = {"examples": 2}
    (tmp_path / "policy.json").write_text(json.dumps(data))
    edited = gate.read_policy(tmp_path / "policy.json")
    assert reason(artefact, certificate, edited).count("policy") == 1


@pytest.mark.parametrize("name", ["torch", "numba", "python"])
def test_stale_versions_are_refused(artefact, certificate, policy, name):
    old = certificate.model_copy(update={"versions": dict(certificate.versions) | {name: "0.1"}}).sealed()
    assert "certified with 0.1" in reason(artefact, old, policy)


def test_an_uncertified_executor_is_refused(artefact, certificate, policy):
    assert "executor dense is not certified" in reason(artefact, certificate, policy, executor="dense")


def test_another_device_or_tokenizer_is_refused(artefact, certificate, policy):
    assert "device" in reason(artefact, certificate, policy, device="cuda")
    assert "tokenizer" in reason(artefact, certificate, policy, tokenizer="0" * 64)


def test_an_empty_artefact_is_refused(artefact, policy, certificate):
    assert "no program" in reason(replace_programs(artefact, {}), certificate, policy)


# --- the certificate's own claims ------------------------------------------------------------------------------------


def test_every_single_dropped_obligation_is_refused_by_name(artefact, certificate, policy):
    for name in gate.required_obligations(artefact, policy):
        assert f"obligation {name} is missing" in reason(artefact, without(certificate, name), policy)


def test_a_certificate_without_any_obligation_is_refused(artefact, certificate, policy):
    bare = certificate.model_copy(update={"obligations": ()}).sealed()
    assert "is missing" in reason(artefact, bare, policy)


@pytest.mark.parametrize("verdict", ["unknown", "refuted", "vacuous", "skipped"])
def test_a_verdict_that_is_not_green_is_refused(artefact, certificate, policy, verdict):
    message = reason(artefact, with_record(certificate, "step/pc", verdict=verdict), policy)
    assert f"obligation step/pc is {verdict}" in message


def test_a_weaker_green_verdict_than_the_policy_accepts_is_refused(artefact, certificate, policy):
    assert "step/pc is tested" in reason(artefact, with_record(certificate, "step/pc", verdict="tested"), policy)


def test_a_bound_that_reaches_too_short_is_refused(artefact, certificate, policy):
    short = with_record(certificate, "cross-check/double", verdict="proved-bounded", limits={"samples": 9})
    assert "samples 9 of at least 100" in reason(artefact, short, policy)


def test_an_obligation_twice_is_refused_because_the_worse_could_hide(artefact, certificate, policy):
    bad = next(o for o in certificate.obligations if o.id == "step/pc").model_copy(update={"verdict": "refuted"})
    twice = certificate.model_copy(update={"obligations": (*certificate.obligations, bad)}).sealed()
    assert "more than once" in reason(artefact, twice, policy)


def test_something_refuted_beyond_the_policy_is_refused_too(artefact, certificate, policy):
    extra = certificate.obligations[0].model_copy(update={"id": "beyond/all", "verdict": "refuted"})
    paper = certificate.model_copy(update={"obligations": (*certificate.obligations, extra)}).sealed()
    assert "beyond/all is refuted" in reason(artefact, paper, policy)


def test_a_certificate_edited_by_hand_does_not_match_its_seal(artefact, certificate, policy):
    edited = certificate.model_copy(update={"device": "cuda"})
    assert "seal" in reason(artefact, edited, policy)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"schema": 2}', '{"schema": 1}', "\x00"], ids=range(7))
def test_a_file_that_is_no_certificate_is_a_refusal(artefact, policy, tmp_path, text):
    (tmp_path / "certificate.json").write_text(text)
    assert "certificate" in reason(artefact, tmp_path, policy)


def test_a_missing_certificate_is_a_refusal(artefact, policy, tmp_path):
    assert "no certificate" in reason(artefact, tmp_path / "nowhere", policy)
    assert "no certificate" in reason(artefact, None, policy)


def test_unknown_fields_in_a_certificate_are_a_format_error(certificate):
    with pytest.raises(FormatError, match="trust_me"):
        record.from_json(certificate.to_json() | {"trust_me": True})


# --- permits ---------------------------------------------------------------------------------------------------------


def test_a_weight_changed_during_training_is_found_at_the_next_checkpoint(artefact, certificate, policy):
    permit = gate.require(artefact, certificate, policy)
    artefact.weights["table"] += 1
    with pytest.raises(GateRefused, match="tensors changed since the gate"):
        permit.recheck(artefact)


def test_without_a_ceiling_every_soft_temperature_is_uncertified(artefact, certificate, policy):
    permit = gate.require(artefact, certificate, policy)
    assert permit.standing(0.0) == "hard" and permit.standing(1e-9) == "soft-uncertified"
    assert certificate.softness == "soft-uncertified"


def test_a_ceiling_certifies_up_to_itself(artefact, certificate, policy):
    paper = certificate.model_copy(update={"tau": 0.5, "epsilon": 0.01}).sealed()
    permit = gate.require(artefact, paper, policy)
    assert (permit.standing(0.5), permit.standing(0.51)) == ("certified", "soft-uncertified")


# --- broken gates are noticed ----------------------------------------------------------------------------------------


def test_a_gate_that_trusted_the_certificates_own_list_would_be_caught(artefact, certificate, policy, monkeypatch):
    lacking = without(certificate, "step/pc")

    def trusting(subject, rules):
        return {o.id: gate.Requirement((o.verdict,), {}) for o in lacking.obligations}

    monkeypatch.setattr(gate, "required_obligations", trusting)
    with pytest.raises(pytest.fail.Exception):
        reason(artefact, lacking, policy)


def test_a_gate_that_let_unknown_pass_would_be_caught(artefact, certificate, policy, monkeypatch):
    monkeypatch.setattr(gate.Requirement, "fault", lambda self, shown: "")
    with pytest.raises(pytest.fail.Exception):
        reason(artefact, with_record(certificate, "step/pc", verdict="unknown"), policy)


def test_a_gate_that_hashed_names_only_would_be_caught(artefact, certificate, policy, monkeypatch):
    monkeypatch.setattr(digests, "_parts", lambda name, tensor: (name, "", (), b""))
    blind = certify_well(artefact, policy)
    artefact.weights["table"] += 1
    with pytest.raises(pytest.fail.Exception):
        reason(artefact, blind, policy)


def replace_programs(artefact, programs):
    return type(artefact)(programs, dict(artefact.witnesses), dict(artefact.weights))


def certify_well(artefact, policy):
    from ncl.verify.engine.obligation import Obligation, Outcome
    from ncl.verify.engine.runner import Finding

    found = [
        Finding(Obligation(n, "s", "k", "m:f"), Outcome(r.accept[0], "given", bound="k", limits=dict(r.at_least)))
        for n, r in gate.required_obligations(artefact, policy).items()
    ]
    return compose(artefact, policy, found)
