"""Trains the backbone along with readers that were fitted to it: by LoRA, or all of its weights.

A step takes a batch of prompts through the backbone with gradients; the loss is that of a fit, over all readers. On
prompts for which nothing is to be called the backbone is held to the next tokens that it gave before, so that it goes
on talking as it did; its answers are no longer the base model's to the bit. Called by the natural recipe.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import kl_div

from ncl.llama.pretrained.base_model import Base
from ncl.llama.pretrained.hidden_states import PromptStates, collate, extract_windows
from ncl.llama.pretrained.layer_hooks import truncated_backbone
from ncl.llama.pretrained.model import NCLChatLlamaForCausalLM
from ncl.llama.pretrained.prompt_units import Message, Window, windows
from ncl.llama.reader.call_plan import Library
from ncl.llama.reader.network import Reader
from ncl.training.baselines.lora import LAYERS, demand_peft
from ncl.training.data.ranks import ALONE, Ranks
from ncl.training.pretrained.fit import ESTIMATES, FitConfig
from ncl.training.pretrained.training_examples import TrainingExample

How = Literal["lora", "full"]


@dataclass(frozen=True)
class TuneConfig:
    """`fit` says how readers learn; `rate` is the backbone's, theirs is ten times that. `kl_weight`: of its drift."""

    how: How
    steps: int
    batch: int
    rate: float
    rank: int
    kl_weight: float
    fit: FitConfig


def tune(
    base: Base,
    model: NCLChatLlamaForCausalLM,
    messages: Sequence[Message],
    examples: Sequence[TrainingExample],
    config: TuneConfig,
    advance: Callable[[int, float], None] = lambda step, loss: None,
    ranks: Ranks = ALONE,
) -> tuple[Any, list[Reader], list[float]]:
    """The trained LLaMA in the base's dtype, its readers, and the loss of each step.

    `model` is the base with fitted readers; both are left as they were.
    """
    rng = Random(f"tune/{config.fit.seed}/{ranks.rank}")
    generator = torch.Generator().manual_seed(config.fit.seed + ranks.rank)
    torch.manual_seed(config.fit.seed)
    whole, llama = _trainable(base, config)
    readers = [deepcopy(reader).to(base.model.device).train() for reader in model.readers]
    weights = [p for p in whole.parameters() if p.requires_grad]
    groups = [{"params": weights, "lr": config.rate}, {"params": _all(readers), "lr": 10 * config.rate}]
    optimizer = torch.optim.AdamW(groups, weight_decay=config.fit.weight_decay)
    whole_prompts = [i for i, one in enumerate(messages) if len(windows(one)) == 1]
    silent = [i for i in whole_prompts if examples[i].answer is None]
    requests = [i for i in whole_prompts if examples[i].answer is not None]
    losses = []
    for step in range(config.steps):
        quiet = max(1, round(config.fit.no_call_share * config.batch)) if silent else 0
        chosen = [rng.choice(silent) for _ in range(quiet)] + [
            rng.choice(requests) for _ in range(config.batch - quiet)
        ]
        read_windows = [windows(messages[i])[0] for i in chosen]
        pad = int(base.model.config.pad_token_id or 0)
        states = extract_windows(truncated_backbone(llama.model, max(model.layers)), read_windows, model.layers, pad)
        taught = [messages[i] for i in chosen], [examples[i] for i in chosen]
        loss = _read(readers, *taught, states, model.library, config, generator)
        if quiet:
            loss = loss + config.kl_weight * _drift(llama, base.model, read_windows[:quiet])
        optimizer.zero_grad()
        loss.backward()
        ranks.average(p.grad for p in (*weights, *_all(readers)))
        nn.utils.clip_grad_norm_([*weights, *_all(readers)], 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
        advance(step, losses[-1])
    if config.how == "lora":
        llama = whole.merge_and_unload()
    llama = llama.to(base.model.dtype).eval().requires_grad_(False)
    return llama, [reader.cpu().quantise().eval() for reader in readers], losses


def _trainable(base: Base, config: TuneConfig) -> tuple[Any, Any]:
    """What is trained, and the LLaMA in it: a copy in float32."""
    copied = deepcopy(base.model).float().train()
    if config.how == "full":
        return copied.requires_grad_(True), copied
    peft = demand_peft()
    options = peft.LoraConfig(r=config.rank, lora_alpha=2 * config.rank, target_modules=LAYERS, task_type="CAUSAL_LM")
    wrapped = peft.get_peft_model(copied, options)
    return wrapped, wrapped.base_model.model


def _all(readers: Sequence[Reader]) -> list[nn.Parameter]:
    return [weight for reader in readers for weight in reader.parameters()]


def _read(
    readers: Sequence[Reader],
    messages: Sequence[Message],
    examples: Sequence[TrainingExample],
    states: Sequence[tuple[Tensor, Tensor]],
    library: Library,
    config: TuneConfig,
    generator: torch.Generator,
) -> Tensor:
    """The readers' loss, a prompt."""
    seen = [PromptStates.of(one, near, deep) for one, (near, deep) in zip(messages, states, strict=True)]
    plain_B = torch.tensor([example.plain for example in examples], device=states[0][0].device)
    total = plain_B.new_zeros(())
    for reader in readers:
        log_B, known_B = ESTIMATES[config.fit.estimator](
            reader, collate(seen), [m.words for m in messages], [example.answer for example in examples], plain_B,
            library, config.fit.plan_samples, generator,
        )  # fmt: skip
        total = total - log_B[known_B].sum() / len(examples)
    return total


def _drift(llama: Any, before: Any, read_windows: Sequence[Window]) -> Tensor:
    """How far next tokens are from those of the base, a token: KL(base ‖ trained)."""
    drifts = []
    for window in read_windows:
        ids_BT = torch.tensor([window.tokens], device=llama.device)
        with torch.no_grad():
            meant_TV = before(input_ids=ids_BT, use_cache=False).logits[0].float().log_softmax(-1)
        said_TV = llama(input_ids=ids_BT, use_cache=False).logits[0].float().log_softmax(-1)
        drifts.append(kl_div(said_TV, meant_TV, log_target=True, reduction="batchmean"))
    return torch.stack(drifts).mean()
