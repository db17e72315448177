"""The step proof: green on the machine's step, red on faults planted in its text, stopped by what it cannot read."""

import json
from dataclasses import fields
from functools import partial

import planted_steps as planted
import pytest

from ncl.language.opcodes import Opcode
from ncl.language.trace import State
from ncl.machine import step as machine_step
from ncl.verify.engine import counterexample
from ncl.verify.engine.solvers import decide
from ncl.verify.step import check, replay


@pytest.mark.parametrize("width", [8, 16, 32])
def test_the_machines_step_is_the_specs_step_at_every_component(width, monkeypatch):
    # The second solver is asked below, and for everything by every certificate.
    monkeypatch.setattr(check, "decide", partial(decide, cross=""))
    outcomes = {o.id: o.run() for o in check.obligations(width)}
    assert {i: o.detail for i, o in outcomes.items() if not o.green} == {}
    assert all(outcomes[f"step/{part.name}"].verdict == "proved" for part in fields(State))


def test_every_component_of_a_state_has_its_fields_and_no_field_is_left_out():
    held = [name for names in check.COMPONENTS.values() for name in names]
    assert set(check.COMPONENTS) == {part.name for part in fields(State)}
    assert sorted(held) == sorted(machine_step.MachineState._fields)


@pytest.mark.parametrize("part", ["side-conditions", "registers"])
def test_a_second_solver_says_the_same_where_it_is_installed(part):
    pytest.importorskip("bitwuzla")
    assert check.check(part, 16).cross_check.endswith("unsat")


@pytest.mark.parametrize("fault", planted.FAULTS, ids=lambda f: f.name)
def test_a_planted_fault_is_refuted_and_its_counterexample_replays(fault):
    graph = planted.planted_step(fault).traced(fault.width)
    found = check.examine(lambda: check.build(graph, fault.width), fault.part)
    assert found.verdict == "refuted", found
    case = json.loads(json.dumps(found.counterexample))
    assert replay.replay(case, graph).reproduced
    assert not check.replay(case).reproduced  # the machine's own step is right there


@pytest.mark.parametrize("fault", planted.STOPPED, ids=lambda f: f.name)
def test_what_the_lift_cannot_read_is_unknown_and_never_green(fault, monkeypatch):
    monkeypatch.setattr(replay, "SECONDS", 0.4)
    found = check.examine(lambda: planted.planted_lifting(fault), fault.part)
    assert found.verdict == "unknown" and found.detail, found


@pytest.mark.parametrize("right", planted.RIGHT, ids=lambda f: f.name)
def test_another_text_of_the_same_meaning_is_proved(right, monkeypatch):
    monkeypatch.setattr(check, "decide", partial(decide, cross=""))
    assert check.examine(lambda: planted.planted_lifting(right), right.part).verdict == "proved"


def test_a_counterexample_file_replays_by_its_kind(tmp_path):
    fault = planted.FAULTS[0]
    case = check.examine(lambda: planted.planted_lifting(fault), fault.part).counterexample
    file = counterexample.write(case, tmp_path, "step/trap")
    seen = counterexample.replay(file)
    assert not seen.reproduced
    assert any(opcode.mnemonic in seen.what for opcode in (Opcode.LOAD, Opcode.STORE))


def test_a_changed_operation_changes_the_digest_of_the_graph_and_tracing_again_does_not():
    other = planted.planted_step(planted.FAULTS[0]).traced(8)
    again = machine_step.traced.__wrapped__(8)
    assert check.step_digest_of(other) != check.step_digest(8) == check.step_digest_of(again)
