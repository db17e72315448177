"""One-hot circuits push soft operands forward exactly, in every form; one wrong place is refuted and replays."""

import json

import numpy as np
import pytest
import torch

from ncl.language.opcodes import WORD_OPS, Opcode
from ncl.machine.circuits import onehot
from ncl.verify.engine import counterexample
from ncl.verify.ops import circuits, exhaustive, meaning, pushforward
from ncl.verify.ops.pushforward import Form


@pytest.mark.parametrize("opcode", WORD_OPS, ids=lambda o: o.mnemonic)
def test_the_forms_of_pathwise_are_the_push_forward(opcode):
    found = pushforward.check_pathwise(opcode.mnemonic, 11)
    assert (found.verdict, found.limits["width"]) == ("proved-bounded", 4), found.detail
    assert "W = 11" in found.bound


def test_the_expected_push_forward_is_the_one_worked_by_hand():
    masses = [np.array([[1.0, 2.0, 0.0, 4.0]]), np.array([[3.0, 5.0, 0.0, 0.0]])]
    assert Form("full", Opcode.ADD, 2).expected(masses).tolist() == [[3 + 20, 6 + 5, 10, 12]]
    # 0//1 → 0, 1//1 → 1, 3//1 → 3; what is divided by 0 traps
    assert Form("full", Opcode.DIVIDE, 2).expected(masses).tolist() == [[5, 10, 0, 20]]
    assert Form("trapped", Opcode.DIVIDE, 2).expected(masses).tolist() == [[21]]
    three = np.array([3])
    assert Form("left", Opcode.SUBTRACT, 2).expected(masses[:1], three).tolist() == [[4, 0, 2, 1]]
    assert Form("right", Opcode.SUBTRACT, 2).expected(masses[:1], three).tolist() == [[4, 1, 2, 0]]


def replays(found, tmp_path, monkeypatch):
    assert found.verdict == "refuted"
    file = counterexample.write(json.loads(json.dumps(found.counterexample)), tmp_path, "push")
    assert counterexample.replay(file).reproduced
    monkeypatch.undo()
    assert not counterexample.replay(file).reproduced


def test_one_wrong_place_among_thousands_is_found_and_made_small(monkeypatch, tmp_path):
    right = onehot.push_constant

    def bent(opcode, x_PX, y_P, width, swapped=False):
        z_PZ = right(opcode, x_PX, y_P, width, swapped).clone()
        if z_PZ.shape[1] > 1000:
            z_PZ[:, 5] += z_PZ[:, 700]
            z_PZ[:, 700] = 0
        return z_PZ

    monkeypatch.setattr(onehot, "push_constant", bent)
    found = pushforward.check_pathwise("add", 11)
    (operand,) = found.counterexample["operands"]
    assert [len(row) for row in operand["rows"]] == [1]
    replays(found, tmp_path, monkeypatch)


def test_a_fault_on_partial_supports_only_is_refuted(monkeypatch, tmp_path):
    right = onehot.apply

    def bent(opcode, x_PX, y_PY, width):
        z_PZ = right(opcode, x_PX, y_PY, width)
        return z_PZ.flip(-1) if x_PX.shape[1] < y_PY.shape[1] else z_PZ

    monkeypatch.setattr(onehot, "apply", bent)
    assert exhaustive.check_onehot("less").verdict == "proved-bounded"
    replays(pushforward.check_pathwise("less", 11), tmp_path, monkeypatch)


def test_chunks_that_mix_rows_are_refuted(monkeypatch, tmp_path):
    right = onehot.push

    def bent(opcode, x_PX, y_PY, width, chunk=onehot.CHUNK):
        rows = chunk // (x_PX.shape[1] * y_PY.shape[1])
        y_PY = torch.cat([y_PY[: len(y_PY[begin : begin + rows])] for begin in range(0, len(y_PY), rows)])
        return right(opcode, x_PX, y_PY, width, chunk)

    monkeypatch.setattr(onehot, "push", bent)
    assert exhaustive.check_onehot("or").verdict == "proved-bounded"
    replays(pushforward.check_pathwise("or", 11), tmp_path, monkeypatch)


def test_a_circuit_that_is_right_on_hard_operands_only_is_refuted(monkeypatch, tmp_path):
    circuit = onehot.CIRCUITS[Opcode.XOR]
    monkeypatch.setitem(onehot.CIRCUITS, Opcode.XOR, lambda x, y: circuit(x * x, y))
    replays(exhaustive.check_onehot("xor"), tmp_path, monkeypatch)


def test_lost_trap_mass_of_soft_operands_is_refuted(monkeypatch, tmp_path):
    monkeypatch.setattr(onehot, "trapped", lambda opcode, x, y: (x * x).sum(-1) * y[..., 0])
    replays(exhaustive.check_onehot("divide"), tmp_path, monkeypatch)


def test_a_circuit_whose_operations_have_no_rule_is_unknown(monkeypatch):
    circuit = onehot.CIRCUITS[Opcode.OR]
    monkeypatch.setitem(onehot.CIRCUITS, Opcode.OR, lambda x, y: circuit(x.clamp(min=0), y))
    found = exhaustive.check_onehot("or")
    assert found.verdict == "unknown" and "clamp" in found.detail


@pytest.mark.nightly
@pytest.mark.parametrize("opcode", WORD_OPS, ids=lambda o: o.mnemonic)
@pytest.mark.parametrize("width", [7, 8])
def test_onehot_circuits_are_their_rows_on_all_hard_operands_to_width_8(opcode, width):
    x_P, y_P = meaning.operands(opcode, width)
    assert np.array_equal(meaning.table(opcode, width), circuits.run("onehot", opcode, x_P, y_P, width))


def test_masses_are_exact_in_double_precision():
    most = max(x * y for x, y in (*pushforward.SUPPORTS, (1 << pushforward.LARGEST_WIDTH, 1)))
    assert most * pushforward.TOP**2 <= 1 << 53
    assert torch.tensor(float((1 << 53) - 1), dtype=torch.float64).item() == (1 << 53) - 1
