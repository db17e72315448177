"""The long lane's figures: the small demo for three seeds, the verification of the whole library, cold, and a million
random contracts asked of the prover.

Run by `tox -e nightly`; writes one JSON file with commit, seeds, device and versions under benchmarks/results/.
Exits 1 when a run of NCL falls under 0.99 exact answers in any cell, an obligation is not green, or a contract that
runs break is proved. NCL_CONTRACTS is how many contracts are asked, where a million are too many.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
SEEDS = (0, 1, 2)
FLOOR = 0.99


def ncl(*arguments: str, cache: str) -> tuple[dict, float]:
    """The JSON document of `ncl ARGUMENTS --json`, and its wall time in seconds."""
    begin = time.perf_counter()
    done = subprocess.run(
        ["ncl", *arguments, "--json"], stdout=subprocess.PIPE, text=True, env={**os.environ, "NCL_CACHE_DIR": cache}
    )
    seconds = time.perf_counter() - begin
    if done.returncode not in (0, 1):
        sys.exit(f"ncl {' '.join(arguments)} ended with {done.returncode}: {done.stdout[:2000]}")
    return json.loads(done.stdout), seconds


def commit() -> str:
    git = ["git", "-C", str(HERE)]
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    dirty = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True).stdout.strip()
    return head + ("+changes" if dirty else "")


def contracts() -> dict:
    """The report of `contract_fuzz.py`, which prints its progress; it and what replays stay beside the results."""
    count = os.environ.get("NCL_CONTRACTS", "1000000")
    out = HERE / "results" / f"contract-fuzz-{datetime.now(UTC):%Y-%m-%d-%H%M}.json"
    command = [sys.executable, str(HERE / "contract_fuzz.py"), "--contracts", count, "--out", str(out)]
    done = subprocess.run(command)
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)} ended with {done.returncode}")
    return json.loads(out.read_text(encoding="utf-8"))


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        verified, verify_seconds = ncl("verify", "--all", cache=str(Path(folder) / "cache"))
        _, cached_seconds = ncl("verify", "--all", cache=str(Path(folder) / "cache"))
        demos = []
        for seed in SEEDS:
            document, seconds = ncl(
                "demo", "--tiny", "--seed", str(seed), "--out", f"{folder}/demo-{seed}", cache=f"{folder}/cache"
            )
            demos.append({"seed": seed, "wall_seconds": round(seconds, 1), "cells": document["cells"]})
            print(f"seed {seed}: {seconds:.0f} s", file=sys.stderr)
        asked = contracts()
    cells = [c for demo in demos for c in demo["cells"] if c["system"] == "ncl"]
    worst = min(c["exact"] for c in cells)
    green = set(verified["verdicts"]) <= {"proved", "proved-bounded", "tested"}
    record = {
        "schema": 1,
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": f"cpu, {os.cpu_count()} cores, {platform.machine()}",
        "versions": {name: version(name) for name in ("torch", "transformers", "numba", "z3-solver")},
        "verify": {
            "verdicts": verified["verdicts"],
            "cold": round(verify_seconds, 1),
            "cached": round(cached_seconds, 1),
        },
        "contracts": asked,
        "worst_exact": worst,
        "demos": demos,
    }
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    out = results / f"nightly-{datetime.now(UTC):%Y-%m-%d-%H%M}.json"
    out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"worst cell {worst:.3f}; verdicts {verified['verdicts']}; written to {out}", file=sys.stderr)
    return 0 if worst >= FLOOR and green and not asked["false_proved"] else 1


if __name__ == "__main__":
    sys.exit(main())
