"""What a prompt called, the answer's tokens, and the probability that they have.

Legend: B rows of the batch, T tokens so far, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

MAX_DISPLAYED = 16  # numbers of a tape that are displayed in full


@dataclass(frozen=True)
class Call:
    """One call, for people: what was run on what, what came out."""

    program: str
    tape: tuple[int, ...]
    argument: int | None
    result: tuple[int, ...]
    steps: int
    certificate: str

    def __str__(self) -> str:
        on = abbreviated(self.tape) + (f" with {self.argument}" if self.argument is not None else "")
        return f"called {self.program} on {on}; {self.steps} steps; certificate {self.certificate[:8]}…"

    def to_json(self) -> dict[str, Any]:
        """As a document of `--json` holds it."""
        return {
            "program": self.program, "tape": list(self.tape), "argument": self.argument, "result": list(self.result),
            "steps": self.steps, "certificate": self.certificate,
        }  # fmt: skip


def abbreviated(words: Sequence[int]) -> str:
    """A list as people like to read it: of a long one the ends and its length."""
    if len(words) <= MAX_DISPLAYED:
        return str(list(words))
    first, last = (", ".join(map(str, part)) for part in (words[: MAX_DISPLAYED // 2], words[-MAX_DISPLAYED // 4 :]))
    return f"[{first}, …, {last}] ({len(words)} numbers)"


@dataclass(frozen=True)
class Row:
    """What the computer answers to one prompt: tokens with the end token behind, and the column of the first of them.

    The prompt may hold the first tokens already, or others instead: then the language model goes on.
    """

    tokens: tuple[int, ...]
    start: int
    calls: tuple[Call, ...] = ()

    def matching_prefix(self, given: Sequence[int]) -> int:
        """How many of the tokens that stand there are the answer's."""
        pairs = enumerate(zip(self.tokens, given))
        return next((at for at, (own, other) in pairs if own != other), min(len(self.tokens), len(given)))


@dataclass(frozen=True)
class Answers:
    """Of a batch: ids_BT, mask_BT: all tokens so far; rows: what the computer answers to each, None for nothing."""

    ids_BT: Tensor
    mask_BT: Tensor
    rows: tuple[Row | None, ...]

    @cached_property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """Of each row the tokens to come; none where the language model speaks."""
        given = [row.tolist() for row in self.ids_BT]
        real = [row.tolist() for row in self.mask_BT]
        return tuple(_to_come(row, given[b], real[b]) if row else () for b, row in enumerate(self.rows))

    @property
    def rows_called(self) -> list[int]:
        """The rows that the computer answers."""
        return [row for row, block in enumerate(self.blocks) if block]

    @property
    def called_B(self) -> Tensor:
        """Whether the computer answers each row: (B,), bool."""
        return torch.tensor([bool(block) for block in self.blocks], dtype=torch.bool)

    @property
    def calls(self) -> list[tuple[Call, ...]]:
        """Of each row, in the order they were made."""
        return [row.calls if row and block else () for row, block in zip(self.rows, self.blocks, strict=True)]

    def block(self, row: int) -> list[int]:
        """A row's answer as far as it is to come, the end token included."""
        return list(self.blocks[row])

    def at(self, ids_BT: Tensor, mask_BT: Tensor) -> Answers:
        """The same answers, where there are more tokens, or fewer. Both are (B, T)."""
        return Answers(ids_BT, mask_BT, self.rows)


def _to_come(row: Row, ids: Sequence[int], real: Sequence[bool]) -> tuple[int, ...]:
    given = [token for token, there in zip(ids[row.start :], real[row.start :]) if there]
    return row.tokens[len(given) :] if row.matching_prefix(given) == len(given) else ()


def score(logits_BTV: Tensor, answers: Answers, first: int, columns: Sequence[int]) -> None:
    """Give each called answer its probability, in place: 1 as long as it stands there or is to come, others 0.

    columns: to which tokens the logits belong; behind a token that is not the answer's, and in other rows, they stay
    the language model's to the bit. `first`: the first column that was worked on just now. logits_BTV: (B, as many as
    `columns`, V).
    """
    least = torch.finfo(logits_BTV.dtype).min
    place = {column: at for at, column in enumerate(columns)}
    for b, row in enumerate(answers.rows):
        if row is None:
            continue
        matching_prefix = row.matching_prefix(answers.ids_BT[b, row.start :].tolist())
        steps = range(max(0, first - row.start + 1), min(matching_prefix + 1, len(row.tokens)))
        pairs = [(place[column], row.tokens[k]) for k in steps if (column := row.start - 1 + k) in place]
        if pairs:
            at, token = (torch.tensor(part, device=logits_BTV.device) for part in zip(*pairs))
            logits_BTV[b, at] = least
            logits_BTV[b, at, token] = 0.0
