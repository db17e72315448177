"""The training loop, behind the gate.

It starts only with a certificate that covers the library as loaded, looks again at every checkpoint and at the end,
writes its metrics as JSON lines and can go on from a checkpoint, to the bit on one CPU: a checkpoint holds the loss of
every step too, so metrics and summary are those of a run that was never interrupted. The baseline `plain` is the same
LLaMA on the same data without the computer. Called by `ncl train` and the demo.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from ncl import atomic, gate, strict_json
from ncl import certificate as record
from ncl.build import Artefact, build_library, writable
from ncl.digests import tokenizer_digest as digest_of
from ncl.errors import FormatError, GateRefused, InputError, NclError, NotFoundError
from ncl.llama.computer.loading import LOADING, demand_tied
from ncl.llama.from_scratch.config import NCLLlamaConfig
from ncl.llama.from_scratch.lexer import Lexer
from ncl.llama.from_scratch.model import NCLLlamaForCausalLM
from ncl.llama.from_scratch.tokenizer import CALL, make_tokenizer, words_of
from ncl.training.data.former_names import with_former
from ncl.training.data.training_state import history, moments, restore_moments
from ncl.training.from_scratch.batches import encode, examples
from ncl.training.from_scratch.config import TrainConfig, validated
from ncl.training.tasks import WORDS

METRICS = "metrics.jsonl"
STATE = "trainer.safetensors"
CONFIG = "train_config.json"
STALLED = 0.5  # mean loss of the last steps above which a run of the NCL system has not found its tapes

Advance = Callable[[int, float], None]  # (step, loss)


def library_for(config: TrainConfig) -> Artefact:
    """The artefact that a run needs: its programs, and the lexer's tables as tensors that the certificate covers."""
    lexer = Lexer(words_of(make_tokenizer(WORDS), config.width), config.width)
    return build_library(config.programs, width=config.width, memory=1 << config.width, weights=lexer.tables())


def tokenizer_digest() -> str:
    """Of the tokenizer that every run of these tasks uses; a run's certificate names it."""
    return digest_of(make_tokenizer(WORDS))


