"""The one-minute tour: one small program, from its source text to an artefact on disk.

Read it from top to bottom. Nothing here needs a network, a GPU or a model.
"""

import shutil

import pytest
import torch

import ncl
from ncl.build import EXECUTORS, Artefact, build_library
from ncl.errors import LanguageError
from ncl.language.opcodes import Trap
from ncl.language.text import assemble, disassemble
from ncl.language.trace import first_divergence

# A program is a function in a file of yours. It is read, never executed.
SOURCE = '''
from ncl import Array, Word, program


@program
def largest(xs: Array) -> Word:
    """The largest element, 0 for an empty list."""
    best = 0
    for i in range(len(xs)):
        if xs[i] > best:
            best = xs[i]
    return best
'''


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("tour") / "mine.py"
    path.write_text(SOURCE, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def compiled(file):
    # Words of four bits are 0 … 15; eight cells of memory hold the array.
    return ncl.compile(f"{file}:largest", width=4, registers=8, memory=8)


def test_the_program_runs_alike_on_every_executor(compiled):
    for executor in EXECUTORS:  # the source, its machine code, and four ways for torch and numba to run that
        first, second = compiled.run([[[3, 14, 5]], [[]]], executor=executor)
        assert (first.result, first.ticks) == (14, 4)  # one tick for each arrival at the loop's head
        assert (second.result, second.ticks) == (0, 1)


def test_a_run_that_goes_wrong_says_how_and_where(compiled):
    (result,) = compiled.run([[[3, 14, 5]]], budget=2)
    assert result.trap.kind is Trap.BUDGET and result.trap.position.line == 9


def test_what_is_outside_the_language_is_refused_with_a_remedy(file):
    wrong = file.with_name("wrong.py")
    wrong.write_text(SOURCE.replace("range(len(xs))", "xs"), encoding="utf-8")
    with pytest.raises(LanguageError, match=r"wrong\.py:9:14: a for loop runs over range") as caught:
        ncl.compile(str(wrong))
    assert caught.value.first.remedy == "write for i in range(len(xs)), and xs[i] for the element"


def test_machine_code_is_text_that_reads_back(compiled):
    text = disassemble(compiled.program)
    assert "load r" in text and "; 10:12" in text  # every line knows its place in the source
    assert assemble(text) == compiled.program


def test_every_state_of_a_run_can_be_seen_and_compared(compiled):
    reference = compiled.trace([[3, 5]])
    assert reference[0].memory[:2] == (3, 5) and reference[-1].registers[0] == 5
    assert first_divergence(reference, compiled.trace([[3, 5]], executor="integer")) is None
    assert first_divergence(reference, compiled.trace([[3, 5]], executor="dense")) is None


def test_the_program_is_shown_to_be_its_source(compiled):
    # Only this program's own obligations; `machine=True` adds those of the machine, which every program shares.
    proof = ncl.prove(compiled, machine=False, jobs=1, use_cache=False).check()
    assert proof.ok and "source" in {finding.obligation.kind for finding in proof.findings}


def test_the_program_is_a_layer_of_any_network(compiled):
    layer = compiled.module(executor="pathwise")
    logits = torch.zeros(1, 3, 16)
    logits[0, [0, 1, 2], [3, 14, 5]] = 4.0
    logits.requires_grad_()
    answer, _ = layer(logits.softmax(-1), torch.tensor([3]), [])
    assert answer.argmax(-1).flatten()[0] == 14
    answer.flatten()[14].backward()
    assert logits.grad[0, 1].abs().sum() > 0  # the answer came from the second element


def test_programs_are_saved_whole_and_load_checked(file, tmp_path):
    artefact = build_library([str(file), "reverse"], width=4)
    folder = artefact.save(tmp_path / "artefact")
    assert Artefact.load(folder).programs == artefact.programs
    assert sorted(p.name for p in folder.iterdir()) == ["programs", "weights.safetensors", "witness"]
    shutil.rmtree(folder)
