"""Checkers of planted faults with plain arguments, for obligations and checks that take compiled programs.

Each compiles or runs a program of the library with whatever is installed, which in the laboratory is a copy with a
fault in it, and calls the real obligation or check. Named by the rows of `catalogue`; called by `laboratory`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from ncl import library
from ncl.build import Compiled, build_library, sizes_for
from ncl.language.opcodes import Opcode
from ncl.language.program import Program
from ncl.language.syntax import Function
from ncl.verify.certification import prove, trials
from ncl.verify.engine import counterexample
from ncl.verify.engine.obligation import Outcome
from ncl.verify.runs import property_checks
from ncl.verify.translation import check as translation_check

WIDTH, MEMORY, SAMPLES = 8, 32, 60

# Small programs that use what the library does not: the passes are judged on these too.
TEXTS = {
    "traps": "def traps(a: Word, b: Word) -> Word:\n    assert a < b\n    return a // (b - 1 - a)\n",
    "down": "def down(xs: Array) -> Array:\n"
    "    for i in range(len(xs) - 1, -1, -1):\n        xs[i] += i\n    return xs\n",
    "falling": "def falling(n: Word) -> Word:\n"
    "    c = 0\n    for i in range(n, -1, -1):\n        c += i\n    return c\n",
    "half": "def half(n: Word, d: Word) -> Word:\n    return n // d if d else n\n",
    "topmost": "def topmost(n: Word) -> Word:\n"
    "    c = 0\n    for i in range(n, -1, -1):\n        c |= i\n    return c\n",
    "steps": "def steps(n: Word) -> Word:\n    c = 0\n    for i in range(1, n, 3):\n        c += i\n    return c\n",
    "either": "def either(a: Word, b: Word) -> Word:\n    return a > 2 and b or not a\n",
    "swap": "def swap(a: Word, b: Word) -> Word:\n    a, b = b, a\n    return a << 1 ^ b\n",
    "fill": "def fill(n: Word) -> Array:\n    n = n % 4\n    ys = [n] * n\n    return ys\n",
    "calls": "def calls(n: Word) -> Word:\n    return n * 3 + below(n % 4, n) - below(n & 1, 2)\n\n"
    "def below(a: Word, b: Word) -> Word:\n    return b - a if a == 0 else below(a - 1, b * 2) + a\n",
    "heaps": "def heaps(n: Word) -> Word:\n"
    "    t = 0\n    for i in range(n % 8):\n        t += first(5)\n    return t\n\n"
    "def first(n: Word) -> Word:\n    ys = [1] * n\n    return ys[0]\n",
    "known": "def known(a: Word) -> Word:\n    b = 3\n    if b * 2 > 5:\n        a += b\n    return a\n",
    "cells": "def cells(xs: Array, i: Word, j: Word) -> Word:\n"
    "    a = xs[i]\n    xs[j] = a + 1\n    return xs[i] * 2 + a\n",
    "unwanted": "def unwanted(a: Word, b: Word) -> Word:\n    c = a // b\n    return b\n",
    "twice": "def twice(xs: Array, a: Word, b: Word) -> Array:\n    xs[a], xs[b] = b, 1 // a\n    return xs\n",
    "peek": "def peek(xs: Array, ys: Array, n: Word) -> Word:\n    return xs[n] + ys[1]\n",
    "change": "def change(xs: Array, n: Word) -> Array:\n    xs[n] -= 5 // n\n    return xs\n",
    "both": "def both(a: Word, b: Word) -> Word:\n"
    "    while a or not b:\n        a -= 3\n        if a < 2 or b > a:\n            break\n"
    "        if b & 1:\n            continue\n        b = a - b\n    return a ^ ~b\n",
    "top": "def top(n: Word) -> Word:\n    return ~1 - n\n",
    "made": "def made(a: Word, b: Word) -> Word:\n    ys = [6 // a] * (b // (a - 1))\n    return len(ys)\n",
    "nested": "def nested(a: Word, b: Word) -> Word:\n"
    "    t = 0\n    while a:\n        a -= 1\n        for i in range(b):\n"
    "            if i > 2:\n                break\n            t += a\n        t += 1\n    return t\n",
    "between": "def between(a: Word, b: Word, c: Word) -> Word:\n    return min(a, b) if a < b < c else a < c <= b\n",
    "pair": "def pair(n: Word) -> Word:\n    return one(n) * 3 + two(n)\n\n"
    "def one(n: Word) -> Word:\n    return n + 1\n\ndef two(n: Word) -> Word:\n    return n * 2\n",
    "turned": "def turned(n: Word) -> Word:\n    zero = 0\n    return zero - n\n",
    "again": "def again(a: Word, b: Word) -> Word:\n    c = a * b\n    a += 1\n    return c + a * b\n",
    "apart": "def apart(a: Word, b: Word) -> Word:\n    return (a - b) * 2 + (b - a)\n",
    "order": "def order(a: Word, b: Word) -> Word:\n    ys = [6 // a] * (b // a)\n    return len(ys)\n",
    "wide": "def wide(a: Word, b: Word, c: Word, d: Word) -> Word:\n"
    "    e = a + b\n    f = b * c\n    g = c ^ d\n    h = a - d\n"
    "    while a != 0:\n        a -= 1\n        e += f\n        g += h\n"
    "    return e + f + g + h + b + c + d\n",
}


def function_of(name: str) -> Function:
    """One of `TEXTS`, or else a program of the library."""
    from ncl.language.parse import parse_text

    return parse_text(TEXTS[name], f"{name}.py", name)[0] if name in TEXTS else library.get(name)


def compiled(name: str, registers: int = 16) -> Compiled:
    return Compiled.of(function_of(name), sizes_for(WIDTH, registers, MEMORY, frame=32, depth=4))


# --- compiler --------------------------------------------------------------------------------------------------------


def source(name: str, registers: int = 16) -> Outcome:
    """`source/PROGRAM` of a program as it compiles here."""
    made = compiled(name, registers)
    return _replayed(translation_check.check(made.function, made.program, made.witness))


def _replayed(outcome: Outcome) -> Outcome:
    """A refutation counts only with a counterexample that replays."""
    case = outcome.counterexample
    if outcome.verdict != "refuted" or (case and counterexample.replay_program(case).reproduced):
        return outcome
    return replace(outcome, verdict="unknown", detail=f"its counterexample does not replay: {outcome.detail}")


def runs(name: str, registers: int = 16) -> Outcome:
    """`cross-check/PROGRAM`."""
    from ncl.verify.runs.differential import check_runs

    made = compiled(name, registers)
    return _replayed(check_runs(made.function, made.program, SAMPLES, 0))


def python(name: str) -> Outcome:
    """`python/PROGRAM`."""
    from ncl.verify.runs.plain_python import check_python

    made = compiled(name)
    outcome = check_python(made.function, made.program, SAMPLES, 0)
    case = outcome.counterexample
    if case and not property_checks.replay(case).reproduced:
        return replace(outcome, verdict="unknown", detail=f"its counterexample does not replay: {outcome.detail}")
    return outcome


def code(name: str) -> Outcome:
    """`source/PROGRAM` of wrong machine code, by its name in `machine_code_faults`."""
    from ncl.verify.mutation.machine_code_faults import CASES

    case = CASES[name]()
    return _replayed(translation_check.check(case.compiled.function, case.program, case.witness))


def executor(executor: str, name: str) -> Outcome:
    """`executor/EXECUTOR/PROGRAM`."""
    from ncl.verify.runs.differential import check_executor

    made = compiled(name)
    return check_executor(executor, made.function, made.program, 20, 0)


# --- contracts -------------------------------------------------------------------------------------------------------

# Contracts that do not hold, or that nothing can meet.
CONTRACTS = {
    "a sum that wraps": "def f(n: Word) -> Word:\n    ensures(result > n)\n    return n + 1\n",
    "a sum that wraps only when long": "def f(xs: Array) -> Word:\n"
    "    requires(xs[k] <= ~0 // 4 for k in range(len(xs)))\n    ensures(result == sum(xs))\n"
    "    total = 0\n    for i in range(len(xs)):\n        invariant(total == sum(xs[:i]))\n        total += xs[i]\n"
    "    return total\n",
    "large numbers": "def f(n: Word) -> Word:\n    requires(n >= 40000)\n    ensures(result == n)\n"
    "    return n + n - n // 2 * 2\n",
    "a contradiction": "def f(n: Word) -> Word:\n    requires(n > 5)\n    requires(n < 3)\n    ensures(result == n)\n"
    "    return n\n",
    "a loop without a round": "def f(n: Word, m: Word) -> Word:\n    requires(n == 0)\n    ensures(result == m)\n"
    "    for i in range(n):\n        invariant(i == 0)\n        m = 7\n    return m\n",
}  # fmt: skip


def contract(name: str) -> Outcome:
    """`contract/f` of a program of `CONTRACTS`; vacuous counts as refuted, for nothing is to be proved there."""
    from ncl.language.parse import parse_text
    from ncl.verify.contracts.check import check_contract

    outcome = check_contract(parse_text(CONTRACTS[name], "f.py", "f")[0], 0)
    if outcome.verdict == "vacuous":
        return replace(outcome, verdict="refuted")
    return _replayed_contract(outcome)


def _replayed_contract(outcome: Outcome) -> Outcome:
    from ncl.verify.contracts.check import replay

    case = outcome.counterexample
    if outcome.verdict != "refuted" or (case and replay(case).reproduced):
        return outcome
    return replace(outcome, verdict="unknown", detail=f"its counterexample does not replay: {outcome.detail}")


# --- program memory and weights --------------------------------------------------------------------------------------


def _changed(name: str, mnemonic: str, field: str, value: int) -> tuple[Function, Program]:
    """A compiled program whose first instruction of this opcode has one field replaced, read back from its JSON."""
    made = compiled(name)
    line = next(n for n, row in enumerate(made.program.code) if row.opcode == Opcode[mnemonic.upper()])
    program = trials.edited(made.program, line, field, value)
    return made.function, Program.from_json(program.to_json())


def bytes_compiled(name: str, mnemonic: str, field: str, value: int) -> Outcome:
    """`compiled/PROGRAM`: not what its source compiles to."""
    from ncl.verify.runs.differential import check_compiled

    return check_compiled(*_changed(name, mnemonic, field, value))


def bytes_run(name: str, mnemonic: str, field: str, value: int) -> Outcome:
    """`source/PROGRAM` of this very machine code: not what its source computes."""
    function, program = _changed(name, mnemonic, field, value)
    return _replayed(translation_check.check(function, program, compiled(name).witness))


def bytes_loaded(name: str, mnemonic: str, field: str, value: int) -> Outcome:
    """The gate and the loader, from files: IllFormedProgramError or GateRefused is what must come."""
    import tempfile

    from ncl import gate
    from ncl.build import Artefact

    case = trials.honest()
    program = case.artefact.programs[name]
    line = next(n for n, row in enumerate(program.code) if row.opcode == Opcode[mnemonic.upper()])
    edited = {**case.artefact.programs, name: trials.edited(program, line, field, value)}
    with tempfile.TemporaryDirectory(prefix="ncl-fault-") as folder:
        found = Artefact.load(replace(case.artefact, programs=edited).save(f"{folder}/artefact"))
    gate.require(found, case.certificate, case.policy)
    return Outcome("tested", "the gate", "1 artefact")


def weights(value: float) -> Outcome:
    """`weights/finite` of a library with this number among its weights."""
    table = torch.tensor([[1.0, 0.0], [0.0, value]])
    artefact = build_library(["reverse"], width=WIDTH, memory=MEMORY, weights={"table": table})
    return next(o for o in prove.obligations(artefact, machine=False) if o.id == "weights/finite").run()


# --- soft runs and gradients -----------------------------------------------------------------------------------------

# Argument lists of soft words: each word a few (value, weight) pairs, the most probable first. By program, and by how
# long the list is.
SOFT: dict[str, list[list[Any]]] = {
    "count long": [[[((n, 8), (n ^ 1, 4), (n ^ 2, 4), (n ^ 4, 4)) for n in range(7)], ((3, 8), (2, 4), (1, 4))]],
    "count": [[[((1, 8), (2, 3)), ((2, 8), (0, 1))], ((1, 8), (2, 4))]],
    "running_count": [[[((1, 8), (3, 2)), ((3, 8), (1, 4))], ((3, 8), (1, 2))]],
    "modsum": [[[((3, 8), (1, 4)), ((2, 8), (5, 1))], ((5, 8), (7, 2))]],
    "reverse": [[[((3, 8), (1, 4)), ((2, 8), (5, 1)), ((6, 8),)]]],
}
SOFT_WIDTH, SOFT_MEMORY = 3, 8


def _soft(name: str, check: Callable[[Program, Any], Any]) -> Outcome:
    """A check of `properties` on the soft arguments of a program; what it raises refutes."""
    from ncl.properties.failure import Failed

    program = Compiled.of(
        function_of(name.partition(" ")[0]), sizes_for(SOFT_WIDTH, 16, SOFT_MEMORY, frame=0, depth=0)
    ).program
    for soft in SOFT[name]:
        try:
            if check(program, soft) is False:
                return Outcome("vacuous", "soft arguments", detail="the check says nothing of them")
        except Failed as fault:
            return Outcome("refuted", "soft arguments", detail=str(fault))
    return Outcome("tested", "soft arguments", f"{len(SOFT[name])} lists at W = {SOFT_WIDTH}")


def gradient(opcode: str) -> Outcome:
    """`ncl.properties.gradients:check_circuit` of one op."""
    from ncl.properties.failure import Failed
    from ncl.properties.gradients import check_circuit

    generator = torch.Generator().manual_seed(0)
    x_PN, y_PN = torch.rand(2, 2, 4, generator=generator, dtype=torch.float64).unbind(0)
    try:
        check_circuit(Opcode[opcode.upper()], x_PN, y_PN)
    except Failed as fault:
        return Outcome("refuted", "gradcheck", detail=str(fault))
    return Outcome("tested", "gradcheck", "2 pairs at W = 2")


def soft(check: str, name: str) -> Outcome:
    """A check of `ncl.properties.gradients` or `relaxation`, by its name, on one program of the library."""
    from ncl.properties import gradients, relaxation

    return _soft(name, getattr(gradients, check, None) or getattr(relaxation, check))


# --- checks of models ------------------------------------------------------------------------------------------------


def _outweighed(xs: list[int]) -> list[int]:
    """As attention of a fixed hardness reverses: a word gives way to another that stands there fifty times as often."""
    heavy = max(set(xs), key=xs.count, default=0)
    return [heavy if xs.count(heavy) > 50 * xs.count(x) else x for x in reversed(xs)]


# (model, program of the library, whether it is right)
MODELS: tuple[tuple[Callable[..., Any], str, bool], ...] = (
    (lambda xs: xs[::-1], "reverse", True),
    (lambda xs, m: sum(xs) % m, "modsum", True),
    (lambda xs: xs, "reverse", False),
    (lambda xs: xs[::-1] if len(xs) < 30 else xs, "reverse", False),
    (lambda xs, m: sum(xs) % m if len(xs) < 30 else 1 // 0, "modsum", False),
    (_outweighed, "reverse", False),
)


def models() -> Outcome:
    """`ncl.properties.conformance:check_model` of models that are known to be right or wrong."""
    from ncl.properties.conformance import check_model

    for number, (model, name, right) in enumerate(MODELS):
        found = check_model(model, name, width=WIDTH, top=9)
        if found.ok is not right:
            return Outcome("refuted", "known models", detail=f"model {number} of {name}: {found}")
    return Outcome("tested", "known models", f"{len(MODELS)} models")
