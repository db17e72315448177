"""Simple operations a second of the compiled loop, the proved step and the reference interpreter, in one run.

    python benchmarks/executors.py [--json] [--seconds 1.0]

One simple operation is one executed instruction of one sample. The program is a branch-free count over 500 words at
W = 16 with 4096 memory cells. Ratios are against the reference interpreter on the same machine at the same time, for
absolute figures mean little elsewhere. Compilation and tracing happen before the clock starts and are given apart.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable

import torch

from ncl.language.interpret.machine import run_machine
from ncl.language.program import Program
from ncl.language.text import assemble
from ncl.machine import dataflow
from ncl.machine.executors import integer

COUNT = """.program count
.signature (xs: Array, s: Word) -> Word
.sizes width=16 registers=16 memory={memory} frame=64 depth=8
0 constant r3, 0
1 constant r4, 0
2 constant r7, 1
3 tick
4 less r5, r4, r1
5 jump_zero r5, @11
6 load r6, r0, r4
7 equal r6, r6, r2
8 add r3, r3, r6
9 add r4, r4, r7
10 jump @3
11 move r0, r3
12 halt
"""


def arguments_of(length: int, batch: int) -> list[list[int | list[int]]]:
    dice = random.Random(0)
    return [[[dice.randrange(128) for _ in range(length)], dice.randrange(128)] for _ in range(batch)]


def rate(run: Callable[[], int], seconds: float) -> float:
    """Steps a second: `run` gives the steps that it made and is repeated until the time is up."""
    steps, begin = 0, time.perf_counter()
    while (passed := time.perf_counter() - begin) < seconds or not steps:
        steps += run()
    return steps / passed


def measure(seconds: float) -> dict[str, object]:
    long, short = assemble(COUNT.format(memory=4096)), assemble(COUNT.format(memory=64))
    many, few = arguments_of(500, 256), arguments_of(20, 1024)
    one = arguments_of(60_000, 1)
    huge = assemble(COUNT.format(memory=65536))
    values = torch.tensor([a[0] for a in many])
    lengths, symbols = torch.full((256,), 500), torch.tensor([a[1] for a in many])

    def total(results: list) -> int:
        return sum(r.steps for r in results)

    def on_tensors(program: Program) -> int:
        return int(integer.run_tensors(program, values, lengths, [symbols])[4].sum())

    begin = time.perf_counter()
    integer.run(long, many[:1])
    compiled = time.perf_counter() - begin
    begin = time.perf_counter()
    integer.run_by_step(short, few[:1])
    traced = time.perf_counter() - begin
    dataflow.extract(long, many[:1])
    pool = integer.pool_of(huge, integer.initial(huge, one), 1 << 40)
    loop_begin = time.perf_counter()
    pool.advance()
    loop = int(pool.steps()[0]) / (time.perf_counter() - loop_begin)
    rates = {
        "reference, 1 sample": rate(lambda: total([run_machine(long, many[0])]), seconds),
        "step, 1024 samples": rate(lambda: total(integer.run_by_step(short, few)), seconds),
        "compiled loop, 256 lists": rate(lambda: total(integer.run(long, many)), seconds),
        "compiled loop, 256 rows of a tensor": rate(lambda: on_tensors(long), seconds),
        "compiled loop alone": loop,
        "value graph, 256 lists": rate(lambda: total(dataflow.extract(long, many)[0]), seconds),
    }
    base = rates["reference, 1 sample"]
    return {
        "schema": 1,
        "steps_per_second": {name: round(value) for name, value in rates.items()},
        "ratio_to_reference": {name: round(value / base, 2) for name, value in rates.items()},
        "seconds_to_compile": round(compiled, 2),
        "seconds_to_trace": round(traced, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=float, default=1.0, help="per measurement")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = measure(options.seconds)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    rates, ratios = found["steps_per_second"], found["ratio_to_reference"]
    assert isinstance(rates, dict) and isinstance(ratios, dict)
    for name, value in rates.items():
        print(f"{name:<38}{value:>15,} steps/s {ratios[name]:>10,.1f} ×")
    print(f"compiling took {found['seconds_to_compile']} s, tracing {found['seconds_to_trace']} s")


if __name__ == "__main__":
    main()
