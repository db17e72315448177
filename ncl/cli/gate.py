"""`ncl gate`: would this artefact be let through?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from ncl.cli.certify import PolicyFile
from ncl.cli.output import Json, emit
from ncl.errors import GateRefused, NclError


def gate(
    artefact: Annotated[Path, typer.Argument(help="Artefact folder; or a run, checkpoint or adapter that holds one.")],
    policy: PolicyFile = None,
    as_json: Json = False,
) -> None:
    """Check that the certificate covers what is there; a refusal exits 1 with every reason.

    Of an adapter, its record, readers and library are checked, and the base model where it lies beside them.

    Example: ncl gate build/library --policy strict.json
    """
    permit = _permit(artefact, policy)
    if as_json:
        emit(
            {
                "verdict": "passed",
                "artefact": str(library_in(artefact)),
                "certificate": permit.certificate,
                "policy": permit.policy,
                "width": permit.width,
                "programs": sorted(permit.programs),
                "soft": permit.standing(1.0),
            }
        )
    else:
        print(f"passed: {len(permit.programs)} programs at width {permit.width}; certificate {permit.certificate}")


def _permit(artefact: Path, policy: Path | None) -> Any:
    """The gate's permit. What exists and must not be used is refused, whatever is wrong with it."""
    from ncl.build import Artefact
    from ncl.gate import read_policy, require

    folder, rules = library_in(artefact), read_policy(policy)
    if not folder.is_dir():
        Artefact.load(folder)
    try:
        permit = require(Artefact.load(folder), folder, rules, tokenizer=_tokenizer_beside(folder))
        _demand_adapter(folder)
        return permit
    except GateRefused:
        raise
    except NclError as fault:
        raise GateRefused(fault.message, where=fault.where, remedy=fault.remedy) from fault
    except Exception as fault:
        told = str(fault).partition("\n")[0]
        raise GateRefused(f"it cannot be read: {type(fault).__name__}: {told}", where=str(folder)) from fault


def library_in(folder: Path) -> Path:
    """The artefact's folder: of a run (`model/library/`, `adapter/library/`), of a checkpoint or adapter (`library/`),
    or the folder itself.
    """
    inside = (folder / "model" / "library", folder / "adapter" / "library", folder / "library")
    return next((p for p in inside if p.is_dir()), folder)


def _demand_adapter(folder: Path) -> None:
    """Of a library that belongs to an adapter, its record and all that it names."""
    from ncl.llama.pretrained.adapter_record import ADAPTER
    from ncl.llama.pretrained.checkpoint import demand_as_saved

    if folder.name == "library" and os.path.lexists(folder.parent / ADAPTER):
        demand_as_saved(folder.parent)


def _tokenizer_beside(folder: Path) -> str | None:
    """The digest of the tokenizer that a checkpoint has beside its library; None for an artefact of its own."""
    if not (folder.name == "library" and (folder.parent / "tokenizer.json").is_file()):
        return None
    from ncl.digests import saved_tokenizer_digest

    return saved_tokenizer_digest(folder.parent)
