"""The main job on a pretrained LLaMA: compile, verify, certify, fit, evaluate all systems, report.

Folder, clock and doors are those of every demo (`demonstration`): everything is made in a hidden folder and moved
into place when it is complete.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ncl import atomic
from ncl.digests import tokenizer_digest
from ncl.errors import NotFoundError
from ncl.gate import Policy
from ncl.llama.pretrained.adapter_record import dtype_name
from ncl.llama.pretrained.base_model import Base
from ncl.llama.pretrained.model import NCLChatLlamaForCausalLM
from ncl.training.baselines.catalogue import UNTRAINED, untrained
from ncl.training.baselines.lora import demand_peft
from ncl.training.evaluation.accuracy import Cell
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
from ncl.training.evaluation.held_out import HeldOutSet
from ncl.training.evaluation.measurement import cells_of
from ncl.training.evaluation.plot import natural_plot
from ncl.training.evaluation.system import Outcome, System
from ncl.training.pretrained.config import NaturalConfig
from ncl.training.pretrained.recipe import Progress
from ncl.training.pretrained.report import About, NaturalAccount, page
from ncl.training.pretrained.run import find_run, library_for, open_computer, open_system, train_system
from ncl.training.pretrained.samples import displayed_prompts, samples
from ncl.training.pretrained.system import computer_system
from ncl.training.pretrained.training_examples import training_prompts


@dataclass(frozen=True)
class Plan:
    """What is to be done. `baseline_test_set`: that of the other `systems`, which cost more and know less."""

    out: Path
    config: NaturalConfig
    policy: Policy
    cache: Path
    test_set: HeldOutSet
    baseline_test_set: HeldOutSet
    systems: tuple[str, ...] = UNTRAINED
    jobs: int = 1
    command: str = "ncl demo --natural"


def demo(plan: Plan, services: Services, load: Callable[[], Base]) -> dict[str, Any]:
    """Do all of it and return the document. Raises InputError before anything is done when the folder is not ours."""
    claim(plan.out)
    plan = replace(plan, systems=_possible(plan.systems, services))
    clock = Clock(services.tell)
    with atomic.workspace(plan.out) as place:
        account = _made(plan, services, load, place, clock)
        with clock.stage("report"), services.bar("writing the report", 1):
            picture = natural_plot(account.cells, plan.config.longest)
            (place / PLOT).write_bytes(picture)
            (place / REPORT).write_text(page(replace(account, plot=picture)), encoding="utf-8")
        common = document_of(plan.out, account.cells, account.certificate, account.runs, clock)
        document = {
            "recipe": "natural", **common, "base": vars(account.base), "seed": plan.config.seed,
            "restarts": account.runs["ncl"]["restarts"],
        }  # fmt: skip
        (place / DOCUMENT).write_text(json.dumps({"schema": 1, **document}, indent=1) + "\n", encoding="utf-8")
        publish(place, plan.out)
    return document


def _possible(systems: tuple[str, ...], services: Services) -> tuple[str, ...]:
    """Without those that need a package which is not installed; that is said."""
    try:
        if "lora" in systems:
            demand_peft()
    except NotFoundError as fault:
        services.tell(f"{fault.message}: left out ({fault.remedy})")
        return tuple(system for system in systems if system != "lora")
    return systems


def _made(plan: Plan, services: Services, load: Callable[[], Base], place: Path, clock: Clock) -> NaturalAccount:
    with clock.stage("load the base model") as remarks:
        base = load()
        remarks.append(f"{base.source}: {base.model.num_parameters():,} parameters")
    with clock.stage("compile the library") as remarks, services.bar("compiling", 1):
        artefact = library_for("ncl", plan.config, base, place)
        remarks.append(f"{len(artefact.programs)} programs at width {plan.config.width}")
    certificate = certified(
        artefact, place / "artefact", plan.policy, tokenizer_digest(base.tokenizer), services, clock
    )
    runs = {"ncl": _trained("ncl", plan, services, base, place, clock)}
    run = find_run(place / "ncl")
    assert run is not None
    model = open_computer(run, base, plan.policy)
    cells, answered = list[Cell](), dict[str, list[Outcome]]()
    _evaluate(computer_system(model, base), plan.test_set, base, cells, answered, services, clock)
    for name in plan.systems:
        if name not in UNTRAINED:
            runs[name] = _trained(name, plan, services, base, place, clock, seconds=runs["ncl"]["seconds"])
        _evaluate(_opened(name, plan, base, place), plan.baseline_test_set, base, cells, answered, services, clock)
    with clock.stage("read samples"), services.bar("reading samples", 1):
        read = samples(model, answered)
    return NaturalAccount(
        command=plan.command, config=plan.config, base=about(base), readers=_weights(model), artefact=artefact,
        certificate=certificate, runs=runs, cells=cells, samples=read, stages=clock.stages,
    )  # fmt: skip


def _trained(
    system: str, plan: Plan, services: Services, base: Base, place: Path, clock: Clock, seconds: float = 0.0
) -> dict[str, Any]:
    """One system's record. `lora` gets as long as `ncl` took."""
    artefact = place / "artefact"
    if system == "random-library":
        random = library_for(system, plan.config, base, place / system)
        artefact = place / system / "artefact"
        certified(
            random, artefact, plan.policy, tokenizer_digest(base.tokenizer), services, clock, " the random library"
        )
    # LoRA gets as long as `ncl` took from nothing, so then nothing is taken from the cache.
    cache = place / "features" if "lora" in plan.systems else plan.cache
    config = plan.config
    total = seconds if system == "lora" else len(training_prompts(config)) + config.all_steps
    with clock.stage(f"train {system}") as remarks, services.bar(f"training ({system})", int(total)) as advance:
        record = train_system(
            system, config, base, place / system, artefact=artefact, cache=cache, seconds=seconds, policy=plan.policy,
            jobs=plan.jobs, progress=Progress(
                seen=lambda count: advance(count, "reading prompts"),
                step=lambda step, loss: advance(1, f"loss {loss:.3f}"),
            ),
            advance=lambda took, loss: advance(took, f"loss {loss:.3f}"),
        )  # fmt: skip
        losses = record.get("losses") or [record["loss"]]
        remarks.append(f"loss {', '.join(map(str, losses))}; {record.get('restarts', 0)} restarts")
    return record


