"""A transformer that reverses lists, checked at every length: right on all short ones, and then silently wrong.

    python examples/check_a_model.py

One attention head, built by hand as compilers of transformers build them: place i looks at place n - 1 - i, with a
score of `hardness` there and 0 everywhere else. Softmax turns that into a mass of e^hardness beside n - 1 others, so
the head is right for as long as the others do not outweigh it, which no test on short lists shows. `ncl.check_model`
compares it with the program `reverse` and finds the first length at which it fails, and an input. With a hardness that
grows with the length it is right at all of them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

import ncl

TOKENS = 10


class Reverser(nn.Module):
    """hardness: of the attention, before softmax; `grows`: more of it for longer lists."""

    def __init__(self, hardness: float, grows: bool = False) -> None:
        super().__init__()
        self.hardness, self.grows = hardness, grows

    def forward(self, tokens_N: Tensor) -> Tensor:
        """Scores of each token at each place, N×TOKENS."""
        place_N = torch.arange(len(tokens_N))
        meant_NN = place_N[:, None] + place_N == len(tokens_N) - 1
        hardness = self.hardness + (2 * torch.log(torch.tensor(1.0 + len(tokens_N))) if self.grows else 0)
        return (hardness * meant_NN).softmax(-1) @ one_hot(tokens_N, TOKENS).float()


def check(model: nn.Module) -> Any:
    return ncl.check_model(
        model,
        "reverse",
        encode=lambda xs: torch.tensor(xs, dtype=torch.int64),
        decode=lambda scores_NT: scores_NT.argmax(-1),
        width=16,
        top=TOKENS - 1,
    )


if __name__ == "__main__":
    for title, model in (("fixed", Reverser(4.0)), ("growing", Reverser(4.0, grows=True))):
        found = check(model)
        print(f"{title} hardness: {found.verdict}, {found}")
        if found.difference:
            print(f"  wrong{found.difference.where}")
