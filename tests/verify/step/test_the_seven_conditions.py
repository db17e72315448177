"""The step proof is sound only under seven conditions; each has its code, and here its test."""

import random

import planted_steps as planted
import pytest
import torch
import z3

from ncl.errors import InputError
from ncl.language.interpret.machine import start
from ncl.language.opcodes import OPERANDS, TERMINAL, Opcode, Trap
from ncl.language.program import Instruction, Program, Signature, Sizes
from ncl.language.wellformed import violations
from ncl.machine import state as machine_state
from ncl.machine import step as machine_step
from ncl.machine.executors import integer
from ncl.verify.engine.solvers import Answer, decide
from ncl.verify.smt import rule_tests
from ncl.verify.smt.algebra import Vectors
from ncl.verify.smt.lift import tracing_faults
from ncl.verify.smt.lift_rules import RULES
from ncl.verify.smt.lifted import NoRule, number
from ncl.verify.step import check, inputs, lemmas, replay

WIDTH = 8


def lifting():
    return check._here(WIDTH)


# --- 1: tracing is symbolic, sizes and storages are told apart, nothing is assumed about sizes


def test_1_examples_that_share_storage_or_have_size_one_are_refused():
    one = torch.zeros(3)
    assert tracing_faults([one, one]) and tracing_faults([torch.zeros(1), torch.zeros(3)])
    assert not tracing_faults(machine_step.examples())


def test_1_every_example_size_is_another_one():
    letters = {}
    for name, tensor in zip(machine_step.INPUTS, machine_step.examples(), strict=True):
        letters |= dict(zip(inputs.letters_of(name), tensor.shape))
    assert len(set(letters.values())) == len(letters) == 6 and min(letters.values()) >= 2


def test_1_the_graph_has_one_symbol_for_each_size_and_assumes_nothing_of_them():
    graph = machine_step.traced(WIDTH)
    env = graph.shape_env
    assert not env.guards and not env.replacements and not env.deferred_runtime_asserts
    assert len(set(lifting().inputs.letters.values())) == 6


def test_1_tracing_with_two_equal_sizes_is_noticed():
    fault = planted.Planted("", "step", '"R": 7', '"R": 5', "")
    with pytest.raises(NoRule, match=r"told apart|symbol"):
        planted.planted_lifting(fault)


def test_1_tracing_without_symbols_is_noticed():
    fault = planted.Planted("", "step", 'tracing_mode="symbolic"', 'tracing_mode="real"', "")
    with pytest.raises((NoRule, AttributeError, KeyError)):
        planted.planted_lifting(fault)


# --- 2: every node is visited (dead ones: test_lift_rules), and what has no rule is refused


def test_2_a_node_added_to_the_graph_after_its_code_was_made_is_noticed():
    graph = machine_step.traced.__wrapped__(WIDTH)
    first = next(node for node in graph.graph.nodes if node.op == "placeholder")
    with graph.graph.inserting_after(list(graph.graph.nodes)[-2]):
        graph.graph.call_function(torch.ops.aten.neg.default, (first,))
    with pytest.raises(NoRule):
        check.build(graph, WIDTH)


@pytest.mark.parametrize("name", ["aten.where.self", "aten.gather.default", "aten.scatter.src", "aten.sym_size.int"])
def test_2_a_rule_taken_away_makes_the_step_unknown(name, monkeypatch):
    monkeypatch.delitem(RULES, name)
    found = check.examine(lambda: check.build(machine_step.traced(WIDTH), WIDTH), "pc")
    assert found.verdict == "unknown" and name in found.detail


# --- 3: dtypes are checked by the rules (planted dtypes: test_step_proof) and by the runner


def test_3_the_runner_refuses_another_dtype_shape_or_range():
    program = _tiny()
    limits, good = machine_state.limits_of(program, 1, 9), machine_state.blank(program, 1)
    machine_state.check(program, good, limits)
    bad = (
        good._replace(pc_B=good.pc_B.int()),
        good._replace(registers_BR=good.registers_BR[:, :1]),
        good._replace(pc_B=good.pc_B + 2),
        good._replace(sp_B=good.sp_B - 1),
        good._replace(memory_BM=good.memory_BM + 256),
        good._replace(trap_B=good.trap_B + 1),
    )
    for state in bad:
        with pytest.raises(InputError):
            machine_state.check(program, state, limits)


def _tiny():
    code = (Instruction(int(Opcode.CONSTANT), 0, 1), Instruction(int(Opcode.HALT)))
    return Program("tiny", Signature((), "word"), Sizes(WIDTH, 2, 4, 2, 2), code)


# --- 4: what runs is what was proved


def test_4_the_runner_runs_the_very_graph_that_is_lifted(monkeypatch):
    called = []
    real = machine_step.traced(WIDTH)
    monkeypatch.setattr(integer, "traced", lambda width: lambda *t: (called.append(width), real(*t))[1])
    assert integer.run_by_step(_tiny(), [[]])[0].result == 1
    assert called == [WIDTH, WIDTH]
    assert lifting().graph is real


# --- 5: every rule has its own test against torch (test_lift_rules), which stands in the proof's foundation


def test_5_a_wrong_rule_leaves_no_component_green(monkeypatch):
    rule_tests._once.cache_clear()
    wrong = lambda c, a, k: RULES["aten.lt.Scalar"](c, a, k)  # noqa: E731
    monkeypatch.setitem(RULES, "aten.ge.Tensor", wrong)
    found = check.examine(lambda: check.build(machine_step.traced(WIDTH), WIDTH), "rules")
    rule_tests._once.cache_clear()
    assert found.verdict == "refuted" and "aten.ge.Tensor" in found.detail


