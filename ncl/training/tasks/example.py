"""One prompt with its answer, as tokens in words."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

BASE = 128  # data are the words 0 … 127


@dataclass(frozen=True)
class Example:
    prompt: tuple[str, ...]  # ends with the call sign
    answer: tuple[str, ...]  # without the end token


def numbers(rng: Random, length: int) -> list[int]:
    """Data over the whole value range; sometimes few different ones, so that repeats occur at every length."""
    kinds = rng.choice((BASE, BASE, 8, 2, 1))
    alphabet = rng.sample(range(BASE), kinds)
    return [rng.choice(alphabet) for _ in range(length)]


def as_tokens(values: list[int]) -> tuple[str, ...]:
    return tuple(map(str, values))
