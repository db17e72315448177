"""Temperature and sharpening: how far distributions may be from hard.

`soft`: softmax(logits/τ), or p^(1/τ)/Σ for what is already a distribution. `hard`: the most probable word, one-hot
to the bit. `straight-through`: hard values, but the gradient passes as if nothing had been done. *Sharpening* replaces
p by p^β/Σ after each step, which keeps error from growing. Every width of distribution, every executor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from ncl.errors import ConfigurationError

Mode = Literal["soft", "straight-through", "hard"]


@dataclass(frozen=True)
class Temperature:
    """mode, τ (only soft uses it) and β ≥ 1 (1: no sharpening; hard values do not change under it)."""

    mode: Mode = "soft"
    tau: float = 1.0
    beta: float = 1.0

    def __post_init__(self) -> None:
        if self.mode not in ("soft", "straight-through", "hard"):
            raise ConfigurationError(f"no temperature mode {self.mode!r}", remedy="soft, straight-through or hard")
        if not self.tau > 0 or not self.beta >= 1:
            raise ConfigurationError(f"τ = {self.tau} must be positive and β = {self.beta} at least 1")

    def of_logits(self, logits_N: Tensor) -> Tensor:
        """The distributions (…, N) of logits (…, N)."""
        if self.mode == "soft":
            return (logits_N / self.tau).softmax(-1)
        return self._hardened(logits_N.softmax(-1))

    def of_distribution(self, p_N: Tensor) -> Tensor:
        """The same for distributions (…, N); at τ = 1 they are left as they are."""
        if self.mode != "soft":
            return self._hardened(p_N)
        return p_N if self.tau == 1 else _power(p_N, 1 / self.tau)

    def sharpen(self, p_N: Tensor) -> Tensor:
        """p^β/Σ along the last dimension, shape (…, N); as it is where β is 1 or the values are hard."""
        return p_N if self.beta == 1 or self.mode == "hard" else _power(p_N, self.beta)

    def _hardened(self, p_N: Tensor) -> Tensor:
        return harden(p_N) if self.mode == "hard" else _through(p_N)


HARD = Temperature("hard")


def harden(p_N: Tensor) -> Tensor:
    """One-hot on the first most probable word of p_N, exactly 0 and 1; no gradient."""
    return torch.zeros_like(p_N).scatter(-1, p_N.argmax(-1, keepdim=True), 1.0)


def _power(p_N: Tensor, exponent: float) -> Tensor:
    # Divided by the largest first, so that high powers neither vanish altogether nor overflow.
    top_1 = p_N.amax(-1, keepdim=True)
    raised_N = (p_N / torch.where(top_1 > 0, top_1, 1.0)).clamp(min=0)
    # The power's slope at 0 is infinite for exponents below 1; there the entry stays 0 without one.
    raised_N = torch.where(raised_N > 0, torch.where(raised_N > 0, raised_N, 1.0) ** exponent, 0.0)
    total_1 = raised_N.sum(-1, keepdim=True)
    # A row of zeros (a cell past a length) stays one. The largest is 1 before it is divided: where all others vanish,
    # the row is one-hot to the bit, whatever p summed to.
    return raised_N / torch.where(total_1 > 0, total_1, 1.0)


class _StraightThrough(torch.autograd.Function):
    # Not hard + p - p.detach(): that sum rounds, and then is not one-hot any more.
    @staticmethod
    def forward(context: Any, p_N: Tensor) -> Tensor:
        return harden(p_N)

    @staticmethod
    def backward(context: Any, gradient_N: Tensor) -> Tensor:
        return gradient_N


def _through(p_N: Tensor) -> Tensor:
    result: Tensor = _StraightThrough.apply(p_N)
    return result
