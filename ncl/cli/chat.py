"""`ncl chat`: talk to a fitted model; beside each answer stands what was called for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ncl.cli.certify import PolicyFile
from ncl.cli.former_names import Most, current
from ncl.cli.natural import BaseModel, Float32, load
from ncl.cli.output import Json, emit, quiet_transformers, tell
from ncl.errors import InputError

MAX_NEW_TOKENS = 512


def chat(
    checkpoint: Annotated[Path, typer.Argument(help="A natural run's folder, or its adapter.")],
    prompt: Annotated[str | None, typer.Option(help="Answer this prompt and exit.")] = None,
    remember: Annotated[
        bool,
        typer.Option(
            "--remember",
            help="Keep the conversation, so that 'sort it' means the last list in it; else each prompt stands alone.",
        ),
    ] = False,
    max_new_tokens: Annotated[
        int | None, typer.Option(min=1, help="New tokens of the language model at most. Default: 512.")
    ] = None,
    most: Most = None,
    temperature: Annotated[
        float, typer.Option(min=0, help="Sampling temperature of the language model; 0 is greedy.")
    ] = 0.0,
    base: BaseModel = None,
    float32: Float32 = None,
    policy: PolicyFile = None,
    as_json: Json = False,
) -> None:
    """Talk to a model with a certified library. Without a terminal, every line of the input is a prompt.

    Example: ncl chat runs/natural --prompt "Sort 17, 3, 880."
    """
    from ncl.gate import read_policy

    if not checkpoint.is_dir():  # reported before anything large is imported
        raise InputError("no such folder", where=str(checkpoint), remedy="fit a run: ncl train natural")
    if as_json and prompt is None:
        raise InputError("prints one document", where="--json", remedy="name the prompt with --prompt")
    if prompt is not None and not prompt.strip():
        raise InputError("the prompt is empty", where="--prompt")
    limit = current("--max-new-tokens", max_new_tokens, "--most", most) or MAX_NEW_TOKENS
    quiet_transformers()
    model = opened(checkpoint, base, float32, read_policy(policy))
    if as_json and prompt is not None:
        emit(_document(prompt, _answer(model, prompt, [], limit, temperature, write=lambda part: None)))
        return
    try:
        _talk(model, _prompts(prompt), remember, limit, temperature)
    except KeyboardInterrupt:
        if prompt is not None or not sys.stdin.isatty():
            raise
        print()  # at a terminal it is how one leaves


def _talk(model: Any, prompts: Iterator[str], remember: bool, limit: int, temperature: float) -> None:
    before: list[tuple[str, str]] = []
    for prompt in prompts:
        found = _answer(model, prompt, before if remember else [], limit, temperature, write=_write)
        print(flush=True)
        for line in [str(call) for call in found.calls] or ["nothing called"]:
            print(f"  {line}", flush=True)
        before.append((prompt, found.text))


def opened(checkpoint: Path, base: str | None, float32: bool | None, rules: Any) -> Any:
    """The model of a natural run, through the gate. Raises NotFoundError, InputError, GateRefused."""
    from ncl.training.pretrained.run import find_run, open_computer

    run = find_run(checkpoint)
    if run is None:
        raise InputError(
            "no run of the natural recipe lies here", where=str(checkpoint), remedy="fit one: ncl train natural"
        )
    return open_computer(run, load(base or run.base, float32, run.dtype), rules)


def _answer(model: Any, text: str, before: list[tuple[str, str]], limit: int, temperature: float, write: Any) -> Any:
    from ncl.llama.pretrained.conversation import reply

    return reply(model, text, before, most=limit, temperature=temperature, write=write)


def _prompts(given: str | None) -> Iterator[str]:
    """The one given, or what is typed until Ctrl-D or Ctrl-C, or the lines of a pipe. Blank ones are passed over."""
    if given is not None:
        yield given
        return
    if not sys.stdin.isatty():
        yield from (line.strip() for line in sys.stdin if line.strip())
        return
    from rich.console import Console

    tell("Ctrl-D ends.")
    console = Console()
    while True:
        try:
            line = console.input("[bold cyan]you:[/] ").strip()
        except EOFError:
            print()
            return
        if line:
            yield line


def _write(part: str) -> None:
    print(part, end="", flush=True)


def _document(prompt: str, found: Any) -> dict[str, Any]:
    return {
        "prompt": prompt, "answer": found.text, "ended": found.ended, "calls": [c.to_json() for c in found.calls],
        "tokens": found.tokens, "seconds": round(found.seconds, 3),
    }  # fmt: skip
