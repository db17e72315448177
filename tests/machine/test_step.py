"""The torch step against the reference machine, from arbitrary states and over whole runs."""

import random

import assemblies
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ncl.language.interpret.machine import Machine, trace_machine
from ncl.language.opcodes import OPERANDS, Kind, Opcode, Trap
from ncl.language.program import Instruction, Program, Signature, Sizes
from ncl.machine import kernel
from ncl.machine.executors import integer
from ncl.machine.state import Code, Limits, MachineState, code_of, faults, initial, limits_of, plain
from ncl.machine.step import INPUTS, examples, flat, step, traced

BATCH = 400


def random_instruction(dice: random.Random, opcode: int, sizes: Sizes, lines: int) -> Instruction:
    """Operands in range for opcodes of the table, anything natural for others."""
    if opcode not in OPERANDS:
        return Instruction(opcode, *(dice.choice([0, 1, 99, 1 << 61]) for _ in range(3)))
    limits = {
        Kind.TARGET: sizes.registers,
        Kind.SOURCE: sizes.registers,
        Kind.WORD: 1 << sizes.width,
        Kind.LINE: lines,
        Kind.SLOT: sizes.frame + 3,  # wider than well-formed code may, to reach the trap
        Kind.SIZE: sizes.frame + 3,
        Kind.FLAG: 2,
    }
    kinds = OPERANDS[Opcode(opcode)]
    return Instruction(opcode, *(dice.randint(1, 7) if k is Kind.TRAP else dice.randrange(limits[k]) for k in kinds))


def random_machine(dice: random.Random, program: Program, pc: int) -> Machine:
    """The reference machine in an arbitrary state within its invariants."""
    sizes = program.sizes
    top = (1 << sizes.width) - 1

    def word() -> int:
        return dice.choice([0, 1, dice.randint(0, min(top, 8)), sizes.memory & top, top, dice.randint(0, top)])

    calls = [
        (dice.randrange(len(program.code)), dice.randint(0, sizes.frame), dice.randint(0, sizes.memory))
        for _ in range(dice.choice([0, sizes.depth, dice.randint(0, sizes.depth)]))
    ]
    budget = dice.choice([0, 3, 1 << 61])
    trap = dice.choice([0] * 9 + [2])
    return Machine(
        program, budget, [word() for _ in range(sizes.registers)], [word() for _ in range(sizes.memory)],
        [word() for _ in range(sizes.frame)], calls, pc, dice.randint(0, sizes.memory), dice.randint(0, sizes.frame),
        min(budget, dice.choice([0, 2, 3])), halted=bool(trap) or dice.random() < 0.1, trap=trap,
    )  # fmt: skip


def tensors_of(program: Program, machines: list[Machine]) -> tuple[MachineState, Limits]:
    sizes = program.sizes
    states = [m.state() for m in machines]

    def padded(rows: list, size: int) -> torch.Tensor:
        return torch.tensor([[*row, *[0] * (max(size, 1) - len(row))] for row in rows])

    stacks = [padded([[level[i] for level in s.stack] for s in states], sizes.depth) for i in range(3)]
    column = {n: torch.tensor([getattr(s, n) for s in states]) for n in ("pc", "hp", "fp", "ticks", "halted", "trap")}
    state = MachineState(
        column["pc"], padded([s.registers for s in states], sizes.registers),
        padded([s.memory for s in states], sizes.memory), column["hp"],
        padded([s.frame for s in states], sizes.frame), column["fp"], *stacks,
        torch.tensor([len(s.stack) for s in states]), column["ticks"], column["halted"], column["trap"],
    )  # fmt: skip
    limits = limits_of(program, len(machines), 0)
    return state, limits._replace(budget_B=torch.tensor([m.budget for m in machines]))


SIZES = [
    Sizes(8, 4, 16, 6, 3),
    Sizes(4, 3, 16, 4, 2),  # M = N
    Sizes(1, 2, 2, 1, 1),
    Sizes(16, 5, 0, 0, 0),
    Sizes(32, 5, 7, 3, 2),
]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_a_step_from_an_arbitrary_state_is_the_reference_step_for_any_instruction(sizes):
    dice = random.Random(7)
    opcodes = [*Opcode, 32, 33, 1 << 61]
    code = [random_instruction(dice, opcodes[i % len(opcodes)], sizes, BATCH) for i in range(BATCH - 1)]
    # Not well-formed: opcodes outside the table, slots past the frame.
    program = Program("any", Signature((), "word"), sizes, (*code, Instruction(Opcode.HALT)))
    machines = [random_machine(dice, program, pc) for pc in range(BATCH)]
    state, limits = tensors_of(program, machines)
    assert faults(program, state, limits) == ()
    after = step(code_of(program), state, limits, sizes.width)
    traps = set()
    for sample, machine in enumerate(machines):
        before = machine.state()
        machine.step()
        assert plain(program, after, sample) == machine.state(), (code[sample], before)
        traps.add(machine.trap)
    assert traps >= {0, *Trap} - {Trap.ASSERT}  # which only TRAP raises
    assert not [f for f in faults(program, after, limits) if "pc_B" not in f]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_the_compiled_loop_makes_the_same_step_from_an_arbitrary_state(sizes):
    dice = random.Random(11)
    opcodes = [*Opcode, 32, 33, 1 << 61]
    code = [random_instruction(dice, opcodes[i % len(opcodes)], sizes, BATCH) for i in range(BATCH - 1)]
    program = Program("any", Signature((), "word"), sizes, (*code, Instruction(Opcode.HALT)))
    machines = [random_machine(dice, program, pc) for pc in range(BATCH)]
    for budget in {m.budget for m in machines}:
        chosen = [m for m in machines if m.budget == budget]
        state, _ = tensors_of(program, chosen)
        pool = integer.pool_of(program, state, budget)
        for column, tensor in {
            kernel.PC: state.pc_B, kernel.HP: state.hp_B, kernel.FP: state.fp_B, kernel.SP: state.sp_B,
            kernel.TICKS: state.ticks_B, kernel.TRAP: state.trap_B, kernel.HALTED: state.halted_B,
        }.items():  # fmt: skip
            pool.scalars_BS[:, column] = tensor.numpy()
        for part, stack in enumerate((state.stack_pc_BD, state.stack_fp_BD, state.stack_hp_BD)):
            pool.stack_BD3[:, :, part] = stack.numpy()
        pool.advance(most=1)
        for sample, machine in enumerate(chosen):
            instruction = program.code[machine.pc]
            machine.step()
            assert plain(program, pool.state(), sample) == machine.state(), instruction


