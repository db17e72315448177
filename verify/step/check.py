"""The integer machine's step = the spec's step: on the traced torch graph, from every state, for any instruction.

The graph that runs (`ncl.machine.step.traced`) is lifted with all sizes symbolic, from any state in range and any
well-formed line of program memory (or a line whose opcode is none), and compared with the op table field by field, at
one arbitrary index per dimension: so for all samples, registers, cells and levels at once. What the lift's rules took
for granted is proved first; without that nothing here is green. Called by `prove`, through obligations.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import cache
from typing import Any

import z3

from ncl.language.opcodes import Opcode, Trap
from ncl.language.trace import State
from ncl.machine import step as machine_step
from ncl.verify.engine.counterexample import Replayed
from ncl.verify.engine.obligation import Obligation, Outcome, Verdict
from ncl.verify.engine.solvers import Answer, ask_z3, decide
from ncl.verify.smt import rule_tests
from ncl.verify.smt.lifted import NoRule, Term, every, number, some
from ncl.verify.step import lemmas
from ncl.verify.step import replay as step_replay
from ncl.verify.step.inputs import WORDS, limits
from ncl.verify.step.lifting import COMPONENTS, Lifting, build

METHOD = "traced graph lifted to the solver, all sizes symbolic"
CHECKS = ("lemmas", "rules", "vacuity", "side-conditions", "invariants")


# --- what has to be shown --------------------------------------------------------------------------------------------


def obligations(width: int) -> tuple[Obligation, ...]:
    """One for each component of the state, and one for each thing that all of them stand on."""
    parts = [*(part.name for part in fields(State)), *CHECKS]
    return tuple(
        Obligation(f"step/{name}", name, "step", "ncl.verify.step.check:check", (name, width), 120.0) for name in parts
    )


@cache
def _here(width: int) -> Lifting:
    return build(machine_step.traced(width), width)


def check(part: str, width: int) -> Outcome:
    """A component, or one of `CHECKS`. Refuted only with a counterexample that was really run."""
    return examine(lambda: _here(width), part)


def examine(make: Callable[[], Lifting], part: str) -> Outcome:
    """As `check`, of the lifting that `make()` gives; what is not understood is `unknown`."""
    try:
        lifting = make()
        if part in CHECKS:
            return check_foundation(lifting, part)
        if part not in COMPONENTS:
            return Outcome("unknown", METHOD, detail=f"no field of the machine's state holds {part}")
        return _component(lifting, part)
    except NoRule as fault:
        return Outcome("unknown", METHOD, detail=f"no rule: {fault}")


def _component(lifting: Lifting, component: str) -> Outcome:
    answer = decide([*lifting.premises, lifting.differs(component)])
    if answer.said == "sat":
        return refute(lifting, component, [lifting.differs(component)], answer)
    if answer.said != "unsat":
        return Outcome("unknown", METHOD, solver=answer.solver, detail=answer.detail, cross_check=answer.cross_check)
    if (failed := foundation_fault(lifting)) is not None:
        return Outcome("unknown", METHOD, solver=answer.solver, detail=failed)
    return Outcome(
        "proved",
        METHOD,
        solver=answer.solver,
        cross_check=answer.cross_check,
        vacuity="premises satisfiable for every opcode, trapping and not",
        limits={"width": lifting.width},
        detail=f"graph {step_digest_of(lifting.graph)[:16]}",
    )


def foundation_fault(lifting: Lifting) -> str | None:
    """The first thing that all components stand on and that is not shown."""
    for name in CHECKS:
        if name not in lifting.foundation:
            lifting.foundation[name] = check_foundation(lifting, name)
        if not lifting.foundation[name].green:
            return f"step/{name} is {lifting.foundation[name].verdict}: {lifting.foundation[name].detail}"
    return None


def check_foundation(lifting: Lifting, name: str) -> Outcome:
    checks = {
        "lemmas": _lemmas, "rules": _rules, "vacuity": _vacuity,
        "side-conditions": _side_conditions, "invariants": _invariants,
    }  # fmt: skip
    return checks[name](lifting)


def _lemmas(lifting: Lifting) -> Outcome:
    return _lemmas_once()


@cache
def _lemmas_once() -> Outcome:
    missing = lemmas.unproved()
    method = "ring identities and integer bounds"
    return (
        Outcome("unknown", method, detail=f"not shown: {', '.join(missing)}") if missing else Outcome("proved", method)
    )


def _rules(lifting: Lifting) -> Outcome:
    return rule_tests.check_used(lifting.graph)


def _side_conditions(lifting: Lifting) -> Outcome:
    premises, conditions = lifting.everything
    method = "what the lift's rules took for granted"
    false = z3.Not(every([condition for _, condition in conditions]))
    answer = decide([*premises, false])
    if answer.said == "unsat":
        detail = f"{len(conditions)} conditions"
        return Outcome("proved", method, solver=answer.solver, cross_check=answer.cross_check, detail=detail)
    for what, condition in conditions if answer.said == "sat" else ():
        if ask_z3([*premises, z3.Not(condition)], 5.0).said != "unsat":
            return refute(lifting, f"side condition: {what}", [z3.Not(condition)], answer)
    return Outcome("unknown", method, solver=answer.solver, detail=answer.detail, cross_check=answer.cross_check)


def _invariants(lifting: Lifting) -> Outcome:
    """Every cell is in range again after the step, those too that no program can see; trap ⇒ halted."""
    bounds = limits(lifting.inputs)
    bounds |= dict.fromkeys(WORDS, number(1 << lifting.width))
    bounds.pop("budget_B")
    broken = [z3.Or(lifting.got(n) < 0, lifting.got(n) >= limit) for n, limit in bounds.items()]
    broken.append(z3.And(lifting.got("trap_B") != 0, z3.Not(lifting.got("halted_B"))))
    answer = decide([*lifting.premises, some(broken)])
    method = "induction: in range before ⇒ in range after"
    if answer.said == "sat":
        return refute(lifting, "invariants", [some(broken)], answer)
    verdict: Verdict = "proved" if answer.said == "unsat" else "unknown"
    return Outcome(verdict, method, solver=answer.solver, cross_check=answer.cross_check, detail=answer.detail)


def _vacuity(lifting: Lifting) -> Outcome:
    """For every opcode there is a state that it acts on, and one for each of its traps; the like for no opcode."""
    spec, empty = lifting.spec, []
    awake = [*lifting.premises, z3.Not(spec.halted)]
    cases: list[tuple[str, list[Term]]] = [("no opcode", [z3.Not(z3.Or([spec.at(o) for o in Opcode]))])]
    for opcode in Opcode:
        at = spec.at(opcode)
        if opcode is not Opcode.TRAP:
            cases.append((opcode.mnemonic, [at, spec.reason(opcode) == 0]))
        for _, kind in spec.effects[opcode].traps:
            traps = spec.reason(opcode) == int(kind) if isinstance(kind, Trap) else spec.reason(opcode) != 0
            cases.append((f"{opcode.mnemonic} traps", [at, traps]))
    solver = z3.Solver()
    solver.set("timeout", 20_000)
    solver.add(*awake)
    for name, case in cases:
        if solver.check(*case) != z3.sat:
            empty.append(name)
    if ask_z3([*lifting.premises, spec.halted], 10.0).said != "sat":
        empty.append("halted")
    method = "premises satisfiable, case by case"
    if empty:
        return Outcome("vacuous", method, detail=f"no state for: {', '.join(empty)}")
    return Outcome("proved", method, detail=f"{len(cases) + 1} cases")


# --- counterexamples -------------------------------------------------------------------------------------------------


def refute(lifting: Lifting, component: str, wanted: Sequence[Term], answer: Answer) -> Outcome:
    """What the solver found, as a concrete state that is stepped by the graph and by the reference machine."""
    case = step_replay.find(lifting, component, wanted)
    if case is None:
        detail = f"{component}: the solver's counterexample does not replay on the torch step"
        return Outcome("unknown", METHOD, solver=answer.solver, detail=detail)
    detail = f"{component}: sample {case['sample']} at line {case['pc']}, {case['instruction']}"
    return Outcome("refuted", METHOD, solver=answer.solver, detail=detail, counterexample=case)


def replay(case: dict[str, Any]) -> Replayed:
    """Step a counterexample's state by the step that is installed now."""
    return step_replay.replay(case, machine_step.traced(int(case["width"])))


# --- what runs is what was proved ------------------------------------------------------------------------------------


def step_digest(width: int) -> str:
    """Of the traced graph of the step that is installed now: every node, argument, dtype and shape."""
    return step_digest_of(machine_step.traced(width))


def step_digest_of(graph: Any) -> str:
    numbered: dict[Any, int] = {}
    lines = []
    for node in graph.graph.nodes:
        numbered[node] = len(numbered)
        shown = [_shown(numbered, a) for a in (node.args, dict(node.kwargs))]
        value = node.meta.get("val")
        kind = [str(getattr(value, "dtype", "")), [str(s) for s in getattr(value, "shape", ())]]
        lines.append(repr((numbered[node], node.op, str(node.target) if node.op != "placeholder" else "", shown, kind)))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _shown(numbered: dict[Any, int], argument: Any) -> Any:
    if isinstance(argument, tuple | list):
        return [_shown(numbered, a) for a in argument]
    if isinstance(argument, dict):
        return {name: _shown(numbered, a) for name, a in argument.items()}
    return f"%{numbered[argument]}" if argument in numbered else repr(argument)


__all__ = ["build", "check", "examine", "obligations", "replay", "step_digest"]
