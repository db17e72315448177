"""What is installed is what is tested, imports stay lazy, and files name nothing but the project."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ncl

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.mark.skipif("site-packages" not in ncl.__file__, reason="run by hand from the source tree")
def test_the_installed_wheel_is_what_is_tested():
    from ncl import properties, verify

    for package in (ncl, verify, properties):
        assert REPOSITORY not in Path(package.__file__).resolve().parents or "site-packages" in package.__file__


def loaded_by(statement: str) -> set[str]:
    """The modules in memory of a fresh interpreter after one statement."""
    code = f"import sys; {statement}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement", ["import ncl", "from ncl import program, Array, Word", "import ncl.cli.main", "import ncl.library"]
)
def test_importing_the_front_pulls_in_no_torch_and_no_solver(statement):
    assert not loaded_by(statement) & {"torch", "z3", "transformers", "hypothesis", "numba"}


APART = ("verify", "properties")  # of `ncl`, and beside it in the repository


def test_every_package_is_in_the_wheel():
    for package in ("ncl", *APART):
        for source in (REPOSITORY / package).rglob("*.py"):
            inside = source.relative_to(REPOSITORY).parent
            assert (REPOSITORY / inside / "__init__.py").exists(), f"{inside} is no package"


def test_every_source_file_is_installed():
    installed = Path(ncl.__file__).parent
    files = [(f, f.relative_to(REPOSITORY / "ncl")) for f in (REPOSITORY / "ncl").rglob("*.py")]
    files += [(f, f.relative_to(REPOSITORY)) for package in APART for f in (REPOSITORY / package).rglob("*.py")]
    assert len(files) > 290
    assert [str(source) for source, name in files if not (installed / name).is_file()] == []


@pytest.mark.parametrize("package", APART)
def test_a_checkout_shows_its_tools_the_folders_that_lie_beside_ncl(package):
    link = REPOSITORY / "ncl" / package
    if not link.is_dir():
        pytest.skip("this checkout has no links")
    assert link.resolve() == REPOSITORY / package


def test_what_is_installed_at_the_top_is_ncl_alone():
    names = {"ncl"}
    for folder in (REPOSITORY / package for package in ("ncl", *APART, "tests", "benchmarks", "examples")):
        for file in folder.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and not node.level:
                    names.add((node.module or "").partition(".")[0])
                elif isinstance(node, ast.Import):
                    names |= {alias.name.partition(".")[0] for alias in node.names}
    assert not names & set(APART)
