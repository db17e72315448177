"""The compiled loop, the looped step and the reference machine give the same runs."""

import assemblies
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ncl.errors import IllFormedProgramError, InputError
from ncl.language.interpret.machine import run_machine, trace_machine
from ncl.language.opcodes import Trap
from ncl.language.program import Instruction, Position, Program, Signature, Sizes
from ncl.language.trace import Result, TrapReport
from ncl.machine.executors import integer


def agreed(program, batch, budget=1000):
    """The results, after checking that all three ways of running agree on everything."""
    expected = [run_machine(program, arguments, budget) for arguments in batch]
    assert integer.run(program, batch, budget) == expected
    assert integer.run_by_step(program, batch, budget) == expected
    for arguments in batch:
        assert integer.trace(program, arguments, budget) == list(trace_machine(program, arguments, budget))
    return expected


def trap_of(body, arguments=(), budget=1000, signature="() -> Word", **sizes):
    program = assemblies.program(body, signature, **sizes)
    (result,) = agreed(program, [list(arguments)], budget)
    assert result.result is None
    return result.trap.kind


def test_a_batch_of_mixed_lengths_is_reversed():
    results = agreed(assemblies.reverse(), [[[1, 2, 3]], [[]], [[7]], [[4, 3, 2, 1]], [list(range(64))]])
    assert [r.result for r in results] == [[3, 2, 1], [], [7], [1, 2, 3, 4], list(range(63, -1, -1))]


def test_an_empty_batch_has_no_results():
    assert agreed(assemblies.reverse(), []) == []


def test_counting_gives_a_word():
    results = agreed(assemblies.count(), [[[5, 1, 5], 5], [[], 5], [[5], 4]])
    assert [r.result for r in results] == [2, 0, 0]
    assert results[0].ticks == 4


def test_memory_and_frame_hold_what_was_stored():
    assert [r.result for r in agreed(assemblies.total(), [[[1, 2, 3]], [[]], [[65535, 2]]])] == [6, 0, 1]


def test_recursion_saves_its_registers_in_frames():
    results = agreed(assemblies.factorial(), [[0], [1], [3]])
    assert [r.result for r in results] == [1, 1, 6]


def test_a_call_too_deep_overflows_the_stack():
    program = assemblies.factorial()
    shallow, deep = agreed(program, [[3], [4]])
    assert shallow.result == 6
    assert deep.trap.kind == Trap.STACK


def test_frames_that_pass_the_end_of_frame_memory_overflow_the_stack():
    # The rule for well-formed code never lets this happen in a program; a step from any state must still trap.
    with pytest.raises(IllFormedProgramError, match="frames need"):
        assemblies.program("0 tick\n1 call @0, 3\n2 halt", "() -> Word", frame=5, depth=4)


def test_a_return_gives_the_heap_back_or_keeps_it():
    program = assemblies.program(assemblies.HEAP, "() -> Word", memory=6)
    assert agreed(program, [[]])[0].result == 3


def test_every_kind_of_trap_is_raised():
    assert trap_of("0 divide r0, r0, r1\n1 halt") == Trap.DIVISION
    assert trap_of("0 remainder r0, r0, r1\n1 halt") == Trap.DIVISION
    assert trap_of("0 constant r1, 64\n1 load r0, r0, r1\n2 halt") == Trap.INDEX
    assert trap_of("0 constant r1, 65535\n1 store r0, r0, r1\n2 halt") == Trap.INDEX
    assert trap_of("0 bound r0, r1\n1 halt") == Trap.INDEX
    assert trap_of("0 constant r1, 65\n1 allocate r0, r1\n2 halt") == Trap.MEMORY
    assert trap_of("0 return 0") == Trap.STACK
    assert trap_of("0 trap 5") == Trap.ASSERT
    assert trap_of("0 tick\n1 jump @0", budget=3) == Trap.BUDGET
    assert trap_of("0 tick\n1 halt", budget=0) == Trap.BUDGET
    assert trap_of("0 trap 7") == Trap.INVALID


def test_a_trap_names_its_place_and_leaves_the_state_as_it_was():
    code = (Instruction(8, 0, 9), Instruction(19, 0, 0, 1), Instruction(0))
    places = (None, Position(4, 2), None)
    program = Program("p", Signature((), "word"), Sizes(8, 4, 4, 0, 0), code, places)
    assert agreed(program, [[]]) == [Result(None, 0, 2, TrapReport(Trap.DIVISION, Position(4, 2)))]
    last = integer.trace(program, [])[-1]
    assert (last.pc, last.registers[0], last.trap) == (1, 9, Trap.DIVISION)


def test_the_budget_is_exact():
    program = assemblies.count()
    assert agreed(program, [[[1, 2], 1]], budget=3)[0].result == 1
    assert agreed(program, [[[1, 2], 1]], budget=2)[0].trap.kind == Trap.BUDGET


def test_memory_of_all_cells_at_a_width_can_be_filled():
    program = assemblies.reverse(width=3, memory=8)
    assert agreed(program, [[[1, 2, 3, 4, 5, 6, 7]]])[0].result == [7, 6, 5, 4, 3, 2, 1]


def test_words_of_one_bit_and_of_32_bits_run():
    assert agreed(assemblies.program("0 add r0, r0, r1\n1 halt", "(x: Word, y: Word) -> Word", width=1, memory=2),
                  [[1, 1], [1, 0]])[0].result == 0  # fmt: skip
    top = (1 << 32) - 1
    program = assemblies.program("0 multiply r0, r0, r1\n1 halt", "(x: Word, y: Word) -> Word", width=32)
    assert [r.result for r in agreed(program, [[top, top], [65537, 65537]])] == [1, 131073]


