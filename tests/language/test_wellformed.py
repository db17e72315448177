"""Each rule of machine code broken once, and well-formed programs that come close to breaking one."""

from dataclasses import replace

import pytest

from ncl import library
from ncl.compiler.compile import compile_function
from ncl.errors import IllFormedProgramError
from ncl.language.opcodes import OPERANDS, Kind, Opcode
from ncl.language.program import Instruction, Parameter, Position, Program, Signature, Sizes
from ncl.language.text import assemble
from ncl.language.wellformed import check, violations

SIZES = Sizes(width=3, registers=4, memory=8, frame=4, depth=2)
# One past the largest operand of each kind, in a program of two lines.
LIMITS = {
    Kind.TARGET: 4, Kind.SOURCE: 4, Kind.WORD: 8, Kind.LINE: 2, Kind.SLOT: 4, Kind.SIZE: 5, Kind.TRAP: 8, Kind.FLAG: 2,
}  # fmt: skip
HALT = Instruction(Opcode.HALT)


def program(*code, **changes):
    return replace(Program("p", Signature((), "word"), SIZES, code), **changes)


def assembled(code, frame=4, depth=2):
    head = f".program p\n.signature () -> Word\n.sizes width=3 registers=4 memory=8 frame={frame} depth={depth}\n"
    return assemble(head + code)


def test_a_program_that_breaks_no_rule_is_itself():
    good = program(HALT)
    assert violations(good) == () and check(good) is good


@pytest.mark.parametrize(
    ("opcode", "place"), [(opcode, place) for opcode in Opcode for place in range(len(OPERANDS[opcode]))]
)
def test_an_operand_past_its_range_is_a_violation_and_the_last_one_in_it_is_none(opcode, place):
    kind = OPERANDS[opcode][place]
    least = [1 if k is Kind.TRAP else 0 for k in OPERANDS[opcode]]

    def found(value):
        operands = [*least[:place], value, *least[place + 1 :]]
        about = f"0: {opcode.mnemonic} {'abc'[place]} = {value}:"
        return [v for v in violations(program(Instruction(opcode, *operands), HALT)) if v.startswith(about)]

    limit = LIMITS[kind]
    assert len(found(limit)) == 1 and f"a {kind.value} is below {limit}" in found(limit)[0]
    assert found(limit - 1) == [] and len(found(-1)) == 1
    assert len(found(0)) == (kind is Kind.TRAP)


@pytest.mark.parametrize("opcode", [o for o in Opcode if len(OPERANDS[o]) < 3])
def test_an_operand_that_the_opcode_has_not_is_a_violation(opcode):
    least = [1 if k is Kind.TRAP else 0 for k in OPERANDS[opcode]] + [0, 0, 0]
    least[len(OPERANDS[opcode])] = 1
    name = "abc"[len(OPERANDS[opcode])]
    found = violations(program(Instruction(opcode, *least[:3]), HALT))
    assert f"0: {opcode.mnemonic} has no operand {name}, got 1" in found


BROKEN = [
    (program(), "the program has no instruction"),
    (program(Instruction(32), HALT), "0: opcode 32 is not in the table"),
    (program(Instruction(-1), HALT), "0: opcode -1 is not in the table"),
    (program(Instruction(Opcode.TICK)), "0: the last instruction lets control run past the end"),
    (program(Instruction(Opcode.JUMP_ZERO)), "0: the last instruction lets control run past the end"),
    (program(Instruction(Opcode.CALL)), "0: the last instruction lets control run past the end"),
    (program(HALT, positions=(None, None)), "2 source positions for 1 instructions"),
    (
        program(HALT, signature=Signature((Parameter("xs", "array"),) * 3, "word")),
        "the arguments take 6 of 4 registers",
    ),
    (assembled("0 jump @0"), "0: control can come round to here without a tick"),
    (assembled("0 jump_zero r0, @0\n1 halt"), "0: control can come round to here without a tick"),
    (assembled("0 tick\n1 jump_nonzero r0, @1\n2 halt"), "1: control can come round to here without a tick"),
    (assembled("0 tick\n1 add r0, r0, r0\n2 jump_zero r0, @1\n3 jump @0"), "1: control can come round to here"),
    (assembled("0 call @0, 0\n1 halt"), "0: control can come round to here without a tick"),
    (assembled("0 call @2, 0\n1 jump @0\n2 return 0"), "0: control can come round to here without a tick"),
    (assembled("0 call @1, 2\n1 store_frame r0, 0\n2 return 0"), "frames need 5 cells when 2 calls are open"),
    (assembled("0 load_frame r0, 3\n1 call @2, 1\n2 return 0"), "frames need 6 cells when 2 calls are open"),
    (assembled("0 load_frame r0, 0\n1 halt", frame=0), "frames need 1 cells when 0 calls are open"),
]


@pytest.mark.parametrize(("broken", "message"), BROKEN)
def test_a_broken_rule_is_named_with_its_line(broken, message):
    found = violations(broken)
    assert len(found) == 1 and message in found[0]
    with pytest.raises(IllFormedProgramError):
        check(broken)


@pytest.mark.parametrize(
    "good",
    [
        assembled("0 tick\n1 jump @0"),
        assembled("0 jump @2\n1 halt\n2 jump @1"),
        assembled("0 tick\n1 call @0, 0\n2 return 1"),
        assembled("0 call @2, 0\n1 halt\n2 return 0"),
        assembled("0 store_frame r0, 3\n1 halt"),
        assembled("0 call @1, 1\n1 store_frame r0, 1\n2 return 0"),
        assembled("0 call @1, 4\n1 return 0", depth=1),
        assembled("0 halt", frame=0, depth=0),
        program(HALT, positions=(Position(1, 1),)),
        program(HALT, signature=Signature((Parameter("xs", "array"),) * 2, "array")),
    ],
)
def test_a_program_that_comes_close_to_breaking_a_rule_is_well_formed(good):
    assert violations(good) == ()


def test_every_violation_is_reported():
    bad = program(Instruction(99), Instruction(Opcode.ADD, 9, 9, 9), Instruction(Opcode.TICK, 1), positions=(None,))
    assert len(violations(bad)) == 7
    with pytest.raises(IllFormedProgramError) as caught:
        check(bad)
    assert str(caught.value).count(";") == 6


@pytest.mark.parametrize("registers", [3, 4, 16])
@pytest.mark.parametrize("name", library.names())
def test_what_the_compiler_writes_is_well_formed(name, registers):
    function = library.get(name)
    least = max(f.signature.argument_registers for f in function.program.values())
    code, _ = compile_function(function, Sizes(width=8, memory=64, registers=max(least, registers)))
    assert violations(code) == ()
