"""A repository that has its own `verify/` and `properties.py` uses NCL from that very folder."""

import json
import subprocess
import sys

import pytest

PROGRAM = '''
from ncl import Word, program


@program
def twice(n: Word) -> Word:
    """twice(3) -> 6"""
    return n + n
'''
PROVE = """
import mine, ncl
compiled = ncl.compile(mine.twice, width=4)
proof = ncl.prove(compiled, machine=False, jobs=1)
report = ncl.check_model(lambda n: (n + n) % 16, mine.twice, width=4, samples=20)
assert all(finding.outcome.verdict in ("proved", "proved-bounded", "tested") for finding in proof.findings), proof
print("shown", len(proof.findings), bool(report))
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.py").write_text(PROGRAM)
    (tmp_path / "verify").mkdir()
    (tmp_path / "verify" / "__init__.py").write_text("raise SystemExit('the user's own verify was imported')\n")
    (tmp_path / "properties.py").write_text("raise SystemExit('the user's own properties was imported')\n")
    return tmp_path


def ran(folder, *arguments):
    # `python -m` puts the folder in front of the path.
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_pytest_tests_its_programs(folder):
    assert "1 passed" in ran(folder, "-m", "pytest", "--ncl", "-k", "bytecode", "-p", "no:cacheprovider", "mine.py")


def test_the_command_line_verifies_its_programs(folder):
    options = ("--no-machine", "--width", "4", "--jobs", "1", "--json")
    told = json.loads(ran(folder, "-m", "ncl", "verify", "mine.py", *options))
    verdicts = {one["id"]: one["verdict"] for one in told["obligations"]}  # proved now, or kept from before
    assert verdicts["source/twice"] == verdicts["compiled/twice"] == "proved"


def test_its_own_code_proves_programs_and_checks_models(folder):
    assert ran(folder, "-c", PROVE).startswith("shown ")


def test_python_m_ncl_is_the_command_line(folder):
    assert ran(folder, "-m", "ncl", "--version").startswith("ncl ")
    assert "Usage: ncl " in ran(folder, "-m", "ncl", "--help")
