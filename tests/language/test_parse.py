"""Source files are read as text: what is a program in them, what is a constant, and what no reader may do."""

import sys
from importlib.util import module_from_spec, spec_from_file_location

import pytest
from reading import function, refusals

from ncl.build import Compiled, functions_of, sizes_for
from ncl.errors import InputError, LanguageError, NotFoundError
from ncl.language import bindings
from ncl.language.interpret.source import run_source
from ncl.language.parse import DEEPEST, of_callable, parse_text, read_source
from ncl.language.typecheck import check_width

IMPORT = "from ncl import Array, Word, program\n"
F = "def f(n: Word) -> Word:\n    return n\n"
CALLS_G = "def f(n: Word) -> Word:\n    return g(n)\n"
G = "def g(xs: Array) -> Array:\n    return xs\n"


def names(text):
    return [f.name for f in parse_text(text, "f.py")]


def written(tmp_path, text, name="mine.py", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def value_of(constants, expression="C"):
    """What an expression is worth beside these module lines."""
    (f,) = parse_text(f"{constants}\ndef f() -> Word:\n    return {expression}\n", "f.py", "f")
    return run_source(f, []).result


# --- discovery -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("imports", "decorator"),
    [
        ("from ncl import program", "program"),
        ("from ncl import Array, program as compiled", "compiled"),
        ("from ncl import *", "program"),
        ("from ncl.language.declare import program", "program"),
        ("import ncl", "ncl.program"),
        ("import ncl as n", "n.program"),
        ("import os, ncl as n", "n.program"),
        ("import ncl.build", "ncl.program"),
        ("try:\n    from ncl import program\nexcept ImportError:\n    raise", "program"),
        ("if True:\n    import ncl", "ncl.program"),
    ],
)
def test_a_decorated_function_is_a_program_under_any_name_of_the_decorator(imports, decorator):
    assert names(f"{imports}\n@{decorator}\n{F}@{decorator}\n{G}") == ["f", "g"]


@pytest.mark.parametrize(
    ("imports", "decorator"),
    [
        ("from other import program", "program"),
        ("from .ncl import program", "program"),
        ("import ncl.build as n", "ncl.program"),
        ("import ncl", "program"),
        ("import ncl.build as n", "n.program"),
        ("import os", "ncl.program"),
        ("import other", "other.program"),
        ("", "ncl.program"),
        ("def late():\n    import ncl", "ncl.program"),
    ],
)
def test_another_decorator_of_that_name_marks_no_program(imports, decorator):
    assert names(f"{imports}\n@{decorator}\n{F}") == []


def test_a_program_that_is_made_under_a_condition_is_refused_and_not_passed_over():
    inner = "".join(f"    {line}\n" for line in f"@program\n{F}".splitlines())
    for head in ("class A:\n", "if True:\n", "try:\n    pass\nfinally:\n", "with A:\n", "for i in A:\n"):
        with pytest.raises(LanguageError, match=r"f\.py:.*f is no program here: those stand at the top level"):
            names(f"{IMPORT}{head}{inner}@program\n{G}")


def test_programs_inside_functions_are_not_those_of_the_file():
    inner = "".join(f"    {line}\n" for line in f"@program\n{F}".splitlines())
    assert names(f"{IMPORT}def h():\n{inner}@program\n{G}") == ["g"]


def test_a_named_function_needs_no_decorator():
    assert [f.name for f in parse_text(F + G, "f.py", "g")] == ["g"]


def test_of_two_functions_of_one_name_the_last_stands():
    (f,) = parse_text(F + F.replace("return n", "return n + 1"), "f.py", "f")
    assert run_source(f, [1]).result == 2


def test_a_missing_name_is_answered_with_the_names_there_are():
    with pytest.raises(NotFoundError, match=r"no function h\n  remedy: functions there: f, g"):
        parse_text(F + G + F, "f.py", "h")


@pytest.mark.parametrize("decorator", ["@program()", "@program(width=8)"])
def test_a_decorator_with_arguments_is_refused_and_not_passed_over(decorator):
    with pytest.raises(LanguageError, match=r"f\.py:2:2: the decorator takes no arguments"):
        names(f"{IMPORT}{decorator}\n{F}")


def test_an_asynchronous_program_is_refused_and_not_passed_over():
    with pytest.raises(LanguageError, match=r"f\.py:3:1: a program is not asynchronous"):
        names(f"{IMPORT}@program\nasync {F}")


