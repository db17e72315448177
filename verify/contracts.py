"""A program against its contract: the obligation `contract/PROGRAM`.

Proved on the source, for all widths and lengths at once, when the invariants suffice; else every small input is run
with its contracts checked, and the bound says how far that went. Refuted means an input that breaks a contract, found
and made small, which replays. An invariant that holds on every run tried but is not carried over by a round is told
apart, with the state. A contract that fewer than five wrong implementations break is vacuous. No contract, no
obligation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import z3

from ncl.language.parse import parse_text
from ncl.language.program import Sizes
from ncl.language.syntax import Function
from verify.contract_mutants import mutants
from verify.contract_proof import Proof, prove_function
from verify.contract_search import BUDGET, Found, Search, attempt, search, sift
from verify.counterexample import Replayed
from verify.obligation import Outcome

WRONG = 5  # wrong implementations that a contract must refute
SCHEMA = 1
METHOD = "invariants, on the source, for all widths"


def check_contract(function: Function, seed: int) -> Outcome:
    """What is known of a function's contract; the function has one."""
    sieve = sift(function, mutants(function), seed, WRONG)
    proof = prove_function(function)
    if proof.complete and sieve.refuted >= WRONG:
        told = f"{sieve.refuted} wrong implementations refuted"
        return Outcome("proved", METHOD, solver=_solver(), vacuity=told, limits={"goals": proof.goals})
    tried = search(function, seed)
    if tried.found:
        return _refuted(function, tried.found)
    if not tried.valid:
        return Outcome("vacuous", "search", detail="no input that was tried meets `requires` and ends")
    if sieve.refuted < WRONG:
        passed = f"; this one passes: {sieve.passed[0]}" if sieve.passed else ""
        detail = f"{sieve.refuted} of at least {WRONG} wrong implementations are refuted{passed}"
        return Outcome("vacuous", "wrong implementations", detail=detail)
    return _undecided(proof, tried, sieve.refuted)


def _undecided(proof: Proof, tried: Search, refuted: int) -> Outcome:
    """Not proved, and no failing input found."""
    lost = next((gap for gap in proof.gaps if gap.state), None)
    if lost is not None:
        detail = (
            f"{lost.place.row}: {lost.text} holds on every run tried but is not inductive: "
            f"a round that begins with {lost.state} does not carry it over"
        )
        return Outcome("unknown", METHOD, solver=_solver(), detail=detail)
    if tried.space is None:
        return Outcome("unknown", METHOD, solver=_solver(), detail=f"{proof.told}; no failing input found")
    limits = {"enumerated_width": tried.space.width, "length": tried.space.length}
    return Outcome(
        "proved-bounded", "source runs with contracts checked", bound=tried.bound, limits=limits,
        detail=f"not for every length: {proof.told}", vacuity=f"{refuted} wrong implementations refuted",
    )  # fmt: skip


def _solver() -> str:
    return f"z3 {z3.get_version_string()}"


# --- counterexamples -------------------------------------------------------------------------------------------------


def _refuted(function: Function, found: Found) -> Outcome:
    place, sizes = found.breach.position, found.sizes
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
    return Outcome("refuted", "source runs with contracts checked", detail=detail, counterexample=case)


def replay(case: Mapping[str, Any]) -> Replayed:
    """Run the source that the counterexample carries, contracts checked."""
    source = case["source"]
    function = parse_text(source["text"], source["file"], source["name"])[0]
    sizes = Sizes(width=int(case["sizes"]["width"]), memory=int(case["sizes"]["memory"]))
    arguments = [list(v) if isinstance(v, list) else int(v) for v in case["arguments"]]
    result, breach = attempt(function, arguments, sizes)
    shown = ", ".join(map(str, arguments))
    return Replayed(
        reproduced=breach is not None and breach.kind != "requires",
        what=f"{function.name}({shown}) at width {sizes.width} against its contract, {BUDGET} ticks",
        expected="every contract holds",
        got=str(breach) if breach else f"result {result.result if result else None}",
    )


__all__ = ["check_contract", "replay"]
