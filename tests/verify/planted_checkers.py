"""Small obligations for the tests of runner, cache and reports; found by path, also in workers."""

from __future__ import annotations

import os
import time
from pathlib import Path

from verify.obligation import Obligation, Outcome


def give(verdict: str, note: str = "") -> Outcome:
    return Outcome(verdict, "given", bound="1 case", detail=note, limits={"cases": 1})  # type: ignore[arg-type]


def count_calls(file: str, verdict: str) -> Outcome:
    with Path(file).open("a") as log:
        log.write("x")
    return give(verdict)


def sleep(seconds: float) -> Outcome:
    time.sleep(seconds)
    return give("proved")


def swallow_everything(seconds: float) -> Outcome:
    """A checker whose own `except` would hide an ordinary exception from the clock."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            time.sleep(0.01)
        except Exception:
            continue
    return give("proved")


def fail() -> Outcome:
    raise RuntimeError("planted")


def die() -> Outcome:
    os._exit(7)


def say_true() -> bool:
    return True


def process(note: str) -> Outcome:
    return give("proved", f"{note} {os.getpid()}")


_KEPT: list[bytes] = []


def grow() -> Outcome:
    """Its worker has 320 MB more behind it."""
    time.sleep(1.1)  # memory is looked at once a second
    _KEPT.append(b"x" * 320_000_000)
    return process("grew in")


def make(name: str, function: str, *arguments: object, budget: float = 60.0) -> Obligation:
    path = f"planted_checkers:{function}"
    return Obligation(name, "test", name.partition("/")[0], path, arguments, budget)


def ignore_the_clock(obligation: Obligation, seconds: float) -> Outcome:
    """Stands in for `runner.attempt` where a solver's own code holds the process and no alarm is heard."""
    return obligation.run()