def test_5_the_rules_of_the_step_were_compared_thousands_of_times():
    found = check.check("rules", WIDTH)
    assert found.verdict == "tested" and found.limits["samples"] > 1000


# --- 6: invariants are inductive, premises are satisfiable and are those of the runner


def test_6_an_invariant_that_a_step_breaks_is_refuted():
    # `slot_B - 1` may leave the range of a frame pointer.
    fault = planted.Planted("", "step", "at[Opcode.CALL], slot_B,", "at[Opcode.CALL], slot_B - 1,", "")
    found = check.examine(lambda: planted.planted_lifting(fault), "invariants")
    assert found.verdict == "refuted"


def test_6_premises_that_contradict_each_other_are_vacuous(monkeypatch):
    made = check.build(machine_step.traced(WIDTH), WIDTH)
    made.inputs.premises.append(made.inputs.size("L") == 0)
    assert check.check_foundation(made, "vacuity").verdict == "vacuous"
    found = check.examine(lambda: made, "pc")
    assert found.verdict == "unknown" and "vacuous" in found.detail


def test_6_an_opcode_that_the_premises_rule_out_is_vacuous():
    made = check.build(machine_step.traced(WIDTH), WIDTH)
    made.inputs.premises.append(z3.Not(made.spec.at(Opcode.LOAD)))
    found = check.check_foundation(made, "vacuity")
    assert found.verdict == "vacuous" and "load" in found.detail


def test_6_the_premises_on_a_line_are_those_of_well_formed_programs():
    rng, agreed = random.Random(0), {True: 0, False: 0}
    sizes = Sizes(WIDTH, 4, 8, 3, 2)
    terms = {"R": number(4), "L": number(3), "frame_size": number(3)}
    filler = Instruction(int(Opcode.HALT))
    for _ in range(400):
        opcode = rng.choice(list(Opcode))
        given = [rng.choice((0, 0, 1, 2, 3, 4, 7, 8, 255, 256)) for _ in range(3)]
        for place in range(len(OPERANDS[opcode]), 3):
            given[place] *= rng.random() < 0.2
        line = rng.randrange(3)
        code = [filler] * 3
        code[line] = Instruction(int(opcode), *given)
        told = violations(Program("p", Signature((), "word"), sizes, tuple(code)))
        # How lines hang together (loops without a tick, frames in sum) is no matter of one line.
        fine = not [v for v in told if "without a tick" not in v and "frames need" not in v]
        premise = inputs.line_premise(WIDTH, number(int(opcode)), *map(number, given), number(line), terms)
        assert z3.is_true(z3.simplify(premise)) == fine, (opcode, given, line, told)
        agreed[fine] += 1
    assert min(agreed.values()) > 40


def test_6_the_premises_on_a_state_are_those_that_the_runner_checks():
    program = _tiny()
    start_state, limits = machine_state.blank(program, 1), machine_state.limits_of(program, 1, 9)
    made = lifting()
    true = {"size!L": 2, "size!R": 2, "size!M": 4, "size!F": 2, "size!D": 2}
    known = [(z3.BitVec(n, 64), number(v)) for n, v in true.items()]
    sizes = {"memory_size": 4, "frame_size": 2, "depth": 2}
    known += [(made.inputs.true_size(n), number(v)) for n, v in sizes.items()]
    for name, bound in inputs.limits(made.inputs).items():
        first = z3.simplify(z3.substitute(bound, *known)).as_long()
        for value in (first - 1, first):
            if name == "budget_B":
                given = start_state, limits._replace(budget_B=limits.budget_B * 0 + value)
            else:
                halted = start_state._replace(halted_B=~start_state.halted_B)
                given = halted._replace(**{name: getattr(halted, name) * 0 + value}), limits
            assert bool(machine_state.faults(program, *given)) == (value == first), name


def test_6_terminal_opcodes_and_traps_are_the_languages_own():
    assert {Opcode.HALT, Opcode.TRAP, Opcode.JUMP, Opcode.RETURN} == TERMINAL and max(Trap) == 7
    assert start(_tiny(), []).state().pc == 0


# --- 7: signed operators are not used on words


def test_7_a_spec_read_with_signed_operators_is_not_proved(monkeypatch):
    monkeypatch.setattr(Vectors, "less", lambda self, x, y: x < y)
    monkeypatch.setattr(replay, "SECONDS", 0.5)
    found = check.examine(lambda: check.build(machine_step.traced(WIDTH), WIDTH), "registers")
    assert found.verdict != "proved"


# --- and the laws and solvers that all of it leans on


def test_every_law_of_products_and_quotients_is_proved():
    assert lemmas.unproved() == []


def test_a_law_that_is_not_shown_is_named_and_leaves_nothing_green(monkeypatch):
    monkeypatch.setattr(lemmas, "_vanishes", lambda term: False)
    assert {"halves", "commutes"} <= set(lemmas.unproved())


def test_solvers_that_contradict_each_other_are_unknown(monkeypatch):
    from ncl.verify.engine import solvers

    liar = lambda terms, seconds: Answer("sat", "liar", 0.0)  # noqa: E731
    monkeypatch.setitem(solvers.SOLVERS, "liar", liar)
    x = z3.BitVec("x", 8)
    assert decide([x != x], cross="liar").said == "unknown"
    assert decide([x != x], cross="").said == "unsat"


def test_a_solver_out_of_time_is_unknown():
    x, y = z3.BitVecs("x y", 64)
    factors = [x * y == 0x7FFFFFFFFFFFFFE7, *(z3.And(z3.UGT(n, 1), z3.ULT(n, 1 << 32)) for n in (x, y))]
    assert decide(factors, 0.05).said == "unknown"
