"""The compiled loop makes the reference's step for every opcode; another step is refuted and replays."""

import json

import pytest

from ncl.language.opcodes import Opcode
from ncl.language.program import Program
from ncl.machine.executors import integer
from ncl.verify.engine import counterexample
from ncl.verify.runs import compiled_loop


def test_every_opcode_is_tested_from_hundreds_of_states():
    found = {o.id: o.run() for o in compiled_loop.obligations()}
    assert {f"loop/{op.mnemonic}" for op in Opcode} == set(found)
    assert {o.verdict for o in found.values()} == {"tested"}
    assert all(o.limits["samples"] == 300 for o in found.values())


def test_every_trap_that_an_opcode_has_is_among_the_states():
    traps = {"tick": 6, "call": 4, "return": 4, "load": 2, "store": 2, "load_frame": 7, "store_frame": 7,
             "allocate": 3, "bound": 2, "divide": 1, "remainder": 1, "halt": 7}  # fmt: skip
    for name, trap in traps.items():
        assert compiled_loop.check(int(Opcode[name.upper()])).vacuity == f"traps seen: [0, {trap}]"


@pytest.mark.parametrize(
    "column, opcode", [("PC", Opcode.JUMP), ("SP", Opcode.CALL), ("HP", Opcode.ALLOCATE), ("TICKS", Opcode.TICK)]
)
def test_a_loop_that_makes_another_step_is_refuted_and_replays(column, opcode, monkeypatch, tmp_path):
    advance = integer.Pool.advance
    place = getattr(integer.kernel, column)

    def bent(pool, most=integer.FOREVER):
        before = pool.scalars_BS[0, place]
        advance(pool, most)
        if pool.scalars_BS[0, place] != before:
            pool.scalars_BS[0, place] = before

    monkeypatch.setattr(integer.Pool, "advance", bent)
    found = compiled_loop.check(int(opcode))
    assert found.verdict == "refuted"
    file = counterexample.write(json.loads(json.dumps(found.counterexample)), tmp_path, "loop")
    assert counterexample.replay(file).reproduced
    monkeypatch.undo()
    assert not counterexample.replay(file).reproduced


def test_states_that_an_instruction_never_acts_on_are_vacuous(monkeypatch):
    def asleep(*arguments):
        machine = made(*arguments)
        machine.halted = True
        return machine

    made = compiled_loop._machine
    monkeypatch.setattr(compiled_loop, "_machine", asleep)
    assert compiled_loop.check(int(Opcode.ADD)).verdict == "vacuous"


def test_the_states_lie_within_the_machines_invariants():
    from random import Random

    for sizes in compiled_loop.MACHINES:
        for number in range(40):
            machine = compiled_loop._machine(Random(number), sizes, int(Opcode.CALL))
            state = machine.state()
            assert isinstance(machine.program, Program) and 0 <= state.pc < len(machine.program.code)
            assert 0 <= state.hp <= sizes.memory and 0 <= state.fp <= sizes.frame and len(state.stack) <= sizes.depth
            assert all(0 <= w < 1 << sizes.width for w in (*state.registers, *state.memory, *state.frame))
