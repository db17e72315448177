"""What the model does with single prompts, for people: which numbers it writes, what it calls, what comes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import torch

from ncl.llama.computer.calls import Call
from ncl.training.from_scratch.answers import generated
from ncl.training.from_scratch.batches import prompts
from ncl.training.tasks import TASKS, Example

LENGTH = 8


@dataclass(frozen=True)
class Token:
    text: str
    role: str  # "data": written to the tape; "argument": pointed at; "data argument": both; "": neither


@dataclass(frozen=True)
class Sample:
    task: str
    tokens: tuple[Token, ...]
    answer: str
    right: bool
    trace: str
    others: tuple[tuple[str, str, bool], ...]  # (system, its answer, whether it is right)


def samples(models: Mapping[str, Any], tasks: Iterable[str], seed: int) -> list[Sample]:
    """One fresh prompt a task, and one for which nothing is to be called. `ncl` is among `models`."""
    rng = Random(f"sample/{seed}")
    return [_sample(models, task, TASKS[task](rng, LENGTH)) for task in (*tasks, "text")]


def _sample(models: Mapping[str, Any], task: str, example: Example) -> Sample:
    answers = {system: _answered(model, tokenizer, example) for system, (model, tokenizer, _) in models.items()}
    model, tokenizer, _ = models["ncl"]
    tokens, call = _read(model, tokenizer, example)
    answer, right = answers.pop("ncl")
    trace = str(call) if call else "called nothing; the language model answered"
    return Sample(task, tokens, answer, right, trace, tuple((system, *rest) for system, rest in answers.items()))


def _answered(model: Any, tokenizer: Any, example: Example) -> tuple[str, bool]:
    (found,) = generated(model, tokenizer, [example])
    names = tokenizer.convert_ids_to_tokens(found)
    ended = bool(names) and names[-1] == tokenizer.eos_token
    displayed = names[:-1] if ended else [*names, "… (no end)"]
    return " ".join(displayed), ended and tuple(displayed) == example.answer


@torch.no_grad()
def _read(model: Any, tokenizer: Any, example: Example) -> tuple[tuple[Token, ...], Call | None]:
    """The prompt's tokens with what each became, and the call that was made."""
    batch = prompts(tokenizer, [example])
    mask_BT = batch["attention_mask"].bool()
    (calls,) = model.answer(batch["input_ids"], mask_BT).calls
    call = calls[-1] if calls else None
    names = tokenizer.convert_ids_to_tokens(batch["input_ids"][0].tolist())[1:]
    roles = [""] * len(names)
    if call is not None:
        reading, _ = model.read(batch["input_ids"], model.prompt_mask(batch["input_ids"], mask_BT))
        literal_T = (model.lexer.words_of(batch["input_ids"]) >= 0)[0]
        data_T = literal_T & (reading.gate_BT[0] > 0)
        roles = ["data" if taken else "" for taken in data_T[1:].tolist()]
        if call.argument is not None:
            pointed = int(reading.pointer_BT[0].argmax()) - 1
            roles[pointed] = f"{roles[pointed]} argument".strip()
    return tuple(map(Token, names, roles)), call