@pytest.mark.parametrize(
    ("before", "decorator"),
    [
        ("from functools import cache", "cache"), ("import functools", "functools.lru_cache(maxsize=3)"),
        ("", "staticmethod"), ("def other(f):\n    return None", "other"), ("program = print", "program"),
        ("from ncl import program\ndef program(f):\n    return f", "program"), ("import mine as ncl", "ncl.program"),
        ("from mine import program", "program"), ("from ncl import program\ndel program", "program"),
        ("from ncl import program\ndef late(x=(program := print)):\n    pass", "program"),
    ],
)  # fmt: skip
def test_a_decorator_that_may_make_another_function_is_refused_on_a_program_and_on_what_it_calls(before, decorator):
    for text, line in ((f"@{decorator}\n{F}", 1), (f"{CALLS_G}@{decorator}\n{F.replace('f(', 'g(')}", 3)):
        with pytest.raises(LanguageError) as caught:
            parse_text(f"{before}\n{text}", "f.py", "f")
        (only,) = caught.value.violations
        assert "this decorator may make another function of" in only.reason
        assert only.line == line + 1 + before.count("\n") and only.column == 2 and only.width == len(decorator)


# What stands in the file besides `def f` | the line that is told, counted from the end of it
REBOUND = [
    "f = 3",
    "f, k = 1, 2",
    "del f",
    "def f(n):\n    return 1",
    "class f:\n    pass",
    "import os as f",
    "import f.g",
    "from os import path as f",
    "if True:\n    f = 3",
    "for f in ():\n    pass",
    "with A as f:\n    pass",
    "try:\n    pass\nexcept E as f:\n    pass",
    "k = (f := 3)",
    "f += 1",
    "f: int = 3",
    "k = lambda x=(f := 3): x",
    "match A:\n    case f:\n        pass",
    "match A:\n    case [*f]:\n        pass",
    "match A:\n    case {**f}:\n        pass",
    "while A:\n    f = 3",
    "def k():\n    global f\n    f = 3",
    "@(f := A)\ndef k():\n    pass",
    "class k(f := A):\n    pass",
    "async def f():\n    pass",
]


@pytest.mark.parametrize("after", REBOUND)
def test_a_program_whose_name_becomes_something_else_is_refused(after):
    for text in (f"{IMPORT}@program\n{F}{after}\n", f"{IMPORT}@program\n{F}{G}{after}\n"):
        with pytest.raises(LanguageError, match="f becomes something else here than the function above"):
            parse_text(text, "f.py")


@pytest.mark.parametrize("after", REBOUND)
def test_what_is_bound_before_its_definition_leaves_a_program_what_it_is(after):
    if "global" not in after:
        assert names(f"{IMPORT}{after}\n@program\n{F}") == ["f"]


@pytest.mark.parametrize("after", [*REBOUND, "f: int"])
def test_what_a_name_is_bound_to_besides_makes_it_no_constant_and_no_function_to_be_called(after):
    after, body = after.replace("def f(n)", "def f(n, /)"), "def h() -> Word:\n    return {}\n"
    constant, called = (f"{IMPORT}{first}\n{after}\n@program\n{body.format(use)}" for first, use in
                        (("f = 5", "f"), (F, "f(1)")))  # fmt: skip
    if after == "f: int":  # an annotation alone binds nothing
        assert names(constant) == names(called) == ["h"]
        return
    with pytest.raises(LanguageError, match="f is no constant: it must be bound once"):
        names(constant)
    with pytest.raises(LanguageError, match="f is no function that can be called here"):
        names(called)


@pytest.mark.parametrize("name", ["min", "max", "abs", "len", "range"])
@pytest.mark.parametrize("before", ["{} = print", "import os as {}", "class {}:\n    pass", "def k():\n    global {}"])
def test_a_function_of_the_language_that_the_file_hides_is_refused(name, before):
    use = {"abs": "abs(n - 1)", "len": "len(xs)", "range": "0\n    for i in range(n):\n        n += i"}.get(
        name, f"{name}(n, 1)"
    )
    text = f"{IMPORT}{before.format(name)}\n@program\ndef f(xs: Array, n: Word) -> Word:\n    n = {use}\n    return n\n"
    with pytest.raises(LanguageError) as caught:
        names(text)
    (only,) = caught.value.violations
    assert only.reason == f"{name} is something else in this file" and only.remedy == f"rename what hides {name}"


