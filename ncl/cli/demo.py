"""`ncl demo`: the whole chain, from a Python function to exact answers and a report."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ncl.cli.certify import PolicyFile, findings_of
from ncl.cli.evaluate import LENGTHS, N_LONG, Chat, Lengths, N, Samples, SamplesLong, Tasks, chosen_tasks, show
from ncl.cli.former_names import ArmLengths, ArmN, Arms, current
from ncl.cli.natural import BaseModel, Cache, Float32, feature_cache, given, load
from ncl.cli.output import Json, emit, progress, quiet_transformers, tell
from ncl.cli.verify import Jobs
from ncl.errors import InputError, NotFoundError

BASELINE_N = 8

Out = Annotated[Path, typer.Option(help="Output folder; an earlier demo there is replaced once all is done.")]
Steps = Annotated[int | None, typer.Option(min=1, help="Training steps, instead of the recipe's.")]


def demo(
    out: Out = Path("ncl-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Of weights, training data and test samples.")] = 0,
    natural: Annotated[
        bool | None,
        typer.Option(
            "--natural/--tiny",
            help="A pretrained LLaMA (the default where one is installed), or a small one from scratch.",
        ),
    ] = None,
    lengths: Lengths = None,
    task: Tasks = None,
    n: Samples = None,
    n_long: SamplesLong = None,
    steps: Steps = None,
    restarts: Annotated[
        int | None, typer.Option(min=0, help="How often a stalled run is made again. Default: 3; natural: 2.")
    ] = None,
    chat: Chat = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(help="natural: evaluated besides; base, base-few-shot, tool (the default), lora, random-library."),
    ] = None,
    baseline_n: Annotated[
        int | None, typer.Option(min=1, help="natural: samples a cell of the baselines. Default: 8.")
    ] = None,
    baseline_length: Annotated[
        list[int] | None, typer.Option(min=1, help="natural: lengths of the baselines' prompts. Default: 10.")
    ] = None,
    arm: Arms = None,
    arm_n: ArmN = None,
    arm_length: ArmLengths = None,
    base: BaseModel = None,
    float32: Float32 = None,
    cache: Cache = None,
    policy: PolicyFile = None,
    jobs: Jobs = 2,
    as_json: Json = False,
) -> int:
    """Compile the library, verify, certify, train a LLaMA, evaluate it beside others and write a report.

    Exits 3 when every run has stalled.

    Example: ncl demo --out ncl-demo --seed 1
    """
    from ncl.gate import read_policy
    from ncl.llama.pretrained.base_model import SMOLLM2, lacking
    from ncl.training.evaluation.accuracy import Cell
    from ncl.training.evaluation.demonstration import Services
    from ncl.verify.certification import certify as proofs

    baseline = current("--baseline", baseline, "--arm", arm)
    baseline_n = current("--baseline-n", baseline_n, "--arm-n", arm_n)
    baseline_length = current("--baseline-length", baseline_length, "--arm-length", arm_length)
    quiet_transformers()
    rules = read_policy(policy)

    def prove(artefact: Any, rules: Any) -> Any:
        return findings_of(artefact, rules, jobs)

    def certify(artefact: Any, rules: Any, findings: Any, tokenizer: str) -> Any:
        return proofs.certify(artefact, rules, findings=findings, tokenizer=tokenizer)

    pretrained, notice = chosen(natural, base)
    # What is wrong with the input is told first; the notice comes with the first thing that is done.
    services = Services(prove, certify, progress, behind(notice, tell) if notice else tell)
    again = {
        "--seed": [seed], "--length": lengths, "--task": task, "--n": [n], "--n-long": [n_long], "--steps": [steps],
        "--restarts": [restarts], "--policy": [policy],
    }  # fmt: skip
    besides = {
        "--chat": [chat], "--baseline": baseline, "--baseline-n": [baseline_n], "--baseline-length": baseline_length,
        "--base": [base], "--cache": [cache],
    }  # fmt: skip
    if pretrained:
        command = _command(
            ["--natural", *(name for name, said in given(float32).items() if said)], {**again, **besides}
        )
        test_set = {"lengths": lengths, "tasks": task, "n": n, "n_long": n_long, "chat": chat, "all_lengths": ["seen"]}
        others = {"lengths": baseline_length or [10], "n": baseline_n or BASELINE_N, "n_long": baseline_n or BASELINE_N}
        document = _pretrained(
            out, {"seed": seed, "steps": steps, "restarts": restarts, "base": base}, test_set, others, baseline,
            feature_cache(cache), float32, rules, jobs, command, services,
        )  # fmt: skip
    else:
        unfit = [name for name, values in besides.items() if any(value is not None for value in values or ())]
        unfit += [name for name, said in given(float32).items() if said]
        if unfit and natural is None and (fault := lacking(base or SMOLLM2)):
            raise NotFoundError(
                f"is of the demo on a pretrained model, which is not there: {fault.message}", where=", ".join(unfit),
                remedy=f"{fault.remedy}; or leave it out, and a small LLaMA is trained from scratch",
            )  # fmt: skip
        if unfit:
            raise InputError("is of the natural demo", where=", ".join(unfit), remedy="ask for it with --natural")
        again |= {"--n": [n or N], "--n-long": [n_long or N_LONG]}
        document = _from_scratch(
            out, {"seed": seed, "steps": steps}, chosen_tasks(task), tuple(lengths or LENGTHS),
            (n or N, n_long or N_LONG), restarts, rules, _command(["--tiny"], again), services,
        )  # fmt: skip
    if as_json:
        emit(document)
    else:
        show([Cell.from_json(c) for c in document["cells"]])
        print(f"report: {document['report']}  ({document['seconds']:.0f} s)")
    return 3 if document["training"]["ncl"]["stalled"] else 0


def chosen(asked: bool | None, base: str | None) -> tuple[bool, str]:
    """Whether the pretrained model is shown, and what is to be said where it would be but is not installed."""
    from ncl.llama.pretrained.base_model import SMOLLM2, lacking

    fault = None if asked is not None else lacking(base or SMOLLM2)
    if fault is None:
        return asked is not False, ""
    return False, f"{fault.message}, so the small LLaMA is trained from scratch; the pretrained one: {fault.remedy}"


def behind(notice: str, say: Callable[[str], None]) -> Callable[[str], None]:
    """`say`, with the notice before the first thing that is said."""
    waiting = [notice]

    def told(text: str) -> None:
        while waiting:
            say(waiting.pop())
        say(text)

    return told


def _command(flags: list[str], options: dict[str, Any]) -> str:
    """How to do it again."""
    given = [(name, value) for name, values in options.items() for value in values or () if value is not None]
    return shlex.join(["ncl", "demo", *(str(part) for pair in given for part in pair), *flags])


def _from_scratch(
    out: Path, changes: dict[str, Any], tasks: tuple[str, ...], lengths: tuple[int, ...], samples: tuple[int, int],
    restarts: int | None, rules: Any, command: str, services: Any,
) -> dict[str, Any]:  # fmt: skip
    from ncl.training.from_scratch.demo import RESTARTS, Plan
    from ncl.training.from_scratch.demo import demo as run_demo
    from ncl.training.recipes import RECIPES, TINY

    config = RECIPES[TINY].model_copy(update={name: value for name, value in changes.items() if value is not None})
    most = RESTARTS if restarts is None else restarts
    return run_demo(Plan(out, config, rules, tasks, lengths, *samples, most, command), services)


def _pretrained(
    out: Path, changes: dict[str, Any], test_set: dict[str, Any], others: dict[str, Any], baselines: list[str] | None,
    cache: Path, float32: bool | None, rules: Any, jobs: int, command: str, services: Any,
) -> dict[str, Any]:  # fmt: skip
    from ncl.training.baselines.catalogue import TRAINED, UNTRAINED
    from ncl.training.evaluation.held_out import CHAIN, held_out_set
    from ncl.training.pretrained.config import NaturalConfig
    from ncl.training.pretrained.demo import Plan
    from ncl.training.pretrained.demo import demo as run_demo
    from ncl.training.recipes import NATURAL as RECIPE
    from ncl.training.recipes import read_config
    from ncl.training.tasks.natural_prompts import TASKS

    if unknown := set(baselines or ()) - {*UNTRAINED, *TRAINED}:
        raise InputError(
            f"no baseline {', '.join(sorted(unknown))}",
            where="--baseline",
            remedy=f"baselines: {', '.join((*UNTRAINED, *TRAINED))}",
        )
    config = read_config(RECIPE, {name: value for name, value in changes.items() if value is not None})
    assert isinstance(config, NaturalConfig)
    seed = config.seed
    whole = held_out_set(test_set, seed)
    tasks = [task for task in whole.tasks if task in (*TASKS, CHAIN)]
    beside = held_out_set({**others, "tasks": tasks, "kinds": ["seen"]}, seed)
    chosen = UNTRAINED if baselines is None else tuple(dict.fromkeys(baselines))
    plan = Plan(out, config, rules, cache, whole, beside, chosen, jobs, command)
    return run_demo(plan, services, lambda: load(config.base, float32))
