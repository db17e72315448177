"""What the optimising passes of the compiler save: instructions and steps of the library's programs.

`python benchmarks/passes.py [LENGTH]` prints a table: without any pass, with all, and with all but each one. Steps are
of one run each, on arrays of LENGTH words (default 40) from a fixed formula, at width 16 and 16 registers.
"""

from __future__ import annotations

import sys

from ncl import library
from ncl.compiler.compile import ORDER, PASSES, compile_function
from ncl.language.interpret.machine import run_machine
from ncl.language.program import Sizes, Value
from ncl.language.syntax import Function


def arguments(function: Function, length: int) -> list[Value]:
    cells = [(7 * i * i + 3 * i) % 11 for i in range(length)]
    return [list(cells) if p.sort == "array" else 5 for p in function.signature.parameters]


def cost(function: Function, order: tuple[str, ...], length: int) -> tuple[int, int]:
    program, _ = compile_function(function, Sizes(), order)
    result = run_machine(program, arguments(function, length))
    assert result.steps is not None
    return len(program.code), result.steps


def main(length: int) -> None:
    orders = {"none": (), "all": ORDER} | {f"no {p}": tuple(n for n in ORDER if n != p) for p in PASSES}
    print(f"{'program':24}" + "".join(f"{name:>16}" for name in orders))
    total = {name: [0, 0] for name in orders}
    for name in library.names():
        found = {key: cost(library.get(name), order, length) for key, order in orders.items()}
        for key, (instructions, steps) in found.items():
            total[key][0] += instructions
            total[key][1] += steps
        print(f"{name:24}" + "".join(f"{f'{i} {s}':>16}" for i, s in found.values()))
    print(f"{'all':24}" + "".join(f"{f'{i} {s}':>16}" for i, s in total.values()))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
