"""What is digested is what runs: every file of every package, found where Python finds it, or nothing is let in."""

import json
import py_compile
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import ncl
from ncl import sources
from ncl.errors import GateRefused
from ncl.sources import EXEMPT, ROOMS, SUFFIXES, source_digests
from ncl.verify.certification import tampering

HOME = Path(ncl.__file__).resolve().parent.parent

# Edits every file of an installation, one after another, and asks the gate of that installation each time.
TRIAL = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from ncl import gate
from ncl.errors import GateRefused
from ncl.verify.certification import tampering, trials
root, case, told = Path(sys.argv[1]), trials.honest(), 0
gate.require(case.artefact, case.certificate, case.policy)
for file in tampering.shipped(root):
    body, room = file.read_bytes(), tampering.room_of(file.relative_to(root).as_posix())
    tampering.edit(file, sys.argv[2] == "longer")
    try:
        gate.require(case.artefact, case.certificate, case.policy)
        sys.exit(f"{file} was edited and let in")
    except GateRefused as refusal:
        if f"sources {room}: certified" not in refusal.message or refusal.message.count("sources") != 1:
            sys.exit(f"{file}: {refusal.message}")
        told += 1
    finally:
        file.write_bytes(body)
gate.require(case.artefact, case.certificate, case.policy)
print(told)
"""


@pytest.fixture
def copy(tmp_path):
    sources.copy_to(tmp_path / "installed")
    return tmp_path / "installed"


def python(*arguments):
    return subprocess.run([sys.executable, "-I", "-c", *map(str, arguments)], capture_output=True, text=True)


@pytest.mark.parametrize("how", ["longer", "exchanged"])
def test_an_edit_of_any_file_is_refused_for_its_room(copy, how):
    ran = python(TRIAL, copy, how)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) == len(tampering.shipped(copy)) > 290


def test_the_exempt_are_files_that_are_there_each_with_its_reason():
    assert set(EXEMPT) | {"ncl/py.typed"} == set(tampering.SPARED)
    assert all((HOME / path).is_file() and len(reason) > 10 for path, reason in EXEMPT.items())


def test_every_shipped_file_has_a_suffix_that_is_digested(copy):
    assert [f for f in tampering.shipped(copy) if not f.name.endswith(SUFFIXES)] == []


def test_every_folder_of_the_packages_is_a_room(copy):
    folders = {p.name for p in (copy / "ncl").iterdir() if p.is_dir()} | {"ncl"}
    assert folders == set(ROOMS) == set(source_digests(copy))


@pytest.mark.parametrize("room", [r for r in ROOMS if r != "ncl"])
def test_a_room_that_is_absent_is_refused(copy, room):
    folder = copy / "ncl" / room
    shutil.rmtree(folder)
    with pytest.raises(GateRefused, match=room):
        source_digests(copy)
    folder.mkdir()
    with pytest.raises(GateRefused, match=f"no sources of {room}"):
        source_digests(copy)


def test_a_file_that_comes_is_seen_like_one_that_goes(copy):
    before = source_digests(copy)
    for name in ("vote.so", "vote.pyc", "more.json"):
        (copy / "ncl/llama" / name).write_bytes(b"")
        after = source_digests(copy)
        assert {r for r in before if before[r] != after[r]} == {"llama"}, name
        before = after
    (copy / "ncl/llama/reader/ensemble.py").rename(copy / "ncl/llama/votes.py")
    assert source_digests(copy)["llama"] != before["llama"]


LOOK = """
import importlib.util, json, sys; sys.path.insert(0, sys.argv[1])
class Finder:  # as an editable installation has one
    def find_spec(name, path=None, target=None):
        place = f"{sys.argv[1]}/{name.removeprefix('ncl.')}/__init__.py"
        if name in ("ncl.verify", "ncl.properties"):
            return importlib.util.spec_from_file_location(name, place)
sys.meta_path.append(Finder)
from ncl import sources
import ncl.properties.search, ncl.verify.engine.obligation
print(json.dumps([sources.source_digests(), sources.foreign_modules()]))
"""


@pytest.mark.parametrize("links", [True, False])
def test_packages_beside_ncl_are_found_where_python_finds_them_and_count_as_in_it(copy, links):
    before = source_digests(copy)
    for name in ("verify", "properties"):
        (copy / "ncl" / name).rename(copy / name)
        if links:
            (copy / "ncl" / name).symlink_to(Path("..", name))
    ran = python(LOOK, copy)
    assert json.loads(ran.stdout) == [before, []], ran.stderr
    (copy / "verify" / "obligation.py").write_text("")
    ran = python(LOOK.replace(", ncl.verify.engine.obligation", ""), copy)
    digests, _ = json.loads(ran.stdout)
    assert {r for r in before if digests[r] != before[r]} == {"verify"}


ASK = "import sys; sys.path.insert(0, sys.argv[1]); from ncl import sources; sources.source_digests()"


def test_an_archive_is_refused_for_what_it_is(copy, tmp_path):
    archive = tmp_path / "ncl.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in copy.rglob("*"):
            file.write(path, path.relative_to(copy))
    ran = python(ASK, archive)
    assert "GateRefused" in ran.stderr and "no folder of files" in ran.stderr


def test_a_package_that_was_renamed_or_removed_is_refused(copy):
    (copy / "ncl" / "verify").rename(copy / "ncl" / "verified")
    # Not the one of the installation that runs this test: only the copy is on the path.
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", ASK_ALONE, copy], capture_output=True, text=True)
    assert "GateRefused" in ran.stderr and "verify" in ran.stderr, ran.stderr


ASK_ALONE = (
    "import sys, types; sys.path.insert(0, sys.argv[1]); package = types.ModuleType('ncl');"
    "package.__path__ = [sys.argv[1] + '/ncl']; sys.modules['ncl'] = package;"
    "from ncl import sources; sources.source_digests()"
)


def test_packages_of_the_user_with_such_names_are_not_ours(copy, tmp_path):
    (tmp_path / "foreign" / "verify").mkdir(parents=True)
    (tmp_path / "foreign" / "verify" / "__init__.py").write_text("")
    ask = (
        "import sys; sys.path[:0] = sys.argv[1:]; import verify; from ncl import sources;"
        "print(sources.source_digests()['verify'], sources.foreign_modules())"
    )
    ran = python(ask, tmp_path / "foreign", copy)
    assert ran.stdout.split() == [source_digests(copy)["verify"], "[]"], ran.stderr


def test_a_module_compiled_of_another_source_and_never_compared_is_seen(copy):
    place = copy / "ncl" / "errors.py"
    text = place.read_text()
    place.write_text(text + "\nPLANTED = True\n")
    py_compile.compile(str(place), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    place.write_text(text)
    ask = (
        "import sys; sys.path.insert(0, sys.argv[1]); from ncl import errors, sources;"
        "print(errors.PLANTED, sources.foreign_modules())"
    )
    ran = python(ask, copy)
    assert ran.stdout.startswith("True ['module ncl.errors runs from"), (ran.stdout, ran.stderr)
    py_compile.compile(str(place), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    assert python(ask.replace("errors.PLANTED, ", ""), copy).stdout.strip() == "[]"


def test_nothing_that_runs_here_is_a_stranger():
    assert sources.foreign_modules() == []


def test_python_without_asserts_is_another_python():
    ask = "from ncl import certificate; print(certificate.installed_versions()['python'])"
    plain, bare = (
        subprocess.run([sys.executable, *options, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
        for options in ((), ("-O",))
    )
    assert bare == f"{plain} -O"
