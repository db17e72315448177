"""`ncl evaluate`: exact answers of a checkpoint, by task and length, in free-running generation."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ncl.cli.certify import PolicyFile
from ncl.cli.former_names import Arms, current
from ncl.cli.natural import BaseModel, Cache, Float32, feature_cache, given, load
from ncl.cli.output import Json, claim_file, emit, progress, quiet_transformers, table, write_atomically
from ncl.errors import InputError, NotFoundError

LENGTHS = (10, 50, 100, 500)
N, N_LONG = 200, 50
WIDE = 5  # lengths that still have a column each

Lengths = Annotated[
    list[int] | None, typer.Option("--length", min=0, help="Repeatable. Default: 10 50 100 500; natural: 10 100 1000.")
]
Tasks = Annotated[list[str] | None, typer.Option("--task", help="Repeatable. Default: all.")]
Samples = Annotated[
    int | None, typer.Option("--n", min=1, help="Samples a cell up to length 100. Default: 200; natural: 40.")
]
SamplesLong = Annotated[
    int | None, typer.Option("--n-long", min=1, help="Samples a cell beyond. Default: 50; natural: 8.")
]
Chat = Annotated[int | None, typer.Option(min=0, help="natural: held-out chat prompts at most. Default: 200, all.")]


def evaluate(
    checkpoint: Annotated[Path, typer.Argument(help="A run's folder.")],
    prompts: Annotated[
        Path | None,
        typer.Option(help="natural: a JSON-lines file of prompts with answers, instead of the held-out ones."),
    ] = None,
    baseline: Annotated[
        list[str] | None, typer.Option(help="natural: also evaluate base, base-few-shot or tool. Repeatable.")
    ] = None,
    arm: Arms = None,
    lengths: Lengths = None,
    task: Tasks = None,
    phrasing: Annotated[
        list[str] | None, typer.Option(help="natural: seen, unseen or several. Repeatable. Default: all.")
    ] = None,
    n: Samples = None,
    n_long: SamplesLong = None,
    chat: Chat = None,
    read_once: Annotated[
        bool, typer.Option("--read-once", help="natural: keep what is read of prompts, for other runs on this base.")
    ] = False,
    cache: Cache = None,
    answers: Annotated[Path | None, typer.Option(help="natural: write every answer there, one a line.")] = None,
    base: BaseModel = None,
    float32: Float32 = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the fresh test samples.")] = 0,
    policy: PolicyFile = None,
    as_json: Json = False,
) -> None:
    """Measure exact-answer accuracy; every number and the end token must be right.

    Example: ncl evaluate runs/first --json > run.json
    """
    if not checkpoint.exists():  # told before anything large is imported
        raise NotFoundError("no checkpoint here", where=str(checkpoint), remedy="train one with `ncl train`")
    from ncl.gate import read_policy
    from ncl.training.pretrained.run import find_run

    baseline = current("--baseline", baseline, "--arm", arm)
    begin = time.perf_counter()
    quiet_transformers()
    rules = read_policy(policy)
    natural = {
        "--prompts": prompts, "--baseline": baseline, "--phrasing": phrasing, "--chat": chat, "--answers": answers,
        "--base": base, **given(float32), "--read-once": read_once, "--cache": cache,
    }  # fmt: skip
    run = find_run(checkpoint)
    if run is None:
        unfit = [name for name, value in natural.items() if value]
        if unfit and checkpoint.is_dir():
            raise InputError("belongs to checkpoints of the natural recipe; this is none", where=", ".join(unfit))
        cells = _tiny(checkpoint, rules, chosen_tasks(task), lengths or LENGTHS, n or N, n_long or N_LONG, seed)
    else:
        test_set = {"lengths": lengths, "tasks": task, "kinds": phrasing, "n": n, "n_long": n_long, "chat": chat}
        run = replace(run, base=base or run.base)
        kept = feature_cache(cache) if read_once or cache else None
        cells = _natural(run, rules, prompts_of(prompts, test_set, seed), baseline or [], answers, float32, seed, kept)
    if as_json:
        seconds = round(time.perf_counter() - begin, 1)
        emit({"cells": [c.to_json() for c in cells], "report": None, "seconds": seconds})
    else:
        show(cells)


def _tiny(
    checkpoint: Path, rules: Any, tasks: tuple[str, ...], lengths: Any, n: int, n_long: int, seed: int
) -> list[Any]:
    from functools import partial

    from ncl.training.evaluation.accuracy import evaluate as run_evaluation
    from ncl.training.from_scratch.answers import exact, fitting
    from ncl.training.from_scratch.trainer import load_checkpoint

    with progress(f"loading {checkpoint}", None):
        model, tokenizer, config = load_checkpoint(checkpoint, rules)
    chosen = fitting(lengths, config)
    with progress("evaluating", len(tasks) * len(chosen)) as advance:
        return run_evaluation(
            {config.system: partial(exact, model, tokenizer)}, tasks, chosen, n=n, n_long=n_long, seed=seed,
            advance=lambda note: advance(1, note),
        )  # fmt: skip


def prompts_of(file: Path | None, test_set: dict[str, Any], seed: int) -> list[Any]:
    """The prompts of a file, or of the held-out exam with what the options (by name) say of it."""
    from ncl.training.data.prompt_file import read_prompts
    from ncl.training.evaluation.held_out import held_out_set

    if file is None:
        return held_out_set(test_set, seed).prompts()
    if any(value is not None and value != [] for value in test_set.values()):
        raise InputError(
            "a file replaces the held-out prompts, whose length, task, phrasing, n and chat cannot be chosen then",
            where="--prompts",
        )
    return read_prompts(file)


def _natural(
    run: Any,
    rules: Any,
    prompts: list[Any],
    besides: list[str],
    answers: Path | None,
    float32: bool | None,
    seed: int,
    cache: Path | None,
) -> list[Any]:
    import json

    from ncl.training.baselines.catalogue import UNTRAINED, untrained
    from ncl.training.evaluation.measurement import measured, record
    from ncl.training.pretrained.run import open_system

    if unknown := set(besides) - set(UNTRAINED):
        raise InputError(
            f"no baseline {', '.join(sorted(unknown))} needs no run of its own", where="--baseline",
            remedy=f"baselines: {', '.join(UNTRAINED)}; evaluate the run of another by its folder",
        )  # fmt: skip
    claim_file(answers)
    base = load(run.base, float32, run.dtype)
    systems = [open_system(run, base, rules, cache), *(untrained(name, base) for name in dict.fromkeys(besides))]
    cells, lines = [], []
    for system in systems:
        with progress(f"evaluating {system.name}", len(system.supported(prompts))) as advance:
            found, outcomes = measured(system, prompts, base, seed, advance)
        cells += found
        lines += [json.dumps(record(system.name, o)) for o in outcomes]
    if answers is not None:
        write_atomically(answers, "\n".join(lines) + "\n")
    return cells


def chosen_tasks(names: list[str] | None) -> tuple[str, ...]:
    """The tasks of these names, each once; the five with numbers when none is named. Raises InputError."""
    from ncl.training.tasks import NUMBER_TASKS, TASKS

    wanted = tuple(dict.fromkeys(names or NUMBER_TASKS))
    if unknown := set(wanted) - set(TASKS):
        raise InputError(f"no task {', '.join(sorted(unknown))}", where="--task", remedy=f"tasks: {', '.join(TASKS)}")
    return wanted


def show(cells: list[Any]) -> None:
    """A row a task and model with a column a length; of very many lengths, a row each."""
    from ncl.training.evaluation.report import rows_of

    lengths, rows = rows_of(cells)
    title = "exact answers by numbers in the prompt (95 % intervals)"
    kinds = ["phrasing", "calls"] if any(c.phrasing for c in cells) else []
    heads = ["task", *kinds, "model"]
    if len(lengths) > WIDE:
        lines = [[*_head(c, kinds), str(c.length), _told(c)] for c in cells]
        table(title, [*heads, "length", "exact"], lines)
    else:
        lines = [[*_head(r, kinds), *(_told(c) if c else "" for c in r.cells)] for r in rows]
        table(title, [*heads, *map(str, lengths)], lines)


def _head(of: Any, kinds: list[str]) -> list[str]:
    told = [of.task, *(str(getattr(of, kind)) for kind in kinds), of.system]
    return [part.replace("_", " ") for part in told]


def _told(cell: Any) -> str:
    parsed = "" if cell.parsed is None else f", {cell.parsed:.2f} parsed"
    beyond = ", past the context" if cell.beyond_context else ""
    return f"{cell.exact:.3f} [{cell.interval[0]:.2f}, {cell.interval[1]:.2f}] of {cell.n}{parsed}{beyond}"
