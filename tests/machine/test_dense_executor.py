"""Dense: hard runs are the reference's state by state; soft rows keep to themselves, and halt is an end."""

import assemblies
import pytest
import torch

from ncl.build import compile
from ncl.errors import CapacityError
from ncl.language.interpret.machine import run_machine, trace_machine
from ncl.language.opcodes import Opcode, Trap
from ncl.language.trace import first_divergence
from ncl.machine.executors import dense
from ncl.machine.executors.dense_step import COMPONENTS, lines_of
from ncl.machine.fields import ProgramMemory, hard_fields
from ncl.machine.machine import module
from ncl.machine.temperature import Temperature

INPUTS = {
    "reverse": [[[]], [[3]], [[1, 2, 0]]],
    "copy": [[[]], [[5, 1]], [[1, 2, 3, 4, 5]]],  # the last does not fit twice
    "count": [[[], 1], [[3, 1, 3], 3]],
    "running_count": [[[2, 2, 1], 2]],
    "stack": [[[]], [[5, 6, 7]], [[7, 5, 7, 7]]],
    "insertion_sort": [[[]], [[3, 1, 2]]],
    "modsum": [[[], 0], [[5, 6], 4], [[7, 7, 7], 1]],
}


def small(name, width=3, memory=8):
    return compile(name, width=width, memory=memory, registers=8).program


@pytest.mark.parametrize("width", [3, 4])
@pytest.mark.parametrize("name", INPUTS)
def test_a_hard_run_is_the_reference_run_state_by_state(name, width):
    program = small(name, width)
    for arguments in INPUTS[name]:
        assert first_divergence(list(trace_machine(program, arguments)), dense.trace(program, arguments)) is None


def test_calls_frames_and_the_heap_are_those_of_the_reference():
    sizes = {"width": 3, "memory": 8}
    for program, arguments in [
        (assemblies.factorial(**sizes), [3]),
        (assemblies.factorial(**sizes), [6]),  # too deep: trap stack
        (assemblies.total(**sizes), [[1, 2, 3]]),
        (assemblies.program(assemblies.HEAP, "() -> Word", **sizes), []),
    ]:
        assert first_divergence(list(trace_machine(program, arguments)), dense.trace(program, arguments)) is None


@pytest.mark.parametrize("budget", [0, 1, 2])
def test_the_budget_is_exact_to_the_tick(budget):
    program = small("count")
    batch = [[[1, 1, 2], 1], [[], 0]]
    assert dense.run(program, batch, budget) == [run_machine(program, row, budget) for row in batch]


def test_results_say_what_the_reference_says_traps_and_places_included():
    program = small("modsum")
    batch = [[[1, 2], 0], [[5, 6], 4], [[], 3]]
    results = dense.run(program, batch)
    assert results == [run_machine(program, row) for row in batch]
    assert results[0].trap.kind == Trap.DIVISION and results[0].trap.position is not None


def test_a_hard_run_is_exact_in_a_narrow_type_too():
    program = small("insertion_sort")
    start = dense.hard_start(program, [[[3, 1, 2]]])
    narrow = {name: getattr(start, name).bfloat16() for name in COMPONENTS}
    start = dense.DenseState(**narrow, ticks_B=start.ticks_B)
    states = list(dense.states(program, hard_fields(program, torch.bfloat16), start, 1000))
    assert states[-1].memory_BMN.dtype == torch.bfloat16
    expected = trace_machine(program, [[3, 1, 2]])
    assert first_divergence(list(expected), [dense.plain(program, state) for state in states]) is None


def test_ticks_are_counted_on_where_a_narrow_type_would_stop():
    program = assemblies.program("0 tick\n1 jump @0", "() -> Word", width=1, memory=0)
    like = dense.blank(program, 1, torch.zeros((), dtype=torch.bfloat16))
    *_, last = dense.states(program, hard_fields(program, torch.bfloat16), like, 300)
    assert float(last.ticks_B) == 300 and int(last.trap_BT.argmax()) == Trap.BUDGET


# --- batches and ends -----------------------------------------------------------------------------------------------


def soft_states(program, rows, temperature=Temperature()):  # noqa: B008
    """A dense run whose arrays lean to their words by 3 : 1."""
    start = dense.hard_start(program, rows)
    words = start.memory_BMN.shape[-1]
    leaning = start.memory_BMN * 0.75 + start.memory_BMN.roll(1, -1) * 0.25
    inside = torch.tensor([[n < len(row[0]) for n in range(program.sizes.memory)] for row in rows])
    assert words == 1 << program.sizes.width
    values = {name: getattr(start, name) for name in (*COMPONENTS, "ticks_B")}
    values["memory_BMN"] = torch.where(inside[..., None], leaning, start.memory_BMN)
    with torch.no_grad():
        return list(dense.states(program, hard_fields(program), dense.DenseState(**values), 1000, temperature, 300))


def test_rows_of_a_batch_do_not_see_each_other_hard_or_soft():
    program, rows = small("insertion_sort"), [[[3, 1, 2]], [[]], [[2, 2]]]
    assert dense.run(program, rows) == [dense.run(program, [row])[0] for row in rows]
    together = soft_states(program, rows)[-1]
    for number, row in enumerate(rows):
        alone = soft_states(program, [row])[-1]
        assert torch.allclose(together.memory_BMN[number], alone.memory_BMN[0], atol=1e-5)


