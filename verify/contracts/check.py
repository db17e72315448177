"""A program against its contract: the obligation `contract/PROGRAM`.

Proved on the source, for all widths and lengths at once, when the invariants suffice; else every small input is run
with its contracts checked, and the bound says how far that went. What is proved is run all the same: a run that breaks
a contract beats every proof and is then an error of the prover. Refuted means an input that breaks a contract, found
and made small, which replays. An invariant that holds on every run tried but is not carried over by a round is told
apart, with the state. A contract that fewer than five wrong implementations break is vacuous, and so is one of which a
part cannot be come to; where no run comes to it and nothing shows that none can, the verdict is unknown. No contract,
no obligation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import z3

from ncl.errors import NclError
from ncl.language.program import Sizes
from ncl.language.syntax import Function
from ncl.verify.contracts import vacuity
from ncl.verify.contracts.mutants import mutants
from ncl.verify.contracts.proof import Proof, prove_function
from ncl.verify.contracts.search import BUDGET, Found, Search, as_entry, attempt, look, search
from ncl.verify.contracts.solver_inputs import solver_inputs
from ncl.verify.contracts.strength import strength_of
from ncl.verify.engine.counterexample import Replayed
from ncl.verify.engine.interim import report_interim
from ncl.verify.engine.obligation import Outcome
from ncl.verify.runs.property_checks import as_it_stands

WRONG = 5  # wrong implementations that a contract must refute
BESIDE = 10.0  # seconds for the prover where a run has decided
SCHEMA = 1
METHOD = "invariants, on the source, for all widths"
RUNS = "source runs with contracts checked"


def check_contract(function: Function, seed: int) -> Outcome:
    """What is known of a function's contract; the function has one. Runs come first, the solver last: it may hang."""
    try:
        tried = search(function, seed)
        if not tried.found and not tried.valid:
            report_interim(
                Outcome("unknown", RUNS, detail=f"no run that was tried meets `requires` and ends: {tried.description}")
            )
            _ask(function, function.name, tried)
    except (NclError, RecursionError) as fault:
        return Outcome("unknown", RUNS, detail=f"the source cannot be run: {type(fault).__name__}: {fault}")
    if tried.found:
        return _refuted(tried.found, function)
    if tried.lost:
        detail = f"the two ways of checking contracts part on {tried.lost}: an error of NCL, please report it"
        return Outcome("unknown", RUNS, detail=detail)
    if hollow := _hollow(function, tried):
        return hollow
    if tried.found:
        return _refuted(tried.found, function)
    sieve = strength_of(tried.samples, mutants(function), seed, WRONG)
    if sieve.refuted < WRONG:
        passed = f"; this one passes: {sieve.passed[0]}" if sieve.passed else ""
        detail = f"{sieve.refuted} of at least {WRONG} wrong implementations are refuted{passed}"
        return Outcome("vacuous", "wrong implementations", detail=detail)
    told = f"{sieve.refuted} wrong implementations refuted; {tried.description}"
    report_interim(_undecided(Proof(0, (), ("the proof did not come to its end",)), tried, told))
    proof = prove_function(function)
    if proof.complete:
        limits = {"goals": proof.goals, "runs": tried.count}
        return Outcome("proved", METHOD, solver=_solver(), vacuity=told, limits=limits)
    return _undecided(proof, tried, told)


def _undecided(proof: Proof, tried: Search, told: str) -> Outcome:
    """Not proved, and no failing input found."""
    lost = next((gap for gap in proof.gaps if gap.state), None)
    if lost is not None:
        detail = (
            f"{lost.place.row}: {lost.text} holds on every run tried but is not inductive: "
            f"a round that begins with {lost.state} does not carry it over"
        )
        return Outcome("unknown", METHOD, solver=_solver(), detail=detail)
    if tried.space is None:
        return Outcome("unknown", METHOD, solver=_solver(), detail=f"{proof.description}; no failing input found")
    limits = {"enumerated_width": tried.space.width, "length": tried.space.length, "runs": tried.count}
    return Outcome(
        "proved-bounded", RUNS, bound=tried.bound, limits=limits,
        detail=f"not for every length: {proof.description}", vacuity=told,
    )  # fmt: skip


