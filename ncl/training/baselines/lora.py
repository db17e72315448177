"""The system `lora`: the base model itself, fine-tuned with LoRA on the same prompts and answers for the same time.

peft does the adapting and is an optional dependency; the loop is `fit_answers`, for any causal language model whose
parameters ask for gradients. Prompts for which nothing is to be called have no answer of their own and teach nothing
here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from ncl.errors import FormatError, NotFoundError
from ncl.llama.pretrained.base_model import Base
from ncl.llama.pretrained.chat_format import chat_ids
from ncl.llama.pretrained.special_tokens import end_tokens, padding_token
from ncl.training.baselines.base_model import plain_generation
from ncl.training.evaluation.system import System
from ncl.training.tasks.natural_prompts import Prompt

RANK, BATCH, RATE = 16, 8, 2e-4
LAYERS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
IGNORED = -100
CONFIG = "adapter_config.json"  # peft's own file, by which its folder is known


def demand_peft() -> Any:
    """The package, or NotFoundError with the command that brings it."""
    try:
        return import_module("peft")
    except ImportError as fault:
        raise NotFoundError(
            "the baseline `lora` needs the package `peft`, which is not installed", where="lora",
            remedy="pip install peft accelerate",
        ) from fault  # fmt: skip


def train_lora(
    base: Base, prompts: Sequence[Prompt], out: Path, seconds: float, seed: int, advance: Callable[[float, float], None]
) -> dict[str, Any]:
    """Fine-tune for so many seconds and save the adapter; returns its record. The base is left as it was."""
    peft = demand_peft()
    torch.manual_seed(seed)
    options = peft.LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=LAYERS, task_type="CAUSAL_LM")
    model = peft.get_peft_model(deepcopy(base.model).float(), options)
    rows = examples(base, prompts)
    losses = fit_answers(model, rows, padding_token(base.model), seconds, seed, advance)
    model.save_pretrained(out)
    last = losses[-20:]
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return {"steps": len(losses), "loss": round(sum(last) / len(last), 4), "parameters": trained}


def load_lora(base: Base, folder: Path) -> System:
    """The system of a saved adapter, on a copy of the base."""
    peft = demand_peft()
    if not (folder / CONFIG).is_file():
        raise NotFoundError("no LoRA adapter here", where=str(folder), remedy="fit one with --system lora")
    try:
        tuned = peft.PeftModel.from_pretrained(deepcopy(base.model), folder)
    except (OSError, ValueError, RuntimeError, KeyError) as fault:
        raise FormatError(f"not a LoRA adapter of this base: {fault}", where=str(folder)) from fault
    return plain_generation("lora", tuned.merge_and_unload().eval(), base.tokenizer)


Row = tuple[list[int], list[int]]  # tokens of a prompt, tokens of its answer with the end


def examples(base: Base, prompts: Sequence[Prompt]) -> list[Row]:
    """Prompts that have an answer, as tokens."""
    end = min(end_tokens(base.model))
    return [
        (chat_ids(base.tokenizer, p.text), [*base.tokenizer(p.answer_text, add_special_tokens=False)["input_ids"], end])
        for p in prompts
        if p.answer is not None
    ]


def fit_answers(
    model: nn.Module,
    rows: Sequence[Row],
    pad: int,
    seconds: float,
    seed: int,
    advance: Callable[[float, float], None] = lambda seconds, loss: None,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Steps of AdamW on next-token loss of the answers until the time is up, one at least; the loss of each."""
    rng = Random(f"lora/{seed}")
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=RATE)
    begin = last = clock()
    losses: list[float] = []
    model.train()
    while not losses or last - begin < seconds:
        batch = padded([rng.choice(rows) for _ in range(BATCH)], pad)
        loss = model(**{name: tensor.to(weights[0].device) for name, tensor in batch.items()}).loss
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
        before, last = last, clock()
        advance(last - before, losses[-1])
    model.eval()
    return losses


def padded(rows: Sequence[Row], pad: int) -> dict[str, Tensor]:
    """input_ids, attention_mask and labels, padded on the right; prompts and padding are not learned."""
    size = max(len(prompt) + len(answer) for prompt, answer in rows)
    ids_BT = torch.full((len(rows), size), pad)
    labels_BT, mask_BT = torch.full_like(ids_BT, IGNORED), torch.zeros_like(ids_BT)
    for number, (prompt, answer) in enumerate(rows):
        end = len(prompt) + len(answer)
        ids_BT[number, :end] = torch.tensor(prompt + answer)
        labels_BT[number, len(prompt) : end] = torch.tensor(answer)
        mask_BT[number, :end] = 1
    return {"input_ids": ids_BT, "attention_mask": mask_BT, "labels": labels_BT}
