"""What is outside the language is refused: where, why, and how to write it instead."""

import ast

import pytest
from reading import SIGNATURE, refusals, text_of

WORD, ARRAY = SIGNATURE, "(xs: Array, n: Word) -> Array"

# body | what stands over the caret | reason. Each row breaks one rule, once.
STATEMENTS = [
    ("print(n)\nreturn n", "print(n)", "print is no function that can be called here"),
    ("xs.append(1)\nreturn n", "xs.append(1)", "methods and computed functions cannot be called"),
    ("len(xs)\nreturn n", "len(xs)", "an expression alone has no effect"),
    ("'prose'\n'more'\nreturn n", "'more'", "an expression alone has no effect"),
    ("...\nreturn n", "...", "an expression alone has no effect"),
    ("n: Word = 1\nreturn n", "n: Word = 1", "variables carry no annotations"),
    ("a = b = n\nreturn a + b", "a = b = n", "one assignment has one `=`"),
    ("a, b = n\nreturn a", "a, b = n", "2 names need as many values"),
    ("a, b = n, 1, 2\nreturn a", "a, b = n, 1, 2", "2 names need as many values"),
    ("(a, b), c = n, 1\nreturn c", "(a, b)", "this cannot be assigned to"),
    ("*a, b = n, 1\nreturn b", "*a", "a star gathers nothing here"),
    ("xs.first = 1\nreturn n", "xs.first", "this cannot be assigned to"),
    ("xs[0:1] = n\nreturn n", "xs[0:1]", "this cannot be assigned to"),
    ("xs[0][0] = n\nreturn n", "xs[0][0]", "this cannot be assigned to"),
    ("xs[0, 1] = n\nreturn n", "xs[0, 1]", "this cannot be assigned to"),
    ("ys = xs\nreturn n", "xs", "xs is an array: another name for it would be an alias"),
    ("a, ys = n, xs\nreturn a", "xs", "xs is an array: another name for it would be an alias"),
    ("xs = xs\nreturn n", "xs", "xs is an array: another name for it would be an alias"),
    ("ys = [1, 2]\nreturn ys[0]", "[1, 2]", "an array is made only as `[c] * n`"),
    ("ys = []\nreturn len(ys)", "[]", "an array is made only as `[c] * n`"),
    ("ys = {}\nreturn n", "{}", "an array is made only as `[c] * n`"),
    ("ys = {1}\nreturn n", "{1}", "an array is made only as `[c] * n`"),
    ("ys = (1, 2)\nreturn n", "(1, 2)", "an array is made only as `[c] * n`"),
    ("ys = [0, 1] * n\nreturn ys[0]", "[0, 1] * n", "an array is made only by an assignment `name = [c] * n`"),
    ("ys = n * [0]\nreturn ys[0]", "n * [0]", "an array is made only by an assignment `name = [c] * n`"),
    ("ys = [*xs] * n\nreturn ys[0]", "[*xs] * n", "an array is made only by an assignment `name = [c] * n`"),
    ("ys, a = [0] * n, 1\nreturn a", "[0] * n", "an array is made only by an assignment `name = [c] * n`"),
    ("xs[0] = [0] * n\nreturn n", "xs[0]", "a new array is given to a name"),
    ("len = n\nreturn n", "len", "len is a function of the language"),
    ("for range in range(n):\n    n -= 1\nreturn n", "range", "range is a function of the language"),
    ("range = [0] * n\nreturn n", "range", "range is a function of the language"),
    ("for x in xs:\n    n += x\nreturn n", "xs", "a for loop runs over range with one to three bounds"),
    ("for i in range():\n    n += i\nreturn n", "range()", "a for loop runs over range with one to three bounds"),
    ("for i in range(1, 2, 3, 4):\n    n += i\nreturn n", "range(1, 2, 3, 4)", "one to three bounds"),
    ("for i in range(n, step=2):\n    n += i\nreturn n", "range(n, step=2)", "one to three bounds"),
    ("for i in enumerate(xs):\n    n += i\nreturn n", "enumerate(xs)", "one to three bounds"),
    ("for i, j in range(n):\n    n += 1\nreturn n", "i, j", "a for loop has one variable"),
    ("for xs[0] in range(n):\n    n += 1\nreturn n", "xs[0]", "a for loop has one variable"),
    ("for i in range(-1, n):\n    n += i\nreturn n", "-1", "there is no negative number"),
    ("for i in range(n, -2, -1):\n    n += i\nreturn n", "-2", "there is no negative number"),
    ("for i in range(0, -1):\n    n += i\nreturn n", "-1", "there is no negative number"),
    ("for i in range(0, -1, 1):\n    n += i\nreturn n", "-1", "there is no negative number"),
    ("for i in range(n, 0, -n):\n    n += i\nreturn n", "-n", "there is no negative number"),
    ("for i in range(n, 0, -0):\n    n += i\nreturn n", "-0", "there is no negative number"),
    ("for i in range(n, 0, -True):\n    n += i\nreturn n", "-True", "there is no negative number"),
    ("for i in range(*xs):\n    n += i\nreturn n", "*xs", "a star spreads nothing here"),
    ("for i in range(n):\n    pass\nelse:\n    n = 1\nreturn n", "n = 1", "a loop has no else"),
    ("while n:\n    n -= 1\nelse:\n    n = 1\nreturn n", "n = 1", "a loop has no else"),
    ("break\nreturn n", "break", "break stands outside a loop"),
    ("if n:\n    continue\nreturn n", "continue", "continue stands outside a loop"),
    ("assert n, n + 1\nreturn n", "n + 1", "the message of an assert is literal text"),
    ("assert n, f'{n}'\nreturn n", "f'{n}'", "the message of an assert is literal text"),
    ("return", "return", "a program returns a word or an array"),
    ("return None", "return None", "a program returns a word or an array"),
    ("return n, 1", "n, 1", "an array is made only as `[c] * n`"),
    ("def g():\n    return 1\nreturn n", "def g():", "functions inside functions are outside the language"),
    ("async def g():\n    return 1\nreturn n", "async def g():", "a program is not asynchronous"),
    ("class A:\n    pass\nreturn n", "class A:", "there are no classes"),
    ("del n\nreturn 1", "del n", "nothing is deleted"),
    ("with n:\n    pass\nreturn n", "with n:", "there are no contexts"),
    ("async with n:\n    pass\nreturn n", "async with n:", "there are no contexts"),
    ("async for i in xs:\n    pass\nreturn n", "async for i in xs:", "a program is not asynchronous"),
    ("try:\n    n = 1\nfinally:\n    n = 2\nreturn n", "try:", "a trap ends the run and cannot be caught"),
    ("try:\n    n = 1\nexcept* ValueError:\n    n = 2\nreturn n", "try:", "a trap ends the run and cannot be caught"),
    ("raise n\nreturn n", "raise n", "nothing is raised"),
    ("import math\nreturn n", "import math", "imports stand at the top of the file"),
    ("from math import pi\nreturn n", "from math import pi", "imports stand at the top of the file"),
    ("global g\nreturn n", "global g", "there are no global variables"),
    ("nonlocal g\nreturn n", "nonlocal g", "there are no outer variables"),
    ("match n:\n    case 1:\n        n = 2\nreturn n", "match n:", "there is no match"),
    ("n /= 2\nreturn n", "n /= 2", "`/` gives fractions, words are whole"),
    ("xs[0] **= 2\nreturn n", "xs[0] **= 2", "`**` is no operation of the machine"),
    ("n @= 2\nreturn n", "n @= 2", "`@` is no operation of the machine"),
]
EXPRESSIONS = [
    ("n / 2", "n / 2", "`/` gives fractions, words are whole"),
    ("n and not n / 2", "n / 2", "`/` gives fractions, words are whole"),
    ("n ** 2", "n ** 2", "`**` is no operation of the machine"),
    ("n @ 2", "n @ 2", "`@` is no operation of the machine"),
    ("-1", "-1", "words are unsigned, there is no negative number"),
    ("n * -n", "-n", "words are unsigned, there is no negative number"),
    ("+n", "+n", "a plus sign in front means nothing"),
    ("1.5", "1.5", "words are whole numbers"),
    ("2j", "2j", "words are whole numbers"),
    ("'a'", "'a'", "str is no word"),
    ("b'a'", "b'a'", "bytes is no word"),
    ("n + None", "None", "NoneType is no word"),
    ("0 < n in xs", "0 < n in xs", "`in` and `is` compare no words"),
    ("n in xs", "n in xs", "`in` and `is` compare no words"),
    ("n not in xs", "n not in xs", "`in` and `is` compare no words"),
    ("n is 1", "n is 1", "`in` and `is` compare no words"),
    ("n if 1.5 else 1", "1.5", "words are whole numbers"),
    ("len(n + 1)", "len(n + 1)", "len takes the name of one array"),
    ("len()", "len()", "len takes the name of one array"),
    ("len(xs, xs)", "len(xs, xs)", "len takes the name of one array"),
    ("len(obj=xs)", "len(obj=xs)", "len takes the name of one array"),
    ("range(n)", "range(n)", "range stands only in `for … in range(…)`"),
    ("print(n, 1)", "print(n, 1)", "print is no function that can be called here"),
    ("max(n)", "max(n)", "max takes 2 or more words"),
    ("max(n, key=n)", "max(n, key=n)", "max takes 2 or more words"),
    ("abs(n)", "abs(n)", "abs takes a difference"),
    ("n.bit_length()", "n.bit_length()", "methods and computed functions cannot be called"),
    ("xs[0](1)", "xs[0](1)", "methods and computed functions cannot be called"),
    ("xs[1:2]", "xs[1:2]", "there are no slices"),
    ("xs[:]", "xs[:]", "there are no slices"),
    ("xs[0, 1]", "xs[0, 1]", "only an array's name takes an index, and only one"),
    ("xs[0][1]", "xs[0][1]", "only an array's name takes an index, and only one"),
    ("[x for x in xs]", "[x for x in xs]", "there are no comprehensions"),
    ("{x for x in xs}", "{x for x in xs}", "there are no comprehensions"),
    ("{x: x for x in xs}", "{x: x for x in xs}", "there are no comprehensions"),
    ("(x for x in xs)", "(x for x in xs)", "there are no comprehensions"),
    ("lambda: n", "lambda: n", "there are no lambdas"),
    ("(m := n)", "m := n", "`:=` assigns inside an expression"),
    ("n.real", "n.real", "there are no attributes"),
    ("f'{n}'", "f'{n}'", "there is no text"),
    ("(yield n)", "yield n", "a program neither waits nor yields"),
    ("(yield from xs)", "yield from xs", "a program neither waits nor yields"),
    ("await n", "await n", "a program neither waits nor yields"),
]


