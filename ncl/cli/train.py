"""`ncl train`: fit a LLaMA to a certified library, from answers alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ncl.cli.certify import PolicyFile, certified
from ncl.cli.former_names import Arm, current
from ncl.cli.natural import BaseModel, Cache, Float32, given, load, train_natural
from ncl.cli.output import Json, emit, first_process, one_process, progress, quiet_transformers
from ncl.cli.verify import Jobs
from ncl.errors import GateRefused, InputError

SECONDS = 300.0
MAKE_ONE = "make one with `ncl certify … --out FOLDER`, or leave it out"


def train(
    config: Annotated[str, typer.Argument(help="A recipe (tiny, natural) or a JSON configuration file.")] = "tiny",
    out: Annotated[Path, typer.Option(help="Run folder: metrics and checkpoint.")] = Path("ncl-run"),
    artefact: Annotated[
        Path | None, typer.Option(help="Certified library; without, one is made and certified in OUT/artefact.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Instead of the configuration's.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Instead of the configuration's.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="tiny: the same LLaMA without the computer.")] = False,
    system: Annotated[
        str | None, typer.Option(help="natural: what is trained: ncl (the default), lora or random-library.")
    ] = None,
    arm: Arm = None,
    base: BaseModel = None,
    float32: Float32 = None,
    cache: Cache = None,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="natural: how long the baseline lora is trained; default 300.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from what lies in OUT.")] = False,
    policy: PolicyFile = None,
    jobs: Jobs = 2,
    as_json: Json = False,
) -> int:
    """Train behind the gate; refuses to start (exit 1) unless a certificate covers the library as loaded.

    Example: ncl train natural --out runs/first --seed 1
    """
    from ncl.build import writable
    from ncl.gate import read_policy
    from ncl.training.from_scratch.config import TrainConfig
    from ncl.training.recipes import read_config

    system = current("--system", system, "--arm", arm)
    changes = {"seed": seed, "steps": steps, "system": "plain" if plain else None, "base": base}
    if isinstance(read_config(config), TrainConfig):
        natural = {"--system": system, "--base": base, **given(float32), "--cache": cache, "--seconds": seconds}
        _refuse(natural, "belongs to the natural recipe", "name that: ncl train natural …")
    else:
        _refuse({"--plain": plain}, "belongs to the tiny recipe", "name that: ncl train tiny …")
    settings = read_config(config, {name: value for name, value in changes.items() if value is not None})
    rules = read_policy(policy)
    writable(out)
    if artefact is not None and not artefact.is_dir():
        raise GateRefused("no artefact here", where=str(artefact), remedy=MAKE_ONE)
    quiet_transformers()
    if isinstance(settings, TrainConfig):
        if not one_process():
            raise InputError("the tiny recipe is trained by one process", where="torchrun", remedy="start it alone")
        document = _train_tiny(settings, out, artefact, resume, rules, jobs)
    else:
        chosen = _system(system)
        _refuse(
            {"--artefact": artefact} if chosen == "lora" else {"--seconds": seconds}, f"not for the system {chosen}"
        )
        document = train_natural(
            chosen, settings, load(settings.base, float32), out, artefact=artefact, resume=resume, cache=cache,
            seconds=seconds or SECONDS, policy=rules, jobs=jobs,
        )  # fmt: skip
    if not first_process():
        return 0
    if as_json:
        emit(document)
    else:
        _tell(document)
    return 0


def _train_tiny(settings: Any, out: Path, artefact: Path | None, resume: bool, rules: Any, jobs: int) -> dict[str, Any]:
    from ncl.training.from_scratch.trainer import claim, library_for, tokenizer_digest
    from ncl.training.from_scratch.trainer import train as run_training

    claim(out)
    folder = artefact
    if settings.system == "ncl" and artefact is None:
        folder = out / "artefact"
        if not (resume and folder.is_dir()):
            with progress("compiling", None):
                made = library_for(settings)
            certified(made, folder, rules, jobs, tokenizer_digest())
    with progress(f"training ({settings.system})", settings.steps) as advance:
        summary = run_training(
            settings, out, artefact=folder, policy=rules, resume=resume,
            advance=lambda step, loss: advance(1, f"loss {loss:.3f}"),
        )  # fmt: skip
    return {**summary, "checkpoint": str(out / "model"), "metrics": str(out / "metrics.jsonl")}


def _system(name: str | None) -> str:
    from ncl.training.baselines.lora import demand_peft
    from ncl.training.pretrained.run import SYSTEMS

    if name is not None and name not in SYSTEMS:
        raise InputError(f"no system {name!r} is trained", where="--system", remedy=f"systems: {', '.join(SYSTEMS)}")
    if name == "lora":
        demand_peft()
    return name or SYSTEMS[0]


def _refuse(options: dict[str, Any], why: str, remedy: str = "leave it out") -> None:
    """Raise InputError when one of these options was given."""
    unfit = [name for name, value in options.items() if value]
    if unfit:
        raise InputError(why, where=", ".join(unfit), remedy=remedy)


def _tell(document: dict[str, Any]) -> None:
    losses = document.get("losses") or [document["loss"]]
    told = ", ".join("no finite loss" if loss is None else f"{loss:.3f}" for loss in losses)
    place = document.get("checkpoint") or document["adapter"]
    print(f"{place}: loss {told}, temperature {document['softness'] or 'none: no machine'}")
    if document["stalled"]:
        print("the loss has stalled: train again with another --seed")
