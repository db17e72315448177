"""Turns findings into a certificate, when and only when every required obligation is met.

The requirements are the gate's own reading of artefact and policy; what is written here the gate reads again and
believes nothing of. Called by `ncl certify`, by the demo and, handed in by a door, by training at its checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ncl import certificate as record
from ncl import gate
from ncl.certificate import Certificate, ObligationRecord
from ncl.errors import ConfigurationError, Refuted, Undecided
from ncl.gate import Policy
from ncl.verify.certification.obligations import obligations
from ncl.verify.engine import runner
from ncl.verify.engine.obligation import Obligation
from ncl.verify.engine.runner import Finding, Progress, Watch


def certify(
    artefact: Any,
    policy: Policy | None = None,
    *,
    tensors: Mapping[str, Any] | None = None,
    tokenizer: str | None = None,
    device: str = "cpu",
    dtype: str = "float32",
    out: Path | None = None,
    findings: Sequence[Finding] | None = None,
    jobs: int = runner.JOBS,
    use_cache: bool = True,
    progress: Progress | None = None,
    watch: Watch | None = None,
    budget: float | None = None,
    total_budget: float | None = None,
) -> Certificate:
    """Prove what the policy asks of the artefact and certify it; written to `out` (the artefact's folder) when given.

    `tensors` are the float tensors as they will be loaded, after casts; default: the artefact's own. `findings` of an
    earlier run over the same artefact may be handed in. Raises Refuted or Undecided with every unmet obligation.
    """
    rules = policy or gate.read_policy()
    before = gate.digests(artefact, tensors)
    sources = record.source_digests()
    asked = obligations(artefact, executors=rules.executors, tensors=tensors)
    if findings is None:
        findings = runner.run(
            asked, jobs=jobs, use_cache=use_cache, progress=progress, watch=watch, budget=budget,
            total_budget=total_budget,
        )  # fmt: skip
    _belong(findings, asked)
    _demand(gate.unmet(gate.required_obligations(artefact, rules), map(_record, findings)), findings)
    if sources != record.source_digests() or before != gate.digests(artefact, tensors):
        raise Undecided("sources or artefact changed while they were being proved", remedy="certify again")
    certificate = compose(artefact, rules, findings, tensors=tensors, tokenizer=tokenizer, device=device, dtype=dtype)
    if out is not None:
        record.write(certificate, out / record.FILE_NAME if out.suffix != ".json" else out)
    return certificate


def compose(
    artefact: Any,
    policy: Policy,
    findings: Sequence[Finding],
    *,
    tensors: Mapping[str, Any] | None = None,
    tokenizer: str | None = None,
    device: str = "cpu",
    dtype: str = "float32",
) -> Certificate:
    """The sealed certificate that says of the artefact what the findings say; judging is `certify`'s and the gate's.

    Raises ConfigurationError for programs of several widths.
    """
    widths = {program.sizes.width for program in artefact.programs.values()}
    if len(widths) != 1:
        raise ConfigurationError(f"an artefact has one width, got {sorted(widths)}")
    return Certificate(
        schema=record.SCHEMA,
        **gate.digests(artefact, tensors),
        sources=record.source_digests(),
        tokenizer=tokenizer,
        versions=record.installed_versions(),
        device=device,
        executors=policy.executors,
        width=widths.pop(),
        obligations=tuple(_record(f) for f in findings),
        dtype=dtype,
        policy=policy.digest,
    ).sealed()


def _belong(findings: Sequence[Finding], asked: Sequence[Obligation]) -> None:
    """Raise Undecided when a finding answers another question than is asked of this artefact under the same name."""
    questions = {o.id: o.digest() for o in asked}
    strangers = [
        f.obligation.id
        for f in findings
        if questions.get(f.obligation.id, f.obligation.digest()) != f.obligation.digest()
    ]
    if strangers:
        raise Undecided(
            f"findings about something else: {', '.join(strangers)}", where="certify", remedy="prove this artefact"
        )


def _demand(unmet: Sequence[str], findings: Sequence[Finding]) -> None:
    """Raise unless nothing is unmet: Refuted when anything is refuted, else Undecided."""
    bad = [f for f in findings if f.outcome.verdict == "refuted"]
    if bad:
        told = "; ".join(f"{f.obligation.id}: {f.outcome.detail}" for f in bad)
        raise Refuted(told, where="certify", remedy="replay the counterexamples with `ncl replay`")
    if unmet:
        why = {f.obligation.id: f.outcome.detail for f in findings if f.outcome.detail and not f.outcome.green}
        reasons = "; ".join(why.values())
        raise Undecided("; ".join(unmet) + (f" ({reasons})" if reasons else ""), where="certify")


def _record(finding: Finding) -> ObligationRecord:
    obligation, outcome = finding.obligation, finding.outcome
    return ObligationRecord(
        id=obligation.id,
        subject=obligation.subject,
        kind=obligation.kind,
        verdict=outcome.verdict,
        method=outcome.method,
        bound=outcome.bound,
        limits=dict(outcome.limits),
        solver=outcome.solver,
        seconds=outcome.seconds,
        vacuity=outcome.vacuity,
        cross_check=outcome.cross_check,
    )