def _opened(name: str, plan: Plan, base: Base, place: Path) -> System:
    if name in UNTRAINED:
        return untrained(name, base)
    run = find_run(place / name)
    assert run is not None
    return open_system(run, base, plan.policy)


def _evaluate(
    system: System,
    test_set: HeldOutSet,
    base: Base,
    cells: list[Cell],
    answered: dict[str, list[Outcome]],
    services: Services,
    clock: Clock,
) -> None:
    """A system's test set, for its cells, and along with it the prompts that are displayed."""
    prompts, displayed = system.supported(test_set.prompts()), system.supported(displayed_prompts(test_set.seed))
    with (
        clock.stage(f"evaluate {system.name}") as remarks,
        services.bar(f"evaluating {system.name}", len(prompts) + len(displayed)) as advance,
    ):
        outcomes = system.answer([*prompts, *displayed], lambda count: advance(count, ""))
        own, answered[system.name] = outcomes[: len(prompts)], outcomes[len(prompts) :]
        cells += cells_of(system.name, own, base, test_set.seed)
        remarks.append(f"{sum(o.exact for o in own)} of {len(own)} exact")


def about(base: Base) -> About:
    config = base.model.config
    return About(
        base.source, base.digest, base.model.num_parameters(), int(config.max_position_embeddings),
        dtype_name(base.model.dtype),
    )  # fmt: skip


def _weights(model: NCLChatLlamaForCausalLM) -> int:
    return sum(p.numel() for p in model.readers.parameters())
