"""`ncl gate`: would this artefact be let through?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ncl.cli.certify import PolicyFile
from ncl.cli.output import Json, emit


def gate(
    artefact: Annotated[Path, typer.Argument(help="Artefact folder, or a checkpoint that holds one in `library/`.")],
    policy: PolicyFile = None,
    as_json: Json = False,
) -> None:
    """Check that the certificate covers what is there; a refusal exits 1 with every reason.

    Example: ncl gate build/library --policy strict.json
    """
    from ncl.build import Artefact
    from ncl.gate import read_policy, require

    folder = artefact / "library" if (artefact / "library").is_dir() else artefact
    permit = require(Artefact.load(folder), folder, read_policy(policy))
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
