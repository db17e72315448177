"""The fault laboratory: each planted fault is refuted by its checker, and the laboratory itself cannot be fooled.

A quick part of the table runs here in full form (a copy, an edit, a process of its own); all of it runs nightly.
"""

import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from ncl.compiler.compile import PASSES
from ncl.sources import files_of, homes
from ncl.verify.mutation import catalogue, laboratory, machine_code_faults
from ncl.verify.mutation.laboratory import Broken, Edit, Fault, Findings

STRATA = {
    "ops", "language", "kernel", "program-memory", "compiler", "step", "numeric", "temperature", "soft", "certificate",
    "verifier",
}  # fmt: skip
SOURCES = {name: file for home, place in homes().items() for name, file in files_of(home, place, homes())}
ALL = (*catalogue.FAULTS, *catalogue.RIGHT, *(e.fault for e in catalogue.EQUIVALENT))
QUICK = (
    "the spec's call returns to itself",
    "the spec keeps the heap on the wrong flag",
    "the parser reads at most as below",
    "the high half of a product is put too low",
    "one-hot subtraction turns 0 round too",
    "every chunk takes the first rows",
    "the loop keeps the heap on the wrong flag",
    "an operand changed after certifying",
    "an opcode that is none",
    "a load from another place than compiled",
    "ast_to_blocks makes while loops without a tick",
    "ast_to_blocks assigns one after the other",
    "blocks_to_registers clobbers a live register",
    "blocks_to_registers fetches from the slot beside",
    "a variable named like a register",
    "registers_to_program jumps back behind the tick",
    "halted samples go on",
    "sums that start from NaN",
    "an Inf among the weights",
    "straight-through lets no gradient through",
    "dense forgets to sharpen",
    "equality has no gradient to its left",
    "the seal is not compared",
    "digests skip the files in subfolders",
    "the solver compares words with their signs",
    "the prover of contracts believes what fails on long arrays",
)
QUICK_BROKEN = (
    "enumeration stops at one bit",
    "a lost counterexample is unknown, and unknown is green",
    "golden examples are skipped",
    "a program is compared with itself",
    "whatever happens counts as refused",
    "soft operands are not tried",
    "only short arrays are tried",
    "no row is tried",
    "9: names of both sides are one",
)
QUICK_RIGHT = ("a difference cut without N", "copies added from the last to the first", "a gradient by another formula")


@pytest.fixture(scope="module", autouse=True)
def warm():
    laboratory.warm_up()


def named(rows, name):
    (row,) = [r for r in rows if r.id == name]
    return row


# --- the table -------------------------------------------------------------------------------------------------------


def test_the_table_has_every_stratum_and_its_controls():
    assert {f.stratum for f in catalogue.FAULTS} == STRATA
    assert len(catalogue.FAULTS) >= 85 and len(catalogue.BROKEN) >= 12 and len(catalogue.RIGHT) >= 10
    assert {f.stratum for f in catalogue.FAULTS if f.id in QUICK} == STRATA
    ids = [f.id for f in (*ALL, *catalogue.BROKEN)]
    assert len(set(ids)) == len(ids)


def test_every_pass_of_the_compiler_has_faults():
    passes = ("ast_to_blocks", "blocks_to_registers", "registers_to_program")
    there = [f.id.split()[0] for f in catalogue.FAULTS if f.stratum == "compiler"]
    assert all(there.count(name) >= 3 for name in passes) and set(there) == {*passes, *PASSES}


def test_thirty_mutants_of_the_compiler_are_refuted_by_an_input_that_replays():
    mutants = [f for f in catalogue.FAULTS if f.stratum == "compiler" and not f.expected_error]
    assert len(mutants) >= 30 and {f.checker for f in mutants} <= {
        "ncl.verify.mutation.checkers:source",
        "ncl.verify.mutation.checkers:runs",
    }


def test_every_wrong_code_has_a_broken_validator_that_proves_it():
    codes = [f for f in catalogue.FAULTS if f.checker == "ncl.verify.mutation.checkers:code"]
    assert {f.arguments[0] for f in codes} == set(machine_code_faults.CASES) and len(codes) >= 15
    assert {f.id for f in codes} <= {b.fault for b in catalogue.BROKEN}


def test_every_edit_fits_exactly_once():
    edits = [e for f in ALL for e in f.edits] + [e for b in catalogue.BROKEN for e in b.edits]
    misfits = [e for e in edits if SOURCES[e.file].read_text(encoding="utf-8").count(e.old) != 1]
    assert misfits == [] and all(e.old != e.new for e in edits)


def test_every_checker_is_there_and_every_broken_one_names_its_fault():
    for fault in ALL:
        module, _, name = fault.checker.partition(":")
        assert callable(getattr(import_module(module), name))
    assert {b.fault for b in catalogue.BROKEN} <= {f.id for f in catalogue.FAULTS}


def test_every_equivalent_edit_says_why():
    assert all(len(e.because) > 20 for e in catalogue.EQUIVALENT)


# --- examining -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_fault_is_refuted_by_the_checker_named_for_it(name):
    examination = laboratory.examine(named(catalogue.FAULTS, name))
    assert (examination.fate, examination.verdict) == ("killed", "refuted"), examination


@pytest.mark.parametrize("name", QUICK_BROKEN)
def test_a_broken_checker_lets_its_fault_survive_and_so_is_noticed(name):
    broken = named(catalogue.BROKEN, name)
    assert laboratory.examine(named(catalogue.FAULTS, broken.fault), broken.edits).fate == "survived"


