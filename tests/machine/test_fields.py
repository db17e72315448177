"""Program memory: exact rows of an integer program, logits where there are holes, and the program that was learned."""

import assemblies
import pytest
import torch

from ncl.errors import ConfigurationError, IllFormedProgramError
from ncl.language.opcodes import Opcode
from ncl.machine.fields import MARGIN, NAMES, ProgramMemory, domain, hard_fields
from ncl.machine.temperature import HARD, Temperature

HOLES = frozenset({(7, "opcode"), (6, "a"), (6, "b")})


def test_a_program_without_holes_has_exact_rows_and_no_parameters():
    program = assemblies.count(width=3, memory=8)
    memory = ProgramMemory(program)
    assert not list(memory.parameters()) and set(memory.state_dict()) == {f"{name}_L" for name in NAMES}
    for rows in (memory.at(Temperature()), hard_fields(program)):
        for name in ("opcode_LO", "a_LX", "b_LX", "c_LX"):
            table = getattr(rows, name)
            assert ((table == 0) | (table == 1)).all() and (table.sum(1) == 1).all()
        assert rows.opcode_LO.argmax(1).tolist() == [i.opcode for i in program.code]
        assert rows.b_LX.argmax(1).tolist() == [i.b for i in program.code]


def test_an_operand_has_room_for_every_kind():
    assert domain(assemblies.count(width=2, memory=4)) == 13, "lines"
    assert domain(assemblies.count(width=8)) == 256, "words"
    assert domain(assemblies.reverse(width=3, memory=8, registers=40)) == 40, "registers"


def test_holes_start_at_the_program_s_own_fields_and_are_the_only_parameters():
    program = assemblies.count(width=3, memory=8)
    memory = ProgramMemory(program, HOLES)
    assert {name for name, _ in memory.named_parameters()} == {"opcode_logits_TX", "a_logits_TX", "b_logits_TX"}
    soft = memory.at(Temperature())
    right = soft.opcode_LO[7, Opcode.EQUAL]
    assert right == torch.tensor([MARGIN, *[0.0] * 31]).softmax(0)[0] and right < 1
    assert torch.equal(soft.opcode_LO[:7], hard_fields(program).opcode_LO[:7])
    assert torch.equal(memory.at(HARD).opcode_LO, hard_fields(program).opcode_LO)
    assert memory.extracted(program).code == program.code


def test_rows_are_as_exact_as_the_numbers_of_the_run():
    program = assemblies.count(width=3, memory=8)
    memory = ProgramMemory(program, HOLES)
    double = memory.at(Temperature(), torch.float64).opcode_LO
    assert double.dtype == torch.float64 and (double.sum(1) - 1).abs().max() < 1e-15
    assert memory.at(Temperature(), torch.bfloat16).a_LX.dtype == torch.bfloat16


def test_what_is_learned_comes_back_as_a_program_without_a_source():
    program = assemblies.count(width=3, memory=8)
    memory = ProgramMemory(program, HOLES)
    with torch.no_grad():
        memory.opcode_logits_TX[0, Opcode.LESS] = 99
    learned = memory.extracted(program)
    assert learned.code[7].opcode == Opcode.LESS and learned.code[:7] == program.code[:7]
    assert learned.source == "" and learned.positions == program.positions


def test_what_is_learned_must_be_well_formed():
    program = assemblies.count(width=3, memory=8)
    memory = ProgramMemory(program, frozenset({(6, "a")}))
    with torch.no_grad():
        memory.a_logits_TX[0, 12] = 99  # a register past the last
    with pytest.raises(IllFormedProgramError, match="6: load a = 12"):
        memory.extracted(program)


@pytest.mark.parametrize("pair", [(99, "opcode"), (-1, "a"), (0, "d")])
def test_a_hole_that_is_no_field_is_refused(pair):
    with pytest.raises(ConfigurationError, match="there is no field"):
        ProgramMemory(assemblies.count(), frozenset({pair}))


def test_the_state_of_another_program_is_refused():
    first, second = ProgramMemory(assemblies.count()), ProgramMemory(assemblies.count())
    second.load_state_dict(first.state_dict())
    other = assemblies.program(assemblies.COUNT.replace("equal", "less"), "(xs: Array, s: Word) -> Word", "count")
    with pytest.raises(RuntimeError, match="opcode_L is of another program"):
        ProgramMemory(other).load_state_dict(first.state_dict())
    with pytest.raises(RuntimeError, match=r"size mismatch|another program"):
        ProgramMemory(assemblies.reverse()).load_state_dict(first.state_dict())
