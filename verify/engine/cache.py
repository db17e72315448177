"""Outcomes kept by content, so that what has been shown once need not be shown again.

The key digests the obligation with its arguments, the shipped sources that answer it, the installed versions and the
kind of machine; nothing is ever invalidated by time. Unknown is never kept. An entry that does not read back exactly is
as good as none. Called by `runner`, in the parent process only.
"""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from ncl.cached import folder as folder
from ncl.certificate import installed_versions, read_json, source_digests, write_json
from ncl.digests import canonical_json, digest
from ncl.errors import InputError, NclError
from ncl.verify.engine.obligation import GREEN, Obligation, Outcome

SCHEMA = 1
_KEPT = GREEN | {"refuted"}
# No obligation runs code of the model, of training or of the doors, so an edit there keeps proofs valid.
UNUSED = ("llama", "training", "cli")


@lru_cache(maxsize=1)
def _surroundings() -> str:
    sources = {room: value for room, value in source_digests().items() if room not in UNUSED}
    return digest(canonical_json([SCHEMA, sources, installed_versions(), platform.machine()]))


def key(obligation: Obligation) -> str:
    return digest(f"{obligation.digest()}:{_surroundings()}".encode())


def load(obligation: Obligation, place: Path | None = None) -> Outcome | None:
    """The kept outcome, or None."""
    name = key(obligation)
    try:
        entry = read_json(_path(name, place), "cache entry")
        return _outcome(entry, name)
    except (NclError, OSError):
        return None


def store(obligation: Obligation, outcome: Outcome, place: Path | None = None) -> None:
    """Keep a decided outcome. A cache that cannot be written, or has no place, costs time and nothing else."""
    if outcome.verdict not in _KEPT:
        return
    name = key(obligation)
    body = asdict(outcome)
    entry = {"schema": SCHEMA, "key": name, "outcome": body, "check": digest(canonical_json(body))}
    with contextlib.suppress(OSError, InputError):
        write_json(_path(name, place), entry)


def _path(name: str, place: Path | None) -> Path:
    return (place or folder()) / "proofs" / name[:2] / f"{name}.json"


def _outcome(entry: Any, name: str) -> Outcome | None:
    if not isinstance(entry, Mapping) or entry.get("schema") != SCHEMA or entry.get("key") != name:
        return None
    body = entry.get("outcome")
    if not isinstance(body, Mapping) or entry.get("check") != digest(canonical_json(body)):
        return None
    try:
        outcome = Outcome(**body)
    except (TypeError, ValueError):
        return None
    return outcome if outcome.verdict in _KEPT else None
