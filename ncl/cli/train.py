"""`ncl train`: fit a LLaMA to a certified library, from answers alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ncl.cli.certify import PolicyFile, certified
from ncl.cli.output import Json, emit, progress, quiet_transformers
from ncl.cli.verify import Jobs


def train(
    config: Annotated[str, typer.Argument(help="A recipe (tiny) or a JSON configuration file.")] = "tiny",
    out: Annotated[Path, typer.Option(help="Run folder: metrics and checkpoint.")] = Path("ncl-run"),
    artefact: Annotated[
        Path | None, typer.Option(help="Certified library; without, one is made and certified in OUT/artefact.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the configuration's.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Instead of the configuration's.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="The same LLaMA without the computer.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in OUT.")] = False,
    policy: PolicyFile = None,
    jobs: Jobs = 2,
    as_json: Json = False,
) -> int:
    """Train behind the gate; refuses to start (exit 1) unless a certificate covers the library as loaded.

    Example: ncl train tiny --out runs/first --seed 1
    """
    from ncl.gate import read_policy
    from ncl.training.config import read_config, validated
    from ncl.training.trainer import claim, library_for, tokenizer_digest
    from ncl.training.trainer import train as run_training

    quiet_transformers()
    changes = {"seed": seed, "steps": steps, "arm": "plain" if plain else None}
    given = {name: value for name, value in changes.items() if value is not None}
    settings = validated({**read_config(config).model_dump(), **given}, config)
    claim(out)
    rules = read_policy(policy)
    folder = artefact
    if settings.arm == "ncl" and artefact is None:
        folder = out / "artefact"
        if not (resume and folder.is_dir()):
            certified(library_for(settings), folder, rules, jobs, tokenizer_digest())
    with progress(f"training ({settings.arm})", settings.steps) as advance:
        summary = run_training(
            settings, out, artefact=folder, policy=rules, resume=resume,
            advance=lambda step, loss: advance(1, f"loss {loss:.3f}"),
        )  # fmt: skip
    document = {**summary, "checkpoint": str(out / "model"), "metrics": str(out / "metrics.jsonl")}
    if as_json:
        emit(document)
    else:
        loss = "no finite loss" if summary["loss"] is None else f"loss {summary['loss']:.3f}"
        print(f"{out / 'model'}: {loss}, temperature {summary['softness'] or 'none: no machine'}")
        if summary["stalled"]:
            print("the loss has stalled: train again with another --seed")
    return 0
