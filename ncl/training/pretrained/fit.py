"""Fits a reader to features: from prompts and answers alone, by plans drawn and run (`reader.call_plan`).

The backbone is frozen and its features are given, so a step costs milliseconds. A run that has not learned
one of the tasks has stalled (`worst_task`); the caller makes it again with another seed and counts it.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Literal

import torch
from torch import Tensor

from ncl.llama.pretrained.hidden_states import collate
from ncl.llama.reader import relaxed_likelihood, sampled_likelihood
from ncl.llama.reader.call_plan import Library
from ncl.llama.reader.network import Reader, Units
from ncl.training.data.training_state import (
    history,
    moments,
    random_states,
    restore_moments,
    restore_random_states,
    with_prefix,
    without_prefix,
)
from ncl.training.pretrained.training_examples import TrainingExample

Estimator = Literal["sampled", "pathwise", "dense"]
ESTIMATES: dict[str, Callable[..., tuple[Tensor, Tensor]]] = {
    "sampled": sampled_likelihood.likelihood,
    "pathwise": relaxed_likelihood.likelihood,
    "dense": partial(relaxed_likelihood.likelihood, outputs=relaxed_likelihood.with_dense),
}


@dataclass(frozen=True)
class FitConfig:
    steps: int = 300
    batch: int = 48
    no_call_share: float = 0.2  # share of prompts for which nothing is to be called
    plan_samples: int = 16
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    seed: int = 0
    channels: int = 64
    dropout: float = 0.3
    estimator: Estimator = "sampled"
    make: Callable[[int, int, int, float], Reader] = Reader  # of hidden size, channels, programs, dropout


@dataclass(frozen=True)
class Checkpoints:
    """Where a fit stands: `begin` is what an earlier one gave to `save`, which is called every so many steps."""

    every: int
    save: Callable[[Mapping[str, Tensor]], None]
    begin: Mapping[str, Tensor] = field(default_factory=dict)


UNSOLVED = 3.0  # counted as the loss of a prompt that no plan solves, or none but improbable ones
CHECKED = 24  # prompts of each task that tell at the end whether it was learned
STALLED = 0.5  # mean loss a prompt of the task that was learned worst
# … after a quarter of the steps, and not before so many; those that learn it have under 0.9 by then, the others over 2.
STALLS, LOOKED = 1.5, 150


def fit(
    examples: Sequence[TrainingExample],
    library: Library,
    hidden: int,
    config: FitConfig,
    advance: Callable[[int, float], None] = lambda step, loss: None,
    patient: bool = True,
    keep: Checkpoints | None = None,
) -> tuple[Reader, list[float]]:
    """A fitted reader and the loss of each step. One that is not patient gives up where it is seen to stall.

    With `keep` it goes on from where it was, to the bit; `advance` is given the steps before, too. Steps make
    millions of small objects, so Python would look through all lessons for garbage again and again: they are set aside.
    """
    gc.freeze()
    try:
        return _fit(examples, library, hidden, config, advance, patient, keep)
    finally:
        gc.unfreeze()


def _fit(
    examples: Sequence[TrainingExample],
    library: Library,
    hidden: int,
    config: FitConfig,
    advance: Callable[[int, float], None],
    patient: bool,
    keep: Checkpoints | None,
) -> tuple[Reader, list[float]]:
    torch.manual_seed(config.seed)
    rng, generator = Random(config.seed), torch.Generator().manual_seed(config.seed)
    reader = config.make(hidden, config.channels, len(library.programs), config.dropout)
    reader.start()
    optimizer = torch.optim.AdamW(reader.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    silent = [example for example in examples if example.answer is None]
    requests = [example for example in examples if example.answer is not None]
    losses: list[float] = []
    if keep is not None and keep.begin:
        losses = _restored(keep.begin, reader, optimizer, rng, generator)
    for step, loss_before in enumerate(losses):
        advance(step, loss_before)
    reader.train()
    for step in range(len(losses), config.steps):
        quiet = round(config.no_call_share * config.batch) if silent else 0
        chosen = [rng.choice(silent) for _ in range(quiet)] + [
            rng.choice(requests) for _ in range(config.batch - quiet)
        ]
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * 0.5 * (1 + math.cos(math.pi * step / config.steps))
        log_B, known_B = _likelihood(reader, chosen, library, config, generator)
        # What no plan solves teaches nothing but to give up, so it waits until one does.
        loss = -log_B[known_B].sum() / config.batch
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimizer.step()
        losses.append(float(loss.detach()) + float((~known_B).sum()) * UNSOLVED / config.batch)
        advance(step, losses[-1])
        if not patient and step == max(LOOKED, config.steps // 4) and _stalls(reader, examples, library, config):
            break
        if keep is not None and (step + 1) % keep.every == 0 and step + 1 < config.steps:
            whole = {
                **with_prefix("reader", reader.state_dict()),
                **moments(optimizer),
                **random_states(rng, generator),
            }
            keep.save({**whole, "losses": history(losses)})
    return reader.quantise().eval(), losses


def _restored(
    tensors: Mapping[str, Tensor], reader: Reader, optimizer: torch.optim.Optimizer, rng: Random,
    generator: torch.Generator,
) -> list[float]:  # fmt: skip
    """All as it was when this was kept; the losses up to then."""
    reader.load_state_dict(without_prefix(tensors, "reader"))
    restore_moments(optimizer, tensors)
    restore_random_states(rng, generator, tensors)
    return [float(loss) for loss in tensors["losses"].tolist()]


def _stalls(reader: Reader, examples: Sequence[TrainingExample], library: Library, config: FitConfig) -> bool:
    found, _ = worst_task(reader.eval(), examples, library, config)
    reader.train()
    return found > STALLS


@torch.no_grad()
def worst_task(
    reader: Reader, examples: Sequence[TrainingExample], library: Library, config: FitConfig
) -> tuple[float, str]:
    """The mean loss a prompt of the task that was learned worst, and which task it is."""
    tasks: dict[str, list[TrainingExample]] = {}
    for example in examples:
        tasks.setdefault(example.task, []).append(example)
    generator, found = torch.Generator().manual_seed(config.seed), []
    for task, own in tasks.items():
        log_B, known_B = _likelihood(reader, own[:CHECKED], library, config, generator)
        found.append((float(torch.where(known_B, -log_B, UNSOLVED).clamp(max=UNSOLVED).mean()), task))
    return max(found)


def _likelihood(
    reader: Reader, chosen: Sequence[TrainingExample], library: Library, config: FitConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    units = collate([example.seen for example in chosen])
    if reader.training:
        units = _partly_hidden(units, chosen, generator)
    return ESTIMATES[config.estimator](
        reader, units, [example.words for example in chosen],
        [example.answer for example in chosen], torch.tensor([example.plain for example in chosen]), library,
        config.plan_samples, generator,
    )  # fmt: skip


def _partly_hidden(units: Units, chosen: Sequence[TrainingExample], generator: torch.Generator) -> Units:
    """A reader that sees all words of a request trusts one of them; one that misses some learns what the others say."""
    if not any(share for example in chosen for share in example.feature_dropout):
        return units
    there_BU = units.number_BU | units.text_BU
    share_X2 = torch.tensor([example.feature_dropout for example in chosen])[there_BU.nonzero()[:, 0].cpu()]
    drawn_X2 = (torch.rand(share_X2.shape, generator=generator) < share_X2).to(there_BU.device)
    near_X1, deep_X1 = (drawn_X2 & units.text_BU[there_BU][:, None]).split(1, 1)
    return replace(units, near_XH=units.near_XH.masked_fill(near_X1, 0), deep_XH=units.deep_XH.masked_fill(deep_X1, 0))
