"""The gate: nothing is trained or answered with an artefact unless a certificate covers what was really loaded.

It fails closed. What must have been shown is derived here from the artefact and the policy, never from the certificate;
the digests are taken of what is in memory and of the installed sources. The policy comes from the caller, who may pin
its digest; a copy in a run's folder counts for nothing. No flag skips the gate. Called by `ncl.llama`, `ncl.training`
and the command line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

from ncl import certificate as record
from ncl import policy as policies
from ncl import sources
from ncl.certificate import Certificate, ObligationRecord
from ncl.digests import canonical_json, digest, tensors_digest
from ncl.errors import GateRefused, NclError
from ncl.language.program import Program
from ncl.policy import DEFAULT as DEFAULT_POLICY
from ncl.policy import FLOOR, Policy, Requirement, read_policy


class Subject(Protocol):
    """What the gate needs of an artefact; `ncl.build.Artefact` is one."""

    @property
    def programs(self) -> Mapping[str, Program]: ...
    @property
    def witnesses(self) -> Mapping[str, Any]: ...
    @property
    def weights(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Permit:
    """Permission to run, with what was covered, so that a trainer can hash again at each checkpoint."""

    programs: Mapping[str, str]
    witnesses: Mapping[str, str]
    tensors: str
    sources: Mapping[str, str]
    policy: str
    certificate: str  # its seal
    width: int
    executors: tuple[str, ...]
    tau: float | None
    epsilon: float | None

    def recheck(self, artefact: Subject, tensors: Mapping[str, Any] | None = None) -> None:
        """Raise GateRefused when programs, witnesses or tensors are no longer what was let through."""
        now = digests(artefact, tensors)
        changed = [name for name in ("programs", "witnesses", "tensors") if getattr(self, name) != now[name]]
        if changed:
            _refuse([f"{name} changed since the gate let them through" for name in changed])

    def standing(self, temperature: float) -> str:
        """What the certificate says of running at this temperature: `hard`, `certified` or `soft-uncertified`."""
        if temperature == 0:
            return "hard"
        return "certified" if self.tau is not None and temperature <= self.tau else "soft-uncertified"


def required_obligations(artefact: Subject, policy: Policy) -> dict[str, Requirement]:
    """Obligation id → what it must have come to, from the artefact and the policy alone."""
    return policies.required_obligations(artefact.programs, policy)


# --- what was loaded -------------------------------------------------------------------------------------------------


def digests(artefact: Subject, tensors: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Of what is in memory: programs, witnesses, and the tensors given (the artefact's own when None)."""
    return {
        "programs": {name: digest(p.canonical()) for name, p in artefact.programs.items()},
        "witnesses": {name: digest(canonical_json(w.to_json())) for name, w in artefact.witnesses.items()},
        "tensors": tensors_digest(artefact.weights if tensors is None else tensors),
    }


# --- the gate --------------------------------------------------------------------------------------------------------


def require(
    artefact: Subject,
    certificate: Certificate | Path | None,
    policy: Policy,
    *,
    tensors: Mapping[str, Any] | None = None,
    executor: str | None = None,
    tokenizer: str | None = None,
    device: str | None = None,
) -> Permit:
    """Let an artefact through, or raise GateRefused with every reason.

    `certificate` may be a file or an artefact folder. `tensors` are the artefact's float tensors as they are in memory
    now (names as in the artefact, after any cast); `executor`, `tokenizer` (a digest) and `device` ("cpu", "cuda") are
    compared when given.
    """
    if certificate is None:
        _refuse(["there is no certificate"])
    try:
        written = record.read(certificate) if isinstance(certificate, Path) else certificate
        faults = refusals(
            artefact, written, policy, tensors=tensors, executor=executor, tokenizer=tokenizer, device=device
        )
    except GateRefused:
        raise
    except NclError as fault:
        _refuse([str(fault).splitlines()[0]])
    except Exception as fault:  # whatever cannot be digested or compared is not covered
        _refuse([f"{type(fault).__name__}: {str(fault).partition(chr(10))[0]}"])
    if faults:
        _refuse(faults)
    loaded = digests(artefact, tensors)
    return Permit(
        **loaded,
        sources=dict(written.sources),
        policy=policy.digest,
        certificate=written.seal,
        width=written.width,
        executors=written.executors,
        tau=written.tau,
        epsilon=written.epsilon,
    )


def refusals(
    artefact: Subject,
    certificate: Certificate,
    policy: Policy,
    *,
    tensors: Mapping[str, Any] | None = None,
    executor: str | None = None,
    tokenizer: str | None = None,
    device: str | None = None,
) -> list[str]:
    """Every reason not to let it through; empty when there is none."""
    loaded = digests(artefact, tensors)
    loaded |= {"sources": record.source_digests(), "policy": policy.digest, "seal": certificate.content_digest()}
    if tokenizer is not None:
        loaded["tokenizer"] = tokenizer
    if device is not None:
        loaded["device"] = device
    faults = record.uncovered(certificate, loaded) + sources.foreign_modules()
    if not artefact.programs:
        faults.append("the artefact holds no program")
    for name, program in artefact.programs.items():
        if program.sizes.width != certificate.width:
            faults.append(f"{name}: width {program.sizes.width}, certified at {certificate.width}")
    faults += _version_faults(certificate, policy)
    faults += [f"executor {e} is not certified" for e in policy.executors if e not in certificate.executors]
    if executor is not None and executor not in certificate.executors:
        faults.append(f"executor {executor} is not certified (certified: {', '.join(certificate.executors)})")
    return faults + unmet(required_obligations(artefact, policy), certificate.obligations)


def unmet(required: Mapping[str, Requirement], records: Iterable[ObligationRecord]) -> list[str]:
    """Every required obligation that the records do not meet, with the reason."""
    by_id: dict[str, list[ObligationRecord]] = {}
    for item in records:
        by_id.setdefault(item.id, []).append(item)
    faults = []
    for name, requirement in required.items():
        items = by_id.get(name, [])
        if len(items) != 1:
            faults.append(f"obligation {name} {'stands there more than once' if items else 'is missing'}")
        elif fault := requirement.fault(items[0]):
            faults.append(f"obligation {name} {fault}")
    # Beyond what is required, a certificate may not carry anything refuted either.
    refuted = sorted(i for i in by_id if i not in required and any(r.verdict == "refuted" for r in by_id[i]))
    return faults + [f"obligation {i} is refuted" for i in refuted]


def _version_faults(certificate: Certificate, policy: Policy) -> list[str]:
    here = record.installed_versions()
    return [
        f"{name} {here.get(name, 'absent')} is installed, certified with {certificate.versions.get(name, 'absent')}"
        for name in policy.versions
        if here.get(name) != certificate.versions.get(name)
    ]


def _refuse(faults: list[str]) -> NoReturn:
    listed = "; ".join(faults[:12]) + (f"; and {len(faults) - 12} more" if len(faults) > 12 else "")
    raise GateRefused(
        f"the certificate does not cover this artefact: {listed}",
        where="gate",
        remedy="look at what changed, then certify again with `ncl certify`",
    )


__all__ = [
    "DEFAULT_POLICY", "FLOOR", "Permit", "Policy", "Requirement", "Subject", "digests", "read_policy", "refusals",
    "require", "required_obligations", "tensors_digest", "unmet",
]  # fmt: skip
