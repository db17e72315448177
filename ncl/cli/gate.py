"""`ncl gate`: would this artefact be let through?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ncl.cli.certify import PolicyFile
from ncl.cli.output import Json, emit
from ncl.errors import GateRefused, NclError


def gate(
    artefact: Annotated[Path, typer.Argument(help="Artefact folder, or a run or checkpoint that holds one.")],
    policy: PolicyFile = None,
    as_json: Json = False,
) -> None:
    """Check that the certificate covers what is there; a refusal exits 1 with every reason.

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
    """The gate's leave. What is there and must not be used is refused, whatever is wrong with it."""
    from ncl.build import Artefact
    from ncl.gate import read_policy, require

    folder, rules = library_in(artefact), read_policy(policy)
    if not folder.is_dir():
        Artefact.load(folder)
    try:
        return require(Artefact.load(folder), folder, rules, tokenizer=_tokenizer_beside(folder))
    except GateRefused:
        raise
    except NclError as fault:
        raise GateRefused(fault.message, where=fault.where, remedy=fault.remedy) from fault
    except Exception as fault:
        told = str(fault).partition("\n")[0]
        raise GateRefused(f"it cannot be read: {type(fault).__name__}: {told}", where=str(folder)) from fault


def library_in(folder: Path) -> Path:
    """The artefact's folder: of a run (`model/library/`), of a checkpoint (`library/`), or the folder itself."""
    return next((p for p in (folder / "model" / "library", folder / "library") if p.is_dir()), folder)


def _tokenizer_beside(folder: Path) -> str | None:
    """The digest of the tokenizer that a checkpoint has beside its library; None for an artefact of its own."""
    if not (folder.name == "library" and (folder.parent / "tokenizer.json").is_file()):
        return None
    from ncl.llama.tokenizer import digest_in

    return digest_in(folder.parent)