def test_a_machine_without_memory_frame_or_stack_runs():
    program = assemblies.program("0 call @2, 0\n1 halt\n2 load r0, r0, r1\n3 halt", "() -> Word",
                                 memory=0, frame=0, depth=0)  # fmt: skip
    assert agreed(program, [[]])[0].trap.kind == Trap.STACK
    program = assemblies.program("0 load r0, r0, r1\n1 halt", "() -> Word", memory=0, frame=0, depth=0)
    assert agreed(program, [[]])[0].trap.kind == Trap.INDEX


def test_an_array_result_that_runs_past_memory_ends_with_it():
    program = assemblies.program("0 constant r0, 60\n1 constant r1, 9\n2 halt", "() -> Array")
    assert agreed(program, [[]])[0].result == [0, 0, 0, 0]
    program = assemblies.program("0 constant r0, 65535\n1 constant r1, 9\n2 halt", "() -> Array")
    assert agreed(program, [[]])[0].result == []
    values, lengths, *_ = integer.run_tensors(program, torch.zeros(2, 3).long(), torch.zeros(2).long())
    assert lengths.tolist() == [0, 0] and values.shape == (2, 3)


@settings(deadline=None)
@given(st.data(), assemblies.well_formed(), st.integers(0, 20))
def test_the_compiled_loop_follows_the_reference_on_random_programs(data, program, budget):
    word = st.integers(0, (1 << program.sizes.width) - 1)
    batch = [[data.draw(word), data.draw(word)] for _ in range(2)]
    assert integer.run(program, batch, budget) == [run_machine(program, a, budget) for a in batch]
    for arguments in batch:
        assert integer.trace(program, arguments, budget) == list(trace_machine(program, arguments, budget))


@settings(deadline=None, max_examples=25)
@given(st.data(), assemblies.well_formed(widths=(3, 32)), st.integers(0, 20))
def test_the_traced_step_runs_random_programs_as_the_compiled_loop_does(data, program, budget):
    word = st.integers(0, (1 << program.sizes.width) - 1)
    batch = [[data.draw(word), data.draw(word)] for _ in range(3)]
    assert integer.run_by_step(program, batch, budget) == integer.run(program, batch, budget)


def test_a_batch_larger_than_the_pool_is_run_in_parts(monkeypatch):
    program = assemblies.count()
    batch = [[[n % 3] * (n % 5), 1] for n in range(23)]
    whole = integer.run(program, batch)
    monkeypatch.setattr(integer, "POOL_CELLS", 500)
    assert integer.chunk_size(program) == 5
    assert integer.run(program, batch) == whole
    values = torch.tensor([[n % 3] * 5 for n in range(23)])
    lengths = torch.tensor([n % 5 for n in range(23)])
    got, got_lengths, trap, ticks, steps = integer.run_tensors(program, values, lengths, [torch.ones(23).long()])
    assert got[:, 0].tolist() == [r.result for r in whole] and got.shape == (23, 5)
    assert got_lengths.tolist() == [1] * 23 and not trap.any()
    assert list(zip(ticks.tolist(), steps.tolist())) == [(r.ticks, r.steps) for r in whole]


def test_tensors_in_and_out_ignore_what_stands_behind_a_length():
    program = assemblies.reverse()
    values = torch.tensor([[1, 2, 3, -9], [4, 5, 6, 7], [99999999, -1, 0, 0]])
    got, lengths, trap, _, _ = integer.run_tensors(program, values, torch.tensor([3, 4, 0]))
    assert got.tolist() == [[3, 2, 1, 0], [7, 6, 5, 4], [0, 0, 0, 0]]
    assert lengths.tolist() == [3, 4, 0] and trap.tolist() == [0, 0, 0]


def test_tensor_runs_that_trap_have_length_0():
    program = assemblies.program("0 load r3, r0, r2\n1 divide r0, r3, r2\n2 halt", "(xs: Array, m: Word) -> Word")
    values = torch.tensor([[8, 8], [8, 6]])
    got, lengths, trap, _, steps = integer.run_tensors(program, values, torch.tensor([2, 2]), [torch.tensor([0, 1])])
    assert (got[:, 0].tolist(), lengths.tolist(), trap.tolist()) == ([0, 6], [0, 1], [Trap.DIVISION, 0])
    assert steps.tolist() == [2, 3]


def test_what_a_program_cannot_take_is_refused():
    program = assemblies.count(width=4, memory=4)
    good, length, word = torch.tensor([[1, 2]]), torch.tensor([2]), [torch.tensor([1])]
    integer.run_tensors(program, good, length, word)
    for values, lengths, words in [
        (good, length, []),
        (good, torch.tensor([3]), word),
        (good, torch.tensor([-1]), word),
        (good + 15, length, word),
        (good - 2, length, word),
        (good, length, [torch.tensor([16])]),
        (good.int(), length, word),
        (good, torch.tensor([2, 2]), word),
        (torch.ones(1, 5).long(), torch.tensor([5]), word),
    ]:
        with pytest.raises(InputError):
            integer.run_tensors(program, values, lengths, words)
    for run in (integer.run, integer.run_by_step):
        with pytest.raises(InputError):
            run(program, [[[1, 16], 3]])
        with pytest.raises(InputError):
            run(program, [[[1], 3]], -1)
    with pytest.raises(InputError):
        integer.trace(program, [[1]])


def test_code_that_breaks_a_rule_of_the_machine_is_refused():
    program = Program("p", Signature((), "word"), Sizes(), (Instruction(77), Instruction(0)))
    for run in (integer.run, integer.run_by_step):
        with pytest.raises(IllFormedProgramError):
            run(program, [[]])
    with pytest.raises(IllFormedProgramError):
        integer.run_tensors(program, torch.zeros(1, 1).long(), torch.zeros(1).long())
