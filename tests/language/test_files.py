"""Programs over several files: how imports are looked up, what they bring, what is refused, and how places are told."""

import pytest

from ncl.errors import LanguageError
from ncl.language.interpret.source import run_checked, run_source, trace_source
from ncl.language.opcodes import Trap
from ncl.language.parse import parse_text
from ncl.language.program import Position, Sizes

MAIN = """from ncl import Array, Word, program

from .parts.inner import inner
from .limits import LIMIT


@program
def main(n: Word) -> Word:
    return inner(n) + LIMIT
"""
INNER = """from ncl import Word, ensures, requires, result

from ..limits import LIMIT, STEP
from .deep import deep


def inner(n: Word) -> Word:
    requires(n < LIMIT)
    ensures(result > n)
    assert n != 3
    return deep(n) + STEP
"""
FILES = {
    "main.py": MAIN,
    "limits.py": "LIMIT = 9\nSTEP = 1\nFAR = 4\n",
    "parts/inner.py": INNER,
    "parts/deep.py": "def deep(n: Word) -> Word:\n    return 10 // n\n\n\ndef alone(n: Word) -> Word:\n    return n\n",
}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """`write(files)`: they stand in the current folder; the program `main` of main.py, or of another file."""
    monkeypatch.chdir(tmp_path)

    def write_and_read(files, file="main.py", name=None):
        for place, text in files.items():
            (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / place).write_text(text, encoding="utf-8")
        return parse_text((tmp_path / file).read_text(encoding="utf-8"), file, name)[0]

    return write_and_read


def edited(old, new):
    """All files with one piece of text changed."""
    assert sum(text.count(old) for text in FILES.values()) == 1
    return {place: text.replace(old, new) for place, text in FILES.items()}


def refused(write, files, file="main.py"):
    with pytest.raises(LanguageError) as caught:
        write(files, file)
    return [(v.file, v.line, v.reason) for v in caught.value.violations]


# --- what an import brings -------------------------------------------------------------------------------------------


def test_a_program_is_all_that_its_first_function_reaches_in_whichever_file(write):
    main = write(FILES)
    assert list(main.program) == ["main", "deep", "inner"]
    assert [(f.file, f.position.file) for f in main.program.values()] == [
        ("main.py", ""), ("parts/deep.py", "parts/deep.py"), ("parts/inner.py", "parts/inner.py"),
    ]  # fmt: skip
    assert run_source(main, [5]).result == 10 // 5 + 1 + 9


def test_dots_lead_up_as_in_python_and_a_place_above_is_told_by_its_way_from_the_program(write):
    inner = write(FILES, "parts/inner.py", "inner")
    assert run_source(inner, [2]).result == 6
    files = {"a/b/low.py": "from ...top import f\ndef g(n: Word) -> Word:\n    return f(n)\n",
             "top.py": "def f(n: Word) -> Word:\n    return 1 // n\n"}  # fmt: skip
    low = write(files, "a/b/low.py", "g")
    assert low.program["f"].file == "top.py"
    assert str(run_source(low, [0]).trap) == "trap division at line 2, column 12 of ../../top.py"


def test_a_package_goes_before_a_module_of_its_name_and_a_dot_alone_is_the_package(write):
    files = {
        "main.py": "from .other import f\nfrom . import g\ndef main(n: Word) -> Word:\n    return f(n) + g(n)\n",
        "other.py": "def f(n: Word) -> Word:\n    return n\n",
        "other/__init__.py": "def f(n: Word) -> Word:\n    return n + 10\n",
        "__init__.py": "def g(n: Word) -> Word:\n    return n + 100\n",
    }
    assert run_source(write(files, name="main"), [1]).result == 112


def test_a_name_can_be_imported_from_a_file_that_imports_it_itself(write):
    files = {
        "main.py": "from .sorts import f, K\ndef main(n: Word) -> Word:\n    return f(n) + K\n",
        "sorts/__init__.py": "from .quick import f, K\n",
        "sorts/quick.py": "K = ~0\ndef f(n: Word) -> Word:\n    return n\n",
    }
    main = write(files, name="main")
    assert run_source(main, [3]).result == 2
    assert main.program["f"].position.file == "sorts/quick.py"


