"""What a checker already knows while it still asks a solver: said on the way, and taken where the rest never comes.

A solver may be deaf to every limit, and its process is then ended with all that was found before. So a checker says
what is to stand if nothing more is heard of it. Called by `contracts.check`; `worker` passes it on, `runner` keeps it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ncl.verify.engine.obligation import Outcome


@dataclass(frozen=True)
class Interim:
    """`outcome` stands if no other comes; the rest is worth so many seconds more."""

    outcome: Outcome
    seconds: float = math.inf


_subscribers: list[Callable[[Interim], None]] = []


def subscribe(hear: Callable[[Interim], None]) -> None:
    """Whoever answers for this process; one at a time."""
    _subscribers[:] = [hear]


def report_interim(outcome: Outcome, seconds: float = math.inf) -> None:
    """Say what is known so far. Nobody may be listening."""
    for hear in _subscribers:
        hear(Interim(outcome, seconds))
