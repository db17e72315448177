"""The natural recipe: a pretrained LLaMA learns from prompts and answers when to call which program on what.

The backbone is frozen. Its features of the training prompts are taken once, readers are fitted to them, and the adapter
is saved with the certified library. Called by `ncl train natural` and the demo; proving is handed in by the door.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from transformers import PreTrainedTokenizerBase

from ncl import atomic, gate
from ncl import certificate as record
from ncl.build import Artefact, build_library
from ncl.errors import GateRefused, NclError
from ncl.llama.adapter import HERE, PROGRAMS, default_settings, dressed, save_adapter, save_merged, weights_for
from ncl.llama.base import Base, chat_ids, depths, markers, weights_digest
from ncl.llama.chat import SYMBOLS, NCLChatLlamaForCausalLM
from ncl.llama.message import Message, message
from ncl.llama.numbers import NumberLexer
from ncl.llama.reader import Reader
from ncl.llama.tokenizer import digest_of
from ncl.training.features import features
from ncl.training.fit import STALLED, FitConfig, Lesson
from ncl.training.fit_readers import Wanted, fit_readers
from ncl.training.prompts import LISTED, Prompt, dealt, phrasings, sample, told_templates, training_wording
from ncl.training.ranks import ranks
from ncl.training.tune import How, TuneConfig, tune

METRICS, FITTING = "metrics.jsonl", "fitting"
WIDEST_SOFT = 12  # bits of words over which there are distributions
NEGLIGIBLE = -20.0  # log-probability that the base model itself is taken to give the answer to a list of numbers


class NaturalConfig(BaseModel):
    """How many prompts of each kind, and how readers are fitted to them.

    `longest`: of training lists; `draw`: which prompts are drawn, by default as `seed` says; `backbone`: whether it is
    trained along with the readers afterwards, and what `tune` is told then.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    recipe: Literal["natural"] = "natural"
    base: str = "smollm2"
    seed: int = Field(0, ge=0)
    draw: int | None = Field(None, ge=0)
    singles: int = Field(1600, ge=1)
    told: int = Field(600, ge=0)
    several: int = Field(1200, ge=0)
    chains: int = Field(1600, ge=0)
    longest: int = Field(10, ge=1)
    steps: int = Field(1000, ge=1)
    batch: int = Field(48, ge=2)
    draws: int = Field(16, ge=1)
    silent: float = Field(0.2, ge=0, lt=1)
    learning_rate: float = Field(3e-3, gt=0)
    dropout: float = Field(0.3, ge=0, lt=1)
    hide: float = Field(0.2, ge=0, lt=1)
    channels: int = Field(64, ge=1)
    readers: int = Field(4, ge=1)
    restarts: int = Field(2, ge=0)
    checkpoint_every: int = Field(50, ge=1)
    width: int = Field(16, ge=8, le=32)
    estimator: Literal["sampled", "pathwise"] = "sampled"
    backbone: Literal["frozen", "lora", "full"] = "frozen"
    tune_steps: int = Field(200, ge=1)
    tune_batch: int = Field(16, ge=2)
    tune_rate: float = Field(1e-4, gt=0)
    rank: int = Field(16, ge=1)
    hold: float = Field(1.0, ge=0)

    @property
    def all_steps(self) -> int:
        """Of all readers, and of the backbone where it is trained."""
        return self.steps * self.readers + (0 if self.backbone == "frozen" else self.tune_steps)

    @model_validator(mode="after")
    def _pathwise_fits(self) -> NaturalConfig:
        if self.estimator == "pathwise" and (self.chains or self.width > WIDEST_SOFT):
            raise ValueError(
                f"pathwise learns one call a prompt, of at most {WIDEST_SOFT} bits: set chains to 0 and a smaller width"
            )
        return self


@dataclass(frozen=True)
class Progress:
    """Told of prompts seen and of steps made."""

    seen: Callable[[int], None] = lambda count: None
    step: Callable[[int, float], None] = lambda step, loss: None