def test_files_and_functions_may_need_each_other(write):
    files = {
        "pair/even.py": "from .odd import is_odd\n"
        "def is_even(n: Word) -> Word:\n    return 1 if n == 0 else is_odd(n - 1)\n",
        "pair/odd.py": "from ..pair.even import is_even\n"
        "def is_odd(n: Word) -> Word:\n    return 0 if n == 0 else is_even(n - 1)\n",
    }
    even = write(files, "pair/even.py", "is_even")
    assert [run_source(even, [n]).result for n in (0, 1, 6, 7)] == [1, 0, 1, 0]
    assert len(even.program) == 2, "the way up and down again leads to the program's own file"


def test_what_no_function_uses_is_not_looked_up(write):
    files = edited("from .limits import LIMIT\n", "from .limits import LIMIT\nfrom .nowhere import thing\nimport os\n")
    files["main.py"] += "\n\ndef other(thing: Word) -> Word:\n    return nothing(thing)\n"
    assert run_source(write(files), [5]).result == 12
    own = "from .nowhere import f\n@program\ndef main(n: Word) -> Word:\n    f = n + 1\n    return f\n"
    assert run_source(write({"main.py": "from ncl import program\n" + own}), [5]).result == 6


def test_nothing_of_an_imported_file_is_executed(write):
    files = edited("STEP = 1\n", "STEP = 1\nraise SystemExit\n")
    assert run_source(write(files), [5]).result == 12


def test_an_array_goes_through_functions_of_another_file(write):
    files = {
        "main.py": "from .swaps import swap, ones\n@ncl.program\ndef main(xs: Array) -> Array:\n"
        "    swap(xs, 0, 1)\n    ys = ones(2)\n    xs[2] = ys[1]\n    xs = swap(xs, 0, 2)\n    return xs\n",
        "swaps.py": "def swap(xs: Array, i: Word, j: Word) -> Array:\n    xs[i], xs[j] = xs[j], xs[i]\n    return xs\n"
        "def ones(n: Word) -> Array:\n    ys = [1] * n\n    return ys\n",
    }  # fmt: skip
    assert run_source(write(files, name="main"), [[7, 8, 9]]).result == [1, 7, 8]


# --- places ----------------------------------------------------------------------------------------------------------


def test_a_trap_a_trace_and_a_broken_contract_name_the_file_that_they_speak_of(write):
    main = write(FILES)
    trap = run_source(main, [3]).trap
    assert (trap.kind, trap.position) == (Trap.ASSERT, Position(10, 5, "parts/inner.py"))
    assert trap.to_json() == {"kind": "assert", "line": 10, "column": 5, "file": "parts/inner.py"}
    assert [str(place) for place, _ in trace_source(main, [5])] == [
        "line 9, column 5", "line 10, column 5 of parts/inner.py", "line 11, column 5 of parts/inner.py",
        "line 2, column 5 of parts/deep.py",
    ]  # fmt: skip
    _, breach = run_checked(main, [9])
    assert str(breach).startswith("requires(n < LIMIT) does not hold at line 8, column 5 of parts/inner.py")
    assert (breach.kind, breach.to_json()["file"]) == ("call", "parts/inner.py")
    _, breach = run_checked(main, [8])
    assert (breach.kind, breach.position) == ("ensures", Position(9, 5, "parts/inner.py"))


def test_a_place_leads_back_to_its_function_and_line(write):
    main = write(FILES)
    assert main.home(Position(10, 5, "parts/inner.py")).name == "inner"
    assert main.home(Position(2, 5, "parts/deep.py")).line(2).strip() == "return 10 // n"
    assert main.home(Position(9, 5)) is main


def test_violations_of_all_files_are_reported_at_once_the_own_file_first(write):
    files = edited("inner(n) + LIMIT", "inner(n) / LIMIT")
    files["parts/deep.py"] = files["parts/deep.py"].replace("10 // n", "10 / n")
    files["parts/inner.py"] = files["parts/inner.py"].replace("deep(n) + STEP", "deep(n) + missing")
    assert [(file, line) for file, line, _ in refused(write, files)] == [
        ("main.py", 9), ("parts/inner.py", 11), ("parts/deep.py", 2),
    ]  # fmt: skip


def test_an_array_given_back_under_another_name_is_refused_in_the_file_that_does_it(write):
    files = {
        "main.py": "from .swaps import f\n@ncl.program\ndef main(xs: Array) -> Word:\n    return f(xs)\n",
        "swaps.py": "def same(xs: Array) -> Array:\n    return xs\n"
        "def f(xs: Array) -> Word:\n    ys = same(xs)\n    return ys[0]\n",
    }  # fmt: skip
    ((file, line, reason),) = refused(write, {**files, "main.py": "import ncl\n" + files["main.py"]})
    assert (file, line) == ("swaps.py", 4) and "alias" in reason


