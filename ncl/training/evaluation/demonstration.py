"""What both demos share: what comes from above, the clock, certifying, the document, and the output folder.

Everything is made in a hidden folder inside the output folder and moved into place only when it is complete, so an
earlier result stays until then. Proving and progress bars are handed in by the door (`ncl demo`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ncl import atomic
from ncl import certificate as record
from ncl.build import Artefact
from ncl.certificate import Certificate
from ncl.errors import InputError
from ncl.gate import Policy
from ncl.training.evaluation.accuracy import Cell

DOCUMENT, REPORT, PLOT = "demo.json", "report.html", "accuracy.png"
MADE = (DOCUMENT, REPORT, PLOT, "artefact", "ncl", "plain")  # all that this demo leaves in its folder
OTHERS = ("lora", "random-library")  # … and what the other one may leave


@dataclass(frozen=True)
class Services:
    """What comes from above.

    `prove` runs all obligations; `certify` makes a certificate of what that gave, for a tokenizer's digest, or raises.
    """

    prove: Callable[[Artefact, Policy], Any]
    certify: Callable[[Artefact, Policy, Any, str], Certificate]
    bar: Callable[[str, int], AbstractContextManager[Callable[[float, str], None]]]
    tell: Callable[[str], None] = lambda line: None


@dataclass
class Clock:
    """Seconds of each stage; one line is printed as each ends."""

    tell: Callable[[str], None]
    begin: float = field(default_factory=time.perf_counter)
    stages: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[list[str]]:
        """Yields a list for remarks that stand behind the seconds."""
        began, remarks = time.perf_counter(), list[str]()
        yield remarks
        self.stages[name] = round(time.perf_counter() - began, 1)
        self.tell(f"{name:<28}{self.stages[name]:7.1f} s  {'; '.join(remarks)}".rstrip())

    @property
    def total(self) -> float:
        return round(time.perf_counter() - self.begin, 1)


def certified(
    artefact: Artefact, folder: Path, policy: Policy, tokenizer: str, services: Services, clock: Clock, of: str = ""
) -> Certificate:
    """Verify and certify, as two stages; the artefact is saved with its certificate."""
    with clock.stage(f"verify{of}") as remarks:
        findings = services.prove(artefact, policy)
        remarks.append(f"{len(findings)} obligations")
    with clock.stage(f"certify{of}") as remarks, services.bar("certifying", 1):
        certificate = services.certify(artefact, policy, findings, tokenizer)
        artefact.save(folder, certificate)
        remarks.append(f"certificate {certificate.seal[:12]}…")
    return certificate


def document_of(
    out: Path, cells: Sequence[Cell], certificate: Certificate, runs: Mapping[str, Any], clock: Clock
) -> dict[str, Any]:
    """What every demo's document tells."""
    verdicts = [o.verdict for o in certificate.obligations]
    return {
        "cells": [c.to_json() for c in cells],
        "report": str(out / REPORT),
        "seconds": clock.total,
        "plot": str(out / PLOT),
        "artefact": str(out / "artefact"),
        "certificate": str(out / "artefact" / record.FILE_NAME),
        "seal": certificate.seal,
        "softness": certificate.softness,
        "verdicts": {verdict: verdicts.count(verdict) for verdict in dict.fromkeys(verdicts)},
        "checkpoints": {system: str(out / system) for system in runs},
        "training": dict(runs),
        "stages": [{"name": name, "seconds": seconds} for name, seconds in clock.stages.items()],
    }


# --- the output folder -----------------------------------------------------------------------------------------------


def claim(out: Path) -> None:
    """Make the folder, or raise InputError when it holds something that is no earlier demo."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        others = [p.name for p in out.iterdir() if not p.name.endswith(atomic.TEMPORARY)]
    except OSError as fault:
        raise InputError(
            f"no output folder can be made here: {fault.strerror}", where=str(out), remedy="name another with --out"
        ) from fault
    if others and not (out / DOCUMENT).is_file():
        raise InputError(
            f"the folder holds something that is no earlier demo: {', '.join(sorted(others)[:3])}", where=str(out),
            remedy="name a new folder with --out",
        )  # fmt: skip
    if not os.access(out, os.W_OK):
        raise InputError("the folder cannot be written to", where=str(out), remedy="name another with --out")


def publish(place: Path, out: Path) -> None:
    """Move what was made into the output folder, the document first: with it the folder is known for a demo's.

    What an earlier demo made and this one did not goes with it.
    """
    for name in (*MADE, *OTHERS):
        if (place / name).exists():
            atomic.put(place / name, out / name)
        elif (out / name).exists():
            os.replace(out / name, place / f"{name}.old")
