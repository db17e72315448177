"""Tapes hold what the gates let through, in order; probabilities are those of the draw."""

import torch

from ncl.llama.from_scratch.side_module import Reading
from ncl.llama.from_scratch.tape import Literals, decided, sampled

WORDS_BT = torch.tensor([[-1, 5, -1, 6, 7], [-1, -1, -1, -1, -1]])
LITERAL_BT = WORDS_BT >= 0


def literals(gate, pointer=(0.0, 0.0, 0.0, 0.0, 0.0)):
    pointer_BT = torch.tensor([pointer, pointer]).masked_fill(~LITERAL_BT, -torch.inf)
    pointer_BT = torch.where(LITERAL_BT.any(1, keepdim=True), pointer_BT, 0).log_softmax(1)
    reading = Reading(torch.tensor([gate, gate]), pointer_BT, torch.zeros(2, 3))
    return Literals.of(WORDS_BT, LITERAL_BT, reading)


def test_literals_move_to_the_front_in_order():
    found = literals((1.0, 2.0, 3.0, 4.0, 5.0))
    assert found.words_BL[0].tolist() == [5, 6, 7] and found.gate_BL[0].tolist() == [2.0, 4.0, 5.0]
    assert found.there_BL.tolist() == [[True] * 3, [False] * 3]


def test_the_most_probable_tape_keeps_the_order_of_what_passes_the_gate():
    tapes = decided(literals((9.0, 9.0, 9.0, -9.0, 9.0), (0.0, 0.0, 0.0, 3.0, 0.0)))
    assert tapes.lengths_BK.tolist() == [[2], [0]]
    assert tapes.values_BKM[0, 0].tolist() == [5, 7, 0]
    assert tapes.argument_BK[:, 0].tolist() == [6, 0]


def test_the_first_sampled_tape_is_the_most_probable_one():
    read = literals((0.1, 0.1, 0.1, -0.1, 0.1), (0.0, 1.0, 0.0, 0.0, 0.0))
    drawn, best = sampled(read, 8, torch.Generator().manual_seed(3)), decided(read)
    assert torch.equal(drawn.values_BKM[:, 0], best.values_BKM[:, 0])
    assert torch.equal(drawn.argument_BK[:, 0], best.argument_BK[:, 0])


def test_a_tapes_log_probability_is_that_of_its_gates_and_of_its_pointer():
    read = literals((0.0, 0.5, 0.0, -1.0, 2.0), (0.0, 1.0, 0.0, 0.0, 2.0))
    drawn = sampled(read, 64, torch.Generator().manual_seed(1))
    gates, words = [0.5, -1.0, 2.0], [5, 6, 7]
    pointer = torch.tensor([1.0, 0.0, 2.0]).log_softmax(0)
    for k in range(64):
        tape = drawn.values_BKM[0, k, : int(drawn.lengths_BK[0, k])].tolist()
        expected = sum(
            torch.nn.functional.logsigmoid(torch.tensor(g if w in tape else -g)) for g, w in zip(gates, words)
        )
        assert torch.allclose(drawn.write_BK[0, k], expected)
        assert torch.allclose(drawn.point_BK[0, k], pointer[words.index(int(drawn.argument_BK[0, k]))])
    assert len({tuple(t.tolist()) for t in drawn.values_BKM[0]}) > 3


def test_the_same_generator_draws_the_same_tapes():
    read = literals((0.0, 0.0, 0.0, 0.0, 0.0))
    first, second = (sampled(read, 16, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(first.values_BKM, second.values_BKM) and torch.equal(first.argument_BK, second.argument_BK)