def test_a_literal_too_large_for_the_width_is_told_in_its_own_file(write):
    main = write(FILES)
    with pytest.raises(LanguageError) as caught:
        run_source(main, [1], Sizes(width=3, memory=8))
    assert [(v.file, v.line, v.text.strip()) for v in caught.value.violations] == [
        ("main.py", 9, "return inner(n) + LIMIT"), ("parts/deep.py", 2, "return 10 // n"),
    ]  # fmt: skip


# --- digest and whole ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("10 // n", "10 % n", True), ("STEP = 1", "STEP = 2", True), ("deep(n) + STEP", "deep(n) - STEP", True),
        ("FAR = 4", "FAR = 5", False), ("    return n\n", "    return n + 1\n", False),
    ],
)  # fmt: skip
def test_the_digest_covers_what_the_program_uses_of_every_file_and_nothing_else(write, old, new, changed):
    assert (write(FILES).digest != write(edited(old, new)).digest) == changed


def test_a_program_of_several_files_written_out_whole_reads_back_to_the_same_program(write):
    main = write(FILES)
    again = parse_text(main.whole, "elsewhere/whole.py", "main")[0]
    assert again.digest == main.digest and list(again.program) == list(main.program)
    for n in (0, 1, 3, 5, 9):
        mine, theirs = run_source(main, [n]), run_source(again, [n])
        assert (mine.result, mine.ticks, mine.trap and mine.trap.kind) == (
            theirs.result, theirs.ticks, theirs.trap and theirs.trap.kind,
        )  # fmt: skip
        before, after = run_checked(main, [n])[1], run_checked(again, [n])[1]
        assert (before and before.text) == (after and after.text)


# --- refusals --------------------------------------------------------------------------------------------------------

F = "def f(n: Word) -> Word:\n    return n\n"


def calling(line, use="f(n)"):
    return f"from ncl import Word, program\n{line}\n\n\n@program\ndef main(n: Word) -> Word:\n    return {use}\n"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("from .gone import f", "f cannot be imported: gone.py: no such file"),
        ("from .a.gone import f", "f cannot be imported: a/gone.py: no such file"),
        ("from ..gone import f", "f cannot be imported: ../gone.py: no such file"),
        ("from . import f", "f cannot be imported: __init__.py: no such file"),
        ("from .folder import f", "f cannot be imported: folder.py: this is a folder"),
        ("from .latin import f", "f cannot be imported: latin.py: not UTF-8 text"),
        ("from .ring import f", "f is no function or constant of ring.py"),
        ("from .main import f", "f is no function or constant of main.py"),
        ("from .near import g as f", "f is imported under another name than its own"),
        ("from .near import g as g\nfrom .near import g as f", "f is imported under another name than its own"),
        ("from .twice import f", "f is no function or constant of twice.py"),
        ("from .words import f", "f is no function or constant of words.py"),
        ("from .waits import f", "f is no function or constant of waits.py"),
        ("from near import f", "f is imported from near, of which nothing is read"),
        ("from ncl.library.sort.quicksort import f", "f is imported from ncl.library.sort.quicksort, of which nothing"),
        ("from . import near as f", "f is imported under another name than its own"),
        ("if 1:\n    from .near import f", "f is no function that can be called here"),
        ("from .near import f\nfrom .near import f", "f is no function that can be called here"),
    ],
)
def test_an_import_that_cannot_be_had_is_refused_where_it_is_used(write, tmp_path, line, reason):
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "latin.py").write_bytes(b"# \xe9\n")
    files = {
        "main.py": calling(line), "near.py": F, "twice.py": F + F, "waits.py": "async " + F,
        "words.py": "from ncl import is_negative as f\n", "ring.py": "from .round import f\n",
        "round.py": "from .ring import f\n",
    }  # fmt: skip
    ((file, at, told),) = refused(write, files)
    assert (file, at, told[: len(reason)]) == ("main.py", 7 + line.count("\n"), reason)


