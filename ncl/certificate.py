"""The certificate: what was shown about which bytes, by what, and the digests that tie the two together.

No torch here. Written by `ncl.verify.certification.certify`, read by the gate, which
derives what must be in it from the artefact and the policy and never from the certificate. Unsigned, so it catches
accident and drift; against forgery, pin the policy's digest outside the run's folder and sign the file.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ncl import atomic, strict_json
from ncl.digests import canonical_json, digest, digest_tensors
from ncl.errors import FormatError
from ncl.sources import ROOMS, source_digests

SCHEMA = 1
FILE_NAME = "certificate.json"

DISTRIBUTIONS = {
    "torch": "torch",
    "numpy": "numpy",
    "numba": "numba",
    "llvmlite": "llvmlite",
    "transformers": "transformers",
    "z3": "z3-solver",
    "bitwuzla": "bitwuzla",
}


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ObligationRecord(_Record):
    """One obligation as it was met. `limits` are the numbers that a policy compares with its own."""

    id: str
    subject: str
    kind: str
    verdict: Literal["proved", "proved-bounded", "tested", "refuted", "unknown", "vacuous", "skipped"]
    method: str
    bound: str = ""
    limits: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    solver: str = ""
    seconds: float = Field(0.0, ge=0)
    vacuity: str = ""
    cross_check: str = ""


class Certificate(_Record):
    """Digests are sha256 in hex. `tau` and `epsilon` null: soft runs are `soft-uncertified`."""

    schema_: int = Field(SCHEMA, alias="schema")
    programs: dict[str, str]  # name → digest of the canonical program bytes
    witnesses: dict[str, str]
    tensors: str  # one digest over all float tensors, as loaded after dtype casts
    sources: dict[str, str]  # room → digest of its files
    tokenizer: str | None = None
    versions: dict[str, str]
    device: str
    executors: tuple[str, ...]
    width: int = Field(ge=1, le=32)
    obligations: tuple[ObligationRecord, ...]
    tau: float | None = Field(None, ge=0)
    epsilon: float | None = Field(None, ge=0)
    dtype: str = "float32"
    policy: str  # digest of the policy that it was made under
    seal: str = ""  # digest of all the rest

    @property
    def softness(self) -> str:
        return "soft-uncertified" if self.tau is None else f"soft up to temperature {self.tau}, error {self.epsilon}"

    def sealed(self) -> Certificate:
        return self.model_copy(update={"seal": self.content_digest()})

    def content_digest(self) -> str:
        return digest(canonical_json({k: v for k, v in self.to_json().items() if k != "seal"}))

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json", by_alias=True)


def uncovered(certificate: Certificate, loaded: Mapping[str, Any]) -> list[str]:
    """Every way in which the certificate does not cover what was loaded; empty when it does.

    `loaded` maps fields of the certificate (programs, witnesses, tensors, sources, width, …) to what is really there.
    """
    found = []
    for name, there in loaded.items():
        written = getattr(certificate, name)
        if isinstance(written, dict) and isinstance(there, Mapping):
            found += _differences(name, written, there)
        elif written != there:
            found.append(f"{name}: certified {_short(written)}, loaded {_short(there)}")
    return found


def _differences(name: str, written: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    found = []
    for key in sorted({*written, *there}):
        if key not in written:
            found.append(f"{name} {key}: not in the certificate")
        elif key not in there:
            found.append(f"{name} {key}: certified, but not there")
        elif written[key] != there[key]:
            found.append(f"{name} {key}: certified {_short(written[key])}, loaded {_short(there[key])}")
    return found


def _short(value: object) -> str:
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 else text


@lru_cache(maxsize=1)
def installed_versions() -> dict[str, str]:
    """Of Python and of each distribution that takes part in running or proving; the absent are left out."""
    # What runs without its asserts or docstrings is another Python.
    found = {"python": platform.python_version() + (f" -{'O' * sys.flags.optimize}" if sys.flags.optimize else "")}
    for name, distribution in DISTRIBUTIONS.items():
        try:
            found[name] = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return found


# --- files -----------------------------------------------------------------------------------------------------------


def write_json(path: Path, document: Any) -> None:
    """Written whole or not at all."""
    atomic.write_text(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path, what: str) -> Any:
    """Read strictly. Raises NotFoundError or FormatError, each with the file's name."""
    return strict_json.read(path, what)


def write(certificate: Certificate, path: Path) -> None:
    write_json(path, certificate.sealed().to_json())


def read(path: Path) -> Certificate:
    """The certificate in a file, or in the artefact folder given. Raises NotFoundError, FormatError."""
    file = path / FILE_NAME if path.is_dir() else path
    return from_json(read_json(file, "certificate"), where=str(file))


def from_json(data: Any, where: str = "certificate") -> Certificate:
    remedy = "certify again with `ncl certify`"
    if isinstance(data, Mapping) and data.get("schema") != SCHEMA:
        raise FormatError(f"certificate schema {data.get('schema')!r}, expected {SCHEMA}", where=where, remedy=remedy)
    try:
        # As JSON: there, strict means that a list stands for a tuple, and nothing else for anything else.
        return Certificate.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as fault:
        raise FormatError(f"not a certificate: {validation_message(fault)}", where=where, remedy=remedy) from fault


def validation_message(fault: ValidationError) -> str:
    """What pydantic found, in one line."""
    return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in fault.errors()[:12])


__all__ = [
    "DISTRIBUTIONS", "FILE_NAME", "ROOMS", "SCHEMA", "Certificate", "ObligationRecord", "canonical_json", "digest",
    "digest_tensors", "from_json", "installed_versions", "read", "read_json", "source_digests", "uncovered",
    "validation_message", "write", "write_json",
]  # fmt: skip
