"""What the commands on natural models share: the base model, the cache of features, and training behind the gate.

No command itself; called by `train`, `evaluate`, `chat` and `demo`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from ncl import cached
from ncl.cli.certify import certified
from ncl.cli.output import first_process, progress, tell

BaseModel = Annotated[
    str | None, typer.Option("--base", help="smollm2, a folder or a .gguf file: the pretrained LLaMA.")
]
Float32 = Annotated[
    bool | None,
    typer.Option(
        "--float32/--bfloat16",
        help="What the base model runs in. Default: what a run was fitted in; for a new one what is quicker here.",
    ),
]
Cache = Annotated[Path | None, typer.Option(help="Folder of cached features; default: in NCL's cache folder.")]


def load(source: str, float32: bool | None, fitted: str = "") -> Any:
    """The base model, on a GPU where there is one. `fitted`: the dtype of the run; if it runs in another, that is told.

    Raises NotFoundError with the command that brings what lacks.
    """
    import torch

    from ncl.llama.pretrained.base_model import lacking, load_base

    if fault := lacking(source):
        raise fault
    name, why = dtype_of(float32, fitted)
    if first_process() and name != fitted:
        tell(f"ncl: {source} runs in {name}: {why}")
    with progress(f"loading {source}", None):
        base = load_base(source, getattr(torch, name))
    # torchrun gives each process a GPU of its own.
    base.model.to(f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu")
    return base


def dtype_of(float32: bool | None, fitted: str = "") -> tuple[str, str]:
    """The name of the dtype that a base model is to run in, and why."""
    from ncl.llama.pretrained.dtype_choice import quickest

    if float32 is not None:
        name = "float32" if float32 else "bfloat16"
        differs = f", but the run was fitted in {fitted}" if fitted not in ("", name) else ""
        return name, f"as requested{differs}"
    if fitted in ("float32", "bfloat16", "float16"):
        return fitted, "the run was fitted in it"
    choice = quickest()
    return str(choice.dtype).removeprefix("torch."), choice.why


def given(float32: bool | None) -> dict[str, bool]:
    """The options by which the dtype is chosen, to name them where they do not belong."""
    return {"--float32": float32 is True, "--bfloat16": float32 is False}


def feature_cache(cache: Path | None) -> Path:
    """Where features of prompts are kept."""
    place: Path = cache or cached.folder() / "features"
    return place


def train_natural(
    system: str, config: Any, base: Any, out: Path, *, artefact: Path | None, resume: bool, cache: Path | None,
    seconds: float, policy: Any, jobs: int,
) -> dict[str, Any]:  # fmt: skip
    """Certify what the system needs unless that was given, train it with a bar, and return the record."""
    from ncl.digests import tokenizer_digest
    from ncl.training.data.ranks import ranks
    from ncl.training.pretrained.recipe import Progress
    from ncl.training.pretrained.run import claim, library_for, train_system
    from ncl.training.pretrained.training_examples import training_prompts

    several = ranks()
    if several.first:
        claim(out)
    folder = artefact
    if system != "lora" and artefact is None:
        folder = out / "artefact"
        if several.first and not (resume and folder.is_dir()):
            certified(library_for(system, config, base, out), folder, policy, jobs, tokenizer_digest(base.tokenizer))
    several.wait()
    total = seconds if system == "lora" else len(training_prompts(config)) + config.all_steps
    with progress(f"training ({system})", total) as advance:
        told = train_system(
            system, config, base, out, artefact=folder, cache=feature_cache(cache), seconds=seconds, policy=policy,
            jobs=jobs, resume=resume, progress=Progress(
                seen=lambda count: advance(count, "reading prompts"),
                step=lambda step, loss: advance(1, f"loss {loss:.3f}"),
            ),
            advance=lambda took, loss: advance(took, f"loss {loss:.3f}"),
        )  # fmt: skip
    return {**told, "adapter": str(out / told["adapter"])}
