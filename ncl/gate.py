"""The gate: nothing is trained or answered with an artefact unless a certificate covers what was really loaded.

It fails closed. What must have been shown is derived here from the artefact and the policy, never from the certificate;
the digests are taken of what is in memory and of the installed sources. The policy comes from the caller, who may pin
its digest; a copy in a run's folder counts for nothing. No flag skips the gate. Called by `ncl.llama`, `ncl.training`
and the command line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, Protocol

from ncl import certificate as record
from ncl import sources
from ncl.certificate import Certificate, ObligationRecord, canonical_json, digest
from ncl.errors import FormatError, GateRefused, NclError
from ncl.language.opcodes import WORD_OPS, Opcode
from ncl.language.program import Program
from ncl.language.trace import State
from ncl.language.word import Algebra

POLICY_SCHEMA = 1
DEFAULT_POLICY = Path(__file__).with_name("policy.json")
ACCEPTABLE = ("proved", "proved-bounded", "tested")

# A policy may ask for more than the default, and in parts for less, but never for less than this.
FLOOR = ("circuit-integer/{word_op}", "step/{component}", "compiled/{program}", "source/{program}")


class Subject(Protocol):
    """What the gate needs of an artefact; `ncl.build.Artefact` is one."""

    @property
    def programs(self) -> Mapping[str, Program]: ...
    @property
    def witnesses(self) -> Mapping[str, Any]: ...
    @property
    def weights(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Requirement:
    """The verdicts that do, and for a bounded one how far it must reach at least."""

    accept: tuple[str, ...]
    at_least: Mapping[str, int]

    def fault(self, shown: ObligationRecord) -> str:
        """Why this record does not meet the requirement; empty when it does."""
        if shown.verdict not in self.accept:
            return f"is {shown.verdict}, must be {' or '.join(self.accept)}"
        if shown.verdict == "proved":
            return ""
        short = [
            f"{name} {shown.limits.get(name, 0)} of at least {least}"
            for name, least in self.at_least.items()
            if shown.limits.get(name, 0) < least
        ]
        return f"reaches too short: {', '.join(short)}" if short else ""


@dataclass(frozen=True)
class Policy:
    """What a certificate must show. `rules` are (id template, requirement)."""

    name: str
    executors: tuple[str, ...]
    versions: tuple[str, ...]
    rules: tuple[tuple[str, Requirement], ...]

    @cached_property
    def digest(self) -> str:
        rules = [[i, list(r.accept), dict(r.at_least)] for i, r in self.rules]
        return digest(canonical_json([POLICY_SCHEMA, self.name, self.executors, self.versions, rules]))


@dataclass(frozen=True)
class Permit:
    """Leave to run, with what was covered, so that a trainer can hash again at each checkpoint."""

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


# --- policy ----------------------------------------------------------------------------------------------------------


def read_policy(path: Path | None = None) -> Policy:
    """The policy in a file, or the default one. Raises NotFoundError, FormatError."""
    place = path or DEFAULT_POLICY
    data = record.read_json(place, "policy")
    try:
        policy = _policy(data)
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise FormatError(
            f"not a policy: {type(fault).__name__}: {fault}", where=str(place), remedy="see docs/policy.md"
        ) from fault
    return policy


def _policy(data: Mapping[str, Any]) -> Policy:
    if data["schema"] != POLICY_SCHEMA:
        raise ValueError(f"schema {data['schema']!r}, expected {POLICY_SCHEMA}")
    unknown = set(data) - {"schema", "name", "executors", "versions", "obligations"}
    if unknown:
        raise ValueError(f"unknown keys {sorted(unknown)}")
    rules = tuple(_rule(row) for row in data["obligations"])
    lacking = [i for i in FLOOR if i not in dict(rules)]
    if lacking:
        raise ValueError(f"no policy may leave out {', '.join(lacking)}")
    executors = tuple(str(e) for e in data["executors"])
    if not executors:
        raise ValueError("no executor is named")
    return Policy(str(data["name"]), executors, tuple(str(v) for v in data["versions"]), rules)


def _rule(row: Mapping[str, Any]) -> tuple[str, Requirement]:
    accept = tuple(row["accept"])
    if not accept or not set(accept) <= set(ACCEPTABLE):
        raise ValueError(f"{row['id']}: `accept` may name {', '.join(ACCEPTABLE)} only, got {list(accept)}")
    at_least = {str(k): v for k, v in row.get("at_least", {}).items()}
    if any(isinstance(v, bool) or not isinstance(v, int) for v in at_least.values()):
        raise ValueError(f"{row['id']}: `at_least` holds numbers")
    if unknown := set(row) - {"id", "accept", "at_least"}:
        raise ValueError(f"{row['id']}: unknown keys {sorted(unknown)}")
    _expand(row["id"], dict.fromkeys(PLACES, ("",)))
    return str(row["id"]), Requirement(accept, at_least)


# --- what must have been shown ---------------------------------------------------------------------------------------

PLACES = ("opcode", "word_op", "algebra", "component", "program", "executor")


def required_obligations(artefact: Subject, policy: Policy) -> dict[str, Requirement]:
    """Obligation id → what it must have come to, from the artefact and the policy alone."""
    operations = [n for n in vars(Algebra) if not n.startswith("_") and n != "width"]
    choices: dict[str, Iterable[str]] = {
        "opcode": [op.mnemonic for op in Opcode],
        "word_op": [op.mnemonic for op in WORD_OPS],
        "algebra": operations,
        "component": [part.name for part in fields(State)],
        "program": sorted(artefact.programs),
        "executor": policy.executors,
    }
    found: dict[str, Requirement] = {}
    for template, requirement in policy.rules:
        for name in _expand(template, choices):
            found[name] = requirement
    return found


def _expand(template: str, choices: Mapping[str, Iterable[str]]) -> list[str]:
    """Every filling of the places in a template."""
    place = next((p for p in choices if "{" + p + "}" in template), None)
    if place is None:
        if "{" in template:
            raise ValueError(f"{template}: unknown place; known are {', '.join(PLACES)}")
        return [template]
    return [n for choice in choices[place] for n in _expand(template.replace("{" + place + "}", choice), choices)]


# --- what was loaded -------------------------------------------------------------------------------------------------


def digests(artefact: Subject, tensors: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Of what is in memory: programs, witnesses, and the tensors given (the artefact's own when None)."""
    return {
        "programs": {name: digest(p.canonical()) for name, p in artefact.programs.items()},
        "witnesses": {name: digest(canonical_json(w.to_json())) for name, w in artefact.witnesses.items()},
        "tensors": tensors_digest(artefact.weights if tensors is None else tensors),
    }


