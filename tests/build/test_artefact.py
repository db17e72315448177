"""Artefacts: saved whole or not at all, loaded only when every part is what it should be."""

import json
import os
from pathlib import Path

import mine
import pytest
import torch

import ncl
from ncl import atomic, library
from ncl.build import Artefact, build_library
from ncl.certificate import FILE_NAME
from ncl.errors import FormatError, IllFormedProgramError, InputError, NotFoundError


@pytest.fixture
def artefact():
    return build_library(["reverse", "count", mine.largest], width=8, memory=64)


@pytest.fixture
def folder(artefact, tmp_path):
    return artefact.save(tmp_path / "artefact")


def edit(path, change):
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")


def listing(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_an_artefact_holds_programs_and_witnesses_under_their_names(artefact, folder):
    assert set(listing(folder)) == {
        "programs/count.json", "programs/largest.json", "programs/reverse.json",
        "witness/count.json", "witness/largest.json", "witness/reverse.json", "weights.safetensors",
    }  # fmt: skip
    loaded = Artefact.load(folder)
    assert (loaded.programs, loaded.witnesses, loaded.weights) == (artefact.programs, artefact.witnesses, {})
    assert (loaded.width, loaded.functions) == (8, {})
    assert set(artefact.functions) == set(artefact.programs)


def test_a_whole_library_round_trips(tmp_path):
    whole = build_library(library.names(), width=11)
    assert Artefact.load(whole.save(tmp_path / "all")).programs == whole.programs
    assert tuple(whole.programs) == library.names()


def test_weights_come_back_as_they_were(artefact, tmp_path):
    weights = {"table": torch.tensor([1.0, -0.0, float("inf")]), "strided": torch.arange(6).reshape(2, 3).T}
    heavy = Artefact(artefact.programs, artefact.witnesses, weights)
    loaded = Artefact.load(heavy.save(tmp_path / "heavy")).weights
    assert set(loaded) == set(weights)
    for name, tensor in weights.items():
        assert loaded[name].dtype == tensor.dtype and torch.equal(loaded[name], tensor)


def test_building_and_saving_twice_gives_the_same_bytes(artefact, folder, tmp_path):
    again = build_library(["reverse", "count", mine.largest], width=8, memory=64)
    assert listing(again.save(tmp_path / "again")) == listing(folder)


def test_the_digests_of_library_sources_are_those_of_their_text():
    """Where a program stands on a machine does not matter, nor what stands around it."""
    elsewhere = f"# moved\n\n{library.get('reverse').text}"
    from ncl.language.parse import parse_text

    (moved,) = parse_text(elsewhere, "/somewhere/else.py", "reverse")
    assert moved.digest == library.get("reverse").digest
    assert ncl.compile("reverse").program.source == moved.digest


def test_an_earlier_artefact_is_replaced_whole_and_its_certificate_with_it(folder):
    (folder / FILE_NAME).write_text("{}")
    build_library(["copy"], width=8, memory=64).save(folder)
    assert set(listing(folder)) == {"programs/copy.json", "witness/copy.json", "weights.safetensors"}
    assert [p.name for p in folder.parent.iterdir()] == ["artefact"]


def test_an_empty_folder_and_missing_parents_are_filled(artefact, tmp_path):
    (tmp_path / "empty").mkdir()
    for place in ("empty", "a/b/c"):
        assert Artefact.load(artefact.save(tmp_path / place)).width == 8


def test_a_folder_with_anything_else_in_it_is_left_alone(artefact, folder, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("text")
    (folder / "notes.md").write_text("beside the artefact")
    before = listing(tmp_path)
    for place, message in [
        ("full", "something else that is no artefact"),
        ("file", "something else that is no artefact"),
        ("artefact", "beside an artefact there is notes.md, which would be lost"),
        ("file/below", "cannot write"),
    ]:
        with pytest.raises(InputError, match=message):
            artefact.save(tmp_path / place)
    assert listing(tmp_path) == before


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_save_that_fails_half_way_leaves_what_was_there(artefact, folder, monkeypatch, fails_at):
    before = listing(folder)
    calls, replace = [], os.replace

    def failing(source, target):
        calls.append(target)
        if len(calls) == fails_at:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(atomic, "_exchanged", lambda one, other: False)  # as where the system cannot
    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(InputError, match="cannot write: No space left on device"):
        build_library(["copy"], width=8, memory=64).save(folder)
    assert listing(folder) == before
    assert [p.name for p in folder.parent.iterdir()] == ["artefact"]


def test_a_save_that_fails_while_writing_leaves_what_was_there(artefact, folder, monkeypatch):
    before = listing(folder)

    def full(self, *_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(InputError, match="cannot write"):
        artefact.save(folder)
    monkeypatch.undo()
    assert listing(folder) == before and [p.name for p in folder.parent.iterdir()] == ["artefact"]


# --- loading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["nowhere", "."])
def test_a_folder_that_holds_no_artefact_is_not_found(tmp_path, place):
    with pytest.raises(NotFoundError, match="no artefact here"):
        Artefact.load(tmp_path / place)


def test_an_artefact_without_programs_is_refused(tmp_path):
    (tmp_path / "programs").mkdir()
    (tmp_path / "witness").mkdir()
    with pytest.raises(FormatError, match="it holds no program"):
        Artefact.load(tmp_path)


SPOILED = {
    "text that is no JSON": (lambda f: (f / "programs/count.json").write_text("{"), "not readable JSON"),
    "bytes that are no text": (lambda f: (f / "programs/count.json").write_bytes(b"\xff\xfe"), "not readable JSON"),
    "nesting without end": (lambda f: (f / "programs/count.json").write_text("[" * 100_000), "not readable JSON"),
    "a number of thousands of digits": (
        lambda f: (f / "programs/count.json").write_text("9" * 5000), "not readable JSON",
    ),
    "a folder for a file": (
        lambda f: ((f / "programs/count.json").unlink(), (f / "programs/count.json").mkdir()), "not readable JSON",
    ),
    "another document": (lambda f: (f / "programs/count.json").write_text("[]"), "not a program"),
    "another schema": (lambda f: edit(f / "programs/count.json", lambda d: d.update(schema=2)), "schema 2, expected 1"),
    "a program under another name": (
        lambda f: (f / "programs/count.json").rename(f / "programs/total.json"), "it holds count, its file says total",
    ),
    "a witness under another name": (
        lambda f: (f / "witness/count.json").rename(f / "witness/total.json"), "it holds count, its file says total",
    ),
    "a witness that is none": (lambda f: (f / "witness/count.json").write_text("{}"), "not a witness"),
    "a witness that is missing": (lambda f: (f / "witness/count.json").unlink(), "do not belong together"),
    "a program that is missing": (lambda f: (f / "programs/count.json").unlink(), "do not belong together"),
    "another width": (
        lambda f: edit(f / "programs/count.json", lambda d: d["sizes"].update(width=9)), "programs of different widths",
    ),
    "weights that are missing": (lambda f: (f / "weights.safetensors").unlink(), "no such regular file"),
    "weights that are spoiled": (lambda f: (f / "weights.safetensors").write_bytes(b"\x09" * 40), "not readable"),
    "weights that are cut off": (lambda f: (f / "weights.safetensors").write_bytes(b""), "not readable"),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILED)
def test_a_spoiled_artefact_is_refused_with_the_file_at_fault(folder, what):
    spoil, message = SPOILED[what]
    spoil(folder)
    with pytest.raises(FormatError, match=message) as caught:
        Artefact.load(folder)
    assert str(folder) in caught.value.where


def test_ill_formed_code_is_refused(folder):
    edit(folder / "programs/count.json", lambda d: d["code"].append([16, 99, 0, 0]))
    with pytest.raises(IllFormedProgramError, match=r"count: .*add a = 99"):
        Artefact.load(folder)


def test_files_of_other_kinds_are_no_programs(folder):
    (folder / "programs" / "README.txt").write_text("hello")
    assert len(Artefact.load(folder).programs) == 3


# --- building --------------------------------------------------------------------------------------------------------


def test_two_programs_of_one_name_are_refused_and_the_same_one_twice_is_not(tmp_path):
    path = tmp_path / "other.py"
    path.write_text("from ncl import Array, program\n@program\ndef reverse(xs: Array) -> Array:\n    return xs\n")
    with pytest.raises(InputError, match="two programs are called reverse"):
        build_library(["reverse", str(path)])
    assert list(build_library(["reverse", "reverse", "copy"]).programs) == ["reverse", "copy"]


def test_a_library_of_nothing_is_refused():
    with pytest.raises(InputError, match="no program was named"):
        build_library([])
