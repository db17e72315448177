"""In what a base model runs: bfloat16, or float32 where the processor is quicker with it, which is measured.

A processor without bfloat16 of its own imitates it and takes several times as long. The measurement takes a fraction of
a second, once a machine and version of torch; it is kept in NCL's cache, so that one machine always decides alike.
Called by the commands when neither the user nor an adapter says in what a base model is to run.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ncl import atomic, cached
from ncl.digests import json_digest

SLOWER = 1.25  # times as long as in float32: from there on bfloat16 is not chosen
ROWS, WIDTHS, TURNS = 256, (576, 1536), 5  # of the product that is measured: a batch of tokens in a small LLaMA


@dataclass(frozen=True)
class Choice:
    """What was chosen, and why, in words."""

    dtype: torch.dtype
    why: str


def quickest() -> Choice:
    """bfloat16, unless this machine's processor is clearly slower with it."""
    if torch.cuda.is_available():
        return Choice(torch.bfloat16, "there is a GPU")
    ratio = slowness()
    if ratio > SLOWER:
        return Choice(torch.float32, f"bfloat16 takes {ratio:.1f} times as long on this processor")
    return Choice(torch.bfloat16, f"it takes {ratio:.1f} times as long as float32 on this processor")


def slowness() -> float:
    """How many times as long as in float32 a product takes in bfloat16 here; measured once, then remembered."""
    path = cached.folder() / "speed" / f"{_machine()}.json"
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        kept = float(json.loads(path.read_text(encoding="utf-8"))["bfloat16"])
        if 0 < kept < float("inf"):
            return kept
    found = round(_seconds(torch.bfloat16) / _seconds(torch.float32), 3)
    with contextlib.suppress(OSError):  # who cannot write measures again
        atomic.write_text(path, json.dumps({"bfloat16": found}) + "\n")
    return found


def _seconds(dtype: torch.dtype) -> float:
    """The shortest of a few turns, so that other work on the machine counts little."""
    narrow, wide = WIDTHS
    rows_RN, weights_WN = torch.ones(ROWS, narrow, dtype=dtype), torch.ones(wide, narrow, dtype=dtype)
    found = []
    for _ in range(TURNS):
        begin = time.perf_counter()
        torch.nn.functional.linear(rows_RN, weights_WN)
        found.append(time.perf_counter() - begin)
    return min(found)


def _machine() -> str:
    """Another one for another processor, torch or number of threads."""
    facts: list[Any] = [platform.machine(), _processor(), torch.__version__, torch.get_num_threads()]
    return json_digest([str(part) for part in facts])[:24]


def _processor() -> str:
    """Its name and what it can do, as far as the system says."""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(dict.fromkeys(line for line in lines if line.startswith(("model name", "flags", "Features"))))
    return f"{platform.processor()} {os.cpu_count()}"
