"""`pytest --ncl` in a user's own repository: what is collected, what is green, what a red item shows and replays."""

import json
import re

import pytest

from ncl import pytest_plugin
from ncl.verify.engine import counterexample

pytest_plugins = ["pytester"]

GOOD = '''
from ncl import Array, Word, program

LIMIT = 5


@program
def clip(xs: Array, least: Word) -> Array:
    """Nothing above LIMIT, nothing below least.

        clip([9, 3, 0], 1) -> [5, 3, 1]
        clip([], 1) -> []
    """
    assert least <= LIMIT
    for i in range(len(xs)):
        if xs[i] > LIMIT:
            xs[i] = LIMIT
        elif xs[i] < least:
            xs[i] = least
        assert xs[i] <= LIMIT
    return xs
'''
KINDS = ["source = bytecode", "source = python", "executors agree", "hard = soft limit", "gradients"]
CHEAP = "examples or asserts or source"  # items that compile no kernel


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs pytest in a process of its own, as a user would: the plugin comes through its entry point."""
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return lambda *arguments: pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


def put(pytester, name, text):
    path = pytester.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def replayed(pytester, result):
    """Exit code of the replay command that a red item prints, and where the counterexample lies."""
    # Where CI is set, the summary at the end tells the whole item once more.
    (command,) = set(re.findall(r"replay    ncl replay (\S+)", result.stdout.str()))
    file = pytester.path / command
    return counterexample.replay(file), file


def test_a_right_program_is_green_in_every_item(pytester, run):
    put(pytester, "algorithms/clip.py", GOOD)
    put(pytester, "algorithms/notes.py", "raise SystemExit('no program: a file of the user that nobody may run')\n")
    put(pytester, "tests/test_own.py", "def test_own():\n    assert 1 + 1 == 2\n")
    put(pytester, "pytest.ini", "[pytest]\nfilterwarnings = error\n")
    result = run("--ncl", "--ncl-width", "3", "-v", "algorithms", "tests")
    result.assert_outcomes(passed=8)
    for name in ("examples", "asserts hold", *KINDS):
        result.stdout.fnmatch_lines([f"algorithms/clip.py::clip::{name} PASSED*"])
    result.stdout.fnmatch_lines(["*ncl: profile dev, width 3*", "tests/test_own.py::test_own PASSED*"])
    assert not (pytester.path / ".ncl").exists()


def test_a_broken_line_is_red_with_a_minimal_input_and_a_replay_command(pytester, run):
    file = put(pytester, "algorithms/clip.py", GOOD.replace("xs[i] = LIMIT", "xs[i] = LIMIT + 1"))
    result = run("--ncl", "-k", CHEAP, "algorithms")
    result.assert_outcomes(failed=2, passed=2)
    result.stdout.fnmatch_lines([
        "*clip: examples*",
        "clip([[]9, 3, 0[]], 1) at width 16 gives trap assert *",
        "algorithms/clip.py:8",
        "*def clip(xs: Array, least: Word) -> Array:",
        "*input     clip([[]9, 3, 0[]], 1) at width 16",
        "*expected  [[]5, 3, 1[]], as the docstring says",
        "*replay    ncl replay .ncl/clip-clip-example-*.json",
        "*clip: asserts hold*",
        "*input     clip([[]6[]], 0) at width 16",
        "*expected  line 20 to hold: assert xs[[]i[]] <= LIMIT",
        "*replay    ncl replay .ncl/clip-clip-asserts-*.json",
    ])  # fmt: skip
    assert "Traceback" not in result.stdout.str() and "suite.py" not in result.stdout.str()
    files = sorted((pytester.path / ".ncl").iterdir())
    assert len(files) == 2
    assert all(counterexample.replay(case).reproduced for case in files)
    file.write_text(GOOD)
    assert not any(counterexample.replay(case).reproduced for case in files), "the line was mended"


def test_the_replay_command_exits_1_while_the_fault_is_there_and_0_after(pytester, run, capsys):
    from ncl.cli.main import run_main

    file = put(pytester, "clip.py", GOOD.replace("[5, 3, 1]", "[5, 3, 0]"))
    result = run("--ncl", "-k", "examples", "clip.py")
    result.assert_outcomes(failed=1)
    outcome, case = replayed(pytester, result)
    assert outcome.reproduced and run_main(["replay", str(case)]) == 1
    assert "clip([9, 3, 0], 1) at width 16, as clip.py has it now" in capsys.readouterr().out
    file.write_text(GOOD)
    assert run_main(["replay", "--json", str(case)]) == 0
    assert json.loads(capsys.readouterr().out)["verdict"] == "tested"


def test_what_cannot_be_read_is_red_item_by_item_and_strangers_files_are_left_alone(pytester, run):
    put(pytester, "code/slice.py", GOOD.replace("return xs", "return xs[1:]"))
    put(pytester, "code/syntax.py", "from ncl import program\n\n\n@program\ndef f(:\n")
    put(pytester, "code/example.py", GOOD.replace("-> [5, 3, 1]", "-> [5, 3"))
    put(pytester, "code/template.py", "# for the ncl program\n{{ name }} = (\n")
    put(pytester, "code/latin.py", "").write_bytes(b"# ncl program \xff\n")
    result = run("--ncl", "-k", "language or examples", "code")
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines([
        "*clip: examples*", "*cannot read the example `clip([[]9, 3, 0[]], 1) -> [[]5, 3`*", "*remedy: *",
        "*slice.py: language*", "code/slice.py:21:*", "*return xs[[]1:[]]", "*^^^^^^", "*remedy: *",
        "*syntax.py: language*", "code/syntax.py:5:7: not Python: *", "*def f(:", "*^", "*remedy: *",
    ])  # fmt: skip
    assert "Traceback" not in result.stdout.str()


def test_a_wrong_compiler_is_red_with_a_minimal_input(pytester, run):
    put(pytester, "algorithms/clip.py", GOOD)
    put(
        pytester,
        "conftest.py",
        """
