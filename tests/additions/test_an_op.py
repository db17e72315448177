"""An op is added in two files, its row and its circuit; the house makes the rest, and names a half that is missing."""

from pathlib import Path

import pytest
from additions import CIRCUIT, CIRCUITS, ENTRY, EXAMPLES, OPS, POPCOUNT, REDUCE, ROW

HALVES = str(Path(__file__).with_name("halves.py"))
NUMBERING = ("-m", "ncl.language.numbering")

PROGRAM = """\
from ncl import Array, Word, popcount, program


@program
def bits(xs: Array) -> Word:
    total = 0
    for i in range(len(xs)):
        total += popcount(xs[i])
    return total


@program
def parity(x: Word) -> Word:
    return popcount(x) & 1
"""

RUNS = """
import ncl, ncl.properties.agreement
from ncl.build import EXECUTORS
from ncl.language.opcodes import Opcode

batch = [[[]], [[7, 8, 255]], [[1, 2, 4, 96]]]
compiled = ncl.compile("bits.py:bits", width=8, memory=4, registers=8)
assert any(line.opcode == Opcode["POPCOUNT"] for line in compiled.program.code)
for executor in EXECUTORS:
    assert [r.result for r in compiled.run(batch, executor=executor)] == [0, 12, 5], executor
assert ncl.popcount(11) == 3 and "popcount" in ncl.__all__
"""

CHECKS = """
from ncl.verify.ops import exhaustive
from ncl.verify.runs import golden
from ncl.language.opcodes import Opcode

found = [golden.check(Opcode["POPCOUNT"])]
found += [exhaustive.check_integer("popcount", 16), exhaustive.check_kernel("popcount")]
assert [outcome.verdict for outcome in found] == ["tested", "proved-bounded", "proved-bounded"], found
print("checked")
"""

SOFT_CHECKS = """
from ncl.verify.ops import exhaustive, pushforward

found = [exhaustive.check_onehot("popcount"), pushforward.check_pathwise("popcount", 16)]
assert all(outcome.verdict == "proved-bounded" for outcome in found), found
print("checked")
"""


VERIFY = """
import sys
from ncl.cli.main import run_main

if __name__ == "__main__":
    sys.exit(run_main(["verify", "bits.py", "--width", "8"]))
"""


@pytest.fixture
def with_popcount(copy_with):
    copy = copy_with(*POPCOUNT)
    copy.run(*NUMBERING)
    copy.write("bits.py", PROGRAM)
    return copy


def test_an_op_of_two_files_runs_in_every_executor_and_passes_its_checks(with_popcount):
    assert len({file for file, _, _ in POPCOUNT}) == 2
    with_popcount.run(HALVES)
    with_popcount.run("-c", RUNS + CHECKS)


def test_the_page_about_the_machine_has_the_op(with_popcount):
    page = with_popcount.run("-m", "ncl.language.reference")
    assert "### popcount\n\n`popcount a, b` · opcode 32\n" in page


@pytest.mark.nightly
def test_a_program_that_calls_the_op_is_verified(with_popcount):
    said = with_popcount.run("-c", VERIFY)
    assert "proved" in said and "refuted" not in said and "unknown" not in said
    with_popcount.run("-c", SOFT_CHECKS)


@pytest.mark.parametrize(
    ("edits", "sentence"),
    [
        ((REDUCE, ROW), "popcount: no circuit"),
        ((CIRCUIT, ENTRY), "popcount: no row"),
        ((REDUCE, (*ROW[:2], ROW[2].replace(EXAMPLES, "")), CIRCUIT, ENTRY), "popcount: no hand-worked examples"),
    ],
    ids=["no circuit", "no row", "no examples"],
)
def test_a_missing_half_is_named_in_a_sentence(copy_with, edits, sentence):
    copy = copy_with(*edits)
    copy.run(*NUMBERING)
    assert copy.run(HALVES, code=1).splitlines() == [sentence]


def test_a_row_without_its_opcode_says_what_to_run(copy_with):
    copy = copy_with(REDUCE, ROW)
    assert copy.run(HALVES, code=1).splitlines() == ["popcount: no opcode (run python -m ncl.language.numbering)"]


def test_the_compiled_loop_of_an_op_without_a_circuit_says_so(copy_with):
    copy = copy_with(REDUCE, ROW)
    copy.run(*NUMBERING)
    said = copy.run("-c", "import ncl.machine.kernel", code=1)
    assert f"popcount: no circuit\n  remedy: write it in {CIRCUITS}" in said and "KeyError" not in said


@pytest.mark.parametrize(("old", "new"), [('32, "popcount"', '31, "popcount"'), ('32, "popcount"', '33, "popcount"')])
def test_a_number_that_is_taken_or_leaves_a_gap_is_refused(copy_with, old, new):
    copy = copy_with(REDUCE, (OPS, ROW[1], ROW[2].replace(old, new)))
    assert "numbers must be 0 … 32, each once" in copy.run(*NUMBERING, code=1)
