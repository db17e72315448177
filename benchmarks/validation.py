"""How long translation validation takes: as programs grow, and for one of ten features at four widths.

`python benchmarks/validation.py [SEED]` writes a JSON file with commit, seed and device under benchmarks/results/ and
the plot docs/images/validation.png, and prints both tables. Programs are drawn (`ncl.properties.long_sources`), five of
each length; times are the processor's, of the validator alone, the smallest of three runs each.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from nightly import commit

from ncl.build import Compiled, sizes_for
from ncl.language.parse import parse_text
from ncl.properties.long_sources import long_text
from ncl.verify.translation.validate import validate

matplotlib.use("Agg")
from matplotlib import pyplot  # the backend comes first

HERE = Path(__file__).resolve().parent
LENGTHS = (10, 20, 50, 100, 200, 500, 1000)
PROGRAMS, RUNS = 5, 3
WIDTHS = (4, 8, 16, 32)

# Nested loops of both kinds, with break and continue · recursion · mutual recursion · a call in a loop · an array made
# in a call and given back · an array changed by a call · early return · a choice · a chain and a short circuit · an
# assert.
FEATURES = """
def f(xs: Array, n: Word) -> Word:
    assert n < 10
    total = 0
    for i in range(len(xs)):
        j = i
        while j > 0 and xs[j - 1] > xs[j]:
            xs[j - 1], xs[j] = xs[j], xs[j - 1]
            j -= 1
            if j == 1:
                continue
            if total > 12:
                break
        total += power(xs[i], 3) if 1 < xs[i] <= n or i == 0 else even(i)
    raised(xs, n)
    ys = sums(xs)
    for i in range(len(ys) - 1, -1, -1):
        for j in range(0, i, 2):
            if ys[j] == ys[i]:
                return total + j
            total ^= min(ys[j], ys[i])
    return total


def power(a: Word, n: Word) -> Word:
    if n == 0:
        return 1
    return a * power(a, n - 1)


def even(n: Word) -> Word:
    return odd(n - 1) if n else 1


def odd(n: Word) -> Word:
    return even(n - 1) if n else 0


def raised(xs: Array, n: Word) -> Word:
    for i in range(len(xs)):
        xs[i] += n
    return 0


def sums(xs: Array) -> Array:
    ys = [0] * (len(xs) + 1)
    for i in range(len(xs)):
        ys[i + 1] = ys[i] + xs[i]
    return ys
"""


def seconds(compiled: Compiled) -> tuple[float, Any]:
    """Of the validator, and its report. It must prove."""
    best = float("inf")
    for _ in range(RUNS):
        begin = time.process_time()
        report = validate(compiled.function, compiled.program, compiled.witness)
        best = min(best, time.process_time() - begin)
    if not report.proved:
        sys.exit(f"{compiled.function.name} is not proved: {report.failures}")
    return best, report


def growth(seed: int) -> list[dict[str, Any]]:
    found = []
    for lines in LENGTHS:
        for number in range(PROGRAMS):
            text = long_text(lines, seed * PROGRAMS + number)
            compiled = Compiled.of(parse_text(text, "f.py", "f")[0], sizes_for(16, frame=4096))
            took, report = seconds(compiled)
            found.append(
                {
                    "lines": text.count("\n"),
                    "instructions": len(compiled.program.code),
                    "segments": report.segments,
                    "questions": report.questions,
                    "seconds": round(took, 4),
                }
            )
        last = [row["seconds"] for row in found[-PROGRAMS:]]
        print(f"{lines:5} lines  {statistics.median(last):8.3f} s")
    return found


def features() -> list[dict[str, Any]]:
    found = []
    for width in WIDTHS:
        memory = min(64, 1 << width)
        compiled = Compiled.of(parse_text(FEATURES, "f.py", "f")[0], sizes_for(width, memory=memory, frame=4096))
        took, report = seconds(compiled)
        found.append({"width": width, "seconds": round(took, 4), "segments": report.segments, "ends": report.ends})
        print(
            f"ten features at width {width:2}: proved in {took:.3f} s, {report.segments} segments, {report.ends} ends"
        )
    return found


def slope(rows: list[dict[str, Any]]) -> float:
    """Of the line through log lines and log seconds: 1 is linear growth."""
    lines, took = (np.log([row[key] for row in rows]) for key in ("lines", "seconds"))
    return float(np.polyfit(lines, took, 1)[0])


def plot(rows: list[dict[str, Any]], exponent: float, place: Path) -> None:
    figure, axes = pyplot.subplots(figsize=(6, 4), dpi=110)
    lines = np.array([row["lines"] for row in rows])
    axes.loglog(lines, [row["seconds"] for row in rows], "o", color="#2b6cb0", alpha=0.6, label="a drawn program")
    median = np.median([row["seconds"] / row["lines"] for row in rows])
    ends = np.array([lines.min(), lines.max()])
    axes.loglog(ends, ends * median, "--", color="#888", label="linear growth")
    axes.set_xlabel("lines of source")
    axes.set_ylabel("seconds of one core")
    axes.set_title(f"Translation validation: seconds grow as lines^{exponent:.2f}")
    axes.legend(frameon=False)
    axes.grid(True, which="major", alpha=0.3)
    figure.tight_layout()
    place.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(place)


def main(seed: int) -> None:
    rows = growth(seed)
    exponent = slope(rows)
    record = {
        "schema": 1,
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": seed,
        "device": f"cpu, one of {os.cpu_count()} cores, {platform.machine()}",
        "versions": {name: version(name) for name in ("z3-solver",)} | {"python": platform.python_version()},
        "width": 16,
        "growth": rows,
        "exponent": round(exponent, 3),
        "features": features(),
    }
    print(f"seconds grow as lines^{exponent:.2f}")
    out = HERE / "results" / f"validation-{datetime.now(UTC):%Y-%m-%d-%H%M}.json"
    out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    plot(rows, exponent, HERE.parent / "docs" / "images" / "validation.png")
    print(f"written to {out}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
