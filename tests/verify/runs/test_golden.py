"""Hand-worked examples hold the spec, and a row misread is found by its example."""

from dataclasses import replace

import pytest

from ncl.language.opcodes import BINARY, Opcode, Trap
from ncl.language.ops import OPS, Effect
from ncl.language.word import Integers
from ncl.verify.runs import golden


@pytest.mark.parametrize("opcode", Opcode)
def test_every_row_does_what_was_worked_out_by_hand(opcode):
    outcome = golden.check(opcode)
    assert outcome.verdict == "tested" and outcome.limits["examples"] >= 1


@pytest.mark.parametrize("opcode", Opcode)
def test_a_row_that_did_nothing_would_be_refuted(opcode, monkeypatch):
    monkeypatch.setitem(OPS, opcode, replace(OPS[opcode], meaning=lambda s: Effect()))
    # BOUND within bounds does nothing but go on; its other examples trap.
    assert golden.check(opcode).verdict == "refuted"


@pytest.mark.parametrize("opcode", BINARY)
def test_the_meaning_of_any_other_row_or_swapped_operands_would_be_refuted(opcode, monkeypatch):
    right = OPS[opcode]
    wrong = [OPS[other].meaning for other in BINARY if other != opcode]
    if not _commutes(right):
        wrong.append(lambda s: Effect(register=right.word(s.algebra, s.register(s.c), s.register(s.b))))
    for meaning in wrong:
        monkeypatch.setitem(OPS, opcode, replace(right, meaning=meaning))
        assert golden.check(opcode).verdict == "refuted"


def _commutes(row):
    k = Integers(3)
    return all(row.word(k, x, y) == row.word(k, y, x) for x in range(8) for y in range(8))


def test_a_missing_trap_would_be_refuted(monkeypatch):
    for opcode in (Opcode.LOAD, Opcode.STORE, Opcode.BOUND, Opcode.ALLOCATE, Opcode.CALL, Opcode.RETURN, Opcode.TICK):
        right = OPS[opcode].meaning
        monkeypatch.setitem(
            OPS, opcode, replace(OPS[opcode], meaning=lambda s, right=right: right(s)._replace(traps=()))
        )
        try:
            verdict = golden.check(opcode).verdict
        except IndexError:  # without its trap the row runs off the machine
            continue
        assert verdict == "refuted", opcode


def test_another_trap_kind_would_be_refuted(monkeypatch):
    right = OPS[Opcode.LOAD].meaning
    wrong = lambda s: right(s)._replace(traps=tuple((c, Trap.MEMORY) for c, _ in right(s).traps))  # noqa: E731
    monkeypatch.setitem(OPS, Opcode.LOAD, replace(OPS[Opcode.LOAD], meaning=wrong))
    assert golden.check(Opcode.LOAD).verdict == "refuted"


def test_a_row_without_examples_is_vacuous(monkeypatch):
    monkeypatch.delitem(golden.CASES, Opcode.MOVE)
    assert golden.check(Opcode.MOVE).verdict == "vacuous"