def test_a_batch_stops_when_all_of_it_has_halted_and_an_early_row_waits_unchanged():
    program = small("count")
    start = dense.hard_start(program, [[[], 1], [[1, 2, 1], 1]])
    states = list(dense.states(program, hard_fields(program), start, 1000))
    short, long = (run_machine(program, row).steps for row in ([[], 1], [[1, 2, 1], 1]))
    assert len(states) == long + 1
    early = [dense.plain(program, state, 0) for state in states[short:]]
    assert early[0].halted and set(early) == {early[0]}
    assert not dense.plain(program, states[-2], 1).halted and dense.plain(program, states[-1], 1).halted


def test_an_empty_batch_is_done_before_its_first_step():
    program = small("count")
    assert dense.run(program, []) == []
    assert len(list(dense.states(program, hard_fields(program), dense.hard_start(program, []), 9))) == 1


def test_more_steps_after_the_end_change_nothing():
    program = small("insertion_sort")
    lines = lines_of(program, hard_fields(program))
    with torch.no_grad():
        last = list(dense.states(program, hard_fields(program), dense.hard_start(program, [[[3, 1, 2]]]), 1000))[-1]
        after = dense.step(program, lines, dense.step(program, lines, last, torch.ones(1)), torch.ones(1))
    for name in (*COMPONENTS, "ticks_B"):
        assert torch.equal(getattr(after, name), getattr(last, name))


def test_soft_mass_that_halts_stays_and_the_rest_takes_its_time():
    # Where the first word is not 0 the loop runs; a quarter of the mass halts at once.
    program = small("insertion_sort")
    states = soft_states(program, [[[1, 2, 3]]])
    halted = [float(state.halted_BL.sum()) for state in states]
    assert halted == sorted(halted) and halted[0] == 0 and halted[-1] > 1 - 1e-5


def test_a_run_too_large_to_hold_is_refused_with_its_size_and_a_remedy():
    program = compile("insertion_sort", width=16).program
    with pytest.raises(CapacityError, match=r"dense would hold .* numbers .*\n.*remedy: a smaller width"):
        dense.run(program, [[[1]]])


def test_a_call_on_a_machine_without_a_stack_traps_like_any_that_is_too_deep():
    program = assemblies.program("0 call @1, 1\n1 halt", "() -> Word", width=1, memory=0, frame=1, depth=0)
    assert [r.trap.kind for r in dense.run(program, [[]])] == [Trap.STACK]


# --- program memory that learns -------------------------------------------------------------------------------------

PICK = "0 constant r3, 0\n1 load r0, r0, r3\n2 add r0, r0, r2\n3 halt"  # xs[0] + m


def pick():
    return assemblies.program(
        PICK, "(xs: Array, m: Word) -> Word", "pick", width=2, memory=4, registers=4, frame=0, depth=0
    )


def every_pair(words):
    grid = torch.cartesian_prod(torch.arange(words), torch.arange(words))
    hot = torch.nn.functional.one_hot(grid, words).float()
    return grid, hot[:, :1], hot[:, 1]


def test_a_hole_in_a_program_is_learned_from_answers_alone():
    program = pick()
    layer = module(program, "dense", trainable=frozenset({(2, "opcode")}))
    layer.most = 8
    (logits,) = layer.parameters()
    torch.nn.init.zeros_(logits)  # nothing is known of the opcode
    grid, values, m = every_pair(4)
    wanted = (grid[:, 0] * grid[:, 1]) % 4
    lengths = torch.ones(16, dtype=torch.int64)
    optimizer = torch.optim.Adam([logits], lr=0.5)
    for _ in range(25):
        result, _ = layer(values, lengths, [m])
        loss = -result[torch.arange(16), 0, wanted].clamp(min=1e-6).log().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2
    learned = layer.memory.extracted(program)
    assert learned.code[2].opcode == Opcode.MULTIPLY
    assert [r.result for r in dense.run(learned, [[[x], y] for x, y in grid.tolist()])] == wanted.tolist()


def test_a_soft_opcode_is_the_mixture_of_what_its_opcodes_do():
    program = pick()
    memory = ProgramMemory(program, frozenset({(2, "opcode")}))
    with torch.no_grad():
        memory.opcode_logits_TX.fill_(-torch.inf)
        memory.opcode_logits_TX[0, [Opcode.ADD, Opcode.XOR, Opcode.HALT, Opcode.DIVIDE]] = 0.0
        start = dense.hard_start(program, [[[3], 1], [[3], 0]])
        *_, last = dense.states(program, memory.at(Temperature()), start, 9)
    # 3 + 1 = 0, 3 ^ 1 = 2, HALT leaves 3, 3 // 1 = 3; with 0: 3, 3, 3, and a trap
    assert last.registers_BRN[:, 0].tolist() == [[0.25, 0, 0.25, 0.5], [0, 0, 0, 1]]
    assert last.trap_BT[:, [0, Trap.DIVISION]].tolist() == [[1, 0], [0.75, 0.25]]
    assert last.halted_BL.tolist() == [[0, 0, 0.25, 0.75], [0, 0, 0.5, 0.5]]


def test_mass_on_an_operand_that_does_not_exist_traps_and_is_not_lost():
    program = pick()
    memory = ProgramMemory(program, frozenset({(2, "c")}))
    with torch.no_grad():
        memory.c_logits_TX.zero_()  # as much on each of 8 numbers, of which four name registers
        assert memory.size == 8
        *_, last = dense.states(program, memory.at(Temperature()), dense.hard_start(program, [[[3], 1]]), 9)
    assert last.trap_BT[0, [0, Trap.INVALID]].tolist() == [0.5, 0.5]
    assert last.halted_BL.tolist() == [[0, 0, 0.5, 0.5]]
