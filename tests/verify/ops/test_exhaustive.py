"""Circuits against the op table: green as they are, red with a fault, and counterexamples that replay."""

import numpy as np
import pytest
import torch

from ncl.language.opcodes import UNARY, WORD_OPS, Opcode
from ncl.machine.circuits import integer, onehot
from ncl.verify.engine import counterexample
from ncl.verify.engine.counterexample import Replayed
from ncl.verify.ops import circuits, exhaustive, meaning, symbolic


@pytest.mark.parametrize("width", [16, 32])
def test_every_circuit_is_its_row(width):
    kinds = {"circuit-integer", "circuit-onehot", "kernel"} if width == 16 else {"circuit-integer"}
    found = {o.id: o.run() for o in exhaustive.obligations(width) if o.kind in kinds}
    assert {i: o.detail for i, o in found.items() if o.verdict != "proved-bounded"} == {}
    assert all(o.limits["width"] >= (6 if "onehot" in i else 10) for i, o in found.items())
    assert len(found) == len(kinds) * len(WORD_OPS)


@pytest.mark.parametrize("opcode", WORD_OPS, ids=lambda o: o.mnemonic)
def test_the_table_over_arrays_is_the_table_over_ints_at_the_real_width(opcode):
    rng = np.random.default_rng(0)
    x_P, y_P = meaning.operands(opcode, exhaustive.INTEGER_WIDTH)
    for place in rng.integers(0, len(x_P), 200).tolist():
        x, y = int(x_P[place]), int(y_P[place])
        assert meaning.table(opcode, 10)[place] == meaning.spec(opcode, 10, x, y)


def test_all_pairs_are_enumerated_and_none_twice():
    x_P, y_P = meaning.words(4)
    assert len({*zip(x_P.tolist(), y_P.tolist())}) == len(x_P) == 256


def _bent(opcode, circuit):
    """The circuit, wrong in one entry only: the largest operands."""

    def bent(*operands):
        width = operands[-1]
        top = (1 << width) - 1
        place = operands[0] == top
        for operand in operands[1:-1]:
            place = place & (operand == top)
        return circuit(*operands) ^ (place * 1)

    return bent


@pytest.mark.parametrize("opcode", WORD_OPS, ids=lambda o: o.mnemonic)
def test_one_wrong_entry_of_an_integer_circuit_is_refuted_and_replays(opcode, monkeypatch, tmp_path):
    monkeypatch.setitem(integer.CIRCUITS, opcode, _bent(opcode, integer.CIRCUITS[opcode]))
    found = exhaustive.check_integer(opcode.mnemonic, 16)
    assert found.verdict == "refuted"
    file = counterexample.write(found.counterexample, tmp_path, "op")
    seen = counterexample.replay(file)
    assert seen.reproduced and seen.expected == found.counterexample["expected"]
    monkeypatch.undo()
    assert not counterexample.replay(file).reproduced


@pytest.mark.parametrize("opcode", [Opcode.ADD, Opcode.MULTIPLY, Opcode.SHIFT_LEFT, Opcode.INVERT])
def test_a_fault_past_the_enumerated_widths_is_refuted_by_the_lift(opcode, monkeypatch):
    right = integer.CIRCUITS[opcode]
    monkeypatch.setitem(integer.CIRCUITS, opcode, lambda *o: right(*o) ^ ((o[0] == 54321) * 1))
    found = exhaustive.check_integer(opcode.mnemonic, 16)
    assert found.verdict == "refuted" and found.counterexample["operands"][0] == 54321
    assert circuits.replay(found.counterexample).reproduced


def test_a_compiled_op_that_errs_in_wide_words_only_is_refuted_and_replays(monkeypatch, tmp_path):
    from ncl.machine.executors import integer as executor

    right, top = executor.apply_kernel, (1 << 32) - 1
    bent = lambda opcode, x_P, y_P, width: right(opcode, x_P, y_P, width) ^ ((x_P == top) & (y_P == 2))  # noqa: E731
    monkeypatch.setattr(executor, "apply_kernel", bent)
    found = exhaustive.check_kernel("multiply")
    assert found.verdict == "refuted" and found.counterexample["operands"] == [top, 2]
    file = counterexample.write(found.counterexample, tmp_path, "op")
    assert counterexample.replay(file).reproduced
    monkeypatch.undo()
    assert not counterexample.replay(file).reproduced


def test_a_circuit_that_cannot_be_read_is_unknown(monkeypatch):
    monkeypatch.setitem(integer.CIRCUITS, Opcode.LESS, lambda x, y, width: (x.float() < y.float()) * 1)
    assert symbolic.check(Opcode.LESS, 16).verdict == "unknown"


def _spoiled(opcode, spoil):
    circuit = onehot.CIRCUITS[opcode]
    return lambda *operands: spoil(circuit(*operands))


SPOILS = {
    "rolled": lambda z: z.roll(1, -1),
    "not exact": lambda z: z * (1 - 1e-7),
    "with dust": lambda z: z + 1e-30,
    "nan": lambda z: z / 0,
    "nothing": lambda z: z * 0,
}


@pytest.mark.parametrize("spoil", sorted(SPOILS))
@pytest.mark.parametrize("opcode", [Opcode.ADD, Opcode.REMAINDER, Opcode.IS_ZERO], ids=lambda o: o.mnemonic)
def test_a_onehot_circuit_that_is_not_bit_exact_is_refuted(opcode, spoil, monkeypatch):
    monkeypatch.setitem(onehot.CIRCUITS, opcode, _spoiled(opcode, SPOILS[spoil]))
    found = exhaustive.check_onehot(opcode.mnemonic)
    assert found.verdict == "refuted"
    assert circuits.replay(found.counterexample).reproduced


def test_trap_mass_that_is_lost_is_refuted(monkeypatch):
    monkeypatch.setattr(onehot, "trapped", lambda opcode, x, y: torch.zeros_like(x[..., 0]))
    assert exhaustive.check_onehot("divide").verdict == "refuted"


def test_a_constant_that_is_not_finite_is_refuted(monkeypatch):
    monkeypatch.setattr(onehot, "TABLE", torch.tensor([1.0, float("inf")]), raising=False)
    assert exhaustive.check_onehot("add").verdict == "refuted"


def test_a_row_that_arrays_read_differently_is_unknown(monkeypatch):
    meaning.misread.cache_clear()
    meaning.table.cache_clear()
    monkeypatch.setattr(meaning.Arrays, "shift_right", lambda self, x, y: x)
    assert exhaustive.check_kernel("shift_right").verdict == "unknown"
    monkeypatch.undo()
    meaning.misread.cache_clear()
    meaning.table.cache_clear()


def test_an_op_counterexample_replays_through_every_circuit():
    for circuit in ("integer", "kernel", "onehot"):
        for opcode in (Opcode.DIVIDE, *UNARY):
            case = {"opcode": opcode.mnemonic, "width": 3, "circuit": circuit, "operands": [5, 0]}
            assert isinstance(circuits.replay(case), Replayed) and not circuits.replay(case).reproduced