def natural_library(base: Base, width: int) -> Artefact:
    """The artefact that an adapter needs: its programs, and the lexer's tables that the certificate covers."""
    tables = weights_for(base.tokenizer, base.model.config.vocab_size)
    return build_library(PROGRAMS, width=width, weights=tables)


def training_prompts(config: NaturalConfig) -> list[Prompt]:
    """Single calls, also behind a statement, several lists of which one is meant, two calls in a row, and chat."""
    rng = Random(f"natural/{config.seed if config.draw is None else config.draw}")
    plain, several = training_wording(), training_wording(several=True)
    found: list[Prompt] = []
    for wording, deck, calls, count in (
        (plain, dealt(rng, plain.templates), 1, config.singles),
        (several, dealt(rng, several.templates), 1, config.several),
        (plain, dealt(rng, {task: plain.templates[task] for task in LISTED}), 2, config.chains),
        (plain, {task: told_templates(rng, task) for task in plain.chain}, 1, config.told),
    ):
        tasks = list(deck)
        for number in range(count):
            task = tasks[number % len(tasks)]
            length = rng.randint(1, config.longest)
            found.append(sample(rng, wording, task, length, calls, next(deck[task])))
    chat = phrasings("chat_train")
    found += [Prompt(text, None, "chat", 0, 0, kind) for kind in ("plain", "near_misses") for text in chat[kind]]
    return found


def hidden_of(prompt: Prompt, share: float) -> tuple[float, float]:
    """How much of a training prompt's text is hidden, of its near and of its deep states.

    Nothing where it hangs on one word which of several lists is meant, where another call begins, or what is popped.
    """
    if prompt.calls != 1 or prompt.phrasing == "several":
        return 0.0, 0.0
    return (0.0 if prompt.task == "stack" else share), share


def read_all(tokenizer: PreTrainedTokenizerBase, lexer: NumberLexer, texts: list[str], width: int) -> list[Message]:
    around = markers(tokenizer)
    found = [message(chat_ids(tokenizer, text), around, lexer, (1 << width) - 2) for text in texts]
    return [one for one in found if one is not None]


def train_natural(
    config: NaturalConfig,
    base: Base,
    out: Path,
    *,
    artefact: Path,
    cache: Path,
    policy: gate.Policy | None = None,
    progress: Progress | None = None,
    jobs: int = 1,
    resume: bool = False,
) -> dict[str, Any]:
    """Fit readers and save the adapter in `out/adapter`; returns the summary. Raises GateRefused first of all.

    `resume`: readers that were fitted, or begun, are taken up from `out/fitting`, to the bit; else they begin anew.
    `jobs`: with more than one, readers are fitted side by side; what comes out does not depend on it.
    """
    tell = progress or Progress()
    lexer = NumberLexer(base.model.config.vocab_size).fill(base.tokenizer)
    settings = default_settings(base, config.channels, config.width, config.readers)
    hidden = base.model.config.hidden_size
    untrained = [Reader(hidden, config.channels, len(PROGRAMS)) for _ in range(config.readers)]
    model = dressed(base, untrained, settings, lexer)
    _let_in(model, artefact, policy)
    prompts = training_prompts(config)
    messages = read_all(base.tokenizer, lexer, [p.text for p in prompts], config.width)
    pad = int(base.model.config.pad_token_id or 0)
    several = ranks()
    seen = features(base.model.model, base.digest, messages, depths(base.model.config), pad, cache, tell.seen, several)
    lessons = [
        Lesson(s, m.words, p.answer, 0.0 if p.answer is None else NEGLIGIBLE, p.task, hidden_of(p, config.hide))
        for p, m, s in zip(prompts, messages, seen, strict=True)
    ]
    if several.first:
        _begin(out, resume)
    several.wait()
    wanted = replace(_wanted(config), place=out / FITTING, key=_key(config, base, model))
    fitted = fit_readers(wanted, lessons, model.library, hidden, tell.step, jobs, several)
    model.readers = model.readers.__class__([one.reader for one in fitted])
    tuned: list[float] = []
    if config.backbone != "frozen":
        llama, readers, tuned = tune(base, model, messages, lessons, _tuning(config), tell.step, several)
        own = Base(llama, base.tokenizer, HERE, weights_digest(llama))
        model = dressed(own, readers, settings.model_copy(update={"base": HERE, "base_digest": own.digest}), lexer)
        _let_in(model, artefact, policy)
    if model.permit is not None and model.artefact is not None:
        model.permit.recheck(model.artefact, lexer.tables())
    if several.first:
        if config.backbone == "frozen":
            save_adapter(model, settings, out / "adapter")
        else:
            save_merged(model, out / "adapter")
        _write_metrics(out / METRICS, {**{str(n): one.losses for n, one in enumerate(fitted)}, config.backbone: tuned})
    last = [sum(one.losses[-20:]) / len(one.losses[-20:]) for one in fitted]
    return {
        "prompts": len(prompts), "losses": [round(x, 4) for x in last],
        "worst": [{"loss": round(one.worst[0], 4), "task": one.worst[1]} for one in fitted],
        "restarts": sum(one.restarts for one in fitted), "stalled": any(one.worst[0] > STALLED for one in fitted),
        "seed": config.seed, "adapter": str(out / "adapter"),
        "softness": model.paper.softness if model.paper else None,
        **({"tuned": [round(x, 4) for x in (tuned[0], tuned[-1])]} if tuned else {}),
    }  # fmt: skip


