"""The trials of the gate: an artefact with an honest certificate, and one thing spoiled about either in each trial.

The artefact is small, of two library programs; its certificate is honest but for its proofs, which nobody ran. What has
to be in that certificate is taken from the list of obligations, not from the gate, so a gate that forgot an obligation
is noticed. Run by `tampering`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch

from ncl import certificate as record
from ncl import gate
from ncl.build import Artefact, build_library
from ncl.certificate import Certificate
from ncl.gate import Policy
from ncl.language.opcodes import Opcode
from ncl.language.program import Instruction, Program
from ncl.verify.certification.certify import compose
from ncl.verify.certification.obligations import obligations
from ncl.verify.engine.obligation import Outcome
from ncl.verify.engine.runner import Finding

PROGRAMS = ("reverse", "count")
WIDTH, MEMORY = 8, 16


@dataclass(frozen=True)
class Case:
    """What the gate is asked about. `options` are the keywords of `gate.require`, `folder` is the trial's own."""

    artefact: Artefact
    certificate: Certificate | Path | None
    policy: Policy
    options: Mapping[str, Any] = field(default_factory=dict)
    folder: Path = Path()

    def sealed(self, **changes: Any) -> Case:
        """With other claims in the certificate, and a seal that fits them."""
        assert isinstance(self.certificate, Certificate)
        return replace(self, certificate=self.certificate.model_copy(update=changes).sealed())

    def claims(self, name: str, **changes: Any) -> Case:
        """With other claims in one obligation."""
        assert isinstance(self.certificate, Certificate)
        rows = [o.model_copy(update=changes) if o.id == name else o for o in self.certificate.obligations]
        return self.sealed(obligations=tuple(rows))


@dataclass(frozen=True)
class Trial:
    """`reason` must stand in the refusal, so that it is refused for this and not for something else."""

    name: str
    reason: str
    spoil: Callable[[Case], Case]


# --- the honest case -------------------------------------------------------------------------------------------------


@cache
def _library() -> Artefact:
    return build_library(PROGRAMS, width=WIDTH, memory=MEMORY)


def honest() -> Case:
    """An artefact with weights of its own, and a certificate as if every obligation had been met as asked."""
    policy, made = gate.read_policy(), _library()
    artefact = replace(made, programs=dict(made.programs), weights={"table": torch.arange(6.0).reshape(2, 3)})
    required = gate.required_obligations(artefact, policy)
    findings = []
    # A contract is the source's own claim, which an artefact does not hold; the gate asks for none.
    for obligation in (o for o in obligations(artefact, executors=policy.executors) if o.kind != "contract"):
        asked = required.get(obligation.id, gate.Requirement(("proved",), {}))
        findings.append(Finding(obligation, Outcome(_best(asked.accept), "given", "as asked", limits=asked.at_least)))
    return Case(artefact, compose(artefact, policy, findings), policy)


def _best(accept: tuple[str, ...]) -> Any:
    """A verdict whose bound counts, where one will do."""
    return next((v for v in ("tested", "proved-bounded") if v in accept), accept[0])


# --- trials ----------------------------------------------------------------------------------------------------------


def _weights(change: Callable[[Any], Mapping[str, Any]]) -> Callable[[Case], Case]:
    return lambda case: replace(case, artefact=replace(case.artefact, weights=change(case.artefact.weights["table"])))


def _flipped(tensor: torch.Tensor) -> Mapping[str, torch.Tensor]:
    bits = tensor.clone().view(torch.int32)
    bits[1, 2] ^= 1
    return {"table": bits.view(torch.float32)}


def _program(change: Callable[[Program], Program]) -> Callable[[Case], Case]:
    def spoil(case: Case) -> Case:
        programs = {n: change(p) if n == "count" else p for n, p in case.artefact.programs.items()}
        return replace(case, artefact=replace(case.artefact, programs=programs))

    return spoil


def edited(program: Program, line: int, place: str, value: int) -> Program:
    """With one field of one instruction changed."""
    row = replace(program.code[line], **{place: value})
    return replace(program, code=(*program.code[:line], row, *program.code[line + 1 :]))


def _operand(program: Program) -> Program:
    """The first addition adds a register to itself."""
    line = next(n for n, i in enumerate(program.code) if i.opcode == Opcode.ADD)
    return edited(program, line, "c", program.code[line].b)


def _opcode(program: Program) -> Program:
    line = next(n for n, i in enumerate(program.code) if i.opcode == Opcode.EQUAL)
    return edited(program, line, "opcode", int(Opcode.NOT_EQUAL))


def _witness(case: Case) -> Case:
    old = case.artefact.witnesses
    first = replace(old["count"].functions[0], entry=1)
    moved = replace(old["count"], functions=(first,))
    return replace(case, artefact=replace(case.artefact, witnesses={**old, "count": moved}))


