"""Small obligations for the tests of runner, cache and reports; found by path, also in workers."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from pathlib import Path

from ncl.language.parse import parse_text
from ncl.verify.contracts import check
from ncl.verify.engine.interim import report_interim
from ncl.verify.engine.obligation import Obligation, Outcome


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


def deaf(seconds: float, file: str = "") -> Outcome:
    """As a solver that is deep in a question: in foreign code, which hears no signal and lets no other thread work."""
    if file:
        Path(file).write_text(f"{os.getpid()}\n")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGALRM})
    ctypes.PyDLL(None).sleep(int(seconds))
    return give("proved")


def killed(number: int) -> Outcome:
    """As by a system that has no memory left."""
    os.kill(os.getpid(), number)
    time.sleep(60)
    return give("proved")


def late(seconds: float) -> Outcome:
    """A module that takes longer to get ready than the obligation may take."""
    return give("proved" if PREPARED else "refuted")


PREPARED: list[int] = []


def prepare() -> None:
    """What a worker does once, before any clock starts."""
    time.sleep(0.3)
    PREPARED.append(os.getpid())


class Unsendable(dict):  # type: ignore[type-arg]
    def __reduce__(self) -> str:
        raise TypeError("planted: this cannot be sent")


def unsendable() -> Outcome:
    return Outcome("refuted", "given", counterexample=Unsendable())


def knows(verdict: str, seconds: float, patience: float = 60.0) -> Outcome:
    """It knows something before it goes deaf, and gives the rest some seconds."""
    report_interim(give(verdict, "so far"), patience)
    return deaf(seconds)


def knows_and_dies(verdict: str) -> Outcome:
    report_interim(give(verdict, "so far"))
    return die()


def contract_beside_a_deaf_prover(text: str) -> Outcome:
    """A contract whose prover does not answer in a minute."""
    check.prove_function = lambda function: deaf(60.0)  # type: ignore[assignment]
    return check.check_contract(parse_text(text, "f.py", "f")[0], 0)