def _solver() -> str:
    return f"z3 {z3.get_version_string()}"


# --- what no run came to ---------------------------------------------------------------------------------------------


def _ask(function: Function, name: str, tried: Search) -> None:
    """Run the inputs that the solver finds to meet `requires` of one function of the program."""
    one = function if name == function.name else as_entry(function, name)
    for sizes, arguments in solver_inputs(one):
        look(tried, one, sizes, [arguments])
        if tried.found or tried.valid:
            return


def _hollow(function: Function, tried: Search) -> Outcome | None:
    """Vacuous or unknown where no run came to a part of the contract; None where runs came to all of it."""
    missing = [mark for mark in vacuity.expected(function) if mark not in tried.reached]
    if not missing and tried.valid:
        return None
    if not missing:
        return Outcome("vacuous", "search", detail=f"no run that was tried ends: {tried.description}")
    first = missing[0]
    one = function if first.function == function.name else as_entry(function, first.function)
    detail = vacuity.described(function, first)
    report_interim(_hollow_unknown(detail))
    if first.what == "requires":
        if contradiction := vacuity.contradictory(one):
            return Outcome("vacuous", "solver", solver=_solver(), detail=contradiction)
        if one is not function:
            _ask(function, one.name, tried)
            return None if tried.found or first in tried.reached else _hollow_unknown(detail)
        return _hollow_unknown(detail)
    ways = vacuity.possible(one)
    if ways is not None and first not in ways:
        return Outcome("vacuous", "solver", solver=_solver(), detail=f"{detail}, and none can")
    return _hollow_unknown(detail)


def _hollow_unknown(detail: str) -> Outcome:
    return Outcome("unknown", "search", detail=f"{detail} of those tried; whether one can is not known")


# --- counterexamples -------------------------------------------------------------------------------------------------


def _refuted(found: Found, asked: Function) -> Outcome:
    """Told as an error of the prover where that proves it all the same: it is given a little while to."""
    function, place, sizes = found.function, found.breach.position, found.sizes
    case = {
        "schema": SCHEMA,
        "kind": "contract",
        "source": {"file": function.file, "name": function.name, "text": function.whole},
        "sizes": {"width": sizes.width, "memory": sizes.memory},
        "arguments": found.arguments,
        "breach": found.breach.to_json(),
        "place": {**place.named(), "file": function.home(place).file},
    }
    shown = ", ".join(map(str, found.arguments))
    detail = f"{function.name}({shown}) at width {sizes.width}: {found.breach}"
    refuted = Outcome("refuted", RUNS, detail=detail, counterexample=case)
    report_interim(refuted, BESIDE)
    if not prove_function(asked).complete:
        return refuted
    error = "the prover had proved this contract: that is an error of the prover, please report it with this input"
    return replace(refuted, detail=f"{detail}; {error}")


def replay(case: Mapping[str, Any]) -> Replayed:
    """Run the program as its file has it, else the text that the counterexample carries, contracts checked."""
    function, told = as_it_stands(case["source"])
    sizes = Sizes(width=int(case["sizes"]["width"]), memory=int(case["sizes"]["memory"]))
    arguments = [list(v) if isinstance(v, list) else int(v) for v in case["arguments"]]
    result, breach = attempt(function, arguments, sizes)
    shown = ", ".join(map(str, arguments))
    return Replayed(
        reproduced=breach is not None and breach.kind != "requires",
        what=f"{function.name}({shown}) at width {sizes.width} against its contract, {BUDGET} ticks, {told}",
        expected="every contract holds",
        got=str(breach) if breach else f"result {result.result if result else None}",
    )


__all__ = ["check_contract", "replay"]
