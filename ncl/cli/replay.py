"""`ncl replay`: run a counterexample again on the real executors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ncl.cli.output import Json, emit


def replay(
    file: Annotated[Path, typer.Argument(help="A counterexample written by `ncl verify` or `pytest --ncl`.")],
    as_json: Json = False,
) -> int:
    """Run a counterexample again. Exits 1 while the fault is still there, 0 once it is gone.

    Example: ncl replay .ncl/reverse-source.json
    """
    from ncl.verify.engine import counterexample

    outcome = counterexample.replay(file)
    if as_json:
        emit(outcome.to_json())
    else:
        print(outcome)
    return 1 if outcome.reproduced else 0
