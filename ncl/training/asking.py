"""Asks a chat model prompts and looks at its answers: the numbers in them, whether they ended, what was called.

Free-running generation; the gold length is never given. Called by the arms (`ncl.training.arms`) and the report.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import StoppingCriteria, StoppingCriteriaList

from ncl.errors import FormatError, NotFoundError
from ncl.llama.base import chat_ids
from ncl.llama.call import Call
from ncl.llama.ends import ends_of, pad_of
from ncl.training.prompts import Prompt

ROOM = 64  # tokens that an answer may have beyond those of its prompt
TOKENS_AT_ONCE = 6000
LOOK_EVERY = 8  # tokens: how often it is seen whether an answer can still be right
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")

Advance = Callable[[int], None]
Encode = Callable[[Any, str], list[int]]


@dataclass(frozen=True)
class Answer:
    """`numbers` as they stand in the text; `taken`: the computer answered, with the calls told or in words."""

    text: str
    ended: bool
    calls: tuple[Call, ...] = ()
    taken: bool = False

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(_NUMBER.findall(self.text))

    def right(self, gold: Sequence[int]) -> bool:
        """Exact: the numbers are equal and the answer ended."""
        return self.ended and self.numbers == tuple(map(str, gold))


def ask(
    model: Any,
    tokenizer: Any,
    texts: Sequence[str],
    most: int | None = None,
    advance: Advance = lambda count: None,
    encode: Encode = chat_ids,
    preamble: int = 0,
    golds: Sequence[Sequence[int] | None] | None = None,
) -> list[Answer]:
    """An answer to each prompt.

    `most`: new tokens at most, by default as many as the prompt has (without the `preamble` tokens that `encode` puts
    before each) and ROOM. With `golds`, an answer that can no longer be right is cut off where that shows; what is
    right is the same without.
    """
    rows = [encode(tokenizer, text) for text in texts]
    found: dict[int, Answer] = {}
    for batch in _batches(rows):
        ids_BT, mask_BT = _padded([rows[i] for i in batch], pad_of(model))
        size = ids_BT.shape[1]
        doubt = Hopeless(tokenizer, [golds[i] for i in batch], size) if golds is not None else None
        new_BA = _generated(model, ids_BT, mask_BT, most or size - preamble + ROOM, doubt)
        found |= zip(batch, _answers(model, tokenizer, new_BA), strict=True)
        advance(len(batch))
    return [found[i] for i in range(len(rows))]


def left_alone(
    model: Any, plain: Any, tokenizer: Any, texts: Sequence[str], most: int, advance: Advance = lambda count: None
) -> list[tuple[Answer, bool]]:
    """The first `most` tokens of each answer, and whether nothing was called and they are those of the plain model.

    Both models get the same batch with the same padding, so equality is meant to the bit.
    """
    rows = [chat_ids(tokenizer, text) for text in texts]
    found: dict[int, tuple[Answer, bool]] = {}
    for batch in _batches(rows):
        ids_BT, mask_BT = _padded([rows[i] for i in batch], pad_of(model))
        new_BA = _generated(model, ids_BT, mask_BT, most)
        answers = _answers(model, tokenizer, new_BA)
        plain_BA = _generated(plain, ids_BT, mask_BT, most)
        for i, answer, mine, theirs in zip(batch, answers, new_BA.tolist(), plain_BA.tolist(), strict=True):
            same = _ended(model, mine) == _ended(plain, theirs)
            found[i] = answer, same and not answer.taken
        advance(len(batch))
    return [found[i] for i in range(len(rows))]


class Hopeless(StoppingCriteria):
    """Ends answers whose numbers so far are not the first of the right ones. A row without gold is never ended."""

    def __init__(self, tokenizer: Any, golds: Sequence[Sequence[int] | None], prompt: int) -> None:
        self.tokenizer, self.prompt = tokenizer, prompt
        self.golds = [None if gold is None else [str(number) for number in gold] for gold in golds]
        self.lost = [False] * len(golds)

    def __call__(self, input_ids: Tensor, scores: Any, **_options: Any) -> Tensor:
        new_BA = input_ids[:, self.prompt :]
        if new_BA.shape[1] % LOOK_EVERY == 0:
            for row, gold in enumerate(self.golds):
                if gold is not None and not self.lost[row]:
                    text = self.tokenizer.decode(new_BA[row], skip_special_tokens=True)
                    self.lost[row] = not can_become(text, gold)
        return torch.tensor(self.lost, device=input_ids.device)


def can_become(text: str, gold: Sequence[str]) -> bool:
    """Whether an answer that begins so may still have exactly these numbers."""
    # A number within two characters of the end may still grow: 1 to 12, or to 1.5.
    whole = [found.group() for found in _NUMBER.finditer(text) if found.end() + 2 <= len(text)]
    return whole == list(gold[: len(whole)])


def _ended(model: Any, tokens: list[int]) -> list[int]:
    """Up to and with the end token."""
    ends = ends_of(model)
    return tokens[: next((at + 1 for at, token in enumerate(tokens) if token in ends), len(tokens))]


def _batches(rows: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Places in `rows`, long ones together with long ones, so that they do not pad each other."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    while order:
        size = len(rows[order[-1]])
        yield [order.pop() for _ in range(min(len(order), max(1, TOKENS_AT_ONCE // (2 * size))))]


def _padded(rows: Sequence[Sequence[int]], pad: int) -> tuple[Tensor, Tensor]:
    """Tokens and mask, padded on the left."""
    size = max(map(len, rows))
    ids_BT = torch.full((len(rows), size), pad)
    mask_BT = torch.zeros(len(rows), size, dtype=torch.int64)
    for number, row in enumerate(rows):
        ids_BT[number, size - len(row) :] = torch.tensor(row)
        mask_BT[number, size - len(row) :] = 1
    return ids_BT, mask_BT


@torch.no_grad()
def _generated(model: Any, ids_BT: Tensor, mask_BT: Tensor, most: int, doubt: StoppingCriteria | None = None) -> Tensor:
    """The new tokens."""
    criteria = {} if doubt is None else {"stopping_criteria": StoppingCriteriaList([doubt])}
    out_BT = model.generate(
        input_ids=ids_BT.to(model.device), attention_mask=mask_BT.to(model.device), do_sample=False,
        max_new_tokens=most, pad_token_id=pad_of(model), **criteria,
    )  # fmt: skip
    return out_BT[:, ids_BT.shape[1] :]


def _answers(model: Any, tokenizer: Any, new_BA: Tensor) -> list[Answer]:
    """What a batch came to, with the calls that the model remembers having made for it."""
    ends, latest = ends_of(model), getattr(model, "latest", None)
    found = []
    for row, tokens in enumerate(new_BA.tolist()):
        stop = next((at for at, token in enumerate(tokens) if token in ends), None)
        calls = latest.calls[row] if latest is not None else ()
        taken = latest is not None and bool(latest.called_B[row])
        found.append(Answer(tokenizer.decode(tokens[:stop], skip_special_tokens=True), stop is not None, calls, taken))
    return found


# --- prompts from a file ---------------------------------------------------------------------------------------------


def read_prompts(path: Path) -> list[Prompt]:
    """Prompts of a JSON-lines file.

    `prompt`, `answer` (numbers, a number, or null for none), and optionally `task`, `length`, `calls`, `phrasing`.
    Raises NotFoundError, FormatError with the bad lines.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # a string may hold other ends of line
    except FileNotFoundError as fault:
        raise NotFoundError("no such file", where=str(path)) from fault
    except (OSError, UnicodeDecodeError) as fault:
        raise FormatError(f"not readable text: {fault}", where=str(path)) from fault
    found, faults = [], []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append(_prompt(json.loads(line)))
            except (ValueError, KeyError, TypeError, RecursionError) as fault:
                faults.append(f"line {number}: {type(fault).__name__}: {fault}")
    if faults or not found:
        told = "; ".join(faults[:5]) or "there is no prompt in it"
        raise FormatError(told, where=str(path), remedy='one object a line: {"prompt": "…", "answer": [1, 2]}')
    return found


def _prompt(row: Any) -> Prompt:
    if not isinstance(row, dict):
        raise TypeError("not an object")
    answer, text = row["answer"], row["prompt"]
    if not isinstance(text, str) or not text.strip():
        raise TypeError("`prompt` is no text")
    if answer is not None:
        answer = tuple(_whole(n) for n in (answer if isinstance(answer, list) else [answer]))
    told = {name: _count(row, name) for name in ("length", "calls")}
    length = 0 if answer is None else len(_NUMBER.findall(text))
    calls = 0 if answer is None else 1
    return Prompt(
        text, answer, str(row.get("task") or ("chat" if answer is None else "prompts")),
        length if told["length"] is None else told["length"], calls if told["calls"] is None else told["calls"],
        str(row.get("phrasing") or "given"),
    )  # fmt: skip


def _count(row: dict[str, Any], name: str) -> int | None:
    value = row.get(name)
    if value is not None and _whole(value) < 0:
        raise ValueError(f"`{name}` is {value}")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number")
    return value
