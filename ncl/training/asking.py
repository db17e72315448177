"""Asks a chat model prompts and looks at its answers: the numbers in them, whether they ended, what was called.

Free-running generation; the gold length is never given. Called by the natural recipe's evaluation and by
`ncl evaluate --prompts`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ncl.errors import FormatError, NotFoundError
from ncl.llama.base import chat_ids
from ncl.training.prompts import Prompt

ROOM = 64  # tokens that an answer may have beyond those of its prompt
TOKENS_AT_ONCE = 6000
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Answer:
    """`numbers` as they stand in the text; `calls` are told as text."""

    text: str
    ended: bool
    calls: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(_NUMBER.findall(self.text))

    def right(self, gold: Sequence[int]) -> bool:
        """Exact: the numbers are equal and the answer ended."""
        return self.ended and self.numbers == tuple(map(str, gold))


@torch.no_grad()
def ask(
    model: Any,
    tokenizer: Any,
    texts: Sequence[str],
    most: int | None = None,
    advance: Callable[[int], None] = lambda count: None,
    encode: Callable[[Any, str], list[int]] = chat_ids,
) -> list[Answer]:
    """An answer to each prompt. `most`: new tokens at most, by default as many as the prompt has and ROOM."""
    rows = [encode(tokenizer, text) for text in texts]
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    found: list[Answer | None] = [None] * len(rows)
    pad = model.config.pad_token_id
    while order:
        size = len(rows[order[-1]])
        batch = [order.pop() for _ in range(min(len(order), max(1, TOKENS_AT_ONCE // (2 * size))))]
        ids_BT = torch.full((len(batch), size), pad)
        mask_BT = torch.zeros(len(batch), size, dtype=torch.int64)
        for row, i in enumerate(batch):
            ids_BT[row, size - len(rows[i]) :] = torch.tensor(rows[i])
            mask_BT[row, size - len(rows[i]) :] = 1
        out = model.generate(
            input_ids=ids_BT.to(model.device), attention_mask=mask_BT.to(model.device), do_sample=False,
            max_new_tokens=most or size + ROOM, pad_token_id=pad,
        )  # fmt: skip
        end = model.config.eos_token_id
        ends = set(end if isinstance(end, list) else [end])
        for i, new in zip(batch, out[:, size:].tolist(), strict=True):
            stop = next((at for at, token in enumerate(new) if token in ends), None)
            found[i] = Answer(tokenizer.decode(new[:stop], skip_special_tokens=True), stop is not None)
        advance(len(batch))
    return [one for one in found if one is not None]


def read_prompts(path: Path) -> list[Prompt]:
    """Prompts of a JSON-lines file.

    `prompt`, `answer` (numbers, a number, or null for none), and optionally `task`, `length`, `calls`, `phrasing`.
    Raises NotFoundError, FormatError with the bad lines.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as fault:
        raise NotFoundError("no such file", where=str(path)) from fault
    except (OSError, UnicodeDecodeError) as fault:
        raise FormatError(f"not readable text: {fault}", where=str(path)) from fault
    found, faults = [], []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append(_prompt(json.loads(line)))
            except (ValueError, KeyError, TypeError) as fault:
                faults.append(f"line {number}: {type(fault).__name__}: {fault}")
    if faults or not found:
        told = "; ".join(faults[:5]) or "there is no prompt in it"
        raise FormatError(told, where=str(path), remedy='one object a line: {"prompt": "…", "answer": [1, 2]}')
    return found


def _prompt(row: dict[str, Any]) -> Prompt:
    answer = row["answer"]
    if answer is not None:
        answer = tuple(_whole(n) for n in (answer if isinstance(answer, list) else [answer]))
    length = int(row.get("length") or len(_NUMBER.findall(str(row["prompt"]))))
    calls = int(row.get("calls") or (0 if answer is None else 1))
    return Prompt(str(row["prompt"]), answer, str(row.get("task") or "prompts"), length, calls,
                  str(row.get("phrasing") or "given"))  # fmt: skip


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number")
    return value
