"""`ncl faults`: plant faults in copies of NCL's own source and see each refuted by the checker named for it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ncl.cli.output import Json, emit, progress, table
from ncl.cli.verify import Jobs
from ncl.errors import InputError


def faults(
    only: Annotated[str, typer.Option(help="Only faults whose id or stratum contains this.")] = "",
    jobs: Jobs = 2,
    as_json: Json = False,
) -> int:
    """Plant faults one at a time; exits 1 when one survives or a broken checker goes unnoticed.

    Example: ncl faults --only step
    """
    from ncl.verify.mutation import catalogue, laboratory

    chosen = [f for f in catalogue.FAULTS if only in f.id or only in f.stratum]
    if not chosen:
        strata = ", ".join(sorted({f.stratum for f in catalogue.FAULTS}))
        raise InputError(f"no fault matches {only!r}", where="--only", remedy=f"strata: {strata}")
    ids = {f.id for f in chosen}
    broken = [b for b in catalogue.BROKEN if b.fault in ids]
    right = [] if only else list(catalogue.RIGHT)
    equivalent = [] if only else list(catalogue.EQUIVALENT)
    with progress("planting", len(chosen) + len(broken) + len(right) + len(equivalent)) as advance:
        findings = laboratory.laboratory(
            chosen, broken, right, equivalent, jobs=jobs, progress=lambda examination: advance(1, examination.id)
        )
    if as_json:
        emit(findings.to_json())
    else:
        rows = [_row(a, f.stratum, a.fate) for f, a in findings.faults]
        for kind, group, survived in (
            ("broken checker", findings.broken, ("noticed", "UNNOTICED")),
            ("known right", findings.right, ("accepted", "REJECTED")),
            ("equivalent", findings.equivalent, ("accepted", "REJECTED")),
        ):
            rows += [_row(a, kind, survived[a.fate != "survived"]) for _, a in group]
        table("planted faults", ["fault", "stratum", "fate", "verdict", "seconds"], rows)
        print(f"{len(findings.faults) - len(findings.survivors)} of {len(findings.faults)} killed")
    return 0 if findings.sound else 1


def _row(examination: Any, stratum: str, fate: str) -> list[str]:
    return [examination.id, stratum, fate, examination.verdict, f"{examination.seconds:.1f}"]
