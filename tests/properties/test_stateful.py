"""Single steps from any state are the reference machine's, and a halt that is no end is found."""

from dataclasses import replace

import drawn
import pytest

from ncl.properties.failure import Failed
from ncl.properties.search import falsify
from ncl.properties.stateful import check_halt_is_absorbing, check_step
from ncl.properties.states import STEPPERS, by_loop, by_reference


def test_every_executor_makes_the_reference_step_from_any_state(search):
    search(lambda case: check_step(*case), drawn.with_states((1, 2, 3)))


def test_the_integer_executors_make_it_at_full_width_too(search):
    integer = {name: STEPPERS[name] for name in ("step", "integer")}
    search(lambda case: check_step(*case, integer), drawn.with_states((16, 32)))


def test_halt_is_absorbing_in_every_executor(search):
    search(lambda case: check_halt_is_absorbing(*case), drawn.with_states((1, 2, 3)))


# --- planted faults -------------------------------------------------------------------------------------------------


def restless(program, state, budget):
    """Goes on ticking after a halt."""
    after = by_loop(program, state, budget)
    return replace(after, ticks=after.ticks + 1) if state.halted else after


def waking(program, state, budget):
    """Takes the halt flag back at the next step."""
    return replace(state, halted=False, trap=0) if state.halted else by_loop(program, state, budget)


def careless(program, state, budget):
    """Forgets that a trap leaves the pc where it was."""
    after = by_loop(program, state, budget)
    return replace(after, pc=state.pc + 1) if after.trap and not state.trap else after


@pytest.mark.parametrize("planted", [restless, waking])
def test_a_halt_that_is_no_end_is_found(planted):
    with pytest.raises(Failed, match="one more step of planted after halt"):
        falsify(lambda c: check_halt_is_absorbing(*c, {"planted": planted}), drawn.with_states((1, 2)), 200)


def test_a_wrong_step_is_found_with_the_instruction_that_it_makes():
    with pytest.raises(Failed, match=r"one step of planted, at line \d+ +trap \d+.*\n  expected pc"):
        falsify(lambda c: check_step(*c, {"planted": careless}), drawn.with_states((1, 2)), 400)


def test_a_reference_that_would_not_stay_halted_is_found(monkeypatch):
    monkeypatch.setattr("ncl.properties.stateful.by_reference", lambda *a: replace(by_reference(*a), hp=0, halted=True))
    falsify(lambda c: check_halt_is_absorbing(*c, {}), drawn.with_states((1, 2)), 20)
    monkeypatch.setattr(
        "ncl.properties.stateful.by_reference", lambda p, s, b: replace(s, ticks=s.ticks + 1, halted=True)
    )
    with pytest.raises(Failed, match="reference"):
        falsify(lambda c: check_halt_is_absorbing(*c, {}), drawn.with_states((1, 2)), 20)
