"""Soft runs keep their mass and end in hard ones; kernels and temperatures that do not are found."""

import drawn
import pytest
import torch

from ncl.build import compile
from ncl.language.opcodes import Opcode
from ncl.machine.circuits import onehot
from ncl.machine.executors import dense_step, pathwise
from ncl.machine.fields import ProgramMemory
from ncl.machine.temperature import Temperature
from ncl.properties.failure import Failed
from ncl.properties.relaxation import (
    BETA,
    check_dense_limit,
    check_limit,
    check_normalised,
    check_outputs_normalised,
    check_sharpened,
    dense_hard,
    errors,
    soft_states,
)  # fmt: skip
from ncl.properties.search import falsify
from ncl.properties.strategies import hardened

SHARP = Temperature("soft", 0.5, 2.0)
EARLY = "0 jump_nonzero r0, @2\n1 halt\n2 move r1, r0\n3 move r2, r1\n4 halt"  # where x = 0 it halts early


def small(name, width=3):
    return compile(name, width=width, memory=8, registers=8).program


# --- what is shipped ------------------------------------------------------------------------------------------------


def test_every_component_of_a_soft_run_keeps_its_mass(search):
    search(lambda case: check_normalised(*case), drawn.soft_programs(), share=0.5)
    search(lambda case: check_normalised(*case), drawn.soft_sources(), slow=True)


def test_sharpened_runs_keep_their_mass_too(search):
    search(lambda case: check_normalised(*case, SHARP), drawn.soft_programs(), share=0.5)


def test_program_memory_with_holes_loses_no_mass(search):
    def check(case):
        program, soft = case
        holes = frozenset((line, field) for line in range(len(program.code)) for field in ("opcode", "a", "b"))
        memory = ProgramMemory(program, holes)
        with torch.no_grad():
            for name, logits in memory.named_parameters():
                logits.copy_(torch.linspace(-1, 1, logits.numel()).reshape(logits.shape) * len(name))
            check_normalised(program, soft, fields=memory.at(Temperature(), torch.float64))

    search(check, drawn.soft_programs(widths=(1, 2)), slow=True)


def test_pathwise_outputs_keep_their_mass(search):
    search(lambda case: check_outputs_normalised(*case), drawn.soft_sources())


def test_pathwise_runs_end_in_hard_ones_as_the_temperature_falls(search):
    search(lambda case: check_limit(*case), drawn.soft_sources())


def test_dense_runs_end_in_hard_ones_as_the_temperature_falls(search):
    search(lambda case: check_dense_limit(*case), drawn.soft_programs(), share=0.5)
    search(lambda case: check_dense_limit(*case), drawn.soft_sources(), slow=True)


def test_sharpened_runs_are_never_further_from_hard_than_they_started(search):
    search(lambda case: check_sharpened(*case), drawn.soft_programs(), share=0.5)
    search(lambda case: check_sharpened(*case), drawn.soft_sources(), slow=True)


def test_without_sharpening_the_error_of_a_long_run_grows_and_with_it_it_vanishes():
    program, soft = small("insertion_sort"), [[((5, 8), (1, 1)), ((3, 8), (4, 1)), ((1, 8), (0, 1))]]

    def worst(beta):
        run = soft_states(program, soft, Temperature("soft", 1 / 4, beta))
        pairs = zip(run, dense_hard(program, hardened(soft)))
        return [max(errors(program, state, hard).values()) for state, hard in pairs]

    plain, sharp = worst(1.0), worst(BETA)
    assert plain[-1] > 10 * plain[0] and max(sharp) < plain[-1]
    assert sharp[-1] < 1e-12, "what is left is rounding"


# --- planted faults -------------------------------------------------------------------------------------------------


def leaking(circuit):
    """Loses a thousandth of the mass."""
    return lambda *operands: circuit(*operands) * 0.999


def test_a_kernel_that_loses_mass_is_found(monkeypatch):
    program = drawn.assembled("0 add r0, r0, r1\n1 halt")
    monkeypatch.setitem(onehot.CIRCUITS, Opcode.ADD, leaking(onehot.CIRCUITS[Opcode.ADD]))
    # Dense gives lost mass back as what stood there before; what it cannot hide is that the pc's is gone.
    with pytest.raises(Failed, match="pc_BX at step 1") as found:
        falsify(lambda c: check_normalised(*c), drawn.with_soft(program), 20)
    assert found.value.what.startswith("p(0, 0) at width 3") and "off by 0.001" in found.value.got