@pytest.mark.parametrize(("body", "mark", "reason"), STATEMENTS)
def test_a_statement_outside_the_language_is_refused_once_with_its_caret(body, mark, reason):
    assert_one_refusal(body, mark, reason)


@pytest.mark.parametrize(("expression", "mark", "reason"), EXPRESSIONS)
@pytest.mark.parametrize(
    "frame", ["return {}", "m = {}\nreturn m", "xs[0] = {}\nreturn n", "xs[0], n = 1, {}\nreturn n"]
)
def test_an_expression_outside_the_language_is_refused_once_with_its_caret(expression, mark, reason, frame):
    assert_one_refusal(frame.format(expression), mark, reason)


@pytest.mark.parametrize("expression", ["xs", "ys"])
@pytest.mark.parametrize("frame", ["n = {} + 1", "xs[{}] = 1", "if {}:\n    n = 1", "assert {}", "n = not {}"])
def test_an_array_is_no_word(expression, frame):
    body = "ys = [0] * n\n" + frame.format(expression) + "\nreturn n"
    found = refusals(body)
    assert [v.reason for v in found] == [f"{expression} is an array, a word is needed here"]
    assert f"{expression}[i]" in found[0].remedy


def assert_one_refusal(body, mark, reason):
    found = refusals(body)
    assert len(found) == 1, [str(v) for v in found]
    (only,) = found
    assert reason in only.reason and only.remedy
    assert only.text == text_of(body).split("\n")[only.line - 1]
    assert only.text[only.column - 1 : only.column - 1 + only.width] == mark
    assert str(only).splitlines()[2].index("^") == 4 + only.column - 1


