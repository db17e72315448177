"""Register allocation: few registers give the same answers, and an allocation that loses a value is refused."""

from dataclasses import replace

import pytest
from tricky import functions, register_counts, sizes

from ncl.compiler import blocks_to_registers as pass_
from ncl.compiler.ast_to_blocks import ast_to_blocks
from ncl.compiler.blocks_to_registers import SCRATCH, Allocated, Register, Slot, violations
from ncl.compiler.compile import compile_function
from ncl.errors import CapacityError
from ncl.language.interpret.machine import run_machine
from ncl.language.opcodes import Opcode
from ncl.language.parse import parse_text

SWAPS = """
def swaps(a: Word, b: Word) -> Word:
    c = a
    for i in range(a):
        a, b, c = b, c + i, a
    return a * b + c
"""


def parsed(text):
    return parse_text(text, "f.py", text.strip()[4:].split("(")[0])[0]


def allocated(function, registers, width=8):
    machine = sizes(width, registers)
    return pass_.blocks_to_registers(ast_to_blocks(function, width, function.program), machine), machine


@pytest.mark.parametrize("name", functions())
def test_every_allocation_obeys_the_rules(name):
    function = functions()[name]
    for registers in range(register_counts(function)[0], 17):
        made, machine = allocated(function, registers)
        assert violations(made, machine) == []


def test_fewer_registers_spill_more_and_still_give_the_same_answer():
    function = functions()["many_variables"]
    slots, answers = [], []
    for registers in (3, 5, 8, 12, 16, 32):
        made, machine = allocated(function, registers)
        slots.append(made.slots)
        answers.append(run_machine(compile_function(function, machine)[0], [3, 5]).result)
    assert slots == sorted(slots, reverse=True) and slots[0] > 15 and slots[-1] == 0
    assert set(answers) == {answers[0]}


def test_values_that_are_never_wanted_at_once_share_a_slot():
    body = "".join(f"    a = n + {k}\n    n = a * a\n" for k in range(50))
    made, machine = allocated(parsed(f"def chain(n: Word) -> Word:\n{body}    return n\n"), 3)
    assert made.slots <= 3
    assert violations(made, machine) == []


def test_the_scratch_registers_carry_nothing_else_where_anything_is_spilled():
    made, machine = allocated(functions()["many_variables"], 6)
    assert made.slots
    kept = {place.number for place in made.locations.values() if isinstance(place, Register)}
    results = {0}
    assert kept - results <= set(range(machine.registers - SCRATCH))


def test_a_parameter_that_is_branched_on_is_no_result_and_leaves_the_scratch_registers():
    """`m` stands in register 2 at the start and a branch reads it: it once stayed there among the scratch."""
    text = """
def f(xs: Array, m: Word) -> Word:
    while xs[0] - m:
        xs[0] = m
    assert not m
    return m
"""
    made, _ = allocated(parsed(text), 3)
    assert isinstance(made.locations[made.graph.parameters[2]], Slot)
    program, _ = compile_function(parsed(text), sizes(8, 3))
    assert run_machine(program, [[1], 0]).result == 0


@pytest.mark.parametrize("registers", [0, 2])
def test_too_few_registers_are_refused(registers):
    least = {0: 3, 2: 5}[registers]
    text = {0: SWAPS, 2: "def five(xs: Array, ys: Array, n: Word) -> Word:\n    return n\n"}[registers]
    with pytest.raises(CapacityError, match=f"{least - 1} registers, at least {least} are needed"):
        compile_function(parsed(text), sizes(8, least - 1))
    compile_function(parsed(text), sizes(8, least))


def test_too_little_frame_memory_is_refused():
    function = functions()["many_variables"]
    needed = allocated(function, 3)[0].slots
    compile_function(function, replace(sizes(8, 3), frame=needed, depth=0))
    with pytest.raises(CapacityError, match=f"{needed} frame slots are needed, frame memory has {needed - 1}"):
        compile_function(function, replace(sizes(8, 3), frame=needed - 1, depth=0))


def test_no_move_is_written_between_a_register_and_itself():
    for function in functions().values():
        program, _ = compile_function(function, sizes(8, 16))
        assert not any(i.opcode == Opcode.MOVE and i.a == i.b for i in program.code)


# --- each rule broken ------------------------------------------------------------------------------------------------


def spoiled(made, **places):
    """The allocation with some virtual registers put elsewhere: r_1=Register(0) moves register 1."""
    moved = {int(name[2:]): place for name, place in places.items()}
    return Allocated(made.graph, made.blocks, {**made.locations, **moved}, made.slots)


def test_two_wanted_values_in_one_place_are_refused():
    made, machine = allocated(parsed(SWAPS), 16)
    places = dict(made.locations)
    found = 0
    for one, place in places.items():
        for other, elsewhere in places.items():
            if place != elsewhere and one not in made.graph.pins:
                bad = spoiled(made, **{f"r_{one}": elsewhere})
                enemies = pass_._interference(made.graph)[one]
                clash = any(bad.locations[e] == elsewhere for e in enemies)
                assert any("overwrites register" in v for v in violations(bad, machine)) == clash, (one, other)
                found += clash
    assert found > 10


def test_results_elsewhere_than_the_calling_convention_has_them_are_refused():
    made, machine = allocated(functions()["swap_elements"], 16)
    result = next(b.end.results[0] for b in made.graph.blocks if b.end and getattr(b.end, "results", ()))
    found = violations(spoiled(made, **{f"r_{result}": Register(9)}), machine)
    assert any("results are not where the calling convention has them" in v for v in found)


def test_arguments_looked_for_elsewhere_are_refused():
    made, machine = allocated(parsed(SWAPS), 16)
    found = violations(spoiled(made, r_0=Register(9)), machine)
    assert "argument 0 is looked for in register 9" in found


def test_two_arguments_in_one_place_are_refused():
    made, machine = allocated(functions()["unused"], 16)
    found = violations(spoiled(made, r_1=Slot(0), r_2=Slot(0)), machine)
    assert "two arguments share a place" in found


@pytest.mark.parametrize("place", [Register(16), Register(-1), Slot(400), Slot(-1)])
def test_a_place_outside_the_machine_is_refused(place):
    made, machine = allocated(parsed(SWAPS), 16)
    free = max(made.locations)
    assert f"{place} is outside the machine" in violations(spoiled(made, **{f"r_{free}": place}), machine)


def test_a_value_kept_in_a_scratch_register_is_refused():
    made, machine = allocated(functions()["branch_on_a_parameter"], 3)
    kept = max(r for r, place in made.locations.items() if isinstance(place, Slot))
    found = violations(spoiled(made, **{f"r_{kept}": Register(1)}), machine)
    assert f"register {kept} lives in scratch register 1" in found


def test_taking_whatever_a_block_ends_on_for_a_result_is_refused(monkeypatch):
    """The fault behind the parameter above, planted again."""

    def all_ends(graph):
        return {r for label in graph.reachable() for r in graph.blocks[label].end_sources if r in graph.pins}

    with monkeypatch.context() as planted:
        planted.setattr(pass_, "_results", all_ends)
        wrong, machine = allocated(functions()["branch_on_a_parameter"], 3)
    assert any("lives in scratch register" in v for v in violations(wrong, machine))