from dataclasses import replace

import ncl.build
from ncl.language.opcodes import Opcode
from ncl.language.program import Instruction

right = ncl.build.compile_function


def wrong(function, sizes):
    program, witness = right(function, sizes)
    code = [Instruction(i.opcode, i.a, 4) if (i.opcode, i.b) == (Opcode.CONSTANT, 5) else i for i in program.code]
    return replace(program, code=tuple(code)), witness


ncl.build.compile_function = wrong
""",
    )
    result = run("--ncl", "algorithms/clip.py::clip::source = bytecode")
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines([
        r"  input     clip\(\[\], 5\) at width 16, budget 2000",
        r"  expected  \[\] after 1 ticks \(source\)",
        r"  got       trap assert at line 14, column 5 after 0 ticks, 4 steps \(reference\)",
        r"  replay    ncl replay .ncl/clip-clip-source-[0-9a-f]+.json",
    ])  # fmt: skip
    assert not replayed(pytester, result)[0].reproduced, "here the compiler is right"


def test_items_run_in_worker_processes(pytester, run):
    put(pytester, "algorithms/clip.py", GOOD)
    put(pytester, "algorithms/other.py", GOOD.replace("def clip", "def cut").replace("clip(", "cut("))
    run("--ncl", "-n", "2", "-k", "examples or asserts", "algorithms").assert_outcomes(passed=4)


def test_a_named_program_file_is_not_imported_as_a_module_of_tests(pytester, run):
    put(pytester, "clip.py", GOOD + "\n\nraise SystemExit('imported')\n")
    run("--ncl", "-k", "examples", "clip.py").assert_outcomes(passed=1)


def test_a_file_of_tests_may_hold_programs_too(pytester, run):
    text = GOOD + "\n\ndef test_own():\n    assert clip([7], 1) == [5] == clip.python([7], 1)\n"
    put(pytester, "test_clip.py", text)
    result = run("--ncl", "-k", "examples or test_own", "-v")
    result.stdout.fnmatch_lines(["*test_clip.py::clip::examples PASSED*"])
    result.stdout.fnmatch_lines(["*test_clip.py::test_own PASSED*"])


def test_wide_literals_skip_the_soft_items_and_say_why(pytester, run):
    put(pytester, "clip.py", GOOD.replace("LIMIT = 5", "LIMIT = 5000"))
    result = run("--ncl", "-k", "gradients or soft", "-rs", "clip.py")
    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["SKIPPED*at most 8 bits*"])


def test_an_impossible_width_is_a_usage_error(pytester, run):
    result = run("--ncl", "--ncl-width", "99")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*width 99 is not in 1*32*"])


def test_the_width_is_that_of_the_projects_settings(pytester, run):
    put(pytester, "clip.py", GOOD)
    put(pytester, "pyproject.toml", "[tool.ncl]\nwidth = 3\n")
    run("--ncl", "--collect-only", "clip.py").stdout.fnmatch_lines(["*ncl: profile dev, width 3*"])
    run("--ncl", "--ncl-width", "5", "--collect-only").stdout.fnmatch_lines(["*ncl: profile dev, width 5*"])
    put(pytester, "pyproject.toml", "[tool.ncl]\nwidht = 3\n")
    result = run("--ncl", "clip.py")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*pyproject.toml: *`widht` is no setting*"])


def test_a_width_too_narrow_for_a_literal_is_red_with_the_caret(pytester, run):
    put(pytester, "clip.py", GOOD)
    result = run("--ncl", "--ncl-width", "2", "-k", "bytecode", "clip.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["clip.py:*5 is no word of width 2*", "*^", "*compile at a larger width*"])


def test_a_nightly_search_is_random_and_prints_the_seed_that_repeats_it(pytester, run):
    put(pytester, "clip.py", GOOD.replace("[5, 3, 1]", "[5, 3, 0]"))
    result = run("--ncl", "--ncl-profile", "nightly", "-k", "examples", "clip.py")
    result.assert_outcomes(failed=1)
    first, last = re.findall(r"--ncl-seed (\d+)", result.stdout.str())
    assert first == last, "in the heading, and at the end where something failed"
    again = type("Config", (), {"getoption": lambda self, name: int(last) if name == "--ncl-seed" else "nightly"})
    assert pytest_plugin._seed(again()) == int(first)


@pytest.mark.parametrize("profile", ["dev", "ci", "nightly"])
def test_only_nightly_searches_differ_from_run_to_run(profile):
    class Config:
        def getoption(self, name):
            return {"--ncl-profile": profile, "--ncl-seed": None}[name]

    seeds = {pytest_plugin._seed(Config()) for _ in range(3)}
    assert (len(seeds) == 3) == (profile == "nightly") and (seeds == {0}) == (profile != "nightly")
    worker = Config()
    worker.workerinput = {"ncl_seed": 41}
    assert pytest_plugin._seed(worker) == 41


def test_without_the_option_nothing_is_collected_and_nothing_loaded(pytester, run):
    put(
        pytester,
        "test_clip.py",
        GOOD
        + """

