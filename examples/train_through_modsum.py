"""A network learns to read digits without ever being told one: it only hears the modular sum of a few of them.

    python examples/train_through_modsum.py

Each sample is two or three noisy pictures of digits and a modulus m; the answer is their sum modulo m. A small network
turns every picture into a distribution over digits, the compiled library program `modsum` turns these into one over
sums, and the loss is that of the right sum. Its gradient passes through the program, so that the network finds out by
itself which picture is which digit. The program is not trained: it is exact from the first step on.
"""

from __future__ import annotations

import argparse
import time

import torch
from torch import Tensor, nn
from torch.nn.functional import nll_loss, one_hot, pad

import ncl

WIDTH = 6  # words 0 … 63: room for any running sum below a modulus of at most 40, plus a digit
WORDS = 1 << WIDTH
PICTURES = (  # of 0 to 9, five rows of three pixels
    "### # # # # # # ###", "  #   #   #   #   #", "###   # ### #   ###", "###   # ###   # ###", "# # # # ###   #   #",
    "### #   ###   # ###", "### #   ### # # ###", "###   #   #   #   #", "### # # ### # # ###", "### # # ###   # ###",
)  # fmt: skip
NOISE = 0.2  # standard deviation, added to pixels of 0 and 1


def glyphs() -> Tensor:
    """The ten pictures, 10×15."""
    rows = [[picture[4 * row : 4 * row + 3] for row in range(5)] for picture in PICTURES]
    return torch.tensor([[float(pixel == "#") for row in picture for pixel in row] for picture in rows])


def samples(batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(pictures B×3×15, lengths B, moduli B, sums B)."""
    digits = torch.randint(0, 10, (batch, 3), generator=generator)
    lengths = torch.randint(2, 4, (batch,), generator=generator)
    moduli = torch.randint(10, 41, (batch,), generator=generator)
    pictures = glyphs()[digits]
    pictures = pictures + NOISE * torch.randn(pictures.shape, generator=generator)
    used = digits * (torch.arange(3) < lengths[:, None])
    return pictures, lengths, moduli, used.sum(1) % moduli


class Reader(nn.Module):
    """Pictures → digits → the sum that the program makes of them."""

    def __init__(self) -> None:
        super().__init__()
        self.digit = nn.Sequential(nn.Linear(15, 32), nn.ReLU(), nn.Linear(32, 10))
        self.computer = ncl.compile("modsum", width=WIDTH).module(executor="pathwise")

    def forward(self, pictures: Tensor, lengths: Tensor, moduli: Tensor) -> Tensor:
        """Distributions over sums, B×64."""
        digits = self.digit(pictures).softmax(-1)
        values, _ = self.computer(pad(digits, (0, WORDS - 10)), lengths, [one_hot(moduli, WORDS).float()])
        return values[:, 0]


def accuracy(reader: Reader, generator: torch.Generator, count: int = 1000) -> float:
    """How many fresh pictures are read as the digit that they show. Nothing was ever trained on these answers."""
    digits = torch.randint(0, 10, (count,), generator=generator)
    pictures = glyphs()[digits] + NOISE * torch.randn(count, 15, generator=generator)
    with torch.no_grad():
        return float((reader.digit(pictures).argmax(-1) == digits).float().mean())


def train(steps: int = 300, batch: int = 64, seed: int = 0, show: bool = False) -> float:
    """Train on sums alone; the accuracy on single digits."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    reader = Reader()
    optimizer = torch.optim.Adam(reader.parameters(), lr=0.01)
    began = time.monotonic()
    for step in range(steps + 1):
        pictures, lengths, moduli, sums = samples(batch, generator)
        loss = nll_loss(reader(pictures, lengths, moduli).clamp(min=1e-9).log(), sums)
        if show and step % 50 == 0:
            read = accuracy(reader, torch.Generator().manual_seed(1))
            seconds = time.monotonic() - began
            print(f"step {step:4}  loss of sums {loss.item():.3f}  digits read {read:.3f}  {seconds:.1f} s")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return accuracy(reader, torch.Generator().manual_seed(1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    print(f"digits read without a single label: {train(chosen.steps, seed=chosen.seed, show=True):.3f}")
