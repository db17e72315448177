"""Checks of single steps: each executor's step is the reference machine's, from any state, and halt is absorbing."""

from __future__ import annotations

from collections.abc import Mapping

from ncl.language.program import Program
from ncl.language.text import disassemble
from ncl.language.trace import State, first_divergence
from ncl.properties.failure import Failed
from ncl.properties.states import STEPPERS, Stepper, by_reference


def check_step(program: Program, state: State, budget: int, steppers: Mapping[str, Stepper] = STEPPERS) -> None:
    """One step from a state gives the reference machine's next state, in every component."""
    expected = by_reference(program, state, budget)
    for name, stepper in steppers.items():
        _same(program, state, expected, stepper(program, state, budget), f"one step of {name}")


def check_halt_is_absorbing(
    program: Program, state: State, budget: int, steppers: Mapping[str, Stepper] = STEPPERS
) -> None:
    """From any state: once halted, by HALT or by a trap, further steps change nothing."""
    for name, stepper in {"reference": by_reference, **steppers}.items():
        after = stepper(program, state, budget)
        if not after.halted:
            continue
        for _ in range(2):
            _same(program, after, after, stepper(program, after, budget), f"one more step of {name} after halt")


def _same(program: Program, start: State, expected: State, got: State, what: str) -> None:
    divergence = first_divergence([expected], [got])
    if divergence is not None:
        line = disassemble(program).splitlines()[4 + start.pc].strip()
        raise Failed(
            f"{what}, at line {line}, registers {list(start.registers)}",
            f"{divergence.component} {divergence.expected}",
            str(divergence.got),
        )  # fmt: skip
