"""`ncl gate`: would this artefact be let through?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ncl.cli.certify import PolicyFile
from ncl.cli.output import Json, emit


def gate(
    artefact: Annotated[Path, typer.Argument(help="Artefact folder, or a run or checkpoint that holds one.")],
    policy: PolicyFile = None,
    as_json: Json = False,
) -> None:
    """Check that the certificate covers what is there; a refusal exits 1 with every reason.

    Example: ncl gate build/library --policy strict.json
    """
    from ncl.build import Artefact
    from ncl.gate import read_policy, require

    folder = library_in(artefact)
    permit = require(Artefact.load(folder), folder, read_policy(policy), tokenizer=_tokenizer_beside(folder))
    if as_json:
        emit(
            {
                "verdict": "passed",
                "artefact": str(folder),
                "certificate": permit.certificate,
                "policy": permit.policy,
                "width": permit.width,
                "programs": sorted(permit.programs),
                "soft": permit.standing(1.0),
            }
        )
    else:
        print(f"passed: {len(permit.programs)} programs at width {permit.width}; certificate {permit.certificate}")


def library_in(folder: Path) -> Path:
    """The artefact's folder: of a run (`model/library/`), of a checkpoint (`library/`), or the folder itself."""
    return next((p for p in (folder / "model" / "library", folder / "library") if p.is_dir()), folder)


def _tokenizer_beside(folder: Path) -> str | None:
    """The digest of the tokenizer that a checkpoint has beside its library; None for an artefact of its own."""
    if not (folder.name == "library" and (folder.parent / "tokenizer.json").is_file()):
        return None
    from ncl.llama.tokenizer import digest_in

    return digest_in(folder.parent)
