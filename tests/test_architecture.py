"""The walls of the house: what is installed is what is tested, imports stay lazy, and the project speaks of itself."""

import subprocess
import sys
from pathlib import Path

import pytest

import ncl

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.mark.skipif("site-packages" not in ncl.__file__, reason="run by hand from the source tree")
def test_the_installed_wheel_is_what_is_tested():
    import properties
    import verify

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


def test_every_package_is_in_the_wheel():
    for package in ("ncl", "verify", "properties"):
        for source in (REPOSITORY / package).rglob("*.py"):
            inside = source.relative_to(REPOSITORY).parent
            assert (REPOSITORY / inside / "__init__.py").exists(), f"{inside} is no package"
