"""Obligations are data, and outcomes cannot lie about their form."""

import pickle

import planted_checkers as planted
import pytest

from ncl.language.opcodes import Opcode
from ncl.language.program import Sizes
from ncl.verify.engine.obligation import GREEN, VERDICTS, Obligation, Outcome


def test_only_proved_bounded_and_tested_are_green():
    assert {v for v in VERDICTS if Outcome(v, "m", bound="1").green} == {"proved", "proved-bounded", "tested"} == GREEN


def test_a_verdict_outside_the_list_is_refused():
    with pytest.raises(ValueError, match="no verdict 'ok'"):
        Outcome("ok", "m")  # type: ignore[arg-type]


@pytest.mark.parametrize("verdict", ["tested", "proved-bounded"])
def test_a_bounded_verdict_without_its_bound_is_refused(verdict):
    with pytest.raises(ValueError, match="must say its bound"):
        Outcome(verdict, "m")


def test_an_obligation_survives_pickling_and_runs_by_path():
    obligation = pickle.loads(pickle.dumps(planted.make("a/b", "give", "proved")))
    outcome = obligation.run()
    assert outcome.verdict == "proved" and outcome.seconds > 0


def test_a_checker_that_returns_a_truth_value_is_not_believed():
    with pytest.raises(TypeError, match="gave bool, not an Outcome"):
        planted.make("a/b", "say_true").run()


def test_the_digest_sees_every_part_of_what_is_asked():
    base = Obligation("a/b", "s", "a", "m:f", (1, "x", Sizes()))
    others = [
        Obligation("a/c", "s", "a", "m:f", (1, "x", Sizes())),
        Obligation("a/b", "s", "a", "m:g", (1, "x", Sizes())),
        Obligation("a/b", "s", "a", "m:f", (2, "x", Sizes())),
        Obligation("a/b", "s", "a", "m:f", ("1", "x", Sizes())),
        Obligation("a/b", "s", "a", "m:f", (1, "x", Sizes(width=8, memory=256))),
        Obligation("a/b", "s", "a", "m:f", (1, ("x", Sizes()))),
        Obligation("a/b", "s", "a", "m:f", (True, "x", Sizes())),
        Obligation("a/b", "s", "a", "m:f", (Opcode.TRAP, "x", Sizes())),
    ]
    digests = {o.digest() for o in [base, *others]}
    assert len(digests) == len(others) + 1


def test_arguments_without_a_canonical_encoding_are_refused():
    with pytest.raises(TypeError, match="no canonical encoding"):
        Obligation("a/b", "s", "a", "m:f", (object(),)).digest()
