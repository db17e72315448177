"""The contract fuzzer's long run: random contracts asked of the prover until there are so many, and what came of them.

    python benchmarks/contract_fuzz.py [--contracts 1000000] [--seed N] [--mix cheap] [--jobs 2] [--out FILE]

Run by `benchmarks/nightly.py`. Prints progress; writes one JSON file; exits 1 when a contract that runs break was
proved. Holes are written beside it as counterexamples that `ncl replay` runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from ncl.verify.contracts.fuzz import Tally
from ncl.verify.contracts.fuzz_campaign import holes, report, until
from ncl.verify.engine.counterexample import write

HERE = Path(__file__).resolve().parent


def fuzz(contracts: int, seed: int, mix: str, jobs: int, folder: Path) -> dict:
    """The report; counterexamples of holes go into `folder`."""
    begin = last = time.monotonic()

    def progress(tally: Tally) -> None:
        nonlocal last
        if time.monotonic() - last > 10:
            last = time.monotonic()
            rate = tally.contracts / (last - begin)
            told = f"{tally.contracts} contracts of {tally.programs} programs, {len(tally.suspects)} false ones proved"
            print(f"{told}, {rate:.0f} a second", file=sys.stderr, flush=True)

    tally = until(contracts, seed, mix, jobs, progress)
    found, lost = holes(tally.suspects)
    for hole in found:
        print(hole, file=sys.stderr)
        print(f"ncl replay {write(hole.case(), folder, 'contract-fuzz')}", file=sys.stderr)
    return {**report(tally, found, lost), "seed": seed, "mix": mix, "jobs": jobs,
            "wall_seconds": round(time.monotonic() - begin, 1)}  # fmt: skip


def commit() -> str:
    git = ["git", "-C", str(HERE)]
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    dirty = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True).stdout.strip()
    return head + ("+changes" if dirty else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contracts", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mix", default="cheap")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    out = asked.out or results / f"contract-fuzz-{datetime.now(UTC):%Y-%m-%d-%H%M}.json"
    told = {"commit": commit(), "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "device": f"cpu, {os.cpu_count()} cores, {platform.machine()}"}  # fmt: skip
    record = {**fuzz(asked.contracts, asked.seed, asked.mix, asked.jobs, out.parent), **told}
    out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(
        f"{record['contracts']} contracts, {record['false_proved']} false ones proved; written to {out}",
        file=sys.stderr,
    )
    return 1 if record["false_proved"] else 0


if __name__ == "__main__":
    sys.exit(main())
