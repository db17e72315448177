"""The solver's algebra means what the integers' means; signed operators and other slips are noticed."""

import pytest
import z3

from ncl.language.word import Algebra
from ncl.verify.smt import algebra

OPERATIONS = [name for name in vars(Algebra) if not name.startswith("_") and name != "width"]


@pytest.mark.parametrize("width", [1, 8, 16, 32])
def test_every_operation_agrees_with_the_integers(width):
    found = {o.id: o.run() for o in algebra.obligations(width)}
    assert set(found) == {f"algebra/{name}" for name in OPERATIONS}
    assert {i: o.detail for i, o in found.items() if o.verdict != "tested"} == {}


SLIPS = {
    "less": lambda self, x, y: x < y,
    "divide": lambda self, x, y: x / y,
    "remainder": lambda self, x, y: x % y,
    "shift_right": lambda self, x, y: x >> y,
    "to_natural": lambda self, x: z3.SignExt(64 - self.width, x),
    "to_word": lambda self, x: z3.Extract(self.width, 1, x),
    "choose": lambda self, p, x, y: z3.If(p, y, x),
    "either": lambda self, p, q: z3.And(p, q),
    "minus": lambda self, x, y: y - x,
    "invert": lambda self, x: -x,
}


@pytest.mark.parametrize("name", sorted(SLIPS))
def test_a_planted_slip_is_refuted(name, monkeypatch):
    monkeypatch.setattr(algebra.Vectors, name, SLIPS[name])
    assert algebra.check_operation(name, 16).verdict == "refuted"


def test_less_on_naturals_is_unsigned_too(monkeypatch):
    signed_at_64 = lambda self, x, y: x < y if x.size() == 64 else z3.ULT(x, y)  # noqa: E731
    monkeypatch.setattr(algebra.Vectors, "equal", lambda self, x, y: z3.BoolVal(False) if x.size() == 64 else x == y)
    assert algebra.check_operation("equal", 16).verdict == "refuted"
    # Naturals stay below 2^62, so there a signed comparison is the same.
    monkeypatch.setattr(algebra.Vectors, "less", signed_at_64)
    assert algebra.check_operation("less", 16).verdict == "tested"


def test_an_operation_that_is_new_in_the_algebra_is_unknown():
    assert algebra.check_operation("square", 16).verdict == "unknown"