def test_the_traced_graph_is_the_step():
    dice = random.Random(1)
    sizes = SIZES[0]
    code = [random_instruction(dice, i % 34, sizes, 68) for i in range(68)]
    program = Program("any", Signature((), "word"), sizes, (*code, Instruction(Opcode.HALT)))
    state, limits = tensors_of(program, [random_machine(dice, program, pc % 68) for pc in range(200)])
    inputs = (*code_of(program), *state, *limits)
    for got, expected in zip(traced(8)(*inputs), flat(8)(*inputs), strict=True):
        assert got.dtype == expected.dtype
        assert torch.equal(got, expected)


def test_tracing_leaves_no_guard_no_constant_and_no_write_in_place():
    graph = traced(8)
    shapes = graph.shape_env
    assert not shapes.guards and not shapes.replacements and not shapes.deferred_runtime_asserts
    assert not [n for n in graph.graph.nodes if n.op in ("get_attr", "call_module", "call_method")]
    assert not [n for n in graph.graph.nodes if n.op == "call_function" and n.target._schema.is_mutable]
    assert len([n for n in graph.graph.nodes if n.op == "placeholder"]) == len(INPUTS) == len(examples())


def test_example_inputs_share_no_storage_and_no_size():
    tensors = examples()
    assert len({t.data_ptr() for t in tensors}) == len(tensors)
    sizes = {size for t in tensors for size in t.shape}
    assert len(sizes) == 6 and min(sizes) >= 2


def test_a_halted_sample_never_changes_whatever_the_others_do():
    program = assemblies.count()
    state = initial(program, [[[5, 5], 5], [[1, 5], 5]])
    state = state._replace(halted_B=torch.tensor([True, False]))
    code, limits = code_of(program), limits_of(program, 2, 100)
    first = plain(program, state, 0)
    for _ in range(30):
        state = step(code, state, limits, 16)
        assert plain(program, state, 0) == first
    assert plain(program, state, 1).halted and plain(program, state, 1).registers[0] == 1


def test_samples_do_not_see_each_other():
    program = assemblies.reverse()
    batch = [[[1, 2, 3]], [[4]], [[]], [[9, 8, 7, 6]]]
    together, code, limits = initial(program, batch), code_of(program), limits_of(program, 4, 100)
    alone = [initial(program, [arguments]) for arguments in batch]
    for _ in range(50):
        together = step(code, together, limits, 16)
        alone = [step(code, s, limits_of(program, 1, 100), 16) for s in alone]
        assert [plain(program, together, i) for i in range(4)] == [plain(program, s) for s in alone]


@settings(deadline=None)
@given(st.data(), assemblies.well_formed(), st.integers(0, 12))
def test_the_step_follows_the_reference_machine_state_by_state(data, program, budget):
    word = st.integers(0, (1 << program.sizes.width) - 1)
    arguments = [data.draw(word), data.draw(word)]
    state, code, limits = initial(program, [arguments]), code_of(program), limits_of(program, 1, budget)
    for expected in trace_machine(program, arguments, budget):
        assert plain(program, state) == expected
        assert faults(program, state, limits) == ()
        state = step(code, state, limits, program.sizes.width)
    assert plain(program, state) == expected, "halting is absorbing"


def test_what_the_proof_does_not_allow_is_named():
    program = assemblies.reverse(memory=8, depth=0, frame=0)
    state, limits = initial(program, [[[1, 2]]]), limits_of(program, 1, 5)
    assert faults(program, state, limits) == ()
    spoiled = {
        "pc_B": state._replace(pc_B=torch.tensor([17])),
        "registers_BR": state._replace(registers_BR=state.registers_BR - 1),
        "memory_BM": state._replace(memory_BM=torch.full((1, 8), 1 << 16)),
        "hp_B": state._replace(hp_B=torch.tensor([9])),
        "frame_BF": state._replace(frame_BF=torch.zeros(1, 2, dtype=torch.int64)),
        "sp_B": state._replace(sp_B=torch.tensor([1])),
        "ticks_B": state._replace(ticks_B=torch.tensor([0], dtype=torch.int32)),
        "halted_B": state._replace(halted_B=torch.tensor([0])),
        "trapped": state._replace(trap_B=torch.tensor([1])),
    }
    for name, bad in spoiled.items():
        found = faults(program, bad, limits)
        assert len(found) == 1 and name in found[0]
    assert "budget_B" in faults(program, state, limits._replace(budget_B=torch.tensor([-1])))[0]
    assert "depth" in faults(program, state, limits._replace(depth=torch.tensor(1)))[0]


def test_negative_opcodes_are_invalid_too():
    program = assemblies.reverse()
    code = Code(torch.full((17,), -3), *code_of(program)[1:])
    state = step(code, initial(program, [[[1]]]), limits_of(program, 1, 5), 16)
    assert plain(program, state).trap == Trap.INVALID