def test_a_function_of_the_file_takes_the_place_of_one_of_the_language():
    mine = "def min(a: Word, b: Word) -> Word:\n    return a + b\n"
    (f,) = parse_text(f"{mine}def f(n: Word) -> Word:\n    return min(n, 7)\n", "f.py", "f")
    assert run_source(f, [3]).result == 10


@pytest.mark.parametrize("name", ["min", "max", "abs", "signed_less"])
@pytest.mark.parametrize("bound", ["{} = 3", "for {} in range(3):\n        pass", "if n:\n        {} = 3"])
def test_a_variable_is_no_function_of_the_language(name, bound):
    text = (
        f"from ncl import signed_less\ndef f(n: Word) -> Word:\n    {bound.format(name)}\n    return {name}(n - 1, 2)\n"
    )
    with pytest.raises(LanguageError, match=f"{name} is a variable here, no function"):
        parse_text(text, "f.py", "f")


def test_a_star_import_is_refused_since_it_may_bind_any_name():
    for text in (f"from os import *\n{F}", f"{F}if True:\n    from .mine import *\n"):
        with pytest.raises(LanguageError, match="a star may give any name another meaning"):
            parse_text(text, "f.py", "f")


def test_a_star_import_from_ncl_binds_what_ncl_says():
    import ncl

    assert set(ncl.__all__) == bindings.FROM_NCL
    assert names(f"from ncl import *\n@program\n{F.replace('return n', 'return magnitude(n)')}") == ["f"]


@pytest.mark.parametrize("word", ["requires", "sorted", "sum", "min"])
@pytest.mark.parametrize("hidden", ["def {}(x):\n    return x\n", "from os import path as {}\n"])
def test_a_word_of_contracts_that_the_file_hides_is_refused(word, hidden):
    condition = {"sorted": "sorted(xs)", "sum": "sum(xs) == 3", "min": "min(n, 2) == 1"}.get(word, "n > 0")
    text = f"{hidden.format(word)}def f(xs: Array, n: Word) -> Word:\n    requires({condition})\n    return n\n"
    with pytest.raises(LanguageError, match=f"{word} is something else in this file"):
        parse_text(text, "f.py", "f")
    text = f"def f(xs: Array, n: Word) -> Word:\n    requires({condition})\n    {word} = 3\n    return {word}\n"
    with pytest.raises(LanguageError, match=f"{word} is a variable here, no function"):
        parse_text(text, "f.py", "f")


def test_annotations_may_be_qualified_or_quoted():
    (f,) = parse_text("def f(xs: ncl.Array, n: 'Word') -> ncl.Word:\n    return n\n", "f.py", "f")
    assert str(f.signature) == "(xs: Array, n: Word) -> Word"


# --- FILE, FILE:FUNC, names ------------------------------------------------------------------------------------------


def test_a_target_is_a_library_name_a_file_or_a_function_of_a_file(tmp_path):
    path = written(tmp_path, f"{IMPORT}@program\n{F}\n{G}\n@program\n{G.replace('g', 'h')}")
    assert [f.name for f in functions_of(str(path))] == ["f", "h"]
    assert [f.name for f in functions_of(f"{path}:g")] == ["g"]
    assert [f.name for f in functions_of("reverse")] == ["reverse"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("", "no library program is called ''"),
        ("revers", "no library program is called 'revers'"),
        ("a" * 400, "no library program is called"),
        ("{folder}/" + "a" * 400 + ".py", "cannot read: File name too long"),
        ("{folder}/null\0.py", "cannot read: embedded null byte"),
        ("{folder}/none.py", "no such file"),
        ("{folder}/none.py:f", "no such file"),
        ("{folder}/", "this is a folder"),
        ("{folder}/empty.py", "no function is decorated with @program"),
        ("{folder}/empty.py:f", "no function f"),
    ],
)
def test_a_target_that_is_nothing_is_named_in_the_error(tmp_path, target, message):
    written(tmp_path, "", "empty.py")
    with pytest.raises(NotFoundError, match=message):
        functions_of(target.format(folder=tmp_path))


# --- constants -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ("C = 5", 5),
        ("C: int = 5", 5),
        ("B = C = 5", 5),
        ("C = 0xFF", 255),
        ("C = 1_000", 1000),
        ("C = True", 1),
        ("C = ~0", 65535),
        ("C = ~5", 65530),
        ("C: int\nC = 5", 5),
        ("C = 5\ndef g():\n    C = 6", 5),
        ("C = 5\nclass A:\n    C = 6", 5),
    ],
)
def test_a_name_bound_once_to_a_literal_is_a_constant(lines, value):
    assert value_of(lines) == value