HEADS = [
    ("(xs) -> Word", "xs", "parameter xs has no annotation"),
    ("(n: int) -> Word", "int", "parameter n is neither Word nor Array"),
    ("(xs: list[Word]) -> Word", "list[Word]", "parameter xs is neither Word nor Array"),
    ("(n: Word) -> tuple", "tuple", "the result is neither Word nor Array"),
    ("(n: Word) -> None", "None", "the result is neither Word nor Array"),
    ("(n: Word)", "def f(n: Word):", "the result has no annotation"),
    ("(n: Word = 1) -> Word", "1", "parameters have no defaults"),
    ("(*n: Word) -> Word", "n: Word", "parameters are plain"),
    ("(**n: Word) -> Word", "n: Word", "parameters are plain"),
    ("(*, n: Word) -> Word", "n: Word", "parameters are plain"),
    ("(n: Word, /) -> Word", "n: Word", "parameters are plain"),
    ("(n: Word, n: Word) -> Word", "n: Word", "n is there twice"),
    ("(len: Word, n: Word) -> Word", "len: Word", "len already means something else here"),
]


@pytest.mark.parametrize(("signature", "mark", "reason"), HEADS)
def test_a_signature_outside_the_language_is_refused(signature, mark, reason):
    (only,) = refusals("return 1", signature)
    assert reason in only.reason and only.remedy
    start = only.column - 1
    assert only.text[start : start + only.width] == mark


