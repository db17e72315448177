"""How a check is searched for a counterexample: profiles, and Hypothesis run in place, seeded and with an end.

`dev`: a few examples while writing · `ci`: more, the same ones at every run · `nightly`: many, at random, with the seed
printed. Used by the plugin and by NCL's own tests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase, given
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

SHRINKS = 400  # runs of a check that fails, spent on making its input small


@dataclass(frozen=True)
class Profile:
    """How many examples a check gets: `runs` where one takes milliseconds, `soft` where it takes a good part of 1 s."""

    name: str
    runs: int
    soft: int
    random: bool = False


PROFILES = {
    "dev": Profile("dev", runs=40, soft=4),
    "ci": Profile("ci", runs=200, soft=12),
    "nightly": Profile("nightly", runs=3000, soft=150, random=True),
}


def falsify(check: Callable[[T], None], strategy: SearchStrategy[T], examples: int, seed: int = 0) -> None:
    """Run a check on examples; what it raises on the smallest failing one is raised. The same seed, the same search."""
    spent, failing = 0, set[str]()

    def bounded(example: T) -> None:
        nonlocal spent
        spent += bool(failing)
        if spent > SHRINKS and repr(example) not in failing:
            return
        try:
            check(example)
        except Exception:
            failing.add(repr(example))
            raise

    search = given(strategy)(bounded)
    search = hypothesis.settings(
        max_examples=examples, database=None, deadline=None, print_blob=False, report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink], suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )(search)  # fmt: skip
    hypothesis.seed(seed)(search)()


def seed_for(name: str, seed: int = 0) -> int:
    """A seed of its own for each check, so that adding one changes no other."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:4])
