"""Compiled code means what the source means: results, ticks, traps and places, at any width and register count."""

import pytest
from tricky import fits, functions, inputs, register_counts, sizes

from ncl.compiler.compile import compile_function
from ncl.language.interpret.machine import finish, loaded
from ncl.language.interpret.source import run_source
from ncl.language.opcodes import Opcode, Trap

ENOUGH = 300  # ticks for every run that ends by itself; endless ones trap, which is compared too
WIDTHS = (3, 8, 16, 32)
CASES = [(name, width) for name, function in functions().items() for width in WIDTHS if fits(function, width)]


@pytest.mark.parametrize(("name", "width"), CASES)
def test_source_and_compiled_code_agree_on_every_input_tried(name, width):
    function = functions()[name]
    for registers in register_counts(function):
        machine = sizes(width, registers)
        program, _ = compile_function(function, machine)
        for arguments in inputs(function, machine, 10):
            expected = run_source(function, arguments, machine, ENOUGH)
            got = finish(loaded(program, arguments, ENOUGH))
            assert got.same_meaning(expected), (registers, arguments, expected, got)


@pytest.mark.parametrize("name", functions())
def test_source_and_compiled_code_stop_at_the_same_place_under_every_small_budget(name):
    function = functions()[name]
    least, _, most = register_counts(function)
    for registers in (least, most):
        machine = sizes(8, registers)
        program, _ = compile_function(function, machine)
        for arguments in inputs(function, machine, 3):
            ticks = run_source(function, arguments, machine, ENOUGH).ticks
            for budget in range(min(ticks, 25) + 2):
                expected = run_source(function, arguments, machine, budget)
                got = finish(loaded(program, arguments, budget))
                assert got.same_meaning(expected), (registers, arguments, budget, expected, got)


def test_the_programs_tried_end_in_every_way_that_the_language_has():
    ends = set()
    for function in functions().values():
        machine = sizes(8, 16)
        for arguments in inputs(function, machine, 40):
            result = run_source(function, arguments, machine, ENOUGH)
            ends.add(result.trap.kind if result.trap else type(result.result))
    assert ends == {int, list, Trap.DIVISION, Trap.INDEX, Trap.MEMORY, Trap.ASSERT, Trap.BUDGET, Trap.STACK}


def test_the_programs_tried_use_every_opcode():
    used = {
        instruction.opcode
        for function in functions().values()
        for registers in register_counts(function)
        for instruction in compile_function(function, sizes(8, registers))[0].code
    }
    assert used == set(Opcode)


@pytest.mark.parametrize("width", [1, 2])
def test_the_narrowest_machines_agree_too(width):
    """Programs whose literals fit are few there, but every wrap is near."""
    narrow = 0
    for function in functions().values():
        machine = sizes(width, 16)
        try:
            program, _ = compile_function(function, machine)
        except Exception as fault:
            assert "is no word of width" in str(fault)
            continue
        narrow += 1
        for arguments in [a for a in inputs(function, machine, 10) if _fits(a, width)]:
            got = finish(loaded(program, arguments, ENOUGH))
            assert got.same_meaning(run_source(function, arguments, machine, ENOUGH)), arguments
    assert narrow >= 10


def _fits(arguments, width):
    words = [w for a in arguments for w in (a if isinstance(a, list) else [a])]
    lengths = [len(a) for a in arguments if isinstance(a, list)]
    return all(n < 1 << width for n in words + lengths) and sum(lengths) <= 1 << width
