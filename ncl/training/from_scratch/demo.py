"""The main job from end to end on a LLaMA from scratch: compile, verify, certify, train beside the plain LLaMA, report.

Proving and progress bars are handed in by the door (`ncl demo`); everything else is here. All of it is made in a hidden
folder inside the output folder and moved into place only when it is complete, so an earlier result stays until then.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from ncl import atomic
from ncl.gate import Policy
from ncl.training.evaluation.accuracy import Cell, evaluate
from ncl.training.evaluation.demonstration import (
    DOCUMENT,
    PLOT,
    REPORT,
    Clock,
    Services,
    certified,
    claim,
    document_of,
    publish,
)
from ncl.training.evaluation.plot import accuracy_plot
from ncl.training.from_scratch.answers import exact, fitting
from ncl.training.from_scratch.config import TrainConfig
from ncl.training.from_scratch.report import Account, page
from ncl.training.from_scratch.samples import samples
from ncl.training.from_scratch.trainer import discard, library_for, load_checkpoint, tokenizer_digest, train
from ncl.training.tasks import NUMBER_TASKS

RESTARTS = 3


@dataclass(frozen=True)
class Plan:
    """What is to be done. `config` is the `ncl` system's; `command` is how to do it again, for the report."""

    out: Path
    config: TrainConfig
    policy: Policy
    tasks: tuple[str, ...] = tuple(NUMBER_TASKS)
    lengths: tuple[int, ...] = (10, 50, 100, 500)
    n: int = 200
    n_long: int = 50
    restarts: int = RESTARTS
    command: str = "ncl demo"


def demo(plan: Plan, services: Services) -> dict[str, Any]:
    """Do all of it and return the document. Raises InputError before anything is done when the folder is not ours."""
    plan = replace(plan, lengths=fitting(plan.lengths, plan.config))
    claim(plan.out)
    clock = Clock(services.tell)
    with atomic.workspace(plan.out) as place:
        account = _made(plan, services, place, clock)
        with clock.stage("report"), services.bar("writing the report", 1):
            picture = accuracy_plot(account.cells, plan.config.longest)
            (place / PLOT).write_bytes(picture)
            (place / REPORT).write_text(page(replace(account, plot=picture)), encoding="utf-8")
        document = _document(plan, account, clock)
        (place / DOCUMENT).write_text(json.dumps({"schema": 1, **document}, indent=1) + "\n", encoding="utf-8")
        publish(place, plan.out)
    return document


def _made(plan: Plan, services: Services, place: Path, clock: Clock) -> Account:
    with clock.stage("compile the library") as remarks, services.bar("compiling", 1):
        artefact = library_for(plan.config)
        remarks.append(f"{len(artefact.programs)} programs at width {plan.config.width}")
    certificate = certified(artefact, place / "artefact", plan.policy, tokenizer_digest(), services, clock)
    with clock.stage("train the LLaMA with NCL") as remarks:
        config, summary, restarts = _trained(plan, services, place)
        remarks.append(f"loss {_loss_text(summary)}; temperature {summary['softness']}; {restarts} restarts")
    with clock.stage("train the plain LLaMA") as remarks:
        plain = _train(plan, services, place, config.model_copy(update={"system": "plain"}))
        remarks.append(f"loss {_loss_text(plain)}")
    with clock.stage("evaluate both"):
        models = {system: load_checkpoint(place / system, plan.policy) for system in ("ncl", "plain")}
        cells = _evaluated(plan, services, models)
        with services.bar("reading samples", 1):
            displayed = samples(models, plan.tasks, plan.config.seed)
    return Account(
        command=plan.command, config=config, artefact=artefact, certificate=certificate,
        runs={"ncl": summary, "plain": plain},
        parameters={system: model.num_parameters() for system, (model, _, _) in models.items()},
        restarts=restarts, cells=cells, samples=displayed, stages=clock.stages,
    )  # fmt: skip


def _trained(plan: Plan, services: Services, place: Path) -> tuple[TrainConfig, dict[str, Any], int]:
    """The `ncl` system; a run that has stalled is made again with the next seed. Also how often that was."""
    for restart in range(plan.restarts + 1):
        config = plan.config.model_copy(update={"seed": plan.config.seed + restart})
        summary = _train(plan, services, place, config)
        if not summary["stalled"] or restart == plan.restarts:
            break
        services.tell(
            f"seed {config.seed} has stalled at loss {_loss_text(summary)}; again with seed {config.seed + 1}"
        )
        discard(place / config.system)
    return config, summary, restart


def _train(plan: Plan, services: Services, place: Path, config: TrainConfig) -> dict[str, Any]:
    with services.bar(f"training ({config.system})", config.steps) as advance:
        return train(
            config, place / config.system, artefact=place / "artefact", policy=plan.policy,
            advance=lambda step, loss: advance(1, f"loss {loss:.3f}"),
        )  # fmt: skip


def _loss_text(summary: dict[str, Any]) -> str:
    return "not finite" if summary["loss"] is None else f"{summary['loss']:.3f}"


def _evaluated(plan: Plan, services: Services, models: dict[str, Any]) -> list[Cell]:
    answerers = {system: partial(exact, model, tokenizer) for system, (model, tokenizer, _) in models.items()}
    with services.bar("evaluating", len(answerers) * len(plan.tasks) * len(plan.lengths)) as advance:
        return evaluate(
            answerers, plan.tasks, plan.lengths, n=plan.n, n_long=plan.n_long, seed=plan.config.seed,
            advance=lambda note: advance(1, note),
        )  # fmt: skip


def _document(plan: Plan, account: Account, clock: Clock) -> dict[str, Any]:
    document = document_of(plan.out, account.cells, account.certificate, account.runs, clock)
    return {"recipe": "tiny", **document, "seed": plan.config.seed, "restarts": account.restarts}
