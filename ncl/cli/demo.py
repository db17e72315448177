"""`ncl demo`: the whole chain on a small LLaMA, from a Python function to exact answers and a report."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from ncl.cli import guard
from ncl.cli.certify import PolicyFile, findings_of
from ncl.cli.evaluate import LENGTHS, N_LONG, Lengths, N, Samples, SamplesLong, Tasks, chosen_tasks, show
from ncl.cli.output import Json, emit, progress, quiet_transformers, tell
from ncl.cli.verify import Jobs

Out = Annotated[Path, typer.Option(help="Output folder; an earlier demo there is replaced once all is done.")]
Steps = Annotated[int | None, typer.Option(min=1, help="Training steps of both models, instead of the recipe's.")]


def demo(
    out: Out = Path("ncl-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Of weights, training data and test samples.")] = 0,
    tiny: Annotated[
        bool, typer.Option("--tiny", help="The small LLaMA trained from scratch: the default, and the only one so far.")
    ] = True,
    lengths: Lengths = None,
    task: Tasks = None,
    n: Samples = None,
    n_long: SamplesLong = None,
    steps: Steps = None,
    restarts: Annotated[int, typer.Option(min=0, help="How often a stalled run is made again with the next seed.")] = 3,
    policy: PolicyFile = None,
    jobs: Jobs = 2,
    as_json: Json = False,
) -> int:
    """Compile the library, verify, certify, train a tiny LLaMA with and without it, evaluate both and write a report.

    Exits 3 when every run has stalled.

    Example: ncl demo --out ncl-demo --seed 1
    """
    from ncl.gate import read_policy
    from ncl.training.config import RECIPES, TINY
    from ncl.training.demo import Doors, Plan
    from ncl.training.demo import demo as run_demo
    from ncl.training.evaluate import Cell
    from ncl.training.trainer import tokenizer_digest

    quiet_transformers()
    recipe = RECIPES[TINY]
    config = recipe.model_copy(update={"seed": seed, "steps": steps or recipe.steps})
    again: dict[str, list[Any]] = {
        "--seed": [seed], "--length": lengths or [], "--task": task or [], "--n": [n or N],
        "--n-long": [n_long or N_LONG], "--steps": [config.steps], "--restarts": [restarts],
        "--policy": [policy] if policy else [],
    }  # fmt: skip
    words = [str(part) for name, values in again.items() for value in values for part in (name, value)]
    plan = Plan(
        out,
        config,
        read_policy(policy),
        chosen_tasks(task),
        tuple(lengths or LENGTHS),
        n or N,
        n_long or N_LONG,
        restarts,
        shlex.join(["ncl", "demo", *words]),
    )

    def prove(artefact: Any, rules: Any) -> Any:
        return findings_of(artefact, rules, jobs)

    def certify(artefact: Any, rules: Any, findings: Any) -> Any:
        return guard.load("verify.certify").certify(artefact, rules, findings=findings, tokenizer=tokenizer_digest())

    document = run_demo(plan, Doors(prove, certify, progress, tell))
    if as_json:
        emit(document)
    else:
        show([Cell.from_json(c) for c in document["cells"]])
        print(f"report: {document['report']}  ({document['seconds']:.0f} s)")
    return 3 if document["training"]["ncl"]["stalled"] else 0
