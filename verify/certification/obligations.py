"""Everything that is to be shown about an artefact, in one list.

The machine's obligations (golden, algebra, circuits, compiled loop, step, temperature, gate) are the same for every
program of one width; each program adds that it is its source for every input, that it is what its source compiles to,
that every executor runs it alike, that plain Python does where nothing wraps, and that it keeps its contract where it
has one. Called by `prove`, by `certify`, and by the gate's trials.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ncl.compiler.witness import Witness
from ncl.errors import ConfigurationError
from ncl.language.program import Program
from ncl.language.syntax import Function
from ncl.verify.engine.obligation import Obligation, Outcome
from ncl.verify.ops import exhaustive
from ncl.verify.runs import compiled_loop, differential, golden, temperature
from ncl.verify.smt import algebra
from ncl.verify.step import check

EXECUTORS = ("integer", "pathwise", "dense")
SAMPLES = 200
EXECUTOR_SAMPLES = {"integer": 100, "pathwise": 100, "dense": 20}
SEED = 0


def obligations(
    subject: Any,
    *,
    machine: bool = True,
    executors: Sequence[str] = EXECUTORS,
    tensors: Mapping[str, Any] | None = None,
) -> tuple[Obligation, ...]:
    """All obligations of a compiled program or an artefact, the machine's first.

    `tensors` are an artefact's float tensors as they will be loaded; default: its own. Raises
    ConfigurationError for programs of several widths, or when sources lack.
    """
    claims = sources(subject)
    widths = {claim.program.sizes.width for claim in claims}
    if len(widths) != 1:
        raise ConfigurationError(f"programs of one width are proved together, got widths {sorted(widths)}")
    found = list(machine_obligations(widths.pop())) if machine else []
    weights = getattr(subject, "weights", None) if tensors is None else tensors
    if weights is not None:
        found.append(_finite(weights))
    for claim in claims:
        found += program_obligations(claim, executors)
    return tuple(found)


def machine_obligations(width: int) -> tuple[Obligation, ...]:
    """What holds of the machine at this width, whatever it runs."""
    return (
        *golden.obligations(),
        *algebra.obligations(width),
        *exhaustive.obligations(width),
        *compiled_loop.obligations(),
        *check.obligations(width),
        *temperature.obligations(),
        _gate_obligation(),
    )


def _gate_obligation() -> Obligation:
    """By name alone, as the trials ask what is listed here."""
    return Obligation("gate/refusals", "gate", "gate", "ncl.verify.certification.tampering:check")


@dataclass(frozen=True)
class Claim:
    """Machine code, the source that it is said to be, and the witness that says how."""

    program: Program
    function: Function
    witness: Witness


def program_obligations(claim: Claim, executors: Iterable[str] = EXECUTORS) -> tuple[Obligation, ...]:
    """What holds of one program of an artefact, given the source that it was compiled from."""
    program, function = claim.program, claim.function
    name, here = program.name, "ncl.verify.runs.differential"
    arguments = (function, program, SAMPLES, SEED)
    found = [
        Obligation(f"compiled/{name}", name, "compiled", f"{here}:check_compiled", (function, program)),
        source_obligation(claim),
        Obligation(f"cross-check/{name}", name, "cross-check", f"{here}:check_runs", arguments, 180.0),
        Obligation(f"python/{name}", name, "python", "ncl.verify.runs.plain_python:check_python", arguments),
    ]
    if function.contract:
        found.append(contract_obligation(function))
    for executor in executors:
        asked = (executor, function, program, EXECUTOR_SAMPLES[executor], SEED)
        found.append(
            Obligation(f"executor/{executor}/{name}", name, "executor", f"{here}:check_executor", asked, 120.0)
        )
    return tuple(found)


def source_obligation(claim: Claim) -> Obligation:
    """That the machine code of a program is its source: translation validation."""
    arguments = (claim.function, claim.program, claim.witness)
    name = claim.program.name
    return Obligation(f"source/{name}", name, "source", "ncl.verify.translation.check:check", arguments, 180.0)


def contract_obligation(function: Function) -> Obligation:
    """That a program keeps its contract."""
    name = function.name
    return Obligation(
        f"contract/{name}", name, "contract", "ncl.verify.contracts.check:check_contract", (function, SEED), 180.0
    )


def sources(subject: Any) -> list[Claim]:
    """Each program with the function that it was compiled from. Raises ConfigurationError when one is not to be had."""
    if hasattr(subject, "function"):
        return [Claim(subject.program, subject.function, subject.witness)]
    carried: Mapping[str, Function] = getattr(subject, "functions", {})
    claims, lacking = [], []
    for name, program in subject.programs.items():
        function = carried.get(name) or differential.source_of(name, program.source)
        if function is None:
            lacking.append(name)
        else:
            claims.append(Claim(program, function, subject.witnesses[name]))
    if lacking:
        raise ConfigurationError(
            f"the source of {', '.join(lacking)} is not at hand",
            remedy="name the file as FILE:FUNC, so that the program can be compared with it",
        )
    return claims


# --- float tensors ---------------------------------------------------------------------------------------------------


def _finite(weights: Mapping[str, Any]) -> Obligation:
    """One Inf in a table row turns other addresses to NaN, so finiteness is scanned and not assumed."""
    bad = tuple(sorted(name for name, tensor in weights.items() if not bool(tensor.isfinite().all())))
    return Obligation(
        "weights/finite", "weights", "weights", "ncl.verify.certification.obligations:check_finite", (bad, len(weights))
    )


def check_finite(bad: tuple[str, ...], count: int) -> Outcome:
    """The outcome of `weights/finite`: refuted where any tensor of `count` is named in `bad`."""
    if bad:
        return Outcome("refuted", "scan", detail=f"not finite: {', '.join(bad)}")
    return Outcome("proved", "scan of every entry", detail=f"{count} tensors", limits={"tensors": count})