def test_a_kernel_that_invents_mass_is_found(monkeypatch):
    program = drawn.assembled("0 xor r0, r0, r1\n1 halt")
    apply = pathwise.apply
    monkeypatch.setattr(pathwise, "apply", lambda *a: apply(*a) + 0.01)
    with pytest.raises(Failed, match="outputs\n  expected mass 1"):
        falsify(lambda c: check_outputs_normalised(*c), drawn.with_soft(program), 20)


def test_a_negative_entry_and_a_nan_are_found():
    program = drawn.assembled("0 xor r0, r0, r1\n1 halt")

    def played(value):
        def play(graph, inputs_IN, width):
            out = pathwise.replay(graph, inputs_IN, width).clone()
            out[0, 0], out[0, 1] = out[0, 0] - value, out[0, 1] + value
            return out

        return play

    with pytest.raises(Failed, match="no negative mass"):
        falsify(lambda c: check_outputs_normalised(*c, played(2.0)), drawn.with_soft(program), 5)
    with pytest.raises(Failed, match="finite mass"):
        falsify(lambda c: check_outputs_normalised(*c, played(float("nan"))), drawn.with_soft(program), 5)


def test_halted_mass_that_runs_again_is_found(monkeypatch):
    real = dense_step._Step.finished

    def waking(self, temperature):
        woken_BL = self.old.halted_BL / 4
        self.running_BL, self.halted_BL = self.running_BL + woken_BL, self.halted_BL - woken_BL
        return real(self, temperature)

    monkeypatch.setattr(dense_step._Step, "finished", waking)
    with pytest.raises(Failed, match="halted mass to stay halted"):
        falsify(lambda c: check_normalised(*c), drawn.with_soft(drawn.assembled(EARLY)), 30)


def test_mass_that_halts_early_waits_where_it_halted_for_the_rest():
    last = list(soft_states(drawn.assembled(EARLY), [((0, 8), (1, 2)), ((3, 8),)]))[-1]
    assert last.halted_BL[0].tolist() == pytest.approx([0, 0.8, 0, 0, 0.2], abs=1e-12)
    assert last.registers_BRN[0, 1].tolist() == pytest.approx([0.16, 0.04, 0, 0.8, 0, 0, 0, 0], abs=1e-12)


def test_a_look_at_soft_states_leaves_gradients_on_between_two_of_them():
    program = drawn.assembled("0 move r1, r0\n1 halt")
    states = soft_states(program, [((1, 8),), ((1, 8),)])
    next(states)
    assert torch.is_grad_enabled()


def test_a_temperature_that_is_ignored_is_found(monkeypatch):
    monkeypatch.setattr(Temperature, "of_distribution", lambda self, p_N: p_N)
    program = drawn.assembled("0 add r0, r0, r1\n1 halt")
    for check in (check_limit, check_dense_limit):
        with pytest.raises(Failed, match="the hard run"):
            falsify(lambda c, check=check: check(*c), drawn.with_soft(program), 20)


def test_a_softness_that_no_temperature_takes_away_is_found():
    def blurred(graph, inputs_IN, width):
        out = pathwise.replay(graph, inputs_IN, width)
        return 0.999 * out + 0.001 * out.roll(1, -1)

    program = drawn.assembled("0 add r0, r0, r1\n1 halt")
    with pytest.raises(Failed, match="an error of at most") as found:
        soft = [((1, 8),), ((2, 8),)]
        hard = iter([pathwise.replay])
        check_limit(program, soft, lambda *a: next(hard, blurred)(*a))
    assert found.value.what == "p(1, 2) at width 3 at τ = 1.0, output 0"


@pytest.mark.parametrize(("what", "size"), [("all of it", None), ("the traps", 8), ("the pc", 6)])
def test_sharpening_that_leaves_something_out_is_found(what, size, monkeypatch):
    real = Temperature.sharpen
    monkeypatch.setattr(
        Temperature, "sharpen", lambda self, p_N: p_N if size in (None, p_N.shape[-1]) else real(self, p_N)
    )
    program = drawn.assembled("0 bound r0, r1\n1 move r1, r0\n2 halt", width=2, memory=4)
    with pytest.raises(Failed, match="step 1") as found:
        check_sharpened(program, [((1, 8), (3, 4)), ((2, 8),)])
    assert found.value.got.endswith({"the traps": "trap_BT"}.get(what, "pc_BX"))


def test_a_soft_run_that_never_becomes_hard_is_found(monkeypatch):
    monkeypatch.setattr(
        Temperature, "sharpen", lambda self, p_N: p_N if self.mode == "hard" else p_N * 0.999 + 0.001 * p_N.flip(-1)
    )
    program = drawn.assembled("0 less r0, r0, r1\n1 halt")
    with pytest.raises(Failed, match="of the hard run"):
        falsify(lambda c: check_dense_limit(*c), drawn.with_soft(program), 10)