def new_model(config: TrainConfig, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A LLaMA of the configured shape with random weights; with a computer in the `ncl` system."""
    with LOADING:
        return _new_model(config, tokenizer)


def _new_model(config: TrainConfig, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    torch.manual_seed(config.seed)
    shape = config.model
    common: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": shape.hidden_size,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.key_value_heads,
        "intermediate_size": shape.intermediate_size,
        "max_position_embeddings": shape.positions,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "tie_word_embeddings": False,
    }
    if config.system == "plain":
        return LlamaForCausalLM(LlamaConfig(**common))
    return NCLLlamaForCausalLM(
        NCLLlamaConfig(
            ncl_programs=list(config.programs),
            ncl_width=config.width,
            ncl_words=words_of(tokenizer, config.width),
            ncl_call_token=tokenizer.get_vocab()[CALL],
            ncl_unknown_token=tokenizer.unk_token_id,
            **common,
        )
    )


def train(
    config: TrainConfig,
    out: Path,
    *,
    artefact: Path | None = None,
    policy: gate.Policy | None = None,
    resume: bool = False,
    advance: Advance = lambda step, loss: None,
) -> dict[str, Any]:
    """Train into the folder `out`; returns the summary that is also the last line of the metrics.

    `artefact` is the certified library's folder; the `ncl` system cannot start without. Raises GateRefused, InputError
    when `out` cannot be used, and NotFoundError or FormatError when there is nothing sound to resume; a run that was
    interrupted before its first checkpoint begins at its first step again.
    """
    claim(out)
    tokenizer = make_tokenizer(WORDS)
    model = new_model(config, tokenizer)
    if isinstance(model, NCLLlamaForCausalLM):
        _let_in(model, artefact, policy, digest_of(tokenizer))
        model.tape_generator = torch.Generator().manual_seed(config.seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    losses = _resume(out, config, model, optimizer) if resume else []
    atomic.write_text(out / METRICS, "".join(map(_line, range(len(losses)), losses)))
    atomic.sweep(out)
    with open(out / METRICS, "a", encoding="utf-8") as metrics:
        model.train()
        for step in range(len(losses), config.steps):
            losses.append(_step(config, model, optimizer, tokenizer, step))
            metrics.write(_line(step, losses[-1]))
            advance(step, losses[-1])
            if (step + 1) % config.checkpoint_every == 0 or step + 1 == config.steps:
                _checkpoint(out, config, model, optimizer, tokenizer, losses)
                metrics.flush()
        last = losses[-20:]
        mean = sum(last) / len(last)
        summary = with_former(
            {
                "steps": config.steps,
                "loss": _finite(mean),
                # A loss that is no number has not come down either.
                "stalled": config.system == "ncl" and not mean <= STALLED,
                "system": config.system,
                "seed": config.seed,
                "softness": model.certificate.softness
                if isinstance(model, NCLLlamaForCausalLM) and model.certificate
                else None,
            }
        )
        metrics.write(json.dumps(summary) + "\n")
    return summary


def _line(step: int, loss: float) -> str:
    return json.dumps({"step": step, "loss": _finite(loss)}) + "\n"


def _finite(loss: float) -> float | None:
    """As JSON can say it, which has no NaN."""
    return round(loss, 6) if math.isfinite(loss) else None


def claim(out: Path) -> None:
    """Raise InputError unless a run can be written there: a `model` folder that is no checkpoint is not replaced."""
    writable(out)
    model = out / "model"
    atomic.recover(model)
    if model.exists() and not (model / CONFIG).is_file():
        raise InputError("there is something else that is no checkpoint", where=str(model),
                         remedy="train into another folder")  # fmt: skip


def _let_in(model: NCLLlamaForCausalLM, folder: Path | None, policy: gate.Policy | None, tokenizer: str) -> None:
    if folder is None:
        raise GateRefused("training needs a certified library", where="train", remedy="ncl certify … --out FOLDER")
    try:
        artefact, certificate = Artefact.load(folder), record.read(folder)
    except GateRefused:
        raise
    except NclError as fault:
        raise GateRefused(str(fault).splitlines()[0], where=str(folder)) from fault
    model.attach(artefact, certificate, policy, tokenizer)


def _step(
    config: TrainConfig, model: Any, optimizer: torch.optim.Optimizer, tokenizer: PreTrainedTokenizerFast, step: int
) -> float:
    warm = min(1.0, (step + 1) / max(1, config.warmup))
    cosine = 0.5 * (1 + math.cos(math.pi * step / config.steps))
    for group in optimizer.param_groups:
        group["lr"] = config.learning_rate * warm * max(0.02, cosine)
    batch = {name: tensor.to(model.device) for name, tensor in encode(tokenizer, examples(config, step)).items()}
    loss = model(**batch).loss
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return float(loss.detach())


# --- checkpoints -----------------------------------------------------------------------------------------------------


def _checkpoint(
    out: Path, config: TrainConfig, model: Any, optimizer: torch.optim.Optimizer,
    tokenizer: PreTrainedTokenizerFast, losses: Sequence[float],
) -> None:  # fmt: skip
    """Model, tokenizer, configuration, and what a resumed run needs; whole or not at all."""
    if isinstance(model, NCLLlamaForCausalLM):
        model.recheck()
    with atomic.folder(out / "model") as fresh:
        model.save_pretrained(fresh)
        tokenizer.save_pretrained(fresh)
        (fresh / CONFIG).write_text(config.model_dump_json(indent=1), encoding="utf-8")
        _save_state(fresh / STATE, model, optimizer, losses)


def _save_state(path: Path, model: Any, optimizer: torch.optim.Optimizer, losses: Sequence[float]) -> None:
    tensors = {"losses": history(losses), **moments(optimizer)}
    if isinstance(model, NCLLlamaForCausalLM) and model.tape_generator is not None:
        tensors["tapes"] = model.tape_generator.get_state()
    save_file(tensors, path)


def _resume(out: Path, config: TrainConfig, model: Any, optimizer: torch.optim.Optimizer) -> list[float]:
    """Load weights, moments and random state; the losses of the steps that were made."""
    folder = out / "model"
    if not folder.exists() and begun(out):
        return []
    if not (folder / STATE).is_file():
        raise NotFoundError("no checkpoint to resume from", where=str(folder), remedy="leave out --resume")
    try:
        before = validated(strict_json.read(folder / CONFIG, "checkpoint"), str(folder / CONFIG))
        state, weights = load_file(folder / STATE), load_file(folder / "model.safetensors")
    except (OSError, ValueError, SafetensorError) as fault:
        raise FormatError(f"not readable: {fault}", where=str(folder), remedy="train anew") from fault
    if before != config:
        raise FormatError("the checkpoint was made with another configuration", where=str(folder),
                          remedy="resume with the same one, or train into another folder")  # fmt: skip
    try:
        model.load_state_dict(weights)
        restore_moments(optimizer, state)
        if isinstance(model, NCLLlamaForCausalLM) and model.tape_generator is not None:
            model.tape_generator.set_state(state["tapes"])
        return [float(loss) for loss in state["losses"].tolist()]
    except (KeyError, ValueError, TypeError, RuntimeError) as fault:
        reason = str(fault).partition("\n")[0]
        raise FormatError(f"not a checkpoint of this run: {reason}", where=str(folder), remedy="train anew") from fault


def begun(out: Path) -> bool:
    """Whether a run was begun there."""
    return any((out / name).exists() for name in (METRICS, "artefact", "model"))


def load_checkpoint(
    folder: Path, policy: gate.Policy | None = None
) -> tuple[Any, PreTrainedTokenizerFast, TrainConfig]:
    """Model, tokenizer and configuration of a run's folder (or its `model/`). Raises NotFoundError, GateRefused."""
    atomic.recover(folder / "model")
    place = folder / "model" if (folder / "model").is_dir() else folder
    try:
        config = validated(strict_json.read(place / CONFIG, "checkpoint"), str(place / CONFIG))
        tokenizer = PreTrainedTokenizerFast.from_pretrained(place)
        if config.system == "plain":
            with LOADING:
                model = LlamaForCausalLM.from_pretrained(place, use_safetensors=True)
            demand_tied(model, str(place))
            return model, tokenizer, config
        return NCLLlamaForCausalLM.from_pretrained(place, ncl_policy=policy), tokenizer, config
    except (FileNotFoundError, NotFoundError) as fault:
        raise NotFoundError("no checkpoint here", where=str(place), remedy="train one with `ncl train`") from fault
    except (OSError, ValueError, SafetensorError) as fault:
        reason = str(fault).partition("\n")[0]
        raise FormatError(
            f"not a checkpoint: {reason}", where=str(place), remedy="train anew with `ncl train`"
        ) from fault


def discard(folder: Path) -> None:
    """Remove a run that is to be made anew."""
    shutil.rmtree(folder, ignore_errors=True)
