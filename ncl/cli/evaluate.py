"""`ncl evaluate`: exact answers of a checkpoint, by task and length, in free-running generation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ncl.cli.certify import PolicyFile
from ncl.cli.output import Json, emit, progress, quiet_transformers, table
from ncl.errors import InputError

LENGTHS = (10, 50, 100, 500)

Lengths = Annotated[list[int] | None, typer.Option("--length", min=0, help="Repeatable. Default: 10 50 100 500.")]
Tasks = Annotated[list[str] | None, typer.Option("--task", help="Repeatable. Default: all five.")]
Samples = Annotated[int, typer.Option("--n", min=1, help="Samples a cell up to length 100.")]
SamplesLong = Annotated[int, typer.Option("--n-long", min=1, help="Samples a cell beyond.")]


def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="A run's folder.")],
    lengths: Lengths = None,
    task: Tasks = None,
    n: Samples = 200,
    n_long: SamplesLong = 50,
    seed: Annotated[int, typer.Option(min=0, help="Of the fresh test samples.")] = 0,
    policy: PolicyFile = None,
    as_json: Json = False,
) -> None:
    """Measure exact-answer accuracy; every number and the end token must be right.

    Example: ncl evaluate runs/first --json > run.json
    """
    import time
    from functools import partial

    from ncl.gate import read_policy
    from ncl.training.answers import exact, fitting
    from ncl.training.evaluate import evaluate as run_evaluation
    from ncl.training.trainer import load_checkpoint

    begin = time.perf_counter()
    quiet_transformers()
    tasks = chosen_tasks(task)
    model, tokenizer, config = load_checkpoint(checkpoint, read_policy(policy))
    asked = fitting(lengths or LENGTHS, config)
    with progress("evaluating", len(tasks) * len(asked)) as advance:
        cells = run_evaluation(
            {config.arm: partial(exact, model, tokenizer)}, tasks, asked, n=n, n_long=n_long, seed=seed,
            advance=lambda note: advance(1, note),
        )  # fmt: skip
    if as_json:
        seconds = round(time.perf_counter() - begin, 1)
        emit({"cells": [c.to_json() for c in cells], "report": None, "seconds": seconds})
    else:
        show(cells)


def chosen_tasks(names: list[str] | None) -> tuple[str, ...]:
    """The tasks of these names, each once; the five with numbers when none is named. Raises InputError."""
    from ncl.training.tasks import NUMBER_TASKS, TASKS

    wanted = tuple(dict.fromkeys(names or NUMBER_TASKS))
    if unknown := set(wanted) - set(TASKS):
        raise InputError(f"no task {', '.join(sorted(unknown))}", where="--task", remedy=f"tasks: {', '.join(TASKS)}")
    return wanted


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