def _another_library(case: Case) -> Case:
    """Programs of the same names whose code is another."""
    other = {
        n: replace(p, code=(Instruction(int(Opcode.HALT)),), positions=()) for n, p in case.artefact.programs.items()
    }
    theirs = gate.digests(replace(case.artefact, programs=other))
    return case.sealed(programs=theirs["programs"])


def _policy(change: Callable[[dict[str, Any]], Any]) -> Callable[[Case], Case]:
    """The caller's policy is another than the one that the certificate was made under."""

    def spoil(case: Case) -> Case:
        data = json.loads(gate.DEFAULT_POLICY.read_text(encoding="utf-8"))
        change(data)
        file = case.folder / "policy.json"
        file.write_text(json.dumps(data), encoding="utf-8")
        return replace(case, policy=gate.read_policy(file))

    return spoil


def _lowered(data: dict[str, Any]) -> None:
    next(row for row in data["obligations"] if "samples" in row.get("at_least", {}))["at_least"]["samples"] = 1


def _laxer(data: dict[str, Any]) -> None:
    next(row for row in data["obligations"] if row["id"] == "circuit-onehot/{word_op}")["accept"].append("tested")


def _on_disk(file: str, change: Callable[[bytes], bytes]) -> Callable[[Case], Case]:
    """Saved, one file changed, loaded again."""

    def spoil(case: Case) -> Case:
        folder = case.artefact.save(case.folder / "artefact")
        path = folder / file
        path.write_bytes(change(path.read_bytes()))
        return replace(case, artefact=Artefact.load(folder))

    return spoil


