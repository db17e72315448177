"""`ncl certify FILE && ncl gate FOLDER`, and everything that keeps a certificate from covering what is there."""

import json
import shutil

import pytest

from ncl.certificate import FILE_NAME
from ncl.gate import DEFAULT_POLICY


@pytest.fixture
def library(here, certified):
    """A certified artefact that a test may spoil."""
    shutil.copytree(certified, here / "library")
    return here / "library"


def test_a_users_own_program_is_certified_and_let_through(ncl, here, grant):
    grant(but=("compiled", "source", "executor", "weights"))
    ran = ncl("certify", "two.py:one", "--out", "made", "--width", "8", "--json")
    assert ran.code == 0
    assert set(ran.document) >= {"schema", "artefact", "certificate", "seal", "width", "programs", "obligations"}
    assert (ran.document["programs"], ran.document["softness"]) == (["one"], "soft-uncertified")
    passed = ncl("gate", "made", "--json")
    assert passed.code == 0
    assert set(passed.document) >= {"schema", "verdict", "certificate", "policy", "width", "programs", "soft"}
    assert (passed.document["verdict"], passed.document["certificate"]) == ("passed", ran.document["seal"])
    assert "passed: 1 programs at width 8" in ncl("gate", "made").out


def test_nothing_is_written_when_an_obligation_is_refuted(ncl, here, grant, monkeypatch):
    from ncl.verify.engine.obligation import Outcome

    case = {"schema": 1, "kind": "golden", "op": "add"}
    refuted = Outcome("refuted", "test", detail="2 + 2 is 5", counterexample=case)
    monkeypatch.setattr("ncl.verify.translation.check.check", lambda *_: refuted)
    grant(but=("source",))
    ran = ncl("certify", "two.py:one", "--out", "made", "--json")
    assert (ran.code, ran.document["error"]["class"]) == (1, "Refuted")
    assert "2 + 2 is 5" in ran.document["error"]["message"]
    (case,) = (here / ".ncl").iterdir()
    assert f"ncl replay .ncl/{case.name}" in ran.err and json.loads(case.read_text())["op"] == "add"
    assert not (here / "made").exists()


def test_nothing_is_written_when_an_obligation_is_undecided(ncl, here, grant, monkeypatch):
    monkeypatch.setattr("ncl.verify.translation.check.check", lambda *_: 1 // 0)
    grant(but=("source",))
    ran = ncl("certify", "two.py:one", "--out", "made", "--json")
    assert (ran.code, ran.document["error"]["class"]) == (3, "Undecided")
    assert not (here / "made").exists()


def test_an_artefact_and_a_run_and_a_checkpoint_pass(ncl, library, runs):
    for folder in (library, runs / "ncl", runs / "ncl" / "model"):
        assert ncl("gate", str(folder)).code == 0


def flip_a_weight(library):
    file = library / "weights.safetensors"
    body = bytearray(file.read_bytes())
    body[-9] ^= 1
    file.write_bytes(body)


def edit_an_instruction(library):
    file = library / "programs" / "reverse.json"
    program = json.loads(file.read_text())
    program["code"][0][2] += 1
    file.write_text(json.dumps(program))


def change_certificate(**changes):
    def change(library):
        file = library / FILE_NAME
        file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))

    return change


def drop_an_obligation(library):
    file = library / FILE_NAME
    paper = json.loads(file.read_text())
    paper["obligations"].pop()
    file.write_text(json.dumps(paper))


def remove(name):
    return lambda library: (library / name).unlink()


SPOILED = {
    "a flipped bit of the weights": (flip_a_weight, 1, "tensors"),
    "an edited instruction": (edit_an_instruction, 1, "programs reverse"),
    "another width": (change_certificate(width=12), 1, "width"),
    "an older torch": (change_certificate(versions={"torch": "0.1"}), 1, "torch"),
    "a dropped obligation": (drop_an_obligation, 1, "obligation"),
    "no certificate": (remove(FILE_NAME), 1, "no certificate there"),
    "another schema": (change_certificate(schema=99), 1, "schema 99"),
    "a certificate of other shape": (change_certificate(width="wide"), 1, "width"),
    "no weights": (remove("weights.safetensors"), 1, "weights.safetensors"),
    "a missing witness": (remove("witness/reverse.json"), 1, "do not belong together"),
    "a garbled program": (lambda f: (f / "programs" / "reverse.json").write_bytes(b"\xff{"), 1, "reverse.json"),
    "a program of another name": (
        lambda f: (f / "programs" / "reverse.json").rename(f / "programs" / "x.json"),
        1,
        "x",
    ),
    "garbled weights": (lambda f: (f / "weights.safetensors").write_bytes(b"\xff" * 40), 1, "not readable"),
}


@pytest.mark.parametrize("what", SPOILED)
def test_the_gate_refuses(ncl, library, what):
    spoil, code, told = SPOILED[what]
    spoil(library)
    ran = ncl("gate", str(library), "--json")
    assert ran.code == code
    assert told in ran.document["error"]["message"] + ran.document["error"]["where"]
    plain = ncl("gate", str(library))
    assert plain.code == code and plain.err.startswith("ncl: ")


def test_an_edited_policy_is_another_policy(ncl, here, library):
    rules = json.loads(DEFAULT_POLICY.read_text())
    rules["name"] = "mine"
    (here / "mine.json").write_text(json.dumps(rules))
    ran = ncl("gate", str(library), "--policy", "mine.json")
    assert ran.code == 1 and "policy" in ran.err


@pytest.mark.parametrize(
    "change",
    [{"obligations": []}, {"executors": []}, {"executors": 5}, {"schema": 2}, {"nix": 1}, {"obligations": [{"id": 3}]},
     {"obligations": [{"id": "golden/{nix}", "accept": ["proved"]}]}],
    ids=str,
)  # fmt: skip
def test_a_policy_that_is_none_is_refused(ncl, here, library, change):
    rules = {**json.loads(DEFAULT_POLICY.read_text()), **change}
    (here / "mine.json").write_text(json.dumps(rules))
    ran = ncl("gate", str(library), "--policy", "mine.json", "--json")
    assert (ran.code, ran.document["error"]["class"]) == (1, "FormatError")


def test_a_checkpoint_with_another_tokenizer_is_refused(ncl, here, runs):
    shutil.copytree(runs / "ncl", here / "run")
    file = here / "run" / "model" / "tokenizer.json"
    tokens = json.loads(file.read_text(encoding="utf-8"))
    vocabulary = tokens["model"]["vocab"]
    vocabulary["5"], vocabulary["6"] = vocabulary["6"], vocabulary["5"]
    file.write_text(json.dumps(tokens), encoding="utf-8")
    ran = ncl("gate", "run")
    assert ran.code == 1 and "tokenizer" in ran.err
