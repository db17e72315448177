"""The reference interpreter of machine code: how a run starts, ends and is watched. Its steps are in tests/golden."""

import pytest

from ncl.errors import IllFormedProgramError, InputError
from ncl.language.interpret.machine import loaded, run_machine, start, trace_machine
from ncl.language.opcodes import Trap
from ncl.language.program import Instruction, Position, Program, Signature, Sizes
from ncl.language.text import assemble
from ncl.language.trace import Result, TrapReport

HEAD = ".program p\n.signature {}\n.sizes width=4 registers=6 memory=8 frame=2 depth=2\n.source\n"


def program(code, signature="(n: Word) -> Word"):
    return assemble(HEAD.format(signature) + code)


def test_arguments_stand_in_registers_and_arrays_back_to_back_in_memory():
    machine = start(program("0 halt", "(a: Word, xs: Array, b: Word, ys: Array) -> Word"), [9, [1, 2], 8, [3]])
    assert machine.registers == [9, 0, 2, 8, 2, 1]
    assert machine.cells == [1, 2, 3, 0, 0, 0, 0, 0]
    assert (machine.hp, machine.fp, machine.pc, machine.ticks, machine.halted) == (3, 0, 0, 0, False)


def test_the_base_of_an_empty_array_behind_a_memory_of_all_n_cells_wraps():
    text = HEAD.replace("width=4 registers=6 memory=8", "width=1 registers=6 memory=2")
    machine = start(assemble(text.format("(xs: Array, ys: Array, zs: Array) -> Word") + "0 halt\n"), [[1], [1], []])
    assert machine.registers == [0, 1, 1, 1, 0, 0] and machine.hp == 2


def test_a_word_comes_from_register_0_and_an_array_from_the_cells_that_0_and_1_name():
    assert run_machine(program("0 constant r0, 7\n1 halt"), [3]) == Result(7, 0, 2)
    array = program("0 constant r0, 1\n1 constant r1, 2\n2 halt", "(xs: Array) -> Array")
    assert run_machine(array, [[5, 6, 7]]) == Result([6, 7], 0, 3)


def test_a_trap_reports_its_place_its_ticks_and_the_step_that_trapped():
    code = program("0 tick      ; 3:9\n1 trap 5      ; 4:5\n")
    assert run_machine(code, [0]) == Result(None, 1, 2, TrapReport(Trap.ASSERT, Position(4, 5)))
    assert run_machine(program("0 trap 5"), [0]).trap == TrapReport(Trap.ASSERT, None)


def test_a_halted_machine_never_changes_again():
    machine = start(program("0 halt"), [3])
    machine.step()
    before = machine.state()
    machine.step()
    assert (machine.state(), machine.steps) == (before, 1)


def test_a_trap_changes_nothing_but_that_the_machine_has_halted():
    machine = start(program("0 divide r0, r0, r1\n1 halt"), [3])
    before = machine.state()
    machine.step()
    after = machine.state()
    assert (after.trap, after.halted) == (Trap.DIVISION, True)
    assert (after.pc, after.registers, after.memory, after.ticks) == (0, before.registers, before.memory, 0)


def test_an_opcode_outside_the_table_traps_even_where_nobody_checked():
    machine = loaded(Program("p", Signature((), "word"), Sizes(4, 2, 0, 0, 0), (Instruction(99),)), [])
    machine.step()
    assert machine.trap == Trap.INVALID


def test_an_ill_formed_program_does_not_start():
    with pytest.raises(IllFormedProgramError, match="lets control run past the end"):
        run_machine(program("0 tick"), [0])


@pytest.mark.parametrize("budget", [-1, 1 << 62, 1.5, None, True])
def test_a_budget_is_a_natural(budget):
    with pytest.raises(InputError, match="a budget is a number of ticks"):
        run_machine(program("0 halt"), [0], budget)


def test_a_trace_begins_before_the_first_step_and_ends_halted():
    states = list(trace_machine(program("0 constant r0, 7\n1 halt"), [3]))
    assert [s.pc for s in states] == [0, 1, 1]
    assert [s.halted for s in states] == [False, False, True]
    assert states[0].registers[0] == 3 and states[2].registers[0] == 7