def test_nothing_was_loaded():
    import sys
    assert not {"torch", "numba", "z3", "ncl.verify", "ncl.properties", "ncl.cli"} & set(sys.modules)
""",
    )
    result = run("-p", "no:hypothesispytest", "-p", "no:randomly")
    result.assert_outcomes(passed=1)


def test_programs_of_several_files_are_checked_and_replay_where_a_file_is_gone(pytester, run):
    put(pytester, "parts/limit.py", "LIMIT = 3\n\n\ndef cut(n: Word) -> Word:\n    assert n < LIMIT\n    return n\n")
    put(pytester, "parts/use.py", "from ncl import Word, program\n\nfrom .limit import cut\n\n\n@program\n"
        'def use(n: Word) -> Word:\n'
        '    """use(2) -> 2"""\n    m = cut(n)\n    assert m == n\n    return m\n')  # fmt: skip
    result = run("--ncl", "--ncl-width", "3", "-k", CHEAP, "parts")
    result.assert_outcomes(passed=3, failed=1, deselected=3)
    result.stdout.fnmatch_lines(["*line 5 of limit.py to hold: assert n < LIMIT*"])
    outcome, file = replayed(pytester, result)
    assert outcome.reproduced and "as use.py has it now" in outcome.what
    (pytester.path / "parts/limit.py").unlink()
    outcome = counterexample.replay(file)
    assert outcome.reproduced and "as recorded" in outcome.what


def test_a_file_whose_import_leaves_the_language_is_red_with_the_place_of_the_fault(pytester, run):
    put(pytester, "limit.py", "def cut(n: Word) -> Word:\n    return n / 2\n")
    put(pytester, "use.py", "from ncl import Word, program\n\nfrom .limit import cut\n\n\n@program\n"
        "def use(n: Word) -> Word:\n    return cut(n)\n")  # fmt: skip
    result = run("--ncl", "use.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*limit.py:2:12: `/` gives fractions, words are whole*"])


WRONG = '''"""What it is for.

