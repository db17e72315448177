"""No contract that runs break is proved: 2000 random programs here, and the fuzzer itself is seen to find holes."""

import json
from dataclasses import replace

import pytest

from ncl.language.parse import parse_text
from ncl.verify.contracts import fuzz, fuzz_campaign
from ncl.verify.contracts.fuzz import POOL, PROGRAMS, Suspect, Tally, batch
from ncl.verify.contracts.fuzz_campaign import CI, check, holes, part, report, until
from ncl.verify.contracts.fuzz_holes import breaks, seen_again
from ncl.verify.contracts.proof import Proof, prove_function
from ncl.verify.engine import counterexample
from ncl.verify.mutation import fuzzer_faults, laboratory

PARTS = 10
FALSE = """from ncl import Array, Word, decreases, ensures, invariant, old, permutation, program, requires, result


def bump(xs: Array) -> Word:
    requires(len(xs) == 1)
    ensures(len(xs) == 1)
    xs[0] += 1
    return xs[0]


@program
def f(xs: Array, k: Word) -> Word:
    requires(len(xs) == 1)
    requires(xs[0] < ~1)
    ensures(xs[0] == old(xs)[0])
    ensures(len(xs) == 1)
    v = k
    if k > 1:
        v = bump(xs)
    return v
"""


@pytest.mark.parametrize("number", range(PARTS))
def test_no_contract_of_two_thousand_programs_that_runs_break_is_proved(number):
    tally = part(number, PARTS)
    assert [str(hole) for hole in holes(tally.suspects)[0]] == [] and tally.suspects == []
    asked, batches = tally.contracts, sum(CI.values()) // PARTS
    # It asks of both sorts, and what is true is mostly proved: else that nothing false is proved would say little.
    assert tally.programs >= 2000 // PARTS and asked >= 200 * batches
    assert tally.questions["true, proved"] > asked // 4 and tally.questions["false, not proved"] > asked // 5
    assert tally.kinds["wrong decreases"].total() and tally.kinds["wrong invariant"].total()


def test_ci_has_two_thousand_programs():
    assert sum(CI.values()) * (POOL + PROGRAMS) >= 2100 and sum(CI.values()) % PARTS == 0


@pytest.mark.parametrize("fault", fuzzer_faults.FAULTS, ids=lambda fault: fault.id)
def test_a_hole_planted_back_is_found_by_random_contracts(fault):
    examination = laboratory.examine(fault)
    assert (examination.fate, examination.verdict) == ("killed", "refuted"), examination


def test_the_holes_are_found_within_what_ci_asks():
    assert all(last <= CI[mix] for mix, _, last in (fault.arguments for fault in fuzzer_faults.FAULTS))


def test_the_same_batch_asks_the_same():
    one, two = (batch(3, 1, "straight", 3) for _ in range(2))
    assert (one.questions, one.kinds) == (two.questions, two.kinds) and one.programs == two.programs


# --- telling of a hole -----------------------------------------------------------------------------------------------


@pytest.fixture()
def credulous(monkeypatch):
    """A prover that believes everything."""
    monkeypatch.setattr("ncl.verify.contracts.fuzz_holes.prove_function", lambda function: Proof(1, (), ()))
    monkeypatch.setattr("ncl.verify.contracts.fuzz_holes._complete", lambda one, function: True)
    monkeypatch.setattr("ncl.verify.contracts.fuzz_clauses.Walk.proves", lambda walk, goal: True)


def suspect(text=FALSE):
    return Suspect(text, "f", "ensures", "xs[0] == old(xs)[0]", 0, 7)


def test_a_hole_is_told_as_a_small_program_that_replays(credulous, tmp_path):
    hole = seen_again(suspect())
    assert "v = bump(xs)" in hole.text and "if k" not in hole.text and "v = k" not in hole.text
    assert hole.text.count("ensures(") == 2 and "ensures(xs[0] == old(xs)[0])" in hole.text
    assert str(hole).startswith("proved, but f(") and "at width 2: ensures(xs[0] == old(xs)[0])" in str(hole)
    place = counterexample.write(hole.case(), tmp_path, "contract-fuzz")
    assert counterexample.replay(place).reproduced and json.loads(json.dumps(hole.to_json()))["batch"] == 7


def test_what_the_prover_does_not_prove_on_the_text_is_no_hole():
    assert seen_again(suspect()) is None
    found, lost = holes([suspect()])
    assert found == [] and lost == [suspect()]


def test_a_prover_that_believes_everything_is_refuted_in_the_first_batch(credulous):
    outcome = check("straight", 0, 1)
    assert outcome.verdict == "refuted" and outcome.counterexample["kind"] == "contract"


def test_a_prover_that_proves_nothing_makes_the_fuzzer_vacuous(monkeypatch):
    monkeypatch.setattr("ncl.verify.contracts.fuzz_clauses.Walk.proves", lambda walk, goal: False)
    assert check("straight", 0, 1).verdict == "vacuous"


def test_a_suspect_that_is_not_seen_again_is_unknown_and_not_green(monkeypatch):
    tally = Tally(suspects=[suspect()])
    monkeypatch.setattr(fuzz_campaign, "batch", lambda *arguments: tally)
    assert check("straight", 0, 1).verdict == "unknown"


def test_a_true_contract_has_no_input_that_breaks_it():
    text = FALSE.replace("xs[0] == old(xs)[0]", "xs[0] >= old(xs)[0]")
    function = parse_text(text, "generated.py", "f")[0]
    assert breaks(function) is None and breaks(parse_text(FALSE, "generated.py", "f")[0])


# --- the prover asked quickly is the prover --------------------------------------------------------------------------


def test_what_is_proved_in_few_steps_is_proved_by_the_prover(monkeypatch):
    """Each contract that the fuzzer counts as proved, put together alone, is proved by `prove_function` too."""
    seen = []
    singles = fuzz._single_clauses

    def keep(base, walk, trial):
        found = singles(base, walk, trial)
        seen.extend(replace(base, ensures=(text,)) for text in found[:2] if not base.recursive)
        return found

    monkeypatch.setattr(fuzz, "_single_clauses", keep)
    batch(0, 1, "straight", 6)
    batch(0, 1, "head", 2)
    assert len(seen) > 8
    for written in seen:
        proof = prove_function(parse_text(written.text, "generated.py", written.name)[0])
        assert proof.complete, (written.text, proof.description)


def test_a_campaign_counts_until_there_are_enough_and_reports():
    told = []
    tally = until(50, seed=1, mix="cheap", jobs=1, progress=lambda so_far: told.append(so_far.contracts), stride=1)
    assert tally.contracts >= 50 and told[-1] == tally.contracts
    document = report(tally, [], [])
    assert document["contracts"] == sum(document["questions"].values()) and document["false_proved"] == 0
    assert {"quantifier", "sum", "calls"} <= set(document["kinds"]) and json.dumps(document)


@pytest.mark.nightly
def test_nothing_false_is_proved_at_random():
    tally = until(20_000, seed=11, mix="mixed", jobs=2)
    assert tally.suspects == []