def test_a_remedy_names_what_is_there(write):
    with pytest.raises(LanguageError, match="define it there, once and at the top level; there are: g, h, LIMIT"):
        write({"main.py": calling("from .near import f"), "near.py": f"LIMIT = 3\n{F}{F}".replace("f(", "g(", 1)
               .replace("f(", "h(", 1)})  # fmt: skip


def test_an_imported_file_that_is_no_python_is_refused_with_its_place(write):
    told = refused(write, {"main.py": calling("from .near import f"), "near.py": "x = 1\ndef f(:\n"})
    assert [(file, line) for file, line, _ in told] == [("main.py", 7), ("near.py", 2)]
    assert told[1][2] == "not Python: invalid syntax"


def test_an_import_inside_a_function_stays_refused(write):
    body = "def main(n: Word) -> Word:\n    from .near import f\n    return n\n"
    with pytest.raises(LanguageError, match="imports stand at the top of the file"):
        write({"main.py": body, "near.py": F}, name="main")


def test_files_that_do_not_belong_to_one_program_need_not_agree(write):
    files = {
        "main.py": calling("from .near import f\nK = 2", "f(n) + K"),
        "near.py": f"K = 3\n{F}def g(n: Word) -> Word:\n    main = K\n    return main\ndef main(n: Word) -> Word:\n"
        "    return n\n",
    }
    assert run_source(write(files), [1]).result == 3


ROUND = "xs = [0] * 2\n    while n:\n        invariant(sorted(xs))\n        n -= 1\n    return n"
CLASHES = {
    "two constants": ("K = 2\n", "f(n) + K", "K = 3\n", "return K"),
    "a function and a constant": ("def K(n: Word) -> Word:\n    return n\n", "f(n) + K(n)", "K = 3\n", "return K"),
    "two functions": (F.replace("f(", "g("), "f(n) + g(n)", F.replace("f(", "g("), "return g(n)"),
    "a constant and a variable": ("K = 3\n", "f(n) + K", "", "K = 4\n    return K"),
    "a function and one of the language": (
        "def min(n: Word, m: Word) -> Word:\n    return n\n", "f(n) + min(n, 2)", "", "return min(n, 3)",
    ),
    "a function and a word of contracts": (F.replace("f(", "sorted("), "f(n) + sorted(n)", "", ROUND),
    "two functions of the language": (
        "from ncl import is_negative as g\n", "f(n) + g(n)", "from ncl import magnitude as g\n", "return g(n)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CLASHES)
def test_a_name_that_means_one_thing_here_and_another_there_is_refused_with_both_places(write, what):
    own, use, theirs, body = CLASHES[what]
    files = {
        "main.py": calling(f"from .near import f\n{own}", use),
        "near.py": f"{theirs}def f(n: Word) -> Word:\n    {body}\n",
    }
    ((file, _, reason),) = refused(write, files)
    assert file == "near.py" and "means something else here than in main.py:" in reason


def test_two_functions_of_one_name_that_take_different_arrays_are_told_by_their_name(write):
    files = {
        "main.py": calling("from .near import f\ndef g(xs: Array, n: Word) -> Array:\n    return xs",
                           "f(n)").replace("    return f", "    xs = [1] * n\n    xs = g(xs, n)\n    return f"),
        "near.py": "def g(n: Word) -> Array:\n    ys = [1] * n\n    return ys\n"
        "def f(n: Word) -> Word:\n    ys = g(n)\n    return len(ys)\n",
    }  # fmt: skip
    ((file, line, reason),) = refused(write, files)
    assert (file, line) == ("near.py", 5) and reason.startswith("g means something else here than in main.py:3")


def test_a_constant_of_one_value_may_stand_in_two_files_and_variables_are_free(write):
    files = {
        "main.py": calling("from .near import f\nK = 3", "f(n) + K"),
        "near.py": "K = 3\ndef f(n: Word) -> Word:\n    main = n + K\n    return main\n",
    }
    main = write(files)
    assert run_source(main, [1]).result == 7
    assert parse_text(main.whole, "whole.py", "main")[0].digest == main.digest


def test_an_imported_constant_is_no_variable_of_another_function_of_the_program(write):
    line = "from .near import K\n\n\ndef g(n: Word) -> Word:\n    K = n\n    return K"
    ((file, line, reason),) = refused(write, {"main.py": calling(line, "g(n) + K"), "near.py": "K = 3\n"})
    assert (file, line) == ("main.py", 6) and reason.startswith("K means something else here than in main.py:12")