def _begin(out: Path, resume: bool) -> None:
    """The folder is there; what an earlier run kept is not, unless it is gone on with."""
    out.mkdir(parents=True, exist_ok=True)
    atomic.sweep(out)
    if not resume:
        shutil.rmtree(out / FITTING, ignore_errors=True)
    elif (out / FITTING).is_dir():
        atomic.sweep(out / FITTING)


def _key(config: NaturalConfig, base: Base, model: NCLChatLlamaForCausalLM) -> str:
    """Of all that decides what a reader comes to."""
    library = gate.digests(model.artefact)["programs"] if model.artefact else ""
    told = [config.model_dump(mode="json"), base.digest, str(base.model.dtype), library, torch.__version__]
    return record.digest(record.canonical_json(told))


def _write_metrics(path: Path, losses: Mapping[str, Sequence[float]]) -> None:
    """A line a step, by the reader's number; those of a trained backbone, which are all readers', by its kind."""
    lines = [
        json.dumps({"reader": int(name) if name.isdigit() else name, "step": step, "loss": round(loss, 6)})
        for name, own in losses.items()
        for step, loss in enumerate(own)
    ]
    atomic.write_text(path, "".join(f"{line}\n" for line in lines))


def _wanted(config: NaturalConfig) -> Wanted:
    return Wanted(_fitting(config), config.readers, config.restarts, every=config.checkpoint_every)


def _tuning(config: NaturalConfig) -> TuneConfig:
    how: How = "full" if config.backbone == "full" else "lora"
    return TuneConfig(
        how, config.tune_steps, config.tune_batch, config.tune_rate, config.rank, config.hold, _fitting(config)
    )


def _fitting(config: NaturalConfig) -> FitConfig:
    return FitConfig(
        steps=config.steps, batch=config.batch, silent=config.silent, draws=config.draws, seed=config.seed,
        learning_rate=config.learning_rate, channels=config.channels, dropout=config.dropout,
        estimator=config.estimator,
    )  # fmt: skip


def _let_in(model: NCLChatLlamaForCausalLM, folder: Path, policy: gate.Policy | None) -> None:
    try:
        artefact, paper = Artefact.load(folder), record.read(folder)
    except GateRefused:
        raise
    except NclError as fault:
        raise GateRefused(str(fault).splitlines()[0], where=str(folder)) from fault
    model.attach(artefact, paper, policy, digest_of(model.tokenizer))


__all__ = ["PROGRAMS", "SYMBOLS", "NaturalConfig", "Progress", "natural_library", "train_natural", "training_prompts"]