def tensors_digest(tensors: Mapping[str, Any]) -> str:
    """Over (name, dtype, shape, bytes) of torch tensors, wherever they lie."""
    return record.digest_tensors(_parts(name, tensor) for name, tensor in tensors.items())


def _parts(name: str, tensor: Any) -> tuple[str, str, tuple[int, ...], bytes]:
    import torch

    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return name, str(tensor.dtype), tuple(tensor.shape), flat.view(torch.uint8).numpy().tobytes()


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
        paper = record.read(certificate) if isinstance(certificate, Path) else certificate
        faults = refusals(
            artefact, paper, policy, tensors=tensors, executor=executor, tokenizer=tokenizer, device=device
        )
    except GateRefused:
        raise
    except NclError as fault:
        _refuse([str(fault).splitlines()[0]])
    if faults:
        _refuse(faults)
    loaded = digests(artefact, tensors)
    return Permit(
        **loaded,
        sources=dict(paper.sources),
        policy=policy.digest,
        certificate=paper.seal,
        width=paper.width,
        executors=paper.executors,
        tau=paper.tau,
        epsilon=paper.epsilon,
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
    faults = record.uncovered(certificate, loaded) + sources.strangers()
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


def unmet(required: Mapping[str, Requirement], shown: Iterable[ObligationRecord]) -> list[str]:
    """Every required obligation that the records do not meet, with the reason."""
    by_id: dict[str, list[ObligationRecord]] = {}
    for item in shown:
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
    shown = "; ".join(faults[:12]) + (f"; and {len(faults) - 12} more" if len(faults) > 12 else "")
    raise GateRefused(
        f"the certificate does not cover this artefact: {shown}",
        where="gate",
        remedy="look at what changed, then certify again with `ncl certify`",
    )
