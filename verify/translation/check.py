"""`source/PROGRAM`: machine code is its source, for every input, as an obligation.

`proved` by `validate` at the program's own width. When it is not proved, a failing input is searched: with one it is
`refuted`, and the counterexample replays; without one it is `unknown`, and says in which segment the proof broke and
in which state. Called by `prove` and the fault laboratory.
"""

from __future__ import annotations

from typing import Any

import z3

from ncl.compiler import compile as compiler
from ncl.compiler.witness import Witness
from ncl.errors import NclError
from ncl.language.program import Program
from ncl.language.syntax import Function
from ncl.verify.engine.obligation import Outcome
from ncl.verify.runs import divergence
from ncl.verify.translation import passes, search, validate
from ncl.verify.translation.validate import Report

METHOD = "translation validation, segment by segment"
NOT_FOUND = "not proved; no failing input found"
DISPLAYED = 8  # words of a state


def check(function: Function, program: Program, witness: Witness) -> Outcome:
    """Prove it, or refute it with an input, or say what is not proved."""
    report = validate.validate(function, program, witness)
    solver = f"z3 {z3.get_version_string()}" if report.questions else ""
    if report.proved:
        counts = {"segments": report.segments, "ends": report.ends, "questions": report.questions}
        detail = f"{report.segments} segments with {report.ends} ends, {report.questions} questions to the solver"
        return Outcome("proved", METHOD, solver=solver, detail=detail, vacuity=_NEVER_EMPTY, limits=counts)
    told = "; ".join(report.failures)
    found = search.failing_input(function, program, report.model)
    if found is None:
        return Outcome("unknown", METHOD, solver=solver, detail=f"{NOT_FOUND}: {told}{_state(report)}")
    outcome = divergence.refuted(METHOD, program, function, found)
    assert outcome.counterexample is not None
    recorded = not _is_compiled(function, program)
    return Outcome(
        "refuted",
        METHOD,
        solver=solver,
        detail=f"{outcome.detail}; {told}{_wrong_pass(function, program)}",
        # Machine code that the compiler does not make is replayed as it was recorded.
        counterexample={**outcome.counterexample, **({"as_recorded": True} if recorded else {})},
    )


_NEVER_EMPTY = "each row ties words together and forbids no state: some state has it"


def _is_compiled(function: Function, program: Program) -> bool:
    try:
        return compiler.compile_function(function, program.sizes)[0] == program
    except NclError:
        return False


def _wrong_pass(function: Function, program: Program) -> str:
    name = passes.first_wrong(function, program.sizes) if _is_compiled(function, program) else None
    return f"; the pass {name} went wrong" if name else ""


def _state(report: Report) -> str:
    """A state from which the segment parts; whether a run reaches it is not known."""
    if report.model is None:
        return ""
    words: dict[str, Any] = {str(d): report.model[d] for d in report.model.decls() if d.arity() == 0}
    shown = [f"{name} = {value}" for name, value in sorted(words.items()) if z3.is_bv_value(value)]
    return f" (in the state {', '.join(shown[:DISPLAYED])})" if shown else ""