@pytest.mark.parametrize("name", QUICK_RIGHT)
def test_a_harmless_edit_is_accepted(name):
    assert laboratory.examine(named(catalogue.RIGHT, name)).fate == "survived"


def test_an_equivalent_edit_is_proved_to_be_one():
    examination = laboratory.examine(catalogue.EQUIVALENT[0].fault)
    assert (examination.fate, examination.verdict) == ("survived", "proved-bounded")


@pytest.mark.nightly
def test_the_whole_table_is_sound():
    found = laboratory.laboratory(catalogue.FAULTS, catalogue.BROKEN, catalogue.RIGHT, catalogue.EQUIVALENT)
    bad = [a for _, a in (*found.right, *found.equivalent, *found.broken) if a.fate != "survived"]
    assert found.survivors == () and bad == [] and found.sound


# --- the laboratory itself -------------------------------------------------------------------------------------------

GOLDEN = "ncl/verify/runs/golden.py"
HEAD = "def check(number: int) -> Outcome:\n"


def golden(*edits, checker="ncl.verify.runs.golden:check", expected=""):
    return Fault("trial", "ops", tuple(edits), checker, (16,), expected)


@pytest.mark.parametrize("old", ["no such text anywhere", "import "])
def test_an_edit_that_does_not_fit_exactly_once_is_refused(old, tmp_path):
    with pytest.raises(ValueError, match="times, expected once"):
        laboratory.plant([Edit(GOLDEN, old, "x")], tmp_path)


def test_an_edit_changes_the_copy_in_that_place_only(tmp_path):
    edit = catalogue.FAULTS[0].edits[0]
    laboratory.plant([edit], tmp_path)
    for name, file in SOURCES.items():
        original = file.read_bytes().decode()
        if name == edit.file:
            original = original.replace(edit.old, edit.new)
        assert (tmp_path / name).read_bytes().decode() == original
    assert not list(Path(tmp_path).rglob("__pycache__"))


def test_a_checker_that_dies_or_raises_or_is_not_there_kills_nothing():
    dies = golden(Edit(GOLDEN, HEAD, HEAD + "    import os\n    os._exit(0)\n"))
    raises = golden(Edit(GOLDEN, HEAD, HEAD + "    raise ValueError\n"))
    lacking = golden(checker="ncl.verify.runs.golden:nothing")
    broken_syntax = golden(Edit(GOLDEN, HEAD, HEAD + "    (\n"))
    for fault in (dies, raises, lacking, broken_syntax):
        assert laboratory.examine(fault).fate == "undecided"


def test_a_checker_that_does_not_end_in_time_kills_nothing():
    slow = golden(Edit(GOLDEN, HEAD, HEAD + "    import time\n    time.sleep(60)\n"))
    examination = laboratory.examine(slow, budget=0.5)
    assert examination.fate == "undecided" and "no answer" in examination.detail


@pytest.mark.parametrize("expected, fate", [("ValueError", "killed"), ("KeyError", "undecided"), ("", "undecided")])
def test_an_exception_kills_only_when_it_is_the_one_that_refuses(expected, fate):
    raises = Edit(GOLDEN, HEAD, HEAD + "    raise ValueError\n")
    assert laboratory.examine(golden(raises, expected=expected)).fate == fate


@pytest.mark.parametrize("verdict, fate", [("unknown", "undecided"), ("vacuous", "undecided"), ("refuted", "killed")])
def test_only_refuted_is_a_kill(verdict, fate):
    says = Edit(GOLDEN, HEAD, HEAD + f"    return Outcome({verdict!r}, 'said')\n")
    assert laboratory.examine(golden(says)).fate == fate


def test_a_checker_outside_the_copy_is_not_asked():
    examination = laboratory.examine(golden(checker="json:loads"))
    assert examination.fate == "undecided" and "not in the copy" in examination.detail


def test_findings_are_sound_only_when_all_is_as_it_should_be():
    fault, right = (
        named(catalogue.FAULTS, "ints shift bits past the top"),
        named(catalogue.RIGHT, "at most as below or equal"),
    )
    skipped = Broken("skipped", named(catalogue.BROKEN, "golden examples are skipped").edits, fault.id)
    told = []
    found = laboratory.laboratory([fault], [skipped], [right], jobs=2, progress=told.append)
    assert found.sound and {a.id for a in told} == {fault.id, "skipped", right.id}
    document = found.to_json()
    assert (document["mutants"], document["killed"], document["equivalent"]) == (1, 1, 0)
    assert document["by_stratum"] == {"ops": 1} and document["by_checker"] == {"ncl.verify.runs.golden:check": 1}
    assert document["broken_checkers"] == {"total": 1, "red": 1} and document["known_right"] == {
        "total": 1,
        "accepted": 1,
    }
    (_, examination), (_, accepted), (_, noticed) = found.faults[0], found.right[0], found.broken[0]
    assert not Findings(((fault, accepted),)).sound
    assert not Findings(((fault, examination),), right=((right, examination),)).sound
    assert not Findings(((fault, examination),), broken=((skipped, replace(noticed, fate="killed")),)).sound


def test_a_broken_checker_whose_fault_is_not_examined_is_an_error():
    with pytest.raises(KeyError):
        laboratory.laboratory([], catalogue.BROKEN[:1])


def test_nothing_compiled_is_kept_on_disk_where_it_could_hide_a_fault():
    for source in SOURCES.values():
        if source.suffix == ".py":
            assert not re.search(r"\bcache=True", source.read_text(encoding="utf-8")), source  # not a model's use_cache