@pytest.mark.parametrize(
    "lines",
    [
        "C = 5\nC = 6",
        "C = 5\nC += 1",
        "C = 5\nif C:\n    C = 6",
        "if True:\n    C = 5",
        "C = 5\ndel C",
        "C = 5\nfor C in range(3):\n    pass",
        "C = 5\nimport os as C",
        "C = 5\nfrom os import path as C",
        "C = 5\ndef C():\n    pass",
        "C = 5\nclass C:\n    pass",
        "C = 5\nwith open('x') as C:\n    pass",
        "C = 5\ntry:\n    pass\nexcept OSError as C:\n    pass",
        "C = 5\nmatch 1:\n    case C:\n        pass",
        "C = 5\nmatch [1]:\n    case [*C]:\n        pass",
        "C = 5\nmatch {}:\n    case {**C}:\n        pass",
        "C = 5\nprint(C := 6)",
        "C = 5\ndef g():\n    global C\n    C = 6",
        "C = -1",
        "C = 2 + 3",
        "C = 5.0",
        "C = 'a'",
        "C, D = 5, 6",
        "C = [0]",
    ],
)
def test_a_name_that_python_might_give_another_value_is_no_constant(lines):
    with pytest.raises(LanguageError, match="C is no constant: it must be bound once in the file, to a number"):
        value_of(lines)


def test_a_constant_is_a_word_in_every_place_of_one():
    (f,) = parse_text(
        "C = 2\nD = ~0\ndef f(xs: Array) -> Array:\n    ys = [C] * C\n    for i in range(C, C + C, C):\n"
        "        ys[i - C] = xs[C] + D\n    return ys\n", "f.py", "f",
    )  # fmt: skip
    assert run_source(f, [[0, 0, 9]]).result == [8, 2]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("C = 1\n    return n", "C is a module constant"),
        ("C += 1\n    return n", "C is a module constant"),
        ("for C in range(n):\n        pass\n    return n", "C is a module constant"),
        ("n, C = 1, 2\n    return n", "C is a module constant"),
        ("C = [0] * n\n    return n", "C is a module constant"),
        ("return C[0]", "C is no array, it is a module constant"),
        ("return len(C)", "C is no array, it is a module constant"),
        ("n = C = 1\n    return n", "one assignment has one `=`"),
    ],
)
def test_a_constant_is_neither_variable_nor_array(body, reason):
    with pytest.raises(LanguageError, match=reason) as caught:
        parse_text(f"C = 5\ndef f(n: Word) -> Word:\n    {body}\n", "f.py", "f")
    assert len(caught.value.violations) == 1


def test_a_parameter_named_like_a_constant_is_refused():
    with pytest.raises(LanguageError, match=r"f\.py:2:7: n already means something else here"):
        parse_text(f"n = 5\n{F}", "f.py", "f")


@pytest.mark.parametrize("hides", ["def len(x):\n    return 3", "len = max", "from os import path as len"])
def test_a_file_that_hides_len_is_refused_where_len_is_used(hides):
    with pytest.raises(LanguageError, match="len is something else in this file"):
        parse_text(f"{hides}\ndef f(xs: Array) -> Word:\n    return len(xs)\n", "f.py", "f")


def test_a_file_that_hides_range_is_refused_where_range_is_used():
    text = "from mine import range\ndef f(n: Word) -> Word:\n    for i in range(n):\n        n += i\n    return n\n"
    with pytest.raises(LanguageError, match="range is something else in this file"):
        parse_text(text, "f.py", "f")


# --- text ------------------------------------------------------------------------------------------------------------


