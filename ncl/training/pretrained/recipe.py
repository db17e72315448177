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
from typing import Any

import torch

from ncl import atomic, gate
from ncl import certificate as record
from ncl.build import Artefact, build_library
from ncl.digests import json_digest, tokenizer_digest, weights_digest
from ncl.errors import GateRefused, NclError
from ncl.llama.pretrained.adapter import with_readers
from ncl.llama.pretrained.adapter_record import OWN_FOLDER, default_settings
from ncl.llama.pretrained.base_model import Base
from ncl.llama.pretrained.checkpoint import save_adapter, save_merged
from ncl.llama.pretrained.layer_hooks import layers_to_read
from ncl.llama.pretrained.model import NCLChatLlamaForCausalLM
from ncl.llama.pretrained.number_lexer import NumberLexer, lexer_tables
from ncl.llama.reader.network import Reader
from ncl.training.data import former_names
from ncl.training.data.features import features
from ncl.training.data.ranks import ranks
from ncl.training.pretrained.config import NaturalConfig
from ncl.training.pretrained.fine_tuning import How, TuneConfig, tune
from ncl.training.pretrained.fit import STALLED, FitConfig
from ncl.training.pretrained.fit_ensemble import EnsembleConfig, fit_readers
from ncl.training.pretrained.training_examples import TrainingExample, hidden_of, messages_of, training_prompts
from ncl.training.tasks.natural_prompts import PROGRAMS

METRICS, FITTING = "metrics.jsonl", "fitting"
NEGLIGIBLE = -20.0  # log-probability that the base model itself is taken to give the answer to a list of numbers


@dataclass(frozen=True)
class Progress:
    """Told of prompts seen and of steps made."""

    seen: Callable[[int], None] = lambda count: None
    step: Callable[[int, float], None] = lambda step, loss: None


def natural_library(base: Base, width: int) -> Artefact:
    """The artefact that an adapter needs: its programs, and the lexer's tables that the certificate covers."""
    tables = lexer_tables(base.tokenizer, base.model.config.vocab_size)
    return build_library(PROGRAMS, width=width, weights=tables)


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
    settings = default_settings(base, config.channels, config.width, config.readers, PROGRAMS)
    hidden = base.model.config.hidden_size
    untrained = [Reader(hidden, config.channels, len(PROGRAMS)) for _ in range(config.readers)]
    model = with_readers(base, untrained, settings, lexer)
    _let_in(model, artefact, policy)
    prompts = training_prompts(config)
    messages = messages_of(base.tokenizer, lexer, [p.text for p in prompts], config.width)
    pad = int(base.model.config.pad_token_id or 0)
    several = ranks()
    seen = features(
        base.model.model, base.digest, messages, layers_to_read(base.model.config), pad, cache, tell.seen, several
    )
    examples = [
        TrainingExample(
            s, m.words, p.answer, 0.0 if p.answer is None else NEGLIGIBLE, p.task, hidden_of(p, config.feature_dropout)
        )
        for p, m, s in zip(prompts, messages, seen, strict=True)
    ]
    if several.first:
        _begin(out, resume)
    several.wait()
    wanted = replace(_wanted(config), place=out / FITTING, key=_key(config, base, model))
    fitted = fit_readers(wanted, examples, model.library, hidden, tell.step, jobs, several)
    model.readers = model.readers.__class__([one.reader for one in fitted])
    tuned: list[float] = []
    if config.backbone != "frozen":
        llama, readers, tuned = tune(base, model, messages, examples, _tuning(config), tell.step, several)
        own = Base(llama, base.tokenizer, OWN_FOLDER, weights_digest(llama))
        model = with_readers(
            own, readers, settings.model_copy(update={"base": OWN_FOLDER, "base_digest": own.digest}), lexer
        )
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
        "softness": model.certificate.softness if model.certificate else None,
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
    settings = former_names.former(config.model_dump(mode="json"))
    return json_digest([settings, base.digest, str(base.model.dtype), library, torch.__version__])


def _write_metrics(path: Path, losses: Mapping[str, Sequence[float]]) -> None:
    """A line a step, by the reader's number; those of a trained backbone, which are all readers', by its kind."""
    lines = [
        json.dumps({"reader": int(name) if name.isdigit() else name, "step": step, "loss": round(loss, 6)})
        for name, own in losses.items()
        for step, loss in enumerate(own)
    ]
    atomic.write_text(path, "".join(f"{line}\n" for line in lines))


def _wanted(config: NaturalConfig) -> EnsembleConfig:
    return EnsembleConfig(_fitting(config), config.readers, config.restarts, every=config.checkpoint_every)


def _tuning(config: NaturalConfig) -> TuneConfig:
    how: How = "full" if config.backbone == "full" else "lora"
    return TuneConfig(
        how, config.tune_steps, config.tune_batch, config.tune_rate, config.rank, config.kl_weight, _fitting(config)
    )


def _fitting(config: NaturalConfig) -> FitConfig:
    return FitConfig(
        steps=config.steps, batch=config.batch, no_call_share=config.no_call_share,
        plan_samples=config.plan_samples, seed=config.seed,
        learning_rate=config.learning_rate, channels=config.channels, dropout=config.dropout,
        estimator=config.estimator,
    )  # fmt: skip


def _let_in(model: NCLChatLlamaForCausalLM, folder: Path, policy: gate.Policy | None) -> None:
    try:
        artefact, certificate = Artefact.load(folder), record.read(folder)
    except GateRefused:
        raise
    except NclError as fault:
        raise GateRefused(str(fault).splitlines()[0], where=str(folder)) from fault
    model.attach(artefact, certificate, policy, tokenizer_digest(model.tokenizer))