>>> 1 + 1
3
"""
from ncl import Word, program


@program
def twice(n: Word) -> Word:
    """Twice n.

    twice(3) -> 7

    >>> 2 + 2
    5
    """
    return n + n
'''
EXAMPLES = (
    "--ncl",
    "--ncl-width",
    "4",
    "-k",
    "not python and not bytecode and not executors and not limit and not gradients",
)


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["", "xdist"])
def test_a_red_item_whose_counterexample_cannot_be_written_says_so_and_the_rest_is_tested(pytester, run, workers):
    put(pytester, "mine.py", WRONG)
    put(pytester, "tests/test_own.py", "def test_own():\n    assert 1 + 1 == 2\n")
    put(pytester, ".ncl", "a file, where the folder of counterexamples would be")
    result = run(*EXAMPLES, *workers, "mine.py", "tests")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        ["*twice(3)* gives 6, expected 7*", "*the counterexample could not be written: .ncl: *"]
    )
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


def test_whatever_goes_wrong_with_a_counterexample_the_item_is_red_and_the_session_goes_on(pytester, run):
    put(pytester, "mine.py", WRONG)
    put(
        pytester,
        "conftest.py",
        "from ncl.verify.engine import counterexample\n\n\n"
        "def write(*_):\n    raise PermissionError(30, 'Read-only file system')\n\n\ncounterexample.write = write\n",
    )
    result = run(*EXAMPLES, "mine.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*could not be written: .ncl: Read-only file system*"])


def test_a_name_that_no_file_can_have_still_replays(pytester, run):
    put(pytester, "mine.py", WRONG.replace("twice", "größe" * 50))
    result = run(*EXAMPLES, "mine.py")
    result.assert_outcomes(failed=1)
    assert replayed(pytester, result)[0].reproduced


DOCTESTS = {
    "": ("--doctest-modules", "."),
    "named": ("--doctest-modules", "mine.py"),
    "test file": ("--doctest-modules", "-o", "python_files=mine.py", "."),
    "xdist": ("--doctest-modules", "-n", "1", "mine.py"),
}


@pytest.mark.parametrize("arguments", DOCTESTS.values(), ids=DOCTESTS)
def test_doctests_of_a_file_with_programs_are_tested_as_without_us(pytester, run, arguments):
    put(pytester, "mine.py", WRONG)
    without = run(*arguments).parseoutcomes()
    assert without["failed"] >= 1
    result = run(*EXAMPLES, *arguments)
    result.assert_outcomes(failed=without["failed"] + 1)