def _last_bit(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def _other_number(data: bytes) -> bytes:
    program = Program.from_json(json.loads(data))
    return json.dumps(_operand(program).to_json()).encode()


def _certificate_text(text: str | None) -> Callable[[Case], Case]:
    """A file in the certificate's place; None: no file."""

    def spoil(case: Case) -> Case:
        if text is not None:
            (case.folder / record.FILE_NAME).write_text(text, encoding="utf-8")
        return replace(case, certificate=case.folder)

    return spoil


def _written(old: str, new: str) -> Callable[[Case], Case]:
    """The honest certificate's text with one place changed by hand, and in the certificate's place."""

    def spoil(case: Case) -> Case:
        file = case.folder / record.FILE_NAME
        record.write(case.certificate, file)  # type: ignore[arg-type]
        text = file.read_text(encoding="utf-8")
        assert text.count(old), old
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
        return replace(case, certificate=file)

    return spoil


def _versions(name: str) -> Callable[[Case], Case]:
    return lambda case: case.sealed(versions={**case.certificate.versions, name: "0.1"})  # type: ignore[union-attr]


def _sources(room: str) -> Callable[[Case], Case]:
    return lambda case: case.sealed(sources={**case.certificate.sources, room: "0" * 64})  # type: ignore[union-attr]


def _twice(case: Case) -> Case:
    assert isinstance(case.certificate, Certificate)
    rows = case.certificate.obligations
    worse = next(o for o in rows if o.id == "step/pc").model_copy(update={"verdict": "refuted"})
    return case.sealed(obligations=(*rows, worse))


def _beyond(case: Case) -> Case:
    assert isinstance(case.certificate, Certificate)
    rows = case.certificate.obligations
    return case.sealed(obligations=(*rows, rows[0].model_copy(update={"id": "beyond/all", "verdict": "refuted"})))


TRIALS: tuple[Trial, ...] = (
    Trial("one bit of a weight", "tensors", _weights(_flipped)),
    Trial("a weight of another dtype", "tensors", _weights(lambda t: {"table": t.to(torch.bfloat16)})),
    Trial("a weight of another shape", "tensors", _weights(lambda t: {"table": t.reshape(3, 2)})),
    Trial("a weight of another name", "tensors", _weights(lambda t: {"other": t})),
    Trial("a weight too many", "tensors", _weights(lambda t: {"table": t, "more": t})),
    Trial("weights cast after they were read", "tensors",
          lambda c: replace(c, options={"tensors": {"table": c.artefact.weights["table"].double()}})),
    Trial("an operand of an instruction", "programs count", _program(_operand)),
    Trial("an opcode", "programs count", _program(_opcode)),
    Trial("a source position", "programs count", _program(lambda p: replace(p, positions=()))),
    Trial("the machine's sizes", "programs count", _program(lambda p: replace(p, sizes=replace(p.sizes, memory=15)))),
    Trial("a witness", "witnesses count", _witness),
    Trial("a program more", "programs twice: not in the certificate",
          lambda c: replace(c, artefact=replace(
              c.artefact, programs={**c.artefact.programs, "twice": c.artefact.programs["count"]}))),
    Trial("a program less", "programs count: certified, but not there",
          lambda c: replace(c, artefact=replace(c.artefact, programs={"reverse": c.artefact.programs["reverse"]}))),
    Trial("no program", "no program", lambda c: replace(c, artefact=replace(c.artefact, programs={}))),
    Trial("another library's certificate", "programs reverse", _another_library),
    Trial("one bit of the weights' file", "tensors", _on_disk("weights.safetensors", _last_bit)),
    Trial("one number in a program's file", "programs count", _on_disk("programs/count.json", _other_number)),
    Trial("another width", f"width {WIDTH}, certified at 9", lambda c: c.sealed(width=9)),
    Trial("another device", "device", lambda c: replace(c, options={"device": "cuda"})),
    Trial("another tokenizer", "tokenizer", lambda c: replace(c, options={"tokenizer": "0" * 64})),
    Trial("an executor that was not certified", "executor dense", lambda c: replace(c, options={"executor": "dense"})),
    Trial("an executor of the policy that was not certified", "executor pathwise",
          lambda c: c.sealed(executors=("integer",))),
    Trial("a policy that asks for less", "policy", _policy(_lowered)),
    Trial("a policy with a rule less", "policy", _policy(lambda d: d["obligations"].pop(0))),
    Trial("a policy of other executors", "policy", _policy(lambda d: d["executors"].pop())),
    Trial("a policy of other versions", "policy", _policy(lambda d: d["versions"].pop())),
    Trial("a policy that accepts more", "policy", _policy(_laxer)),
    Trial("a certificate edited by hand", "seal",
          lambda c: replace(c, certificate=c.certificate.model_copy(update={"tau": 1.0}))),  # type: ignore[union-attr]
    *(Trial(f"an obligation that is {v}", f"obligation step/pc is {v}",
            lambda c, v=v: c.claims("step/pc", verdict=v))  # type: ignore[misc]
      for v in ("unknown", "refuted", "vacuous", "skipped", "tested")),
    Trial("an obligation that reaches too short", "samples 10 of at least 100",
          lambda c: c.claims("cross-check/count", verdict="proved-bounded", limits={"samples": 10})),
    Trial("an obligation twice", "more than once", _twice),
    Trial("something refuted beyond the policy", "beyond/all is refuted", _beyond),
    Trial("no obligation at all", "is missing", lambda c: c.sealed(obligations=())),
    *(Trial(f"another {name}", "certified with 0.1", _versions(name)) for name in ("python", "torch", "numba")),
    *(Trial(f"edited sources of {room}", f"sources {room}", _sources(room)) for room in record.ROOMS),
    Trial("no certificate", "there is no certificate", lambda c: replace(c, certificate=None)),
    Trial("no certificate's file", "no certificate there", _certificate_text(None)),
    Trial("a certificate that is no JSON", "not a certificate", _certificate_text("{")),
    Trial("a certificate of another schema", "certificate schema 2", _certificate_text('{"schema": 2}')),
    Trial("a certificate without fields", "not a certificate", _certificate_text('{"schema": 1}')),
    *(Trial(f"a certificate with {name}", told, _written(old, new)) for name, told, old, new in (
        ("a key twice", "'width' stands there twice", '"width": 8', '"width": 9, "width": 8'),
        ("a duration of NaN", "NaN is no number", '"seconds": 0.0', '"seconds": NaN'),
        ("an endless duration", "Infinity is no number", '"seconds": 0.0', '"seconds": Infinity'),
        ("a duration past all doubles", "past what a double holds", '"seconds": 0.0', '"seconds": 1e400'),
        ("a number past 2^53", "past 9007199254740991", '"width": 8', '"width": 9007199254740993'),
        ("half a character", "a lone surrogate", '"bound": "as asked"', '"bound": "\\ud800"'),
        ("a width in words", "width", '"width": 8', '"width": "8"'),
        ("a width that is true", "width", '"width": 8', '"width": true'),
        ("a fraction for a width", "width", '"width": 8', '"width": 8.0'),
        ("something behind it", "Extra data", "\n}\n", "\n}\n{}"),
        ("a byte order mark", "byte order mark", "{", "\ufeff{"),
        ("deep nesting", "nested deeper", '"tau": null', f'"tau": {"[" * 99}{"]" * 99}'),
    )),
)  # fmt: skip


def dropped(case: Case) -> Iterator[Trial]:
    """For each kind of obligation one that is left out of a certificate whose seal fits."""
    assert isinstance(case.certificate, Certificate)
    rows = case.certificate.obligations
    for row in {o.kind: o for o in rows}.values():
        kept = tuple(o for o in rows if o.id != row.id)
        told = f"obligation {row.id} is missing"
        yield Trial(f"{row.id} left out", told, lambda c, kept=kept: c.sealed(obligations=kept))  # type: ignore[misc]
