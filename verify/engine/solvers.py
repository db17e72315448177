"""The solvers: one row each, asked whether some terms can all be true, within a time.

z3 answers first; bitwuzla, where it is installed, is asked the same as SMT-LIB text. Two that contradict each other, or
one that does not know, make the answer `unknown`, which is never green. Called by `step.check` and `ops.exhaustive`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import z3

Term = Any
Said = Literal["sat", "unsat", "unknown", "absent"]
SECONDS = 30.0
KEYBOARD = "interrupted from keyboard"  # z3's reason


@dataclass(frozen=True)
class Answer:
    """What was said of a conjunction; `model` (z3's) only when it is satisfiable."""

    said: Said
    solver: str
    seconds: float
    model: Any = None
    cross_check: str = ""
    detail: str = ""


def ask_z3(terms: Sequence[Term], seconds: float) -> Answer:
    begin = time.perf_counter()
    solver = z3.Solver()
    solver.set("timeout", max(1, int(seconds * 1000)))
    solver.add(*terms)
    said = str(solver.check())
    model = solver.model() if said == "sat" else None
    detail = solver.reason_unknown() if said == "unknown" else ""
    if detail == KEYBOARD:
        raise KeyboardInterrupt  # z3 takes Ctrl-C for itself and makes an answer of it
    name = f"z3 {z3.get_version_string()}"
    return Answer(_said(said), name, time.perf_counter() - begin, model, detail=detail)


def ask_bitwuzla(terms: Sequence[Term], seconds: float) -> Answer:
    begin = time.perf_counter()
    try:
        import bitwuzla
    except ImportError:
        return Answer("absent", "bitwuzla", 0.0)
    options = bitwuzla.Options()
    options.set(bitwuzla.Option.TIME_LIMIT_PER, max(1, int(seconds * 1000)))
    name = f"bitwuzla {bitwuzla.version()}" if hasattr(bitwuzla, "version") else "bitwuzla"
    try:
        parser = bitwuzla.Parser(bitwuzla.TermManager(), options)
        parser.parse(_text(terms), True, False)
        said = str(parser.bitwuzla().check_sat()).lower().rpartition(".")[2]
    except bitwuzla.BitwuzlaException as fault:
        return Answer("unknown", name, time.perf_counter() - begin, detail=" ".join(f"{fault}".split()))
    return Answer(_said(said), name, time.perf_counter() - begin)


SOLVERS: dict[str, Callable[[Sequence[Term], float], Answer]] = {"z3": ask_z3, "bitwuzla": ask_bitwuzla}


def decide(terms: Sequence[Term], seconds: float = SECONDS, cross: str = "bitwuzla") -> Answer:
    """z3's answer, with what the second solver said of an `unsat`; a contradiction is `unknown`.

    A second solver that is absent or out of time is named in `cross_check` and does not change the answer.
    """
    first = ask_z3(terms, seconds)
    if first.said != "unsat" or not cross:
        return first
    second = SOLVERS[cross](terms, seconds)
    told = f"{second.solver}: {second.said}"
    seconds = first.seconds + second.seconds
    if second.said == "sat":
        return Answer("unknown", first.solver, seconds, cross_check=told, detail="the solvers contradict each other")
    return Answer(first.said, first.solver, seconds, cross_check=told)


def _said(word: str) -> Said:
    return "sat" if word == "sat" else "unsat" if word == "unsat" else "unknown"


def _text(terms: Sequence[Term]) -> str:
    solver = z3.Solver()
    solver.add(*terms)
    # z3's own text ends in (check-sat); the sort of every function is written out.
    return f"(set-logic QF_UFBV)\n{solver.to_smt2()}"