def test_every_kind_of_python_statement_and_expression_is_tried_here():
    tried = {type(node) for body, _, _ in STATEMENTS for node in ast.walk(ast.parse(text_of(body)))}
    tried |= {type(node) for text, _, _ in EXPRESSIONS for node in ast.walk(ast.parse(f"async def f():\n {text}"))}
    newer = {"TypeAlias", "TemplateStr", "Interpolation"}  # of Pythons after 3.11
    kinds = {kind for base in (ast.stmt, ast.expr) for kind in base.__subclasses__() if kind.__name__ not in newer}
    assert kinds <= tried


def test_every_violation_is_reported_at_once_in_the_order_of_the_lines():
    body = """
for x in xs:
    n = x ** 2
try:
    n = n / 2
except ValueError:
    m = -1
with n:
    n = [1, 2]
while n:
    n -= 1
else:
    n = 1.5
match n:
    case 1:
        n = +n
unknown.call(n @ 2, key=n if n else -1)
return undefined
""".strip()
    found = refusals(body)
    assert [v.reason.split(",")[0].split(":")[0] for v in found] == [
        "a for loop runs over range with one to three bounds",
        "`**` is no operation of the machine",
        "a trap ends the run and cannot be caught",
        "`/` gives fractions",
        "words are unsigned",
        "there are no contexts",
        "an array is made only as `[c] * n`",
        "a loop has no else",
        "words are whole numbers",
        "there is no match",
        "a plus sign in front means nothing",
        "methods and computed functions cannot be called",
        "`@` is no operation of the machine",
        "words are unsigned",
        "undefined is not known here",
    ]
    assert [v.line for v in found] == sorted(v.line for v in found)


@pytest.mark.parametrize(
    "body",
    [
        "ys = sorted(xs)\nys[0] = 1\nreturn ys[0] + len(ys)",
        "a = b = 1\nreturn a + b",
        "a: Word = 1\nreturn a",
        "if (m := n) > 1:\n    n = m\nreturn m",
        "with n as m:\n    k = m\nreturn k + m",
        "ys = [0] * n\nys = list(ys)\nreturn ys[0]",
    ],
)
def test_what_a_refused_statement_would_have_bound_is_not_reported_as_missing(body):
    assert len(refusals(body)) == 1, [str(v) for v in refusals(body)]


@pytest.mark.parametrize("body", ["return sorted(xs)", "return [1]", "ys = list(xs)\nreturn ys", "return"])
def test_a_refused_return_is_not_reported_as_one_of_the_wrong_sort_or_as_missing(body):
    assert len(refusals(body, ARRAY)) == 1, [str(v) for v in refusals(body, ARRAY)]


def test_a_caret_counts_characters_under_unicode_and_repeats_tabs():
    (only,) = refusals("größe = n\nreturn größe + größe / 2", "(n: Word) -> Word")
    assert only.text[only.column - 1 : only.column - 1 + only.width] == "größe + größe / 2"[8:]
    (only,) = refusals("if n:\n\t\tn = -1\nreturn n", "(n: Word) -> Word")
    assert str(only).splitlines()[2] == "        \t\t    ^^"
