"""`ncl regress`: has accuracy dropped against a baseline?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ncl.cli.former_names import Arms, current
from ncl.cli.output import Json, emit, read_json, table
from ncl.errors import FormatError, InputError, refused


def regress(
    run: Annotated[Path, typer.Argument(help="JSON that `ncl evaluate --json` or `ncl demo --json` printed.")],
    baseline: Annotated[Path, typer.Option(help="The same of the run to compare with.")],
    system: Annotated[
        list[str] | None, typer.Option(help="Systems that may fail the build; repeatable. Default: ncl.")
    ] = None,
    arm: Arms = None,
    alpha: Annotated[
        float, typer.Option(min=1e-9, max=0.5, help="Level of the whole test, all cells together.")
    ] = 0.01,
    as_json: Json = False,
) -> int:
    """Test every cell for a real drop (Fisher's exact test, one-sided, Holm-corrected); exit 1 when there is one.

    Example: ncl regress run.json --baseline baseline.json
    """
    from ncl.training.evaluation.regression import compare

    system = current("--system", system, "--arm", arm)
    documents = _read(run), _read(baseline)
    try:
        cells = compare(*documents, alpha=alpha, systems=system or ["ncl"])
    except FormatError as fault:
        # The comparison knows which of the two is at fault, not what its file is called.
        fault.where = {"run": str(run), "baseline": str(baseline)}.get(fault.where, fault.where)
        raise refused(fault) from fault.__cause__
    except InputError as fault:
        fault.where = {"baseline": str(baseline)}.get(fault.where, fault.where)
        raise
    regressed = any(c.regressed for c in cells)
    verdict = "regressed" if regressed else "passed"
    if as_json:
        emit({"verdict": verdict, "alpha": alpha, "cells": [c.to_json() for c in cells]})
        return int(regressed)
    rows = []
    for c in cells:
        task, length, name, phrasing, calls = c.key
        rest = " ".join(str(part) for part in (phrasing, calls) if part is not None)
        rows.append([
            task, str(length), name, rest, _told(c.baseline), _told(c.run),
            "" if c.p is None else f"{c.p:.2g}", "nothing" if c.detectable is None else f"≤ {c.detectable:.3f}",
            "REGRESSED" if c.regressed else "only in the run" if c.baseline is None else "",
        ])  # fmt: skip
    table(
        f"{verdict} (level {alpha})",
        ["task", "length", "system", "", "baseline", "run", "p", "would notice", ""],
        rows,
    )
    return int(regressed)


def _told(accuracy: float | None) -> str:
    return "missing" if accuracy is None else f"{accuracy:.3f}"


def _read(path: Path) -> Any:
    """A document that decides the exit code. What is JSON, but not strictly so, is refused."""
    try:
        return read_json(path)
    except FormatError as fault:
        if isinstance(fault.__cause__, UnicodeDecodeError):
            raise refused(fault) from fault.__cause__
        raise
