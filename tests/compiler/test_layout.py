"""The last pass: blocks become lines, control falls through where it can, every line has its place in the source."""

import pytest
from tricky import functions, register_counts, sizes

from ncl import library
from ncl.compiler.compile import compile_function
from ncl.language.opcodes import OPERANDS, Kind, Opcode
from ncl.language.program import Position, Sizes
from ncl.language.text import assemble, disassemble


def written(name, width=8, registers=16):
    return compile_function(functions()[name], sizes(width, registers))[0]


def few_registers(name):
    return written(name, registers=register_counts(functions()[name])[1])


@pytest.mark.parametrize("write", [few_registers, written])
@pytest.mark.parametrize("name", functions())
def test_no_jump_leads_to_the_next_line_or_to_another_jump(name, write):
    code = write(name).code
    for number, instruction in enumerate(code):
        if instruction.opcode == Opcode.JUMP:
            assert instruction.a != number + 1
        for value, kind in zip(instruction.operands, OPERANDS[Opcode(instruction.opcode)], strict=True):
            if kind is Kind.LINE and code[value].opcode == Opcode.JUMP:
                assert value == 0, "only the first line may do nothing but jump"


@pytest.mark.parametrize("name", functions())
def test_every_line_is_reached_or_stands_behind_a_trap(name):
    code = written(name).code
    reached, waiting = set(), [0]
    while waiting:
        line = waiting.pop()
        if line in reached or line >= len(code):
            continue
        reached.add(line)
        instruction = code[line]
        kinds = OPERANDS[Opcode(instruction.opcode)]
        waiting += [v for v, k in zip(instruction.operands, kinds, strict=True) if k is Kind.LINE]
        if instruction.opcode not in (Opcode.JUMP, Opcode.HALT, Opcode.TRAP, Opcode.RETURN):
            waiting.append(line + 1)
    assert reached == set(range(len(code)))


@pytest.mark.parametrize("name", functions())
def test_every_line_knows_its_place_in_the_source(name):
    function, program = functions()[name], few_registers(name)
    width = {}  # of each line of the source that belongs to the program
    for part in function.program.values():
        lines = part.text.rstrip("\n").split("\n")
        first = part.position.line - next(n for n, text in enumerate(lines) if text.startswith("def"))
        width |= {first + number: len(line) for number, line in enumerate(lines)}
    assert len(program.positions) == len(program.code)
    for place in program.positions:
        assert isinstance(place, Position) and 1 <= place.column <= width[place.line]


@pytest.mark.parametrize("name", functions())
def test_machine_code_round_trips_through_text(name):
    program = few_registers(name)
    assert assemble(disassemble(program)) == program


def test_a_program_carries_name_signature_sizes_and_digest_of_its_source():
    function = library.get("count")
    program, _ = compile_function(function, Sizes())
    assert (program.name, program.signature, program.sizes) == ("count", function.signature, Sizes())
    assert program.source == function.digest


def test_the_code_of_a_small_function_is_what_one_would_write():
    program = compile_function(functions()["starts_with_a_loop"], sizes(8, 16))[0]
    lines = [line.split(";")[0].split(maxsplit=1)[1].strip() for line in disassemble(program).splitlines()[4:]]
    assert lines == [
        "tick",
        "constant r1, 4",
        "less r1, r1, r0",
        "jump_zero r1, @10",
        "constant r1, 2",
        "subtract r0, r0, r1",
        "tick",
        "constant r1, 4",
        "less r1, r1, r0",
        "jump_nonzero r1, @4",
        "tick",
        "constant r1, 1",
        "less r2, r1, r0",
        "jump_zero r2, @19",
        "subtract r0, r0, r1",
        "tick",
        "constant r1, 1",
        "less r2, r1, r0",
        "jump_nonzero r2, @14",
        "halt",
    ]
