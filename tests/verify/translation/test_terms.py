"""The folding algebra says what the plain one says, for all operands; names cannot collide."""

import pytest
import z3

from ncl.language.opcodes import WORD_OPS
from ncl.language.ops import OPS
from ncl.verify.smt.algebra import Vectors
from ncl.verify.translation.terms import Terms, machine_word, satisfiable, shared_word, source_word

W = 3
TERMS, PLAIN = Terms(W), Vectors(W)
X, Y, C = z3.BitVec("x", W), z3.BitVec("y", W), z3.Bool("c")
TRUTH = z3.If(C, z3.BitVecVal(1, W), z3.BitVecVal(0, W))
ZERO, ONE = z3.BitVecVal(0, W), z3.BitVecVal(1, W)
OPERANDS = (
    X, Y, TRUTH, X - Y, X + X, z3.If(C, X - Y, ZERO), z3.If(C, X, Y), z3.If(C, ZERO, X), z3.If(C, ZERO, ONE),
    *(TERMS.word(n) for n in (0, 1, 2, 5, 7)),
)  # fmt: skip
CHOSEN = (*OPERANDS[:4], X - Y, Y - X, *OPERANDS[6:8])


def holds(condition):
    return satisfiable([z3.Not(condition)]).said == "unsat"


@pytest.mark.parametrize("opcode", WORD_OPS, ids=lambda o: o.mnemonic)
def test_folding_changes_no_op(opcode):
    meaning, divides = OPS[opcode].word, OPS[opcode].traps_on_zero
    arity = len(OPS[opcode].operands) - 1
    seconds = (Y, TRUTH, *OPERANDS[-5:]) if divides else OPERANDS
    pairs = [(x, y) for x in OPERANDS for y in seconds] if arity == 2 else [(x,) for x in OPERANDS]
    equal = [
        z3.Or(operands[-1] == 0, z3.BoolVal(False)) if divides else z3.BoolVal(False) for operands in pairs
    ]  # unspecified at 0, where the spec traps
    claims = [z3.Or(free, meaning(TERMS, *o) == meaning(PLAIN, *o)) for free, o in zip(equal, pairs, strict=True)]
    assert holds(z3.And(*claims))


@pytest.mark.parametrize("operation", ["choose", "either", "negate", "equal", "less", "plus", "to_natural", "to_word"])
def test_folding_changes_no_condition_and_no_natural(operation):
    conditions = [C, z3.Not(C), z3.BoolVal(True), z3.BoolVal(False), X == Y, z3.ULT(X, Y), z3.ULT(Y, X)]
    naturals = [TERMS.natural(n) for n in (0, 1, 9)] + [z3.BitVec("n", 64), PLAIN.to_natural(X)]
    cases = {
        "choose": [(p, x, y) for p in conditions for x in CHOSEN for y in CHOSEN],
        "either": [(p, q) for p in conditions for q in conditions],
        "negate": [(p,) for p in conditions],
        "equal": [(x, y) for x in naturals for y in naturals] + [(x, y) for x in OPERANDS for y in OPERANDS],
        "less": [(x, y) for x in naturals for y in naturals],
        "plus": [(x, y) for x in naturals for y in naturals],
        "to_natural": [(x,) for x in OPERANDS],
        "to_word": [(n,) for n in naturals],
    }[operation]
    assert holds(z3.And(*(getattr(TERMS, operation)(*o) == getattr(PLAIN, operation)(*o) for o in cases)))


def test_a_truth_value_counts_as_true_where_its_condition_holds():
    assert TERMS.nonzero(TRUTH).eq(C) and holds(TERMS.nonzero(X) == (X != 0))


def test_products_keep_their_meaning_for_the_solver_when_it_is_needed():
    assert holds(TERMS.multiply(X, TERMS.word(2)) == TERMS.add(X, X))
    assert satisfiable([TERMS.multiply(X, Y) != TERMS.multiply(Y, X)]).said == "unsat"
    found = satisfiable([TERMS.multiply(X, X) == 4, X != 2])
    assert found.said == "sat" and found.model[X].as_long() ** 2 % 8 == 4


def test_no_name_of_one_side_is_a_name_of_another():
    for name in ("r3", "f0", "memory", "ticks", "budget"):
        symbols = [source_word(name, W), machine_word(name, W), shared_word(name, W)]
        assert len({str(symbol) for symbol in symbols}) == 3
