"""What is a sum of products of its operands is told by the operations it makes; everything else is refused."""

import pytest
import torch

from ncl.language.opcodes import UNARY, WORD_OPS
from ncl.machine.circuits import onehot
from ncl.verify.ops.multilinear import NotMultilinear, degree_of

X, Y = torch.rand(3, 8), torch.rand(3, 8)


@pytest.mark.parametrize("opcode", WORD_OPS, ids=lambda o: o.mnemonic)
def test_every_onehot_circuit_is_linear_in_each_operand(opcode):
    operands = [X] if opcode in UNARY else [X, Y]
    assert degree_of(onehot.CIRCUITS[opcode], *operands) == (1,) * len(operands)


def test_degrees_add_up_in_products_and_stay_in_sums():
    assert degree_of(lambda x, y: (x * y).sum(-1), X, Y) == (1, 1)
    assert degree_of(lambda x: x * x + 2 * x.flip(-1) * x, X) == (2,)
    assert degree_of(lambda x, y: torch.cat([x, torch.zeros(3, 1), x], -1), X, Y) == (1, 0)


NOT = {
    "softmax": lambda x: x.softmax(-1),
    "normalised": lambda x: x / x.sum(-1, keepdim=True),
    "an affine term": lambda x: x + 1,
    "a difference": lambda x: x - x.flip(-1),
    "a negative factor": lambda x: x * -1,
    "an infinite factor": lambda x: x * float("inf"),
    "mixed degrees": lambda x: x + x * x,
    "a branch on the numbers": lambda x: x if bool(x[0, 0] > 0.5) else x * 2,
    "a largest entry": lambda x: x.max(-1, keepdim=True).values,
    "a place that depends on the numbers": lambda x: x.index_select(-1, x[0].argsort()),
    "padding with one": lambda x: torch.nn.functional.pad(x, (0, 1), value=1.0),
    "a write in place": lambda x: x.add_(x),
    "a constant result": lambda x: torch.ones(3, 8),
    "a clamp": lambda x: x.clamp(max=1),
}


@pytest.mark.parametrize("name", sorted(NOT))
def test_what_is_no_sum_of_products_is_refused(name):
    with pytest.raises(NotMultilinear):
        degree_of(NOT[name], X)


@pytest.mark.parametrize("leak", [lambda x: torch.tensor(x.tolist()), lambda x: torch.from_numpy(x.numpy())])
def test_the_numbers_cannot_be_read_past_the_rules(leak):
    with pytest.raises((RuntimeError, NotMultilinear)):
        degree_of(leak, X)
