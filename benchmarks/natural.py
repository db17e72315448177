"""The long lane's figures on a pretrained LLaMA: seeds of training data × seeds of readers, and every baseline.

    python benchmarks/natural.py [--data-seeds 3] [--seeds 3] [--n 200] [--n-long 40] [--baseline base …]
                                 [--baseline-n 200] [--jobs 1] [--out FILE]

Trains behind the gate, asks the held-out exam, and writes one JSON file with commit, device and versions under
benchmarks/results/. The exam is read once for all runs. The baselines are evaluated once, at 10 numbers, those that are
trained on the first run's prompts for as long as it took. Takes some two hours on two cores with its defaults; a larger
machine makes several runs side by side (--jobs). The file is written anew after each run and baseline, and with --out
of a file that is there already only what it lacks is made.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import torch

HERE = Path(__file__).resolve().parent
BASELINES = ("base", "base-few-shot", "tool", "lora", "random-library")
TRAINED = ("lora", "random-library")


def ncl(*arguments: str) -> dict[str, Any]:
    """The JSON document of `ncl ARGUMENTS --json`."""
    done = subprocess.run(["ncl", *arguments, "--json"], stdout=subprocess.PIPE, text=True)
    if done.returncode not in (0, 3):
        sys.exit(f"ncl {' '.join(arguments)} ended with {done.returncode}: {done.stdout[:2000]}")
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def commit() -> str:
    head = subprocess.run(["git", "-C", str(HERE), "rev-parse", "HEAD"], capture_output=True, text=True)
    return head.stdout.strip()


def trained(data_seed: int, seed: int, exam: list[str]) -> dict[str, Any]:
    """One run: how it was trained, how long that took, and how it answers."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        begin = time.perf_counter()
        told = ncl("train", str(configured(folder, data_seed, seed)), "--out", str(folder / "run"))
        seconds = time.perf_counter() - begin
        begin, cells = time.perf_counter(), ncl("evaluate", str(folder / "run"), *exam)["cells"]
        asked = time.perf_counter() - begin
    kept = {name: told[name] for name in ("losses", "worst", "restarts", "stalled")}
    took = {"train_seconds": round(seconds, 1), "evaluate_seconds": round(asked, 1)}
    return {"data_seed": data_seed, "seed": seed, "commit": commit(), **took, **kept, "cells": cells}


def device() -> str:
    cores = f"{os.cpu_count()} cores, {platform.machine()}"
    return f"{torch.cuda.get_device_name()}, {cores}" if torch.cuda.is_available() else f"cpu, {cores}"


def configured(folder: Path, data_seed: int, seed: int) -> Path:
    config = folder / "config.json"
    config.write_text(json.dumps({"recipe": "natural", "data_seed": data_seed, "seed": seed}), encoding="utf-8")
    return config


def besides(folder: Path, baselines: list[str], run: dict[str, Any], n: int) -> Iterator[list[dict[str, Any]]]:
    """The baselines' cells at 10 numbers, in other phrasings of the words that were seen."""
    exam = ["--length", "10", "--n", str(n), "--phrasing", "seen", "--chat", "1"]
    config = str(configured(folder, run["data_seed"], run["seed"]))
    if "lora" in baselines:
        ncl("train", config, "--system", "lora", "--seconds", str(run["train_seconds"]), "--out", str(folder / "lora"))
        yield ncl("evaluate", str(folder / "lora"), *exam)["cells"]
    # Those that need no run of their own go along with one that has.
    named = [part for name in baselines if name not in TRAINED for part in ("--baseline", name)]
    if named or "random-library" in baselines:
        ncl("train", config, "--system", "random-library", "--out", str(folder / "random"))
        cells = ncl("evaluate", str(folder / "random"), *named, *exam)["cells"]
        yield [cell for cell in cells if cell["system"] in baselines]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-seeds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--n-long", type=int, default=40)
    parser.add_argument("--baseline", nargs="*", choices=BASELINES, default=list(BASELINES))
    parser.add_argument("--baseline-n", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    out = given.out or HERE / "results" / f"natural-{datetime.now(UTC):%Y-%m-%d-%H%M}.json"
    record = {"baselines": [], **(json.loads(out.read_text(encoding="utf-8")) if out.exists() else begun())}
    exam = ["--n", str(given.n), "--n-long", str(given.n_long), "--read-once"]
    made = {(run["data_seed"], run["seed"]) for run in record["runs"]}
    with ThreadPoolExecutor(given.jobs) as pool:
        waited = [
            pool.submit(trained, data_seed, seed, exam)
            for seed, data_seed in product(range(given.seeds), range(given.data_seeds)) if (data_seed, seed) not in made
        ]  # fmt: skip
        try:
            for done in as_completed(waited):
                record["runs"].append(done.result())
                written(record, out, "data seed {data_seed}, seed {seed}".format(**record["runs"][-1]))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    lacking = sorted(set(given.baseline) - {cell["system"] for cell in record["baselines"]})
    with tempfile.TemporaryDirectory() as name:
        for cells in besides(Path(name), lacking, first(record["runs"]), given.baseline_n):
            record["baselines"] += cells
            written(record, out, ", ".join(sorted({cell["system"] for cell in cells})))


def first(runs: list[dict[str, Any]]) -> dict[str, Any]:
    return min(runs, key=lambda run: (run["seed"], run["data_seed"]))


def written(record: dict[str, Any], out: Path, what: str) -> None:
    fresh = out.with_name(f".{out.name}.new")
    fresh.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    fresh.replace(out)
    print(f"{what}: written to {out}", file=sys.stderr)


def begun() -> dict[str, Any]:
    """A record without a run."""
    return {
        "schema": 1, "commit": commit(), "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": device(),
        "versions": {name: version(name) for name in ("torch", "transformers", "gguf")}, "runs": [],
    }  # fmt: skip


if __name__ == "__main__":
    main()