def test_nothing_is_executed(tmp_path):
    text = f"{IMPORT}import none_of_that_name\nraise SystemExit(3)\nx = 1 / 0\nprint()\n@program\n{F}"
    before = set(sys.modules)
    assert [f.name for f in functions_of(str(written(tmp_path, text)))] == ["f"]
    assert set(sys.modules) == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def f(:\n", "f.py:1:7: not Python: invalid syntax"),
        ("x = (1,\n", "f.py:1:5: not Python: '\\(' was never closed"),
        ("if x:\ny = 1\n", "f.py:2:1: not Python: expected an indented block"),
        ("größe = §\n", "f.py:1:9: not Python: invalid character '§'"),
        ("x = 'a\n", "f.py:1:5: not Python: unterminated string literal"),
        ("x = 1\0\n", "not Python: source code.* null bytes"),
        ("x = " + "9" * 5000, "not Python: Exceeds the limit"),
        ("x = " + "(" * 500 + ")" * 500, "not Python: too many nested parentheses"),
        ("x = " + "1+" * 20000 + "1", "f.py:1:1: the nesting is too deep"),
    ],
)
def test_what_is_not_python_is_refused_with_its_place(text, message):
    with pytest.raises(LanguageError, match=message):
        parse_text(text, "f.py")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x = 1\n" * 3 + f"{F[:-1]}{' + n' * 20000}\n", 5),
        ("x = (1,\n     2)\n\ndef f(n: Word) -> Word:\n    return (n\n" + "        + n\n" * 20000 + "    )\n", 5),
        ("def f(n: Word) -> Word:\n    # why\n    n += 1\n    n -= 1" + " + n" * 20000 + "\n    return n\n", 4),
    ],
)
def test_a_text_that_nests_too_deep_for_python_is_told_at_its_statement(text, line):
    with pytest.raises(LanguageError) as caught:
        parse_text(text, "f.py", "f")
    (only,) = caught.value.violations
    assert (only.line, only.reason) == (line, "the nesting is too deep")


def test_strange_escapes_in_a_file_warn_nobody():
    assert names(f"x = '\\d'\ny = 1if 1else 2\n{IMPORT}@program\n{F}") == ["f"]


def test_a_byte_order_mark_is_no_text(tmp_path):
    marked = written(tmp_path, f"{IMPORT}@program\n{F}", encoding="utf-8-sig")
    assert [f.name for f in functions_of(str(marked))] == ["f"]


def test_a_file_in_another_encoding_is_bad_input(tmp_path):
    with pytest.raises(InputError, match="not UTF-8 text"):
        read_source(written(tmp_path, f"# -*- coding: latin-1 -*-\n# é\n{F}", encoding="latin-1"))


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_end_as_in_python_whatever_else_the_text_holds(tmp_path, ending):
    text = f"'''form\x0cfeed \u2028 \x1c \x85'''\n\x0c\n{F.replace('return n', 'return n + undefined')}"
    path = written(tmp_path, text.replace("\n", ending))
    with pytest.raises(LanguageError) as caught:
        functions_of(f"{path}:f")
    (only,) = caught.value.violations
    assert (only.line, only.column, only.text) == (4, 16, "    return n + undefined")


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_text_of_a_function_is_what_stands_in_the_file_decorators_included(tmp_path, ending):
    path = written(tmp_path, f"{IMPORT}\x0c\n# before\n@program\n{F}# behind\n".replace("\n", ending))
    (f,) = functions_of(str(path))
    assert f.text == f"@program\n{F}"


def test_identifiers_may_be_any_that_python_takes():
    (f,) = parse_text("def größe(数: Array, ﬁ: Word) -> Word:\n    µ = 数[ﬁ]\n    return μ + fi\n", "f.py", "größe")
    assert run_source(f, [[5, 6], 1]).result == 7
    assert [p.name for p in f.signature.parameters] == ["数", "fi"]


def test_a_name_is_found_in_any_of_its_unicode_forms():
    assert parse_text(F.replace("f(", "fi("), "f.py", "ﬁ")[0].name == "fi"


@pytest.mark.parametrize("width", [1, 8, 32])
def test_a_literal_too_large_for_a_width_is_refused_at_that_width_with_its_place(width):
    big = 1 << width
    f = function(f"n = {big - 1}\nn = 0x{big:X}\nn = ~{big}\nxs[{big}] = {big:_}\nreturn n")
    with pytest.raises(LanguageError) as caught:
        check_width(f, width)
    assert [(v.line, v.text[v.column - 1 : v.column - 1 + v.width]) for v in caught.value.violations] == [
        (3, f"0x{big:X}"), (4, f"~{big}"), (5, f"{big}"), (5, f"{big:_}"),
    ]  # fmt: skip
    assert f"{big} is no word of width {width}: the largest is {big - 1}" in str(caught.value)


def test_a_number_of_thousands_of_digits_is_refused_and_not_printed():
    with pytest.raises(LanguageError, match="this number of 20000 bits is no word of width 16"):
        check_width(function("return 0x" + "f" * 5000), 16)
    (f,) = parse_text("C = 0x" + "f" * 5000 + "\ndef f() -> Word:\n    return C\n", "f.py", "f")
    with pytest.raises(LanguageError, match="this number of 20000 bits"):
        check_width(f, 16)


