"""The integer model of the algebra: the laws of arithmetic modulo N, exhaustively at small widths."""

from itertools import product

import pytest

from ncl.language.opcodes import WORD_OPS
from ncl.language.ops import OPS
from ncl.language.word import Integers

WIDTHS = (1, 2, 3, 4)


@pytest.mark.parametrize("width", WIDTHS)
def test_arithmetic_is_that_of_whole_numbers_modulo_n(width):
    k, size = Integers(width), 1 << width
    for x, y in product(range(size), repeat=2):
        assert k.add(x, y) == (x + y) % size
        assert k.add(k.subtract(x, y), y) == x
        assert k.multiply(x, y) == (x * y) % size
        if y:
            assert k.add(k.multiply(k.divide(x, y), y), k.remainder(x, y)) == x
            assert k.remainder(x, y) < y


@pytest.mark.parametrize("width", WIDTHS)
def test_bit_operations_work_bit_by_bit(width):
    k, size = Integers(width), 1 << width
    for x, y in product(range(size), repeat=2):
        for place in range(width):
            one, other = x >> place & 1, y >> place & 1
            assert k.conjoin(x, y) >> place & 1 == min(one, other)
            assert k.disjoin(x, y) >> place & 1 == max(one, other)
            assert k.differ(x, y) >> place & 1 == (one != other)
            assert k.invert(x) >> place & 1 == 1 - one


@pytest.mark.parametrize("width", WIDTHS)
def test_a_shift_doubles_or_halves_each_time_and_empties_the_word(width):
    k, size = Integers(width), 1 << width
    for x in range(size):
        left = right = x
        for y in range(size):
            assert (k.shift_left(x, y), k.shift_right(x, y)) == (left, right)
            left, right = left * 2 % size, right // 2
    assert Integers(32).shift_left(1, 1 << 31) == 0  # at once, without making a number of 2^31 bits


@pytest.mark.parametrize("width", WIDTHS)
def test_comparisons_are_unsigned(width):
    k = Integers(width)
    for x, y in product(range(1 << width), repeat=2):
        assert (k.less(x, y), k.equal(x, y)) == (x < y, x == y)
        assert k.choose(k.less(x, y), x, y) == min(x, y)
        assert k.either(k.less(x, y), k.less(y, x)) is k.negate(k.equal(x, y))


@pytest.mark.parametrize("opcode", WORD_OPS)
@pytest.mark.parametrize("width", [1, 3])
def test_every_op_gives_a_word_for_any_words(opcode, width):
    k, row = Integers(width), OPS[opcode]
    for words in product(range(1 << width), repeat=len(row.operands) - 1):
        assert 0 <= row.word(k, *words) < 1 << width


def test_naturals_do_not_wrap_until_they_are_made_words():
    k = Integers(4)
    assert (k.natural(20), k.plus(15, 1), k.minus(20, 4), k.to_natural(15)) == (20, 16, 16, 15)
    assert (k.to_word(20), k.word(20), k.word(-1)) == (4, 4, 15)
