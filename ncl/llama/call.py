"""What a prompt called, and the answer's tokens, kept beside the key-value cache while the answer is given out.

Legend: B rows of the batch, A answer tokens, T tokens so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

SHOWN = 16  # numbers of a tape that are told in full


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
        on = shortened(self.tape) + (f" with {self.argument}" if self.argument is not None else "")
        return f"called {self.program} on {on}; {self.steps} steps; certificate {self.certificate[:8]}…"

    def to_json(self) -> dict[str, Any]:
        return {
            "program": self.program, "tape": list(self.tape), "argument": self.argument, "result": list(self.result),
            "steps": self.steps, "certificate": self.certificate,
        }  # fmt: skip


def shortened(words: Sequence[int]) -> str:
    """A list as people like to read it: of a long one the ends and its length."""
    if len(words) <= SHOWN:
        return str(list(words))
    first, last = (", ".join(map(str, part)) for part in (words[: SHOWN // 2], words[-SHOWN // 4 :]))
    return f"[{first}, …, {last}] ({len(words)} numbers)"


@dataclass
class Answers:
    """The state of a batch: which rows the computer answers, with what, and how far it is.

    tokens_BA: answer tokens with the end token behind; called_B: whether the computer answers; at_B: how many tokens
    were given out since the call sign, -1 before there was one. ids_BT, mask_BT: all tokens so far.
    """

    ids_BT: Tensor
    mask_BT: Tensor
    tokens_BA: Tensor
    called_B: Tensor
    at_B: Tensor
    calls: list[tuple[Call, ...]] = field(default_factory=list)  # of each row, in the order they were made

    def block(self, row: int) -> list[int]:
        """A row's whole answer, the end token included."""
        tokens = self.tokens_BA[row].tolist()
        end = tokens[-1]  # answers are padded with it
        return tokens[: tokens.index(end) + 1]

    def forced(self) -> tuple[Tensor, Tensor]:
        """(rows that the computer answers now, the token of each row)."""
        active_B = self.called_B & (self.at_B >= 0)
        last = self.tokens_BA.shape[1] - 1
        token_B = self.tokens_BA.gather(1, self.at_B.clamp(0, last)[:, None]).squeeze(1)
        return active_B, token_B

    def cut(self, size: int) -> None:
        """Only the first tokens are still there: a cache was cut back, as after guesses that were not taken."""
        lost = self.ids_BT.shape[1] - size
        if lost > 0:
            self.ids_BT, self.mask_BT = self.ids_BT[:, :size], self.mask_BT[:, :size]
            self.at_B = torch.where(self.at_B >= 0, (self.at_B - lost).clamp(min=0), self.at_B)

    def extend(self, ids_BT: Tensor) -> None:
        """More tokens came in; answers move on."""
        self.ids_BT = torch.cat([self.ids_BT, ids_BT], 1)
        self.mask_BT = torch.cat([self.mask_BT, torch.ones_like(ids_BT, dtype=torch.bool)], 1)
        self.at_B = torch.where(self.at_B >= 0, self.at_B + ids_BT.shape[1], self.at_B)