# --- nesting ---------------------------------------------------------------------------------------------------------

CHAINS = {
    "sum": lambda n: "return " + "+".join(["n"] * n),
    "not": lambda n: "return " + "not " * n + "n",
    "and": lambda n: "return " + " and ".join(["n"] * n),
    "elif": lambda n: (
        "if n == 0:\n    n = 1\n" + "".join(f"elif n == {k}:\n    n = 2\n" for k in range(n)) + "return n"
    ),
    "blocks": lambda n: "\n".join(f"{' ' * k}if n:" for k in range(n)) + "\n" + " " * n + "n = 1\nreturn n",
}


@pytest.mark.parametrize("kind", CHAINS)
def test_deep_nesting_is_refused_before_any_pass_could_run_out_of_stack(kind):
    if kind != "blocks":  # Python itself takes no more than 100 of those
        assert len(refusals(CHAINS[kind](DEEPEST + 2))) == 1
    deep = function(CHAINS[kind](DEEPEST - 10))
    compiled = Compiled.of(deep, sizes_for(8))
    (source,) = compiled.run([[[], 1]], executor="source")
    (machine,) = compiled.run([[[], 1]], executor="reference")
    assert source.same_meaning(machine)


def test_the_refusal_of_deep_nesting_says_where():
    (only,) = refusals("n = 1\n" + CHAINS["sum"](500))
    assert only.line == 3 and only.reason == f"this nests more than {DEEPEST} levels deep"


def test_a_long_flat_body_is_no_nesting():
    f = function("\n".join(["n += 1"] * 2000) + "\nreturn n")
    assert run_source(f, [[], 0]).result == 2000


# --- callables -------------------------------------------------------------------------------------------------------


def loaded(tmp_path, text, name="loaded_program"):
    spec = spec_from_file_location(name, written(tmp_path, text, f"{name}.py"))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_callable_is_read_from_the_definition_it_came_from(tmp_path):
    text = f"{IMPORT}@program\n{F}first = f\n@program\n{F.replace('return n', 'return n + 1')}"
    module = loaded(tmp_path, text)
    assert (module.first(1), module.f(1)) == (1, 2)
    assert (module.first.python(1), module.f.python(1)) == (1, 2)


def test_a_plain_function_is_read_too(tmp_path):
    assert of_callable(loaded(tmp_path, f"from ncl import Word\n{F}").f).name == "f"


def test_a_function_inside_another_is_not_mistaken_for_one_at_the_top(tmp_path):
    text = f"{F}def outer():\n    def f(n: Word) -> Word:\n        return n + 7\n    return f\n"
    text = f"from __future__ import annotations\n{text}class A:\n    def f(n: Word) -> Word:\n        return n + 8\n"
    module = loaded(tmp_path, text)
    for inner in (module.outer(), module.A.f):
        with pytest.raises(NotFoundError, match="stands inside another function or a class"):
            of_callable(inner)


@pytest.mark.parametrize("thing", [len, 5, None, "text", lambda n: n, type, object()])
def test_what_has_no_source_is_not_found(thing):
    with pytest.raises(NotFoundError):
        of_callable(thing)


def test_a_function_typed_at_a_prompt_has_no_source():
    room = {}
    exec(compile(F.replace("Word", "int"), "<stdin>", "exec"), room)
    with pytest.raises(NotFoundError, match="the source of 'f' is in no file"):
        of_callable(room["f"])


# --- digests and documentation ---------------------------------------------------------------------------------------


def digest(text, name="f"):
    return parse_text(text, "f.py", name)[0].digest


def test_the_digest_is_of_the_source_text_and_of_the_constants_it_uses():
    body = "def f() -> Word:\n    return C\n"
    base = digest(f"C = 5\n{body}")
    assert digest(f"# elsewhere\nC = 5\n\n\n{body}def g(): pass\n") == base
    assert digest(f"C = 5\nD = 6\n{body}") == base
    assert len({base, digest(f"C = 6\n{body}"), digest(f"C = ~5\n{body}"), digest(f"C = 5\n{body} # so\n")}) >= 3
    assert digest(f"C = 5\n{body.replace('return C', 'return  C')}") != base


def test_the_docstring_is_kept_as_documentation_and_is_no_statement():
    f = function('"""First line.\n\n    More.\n"""\nreturn n')
    assert f.documentation.startswith("First line.\n") and len(f.body) == 1
