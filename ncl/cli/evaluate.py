"""`ncl evaluate`: exact answers of a checkpoint, by task and length, in free-running generation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ncl.cli.certify import PolicyFile
from ncl.cli.output import Json, emit, progress, table

Lengths = Annotated[list[int] | None, typer.Option("--length", min=0, help="Repeatable. Default: 10 50 100 500.")]


def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="A run's folder.")],
    lengths: Lengths = None,
    task: Annotated[list[str] | None, typer.Option(help="Repeatable. Default: all five.")] = None,
    n: Annotated[int, typer.Option(min=1, help="Samples a cell up to length 100.")] = 200,
    n_long: Annotated[int, typer.Option(min=1, help="Samples a cell beyond.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Of the fresh test samples.")] = 0,
    policy: PolicyFile = None,
    as_json: Json = False,
) -> None:
    """Measure exact-answer accuracy; every number and the end token must be right.

    Example: ncl evaluate runs/first --json > run.json
    """
    import time

    from ncl.errors import InputError
    from ncl.gate import read_policy
    from ncl.training.tasks import TASKS
    from ncl.training.trainer import load_checkpoint

    begin = time.perf_counter()
    wanted = task or [name for name in TASKS if name != "text"]
    if unknown := set(wanted) - set(TASKS):
        raise InputError(f"no task {', '.join(sorted(unknown))}", where="--task", remedy=f"tasks: {', '.join(TASKS)}")
    loaded = load_checkpoint(checkpoint, read_policy(policy))
    arm = loaded[2].arm
    cells = measured({arm: loaded[:2]}, wanted, lengths or [10, 50, 100, 500], n, n_long, seed)
    if as_json:
        seconds = round(time.perf_counter() - begin, 1)
        emit({"cells": [c.to_json() for c in cells], "report": None, "seconds": seconds})
    else:
        show(cells)


def measured(
    models: dict[str, tuple[Any, Any]], tasks: list[str], lengths: list[int], n: int, n_long: int, seed: int
) -> list[Any]:
    """The cells of all arms; `models` maps an arm to (model, tokenizer)."""
    from ncl.training.answers import exact
    from ncl.training.evaluate import evaluate as run_evaluation

    answerers = {
        arm: lambda task, length, count, seed, pair=pair: exact(*pair, task, length, count, seed)
        for arm, pair in models.items()
    }
    with progress("evaluating", len(models) * len(tasks) * len(lengths)) as advance:
        return run_evaluation(
            answerers, tasks, lengths, n=n, n_long=n_long, seed=seed, advance=lambda note: advance(1, note)
        )


def show(cells: list[Any]) -> None:
    from ncl.training.report import rows_of

    lengths, rows = rows_of(cells)
    columns = ["task", "model", *(f"{length}" for length in lengths)]
    told = [
        [
            r.task,
            r.arm,
            *(f"{c.exact:.3f} [{c.interval[0]:.2f}, {c.interval[1]:.2f}] of {c.n}" if c else "" for c in r.cells),
        ]
        for r in rows
    ]
    table("exact answers by numbers in the prompt (95 % intervals)", columns, told)
