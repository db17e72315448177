"""One-hot circuits are the exact push-forward of two distributions; on one-hot vectors, the op itself to the bit."""

import itertools

import pytest
import torch
from torch.nn.functional import one_hot, pad

from ncl.errors import CapacityError
from ncl.language.opcodes import BINARY, UNARY, WORD_OPS, Opcode
from ncl.machine.circuits import onehot
from ncl.machine.circuits.integer import CIRCUITS as INTEGER

EXACT = 1e-14  # float64: at most 64 products, each below 1, in another order
names = pytest.mark.parametrize("opcode", WORD_OPS, ids=lambda op: op.mnemonic)
pairs = pytest.mark.parametrize("opcode", BINARY, ids=lambda op: op.mnemonic)


def distributions(count, size, seed=0):
    """Positive rows that sum to 1, one of them one-hot and one with zeros."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.rand(count, size, generator=generator, dtype=torch.float64) + 0.01
    rows[0] = one_hot(torch.tensor(size - 1), size)
    rows[1, : size // 2] = 0
    return rows / rows.sum(-1, keepdim=True)


def by_enumeration(opcode, x_PX, y_PY, width, words):
    """The mass of all pairs, one by one."""
    z = torch.zeros(len(x_PX), words, dtype=torch.float64)
    for x, y in itertools.product(range(x_PX.shape[1]), range(y_PY.shape[1])):
        if opcode in onehot.DIVISIONS and y == 0:
            continue
        operands = (x,) if opcode in UNARY else (x, y)
        z[:, int(INTEGER[opcode](*operands, width))] += x_PX[:, x] * y_PY[:, y]
    return z


@names
@pytest.mark.parametrize("width", [1, 2, 3])
def test_a_circuit_pushes_two_distributions_through_the_op(opcode, width):
    words = 1 << width
    x, y = distributions(5, words), distributions(5, words, 1)
    got = onehot.CIRCUITS[opcode](x) if opcode in UNARY else onehot.CIRCUITS[opcode](x, y)
    assert got.shape == (5, words)
    assert (got - by_enumeration(opcode, x, y, width, words)).abs().max() < EXACT


@names
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_on_one_hot_vectors_a_circuit_is_the_op_to_the_bit(opcode, dtype):
    width, words = 4, 16
    grid = torch.cartesian_prod(torch.arange(words), torch.arange(words))
    x, y = (one_hot(grid[:, side], words).to(dtype) for side in (0, 1))
    got = onehot.CIRCUITS[opcode](x) if opcode in UNARY else onehot.CIRCUITS[opcode](x, y)
    operands = (grid[:, 0],) if opcode in UNARY else (grid[:, 0], grid[:, 1])
    expected = one_hot(INTEGER[opcode](*operands, width), words).to(dtype)
    if opcode in onehot.DIVISIONS:
        expected = expected * (grid[:, 1] != 0)[:, None]
    assert got.dtype == dtype and torch.equal(got, expected)


@pairs
def test_smaller_supports_give_the_same_as_full_ones(opcode):
    width, words = 4, 16
    x, y = distributions(4, 3), distributions(4, 6, 1)
    full = onehot.CIRCUITS[opcode](pad(x, (0, words - 3)), pad(y, (0, words - 6)))
    got = onehot.apply(opcode, x, y, width)
    assert got.shape[1] <= words
    assert (pad(got, (0, words - got.shape[1])) - full).abs().max() < EXACT
    swapped = onehot.apply(opcode, y, x, width)
    full = onehot.CIRCUITS[opcode](pad(y, (0, words - 6)), pad(x, (0, words - 3)))
    assert (pad(swapped, (0, words - swapped.shape[1])) - full).abs().max() < EXACT


def test_sums_have_no_more_support_than_they_need_and_wrap_where_they_must():
    x, y = distributions(3, 3), distributions(3, 2, 1)
    assert onehot.add(x, y, 4).shape == (3, 4)
    wrapped = onehot.add(distributions(3, 4), distributions(3, 4, 1), 2)
    assert wrapped.shape == (3, 4) and (wrapped.sum(1) - 1).abs().max() < EXACT


SIDES = [(op, False) for op in WORD_OPS] + [(op, True) for op in BINARY]


@pytest.mark.parametrize(("opcode", "swapped"), SIDES, ids=lambda value: getattr(value, "mnemonic", str(value)))
def test_a_known_operand_is_a_one_hot_one(opcode, swapped):
    width, words = 3, 8
    x, known = distributions(6, words), torch.tensor([0, 1, 3, 4, 7, 2])
    other = one_hot(known, words).double()
    got = onehot.push_constant(opcode, x, known, width, swapped)
    operands = (x,) if opcode in UNARY else (other, x) if swapped else (x, other)
    expected = onehot.CIRCUITS[opcode](*operands)
    assert (pad(got, (0, words - got.shape[1])) - expected).abs().max() < EXACT


@pytest.mark.parametrize("opcode", onehot.DIVISIONS, ids=lambda op: op.mnemonic)
def test_mass_on_a_divisor_of_0_traps_and_is_missing(opcode):
    x, y = distributions(5, 8), distributions(5, 8, 1)
    trapped = onehot.trapped(opcode, x, y)
    assert torch.equal(trapped, x.sum(1) * y[:, 0])
    assert (onehot.CIRCUITS[opcode](x, y).sum(1) + trapped - 1).abs().max() < EXACT
    assert onehot.push_constant(opcode, x, torch.zeros(5).long(), 3).sum() == 0


@pairs
def test_no_other_op_traps(opcode):
    x, y = distributions(5, 8), distributions(5, 8, 1)
    if opcode not in onehot.DIVISIONS:
        assert onehot.trapped(opcode, x, y).abs().max() == 0
        assert (onehot.CIRCUITS[opcode](x, y).sum(1) - 1).abs().max() < EXACT


def test_comparisons_of_distributions_never_leave_0_to_1():
    # Tails are added up from their own end: 1 - cumsum would go below 0 by rounding.
    x, y = distributions(200, 64, 2).float(), distributions(200, 64, 3).float()
    for opcode in onehot.COMPARISONS:
        assert onehot.compare(opcode, x, y).min() >= 0


@pytest.mark.parametrize("opcode", [Opcode.MULTIPLY, Opcode.DIVIDE])
def test_a_batch_pushed_in_parts_is_the_batch(opcode):
    x, y = distributions(7, 8), distributions(7, 8, 1)
    whole = onehot.push(opcode, x, y, 3)
    assert torch.equal(onehot.push(opcode, x, y, 3, chunk=130), whole)
    assert onehot.push(opcode, x[:0], y[:0], 3).shape == (0, whole.shape[1])


def test_operands_too_wide_for_a_table_are_refused_with_a_remedy():
    with pytest.raises(CapacityError, match="remedy"):
        onehot.apply(Opcode.MULTIPLY, torch.zeros(1, 1 << 13), torch.zeros(1, 1 << 13), 16)
