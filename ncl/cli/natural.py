"""What the commands on natural models share: the base model, the cache of features, and training behind the gate.

No command itself; called by `train`, `evaluate`, `chat` and `demo`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from ncl.cli import guard
from ncl.cli.certify import certified
from ncl.cli.output import progress

BaseModel = Annotated[
    str | None, typer.Option("--base", help="smollm2, a folder or a .gguf file: the pretrained LLaMA.")
]
Float32 = Annotated[
    bool, typer.Option("--float32", help="Run the base model in float32, not bfloat16: quicker on older processors.")
]
Cache = Annotated[Path | None, typer.Option(help="Folder of cached features; default: in NCL's cache folder.")]


def load(source: str, float32: bool) -> Any:
    """The base model, on a GPU where there is one. Raises NotFoundError with the command that brings what lacks."""
    import torch

    from ncl.llama.base import load_base

    base = load_base(source, torch.float32 if float32 else torch.bfloat16)
    # torchrun gives each process a GPU of its own.
    base.model.to(f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu")
    return base


def feature_cache(cache: Path | None) -> Path:
    """Where features of prompts are kept."""
    place: Path = cache or guard.load("verify.cache").folder() / "features"
    return place


def train_natural(
    arm: str, config: Any, base: Any, out: Path, *, artefact: Path | None, resume: bool, cache: Path | None,
    seconds: float, policy: Any, jobs: int,
) -> dict[str, Any]:  # fmt: skip
    """Certify what the arm needs unless that was given, train it with a bar, and return the record."""
    from ncl.llama.tokenizer import digest_of
    from ncl.training.natural import Progress, training_prompts
    from ncl.training.natural_run import claim, library_for, train_arm
    from ncl.training.ranks import ranks

    several = ranks()
    if several.first:
        claim(out)
    folder = artefact
    if arm != "lora" and artefact is None:
        folder = out / "artefact"
        if several.first and not (resume and folder.is_dir()):
            certified(library_for(arm, config, base, out), folder, policy, jobs, digest_of(base.tokenizer))
    several.wait()
    total = seconds if arm == "lora" else len(training_prompts(config)) + config.all_steps
    with progress(f"training ({arm})", total) as advance:
        told = train_arm(
            arm, config, base, out, artefact=folder, cache=feature_cache(cache), seconds=seconds, policy=policy,
            jobs=jobs, resume=resume, progress=Progress(
                seen=lambda count: advance(count, "reading prompts"),
                step=lambda step, loss: advance(1, f"loss {loss:.3f}"),
            ),
            advance=lambda took, loss: advance(took, f"loss {loss:.3f}"),
        )  # fmt: skip
    return {**told, "adapter": str(out / told["adapter"])}
