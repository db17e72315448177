"""`[tool.ncl]` says what the command line does not; what means nothing is refused where it stands."""

import pytest

from ncl.cli.settings import settings


def write(here, text):
    (here / "pyproject.toml").write_text(text)


@pytest.mark.parametrize("folder", [".", "below/further"])
def test_the_table_is_what_options_are_by_default(ncl, here, monkeypatch, folder):
    write(here, "[tool.ncl]\nwidth = 8\njobs = 1\n")
    (here / folder).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(here / folder)
    assert ncl("compile", f"{here / 'mine.py'}", "--json").document["width"] == 8


def test_the_command_line_wins(ncl, here):
    write(here, "[tool.ncl]\nwidth = 8\n")
    assert ncl("compile", "mine.py", "--width", "12", "--json").document["width"] == 12


def test_the_nearest_file_with_the_table_counts(here):
    write(here, "[tool.ncl]\nwidth = 8\n")
    below = here / "below"
    below.mkdir()
    write(below, "[tool.other]\n")
    assert settings(below) == (here / "pyproject.toml", {"width": 8})
    write(below, "[tool.ncl]\nwidth = 9\n")
    assert settings(below)[1] == {"width": 9}


@pytest.mark.parametrize("text", ["", "[tool]\n", "[tool.other]\nncl = 3\n", "no TOML ="])
def test_without_the_table_a_file_is_nothing_to_us(ncl, here, text):
    write(here, text)
    assert ncl("compile", "mine.py", "--json").document["width"] == 16


@pytest.mark.parametrize(
    "text, told",
    [
        ("[tool.ncl]\nwidth = ", "no TOML"),
        ("[tool]\nncl = 3  # tool.ncl\n", "expected a table"),
        ("[tool.ncl]\nwith = 8\n", "`with` is no setting"),
        ("[tool.ncl]\npolicy = 'easy.json'\n", "`policy` is no setting"),
        ("[tool.ncl]\nwidth = '8'\n", "is a number, got '8'"),
        ("[tool.ncl]\nwidth = true\n", "is a number, got True"),
        ("[tool.ncl]\nwidth = 8.0\n", "is a number, got 8.0"),
        ("[tool.ncl]\nbudget = nan\n", "is a number, got nan"),
        ("[tool.ncl]\nwidth = 99\n", "`width` is 99, expected 1 to 32"),
        ("[tool.ncl]\njobs = 0\n", "`jobs` is 0, expected 1 to 256"),
    ],
)
def test_what_means_nothing_is_refused_where_it_stands(ncl, here, text, told):
    write(here, text)
    ran = ncl("compile", "mine.py")
    assert ran.code == 2 and told in ran.err and "pyproject.toml" in ran.err


def test_a_budget_is_that_of_verify_and_of_no_other(ncl, here):
    write(here, "[tool.ncl]\nbudget = 0.5\n")
    ran = ncl("run", "two.py:one", "1", "--json")
    assert ran.document["result"] == 2
