"""Answers of a chat model to prompts, and what is in them: the numbers in them, whether they ended, what was called.

Free-running generation; the gold length is never given. Called by whoever answers
(`system`, `baselines`) and the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, StoppingCriteria, StoppingCriteriaList

from ncl.llama.computer.calls import Call
from ncl.llama.pretrained.chat_format import chat_ids
from ncl.llama.pretrained.hidden_states import map_in_threads
from ncl.llama.pretrained.prefix_cache import cached_prefix, common_prefix, repeated
from ncl.llama.pretrained.special_tokens import end_tokens, padding_token
from ncl.training.tasks.natural_prompts import NUMBER

ROOM = 64  # tokens that an answer may have beyond those of its prompt
TOKENS_AT_ONCE = {"cpu": 6000}  # with their answers
MANY = 200_000  # on other devices
LOOK_EVERY = 8  # tokens: how often it is seen whether an answer can still be right

Advance = Callable[[int], None]
Encode = Callable[[Any, str], list[int]]


@dataclass(frozen=True)
class Answer:
    """`numbers` as they stand in the text; `taken`: the computer answered, with calls or in words."""

    text: str
    ended: bool
    calls: tuple[Call, ...] = ()
    taken: bool = False

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(NUMBER.findall(self.text))

    def right(self, gold: Sequence[int]) -> bool:
        """Exact: the numbers are equal and the answer ended."""
        return self.ended and self.numbers == tuple(map(str, gold))


def answer_prompts(
    model: Any,
    tokenizer: Any,
    texts: Sequence[str],
    most: int | None = None,
    advance: Advance = lambda count: None,
    encode: Encode = chat_ids,
    prefix_length: int = 0,
    golds: Sequence[Sequence[int] | None] | None = None,
    whole: Callable[[str], bool] | None = None,
    room: int = ROOM,
) -> list[Answer]:
    """An answer to each prompt.

    `most`: new tokens at most, by default as many as the prompt has (without the `prefix_length` tokens that `encode`
    puts before each, which go through the model once), one for each of its numbers, and `room`. With `golds`, an answer
    that can no longer be right is cut off where that shows; what is right is the same without. `whole` says of a text
    that it is a whole answer: there it ends, whatever the model would write behind it.
    """
    rows = [encode(tokenizer, text) for text in texts]
    before = common_prefix(rows)[:prefix_length]
    opening = cached_prefix(model, before, model.device)

    def answered(batch: Sequence[int]) -> list[Answer]:
        ids_BT, mask_BT = _padded([rows[i][len(before) :] for i in batch], padding_token(model))
        if opening is not None:
            ids_BT, mask_BT = _behind(before, ids_BT, mask_BT)
        size = ids_BT.shape[1]
        stops = []
        if golds is not None:
            hopes = [_target(golds[i]) for i in batch]
            stops.append(
                StopWhen(tokenizer, [None if hope is None else partial(_cannot_match, hope) for hope in hopes], size)
            )
        if whole is not None:
            stops.append(StopWhen(tokenizer, [whole] * len(batch), size))
        cache = None if opening is None else repeated(opening, len(batch))
        limit = most or max(token_budget(size - prefix_length, texts[i], room) for i in batch)
        new_BA = _generated(model, ids_BT, mask_BT, limit, stops, cache)
        advance(len(batch))
        return _answers(model, tokenizer, new_BA, whole)

    batches = list(_batches([row[len(before) :] for row in rows], model.device))
    made = map_in_threads(answered, batches, torch.device(model.device))
    found = {
        i: one for batch, answers in zip(batches, made, strict=True) for i, one in zip(batch, answers, strict=True)
    }
    return [found[i] for i in range(len(rows))]


def token_budget(size: int, text: str, room: int = ROOM) -> int:
    """How many tokens an answer may have to a prompt of so many."""
    # An answer puts a comma behind each number, where a prompt may put a blank alone.
    return size + len(NUMBER.findall(text)) + room


def compared_with_base(
    model: Any, plain: Any, tokenizer: Any, texts: Sequence[str], most: int, advance: Advance = lambda count: None
) -> list[tuple[Answer, bool]]:
    """The first `most` tokens of each answer, and whether nothing was called and they are those of the plain model.

    Both models get the same batch with the same padding, so equality is meant to the bit.
    """
    rows = [chat_ids(tokenizer, text) for text in texts]
    found: dict[int, tuple[Answer, bool]] = {}
    for batch in _batches(rows, model.device):
        ids_BT, mask_BT = _padded([rows[i] for i in batch], padding_token(model))
        new_BA = _generated(model, ids_BT, mask_BT, most)
        answers = _answers(model, tokenizer, new_BA)
        plain_BA = _generated(plain, ids_BT, mask_BT, most)
        for i, answer, mine, theirs in zip(batch, answers, new_BA.tolist(), plain_BA.tolist(), strict=True):
            same = _ended(model, mine) == _ended(plain, theirs)
            found[i] = answer, same and not answer.taken
        advance(len(batch))
    return [found[i] for i in range(len(rows))]


class StopWhen(StoppingCriteria):
    """Ends a row when its question says yes to the text so far; one without a question is never ended."""

    def __init__(self, tokenizer: Any, questions: Sequence[Callable[[str], bool] | None], prompt: int) -> None:
        self.tokenizer, self.questions, self.prompt = tokenizer, questions, prompt
        self.over = [False] * len(questions)

    def __call__(self, input_ids: Tensor, scores: Any, **_options: Any) -> Tensor:
        new_BA = input_ids[:, self.prompt :]
        if new_BA.shape[1] % LOOK_EVERY == 0:
            for row, question in enumerate(self.questions):
                if question is not None and not self.over[row]:
                    self.over[row] = question(self.tokenizer.decode(new_BA[row], skip_special_tokens=True))
        return torch.tensor(self.over, device=input_ids.device)


def _target(gold: Sequence[int] | None) -> list[str] | None:
    return None if gold is None else [str(number) for number in gold]


def _cannot_match(gold: Sequence[str], text: str) -> bool:
    return not can_become(text, gold)


def can_become(text: str, gold: Sequence[str]) -> bool:
    """Whether an answer that begins so may still have exactly these numbers."""
    # A number within two characters of the end may still grow: 1 to 12, or to 1.5.
    whole = [found.group() for found in NUMBER.finditer(text) if found.end() + 2 <= len(text)]
    return whole == list(gold[: len(whole)])


def _ended(model: Any, tokens: list[int]) -> list[int]:
    """Up to and with the end token."""
    ends = end_tokens(model)
    return tokens[: next((at + 1 for at, token in enumerate(tokens) if token in ends), len(tokens))]


def _batches(rows: Sequence[Sequence[int]], device: torch.device | str) -> Iterator[list[int]]:
    """Places in `rows`, long ones together with long ones, so that they do not pad each other."""
    room = TOKENS_AT_ONCE.get(torch.device(device).type, MANY)
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    while order:
        size = len(rows[order[-1]])
        yield [order.pop() for _ in range(min(len(order), max(1, room // (2 * size))))]


def _padded(rows: Sequence[Sequence[int]], pad: int) -> tuple[Tensor, Tensor]:
    """Tokens and mask, padded on the left."""
    size = max(map(len, rows))
    ids_BT = torch.full((len(rows), size), pad)
    mask_BT = torch.zeros(len(rows), size, dtype=torch.int64)
    for number, row in enumerate(rows):
        ids_BT[number, size - len(row) :] = torch.tensor(row)
        mask_BT[number, size - len(row) :] = 1
    return ids_BT, mask_BT


def _behind(before: Sequence[int], ids_BT: Tensor, mask_BT: Tensor) -> tuple[Tensor, Tensor]:
    """The same rows with tokens before all of them; padding stands between."""
    before_BT = torch.tensor(before).expand(len(ids_BT), -1)
    return torch.cat([before_BT, ids_BT], 1), torch.cat([torch.ones_like(before_BT), mask_BT], 1)


@torch.no_grad()
def _generated(
    model: Any,
    ids_BT: Tensor,
    mask_BT: Tensor,
    most: int,
    stops: Sequence[StoppingCriteria] = (),
    cache: DynamicCache | None = None,
) -> Tensor:
    """The new tokens. `cache`: of the tokens that all rows begin with."""
    options = {"stopping_criteria": StoppingCriteriaList(stops)} if stops else {}
    if cache is not None:
        options["past_key_values"] = cache
    out_BT = model.generate(
        input_ids=ids_BT.to(model.device), attention_mask=mask_BT.to(model.device), do_sample=False,
        max_new_tokens=most, pad_token_id=padding_token(model), **options,
    )  # fmt: skip
    return out_BT[:, ids_BT.shape[1] :]


def _answers(model: Any, tokenizer: Any, new_BA: Tensor, whole: Callable[[str], bool] | None = None) -> list[Answer]:
    """What a batch came to, with the calls that the model remembers having made for it."""
    ends, latest = end_tokens(model), getattr(model, "latest", None)
    found = []
    for row, tokens in enumerate(new_BA.tolist()):
        stop = next((at for at, token in enumerate(tokens) if token in ends), None)
        calls = latest.calls[row] if latest is not None else ()
        taken = latest is not None and bool(latest.called_B[row])
        text = tokenizer.decode(tokens[:stop], skip_special_tokens=True)
        found.append(Answer(text, stop is not None or (whole is not None and whole(text)), calls, taken))
    return found
