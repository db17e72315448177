"""Sorts, definite assignment and returns: each rule broken once, and what looks like a breach but is none."""

import pytest
from reading import refusals, unmarked

WORD, ARRAY = "(xs: Array, n: Word) -> Word", "(xs: Array, n: Word) -> Array"

# body with ‹the piece over the caret› | reason. Where nothing is marked the whole function is meant.
SORTS = [
    (WORD, "‹return› xs", "xs is an array, the result is a Word"),
    (ARRAY, "‹return› n", "this returns a word, the result is an Array"),
    (ARRAY, "‹return› xs[0]", "this returns a word, the result is an Array"),
    (WORD, "return ‹n›[0]", "n is a word, an array is needed here"),
    (WORD, "return ‹len(n)›", "n is a word, an array is needed here"),
    (WORD, "‹n›[0] = 1\nreturn 1", "n is a word, an array is needed here"),
    (WORD, "‹n›[0] += 1\nreturn 1", "n is a word, an array is needed here"),
    (WORD, "a = 1\nreturn ‹a›[0]", "a is a word, an array is needed here"),
    (WORD, "ys = [‹xs›] * n\nreturn n", "xs is an array, a word is needed here"),
    (WORD, "ys = [0] * ‹xs›\nreturn n", "xs is an array, a word is needed here"),
    (WORD, "return ‹xs› == 1", "xs is an array, a word is needed here"),
    (WORD, "while ‹xs›:\n    n = 1\nreturn n", "xs is an array, a word is needed here"),
    (WORD, "for i in range(‹xs›):\n    n = 1\nreturn n", "xs is an array, a word is needed here"),
    (WORD, "‹xs› = n\nreturn n", "xs is used as a word and as an array"),
    (WORD, "xs[0], ‹xs› = n, n\nreturn n", "xs is used as a word and as an array"),
    (WORD, "n = [0] * 3\nreturn 1", "n is used as a word and as an array"),
    (WORD, "ys = [0] * n\nif n:\n    ‹ys› = 1\nreturn n", "ys is used as a word and as an array"),
]
ASSIGNED = [
    ("return ‹m›", "m is not known here"),
    ("return ‹m›[0]", "m is not known here"),
    ("return ‹len(m)›", "m is not known here"),
    ("‹m› += 1\nreturn n", "m may not have been assigned here"),
    ("m = ‹m› + 1\nreturn n", "m may not have been assigned here"),
    ("n = ‹m›\nm = 1\nreturn n", "m may not have been assigned here"),
    ("a, b = 1, ‹a›\nreturn b", "a may not have been assigned here"),
    ("xs[‹m›], m = 1, 2\nreturn m", "m may not have been assigned here"),
    ("if n:\n    m = 1\nreturn ‹m›", "m may not have been assigned here"),
    ("if n:\n    pass\nelse:\n    m = 1\nreturn ‹m›", "m may not have been assigned here"),
    ("if n:\n    m = 1\nelif n > 2:\n    m = 2\nreturn ‹m›", "m may not have been assigned here"),
    ("while n:\n    m = 1\n    n -= 1\nreturn ‹m›", "m may not have been assigned here"),
    ("while True:\n    if n:\n        break\n    m = 1\n    break\nreturn ‹m›", "m may not have been assigned here"),
    ("for i in range(3):\n    pass\nreturn ‹i›", "i may not have been assigned here"),
    ("for i in range(‹i›):\n    pass\nreturn n", "i may not have been assigned here"),
    ("for i in range(n):\n    if i:\n        break\n    m = i\nreturn ‹m›", "m may not have been assigned here"),
    ("for i in range(n):\n    if i:\n        continue\n    m = i\nreturn ‹m›", "m may not have been assigned here"),
    ("if n:\n    ys = [0] * n\nreturn ‹ys›[0]", "ys may not have been assigned here"),
    ("if n:\n    ys = [0] * n\nreturn ‹len(ys)›", "ys may not have been assigned here"),
    ("if n:\n    ys = [0] * n\n‹ys›[0] = 1\nreturn n", "ys may not have been assigned here"),
    ("if n and ‹m›:\n    n = 1\nm = 2\nreturn n", "m may not have been assigned here"),
]
RETURNS = [
    ("pass", "a path ends without return"),
    ("n = 1", "a path ends without return"),
    ("if n:\n    return 1", "a path ends without return"),
    ("if n:\n    return 1\nelse:\n    n = 1", "a path ends without return"),
    ("while n:\n    return 1", "a path ends without return"),
    ("for i in range(n):\n    return i", "a path ends without return"),
    ("while True:\n    if n:\n        break\n    return 1", "a path ends without return"),
    ("return 1\n‹n› = 2\nn = 3", "this is never reached"),
    ("if n:\n    return 1\nelse:\n    return 2\n‹return› 3", "this is never reached"),
    ("while n:\n    break\n    ‹n› = 1\nreturn n", "this is never reached"),
    ("while n:\n    continue\n    ‹n› = 1\nreturn n", "this is never reached"),
    ("while n:\n    if n:\n        break\n    else:\n        continue\n    ‹n› = 1\nreturn n", "this is never reached"),
]


@pytest.mark.parametrize(("signature", "marked", "reason"), SORTS)
def test_a_word_where_an_array_is_wanted_and_the_other_way_round_is_refused(signature, marked, reason):
    body, place, piece = unmarked(marked)
    first = next(v for v in refusals(body, signature) if v.reason == reason)
    if not piece:
        assert first.line == 1
    else:
        assert (first.line, first.column, first.width) == (place.line, place.column, len(piece))
    assert first.remedy


@pytest.mark.parametrize(("marked", "reason"), ASSIGNED)
def test_a_variable_that_a_path_leaves_unassigned_is_refused_where_it_is_read(marked, reason):
    body, place, piece = unmarked(marked)
    (only,) = refusals(body)
    assert (only.line, only.column, only.width) == (place.line, place.column, len(piece))
    assert only.reason == reason and only.remedy


@pytest.mark.parametrize(("marked", "reason"), RETURNS)
def test_every_path_returns_and_nothing_stands_behind(marked, reason):
    body, place, piece = unmarked(marked)
    (only,) = refusals(body)
    assert only.reason == reason and only.remedy
    if not piece:
        assert (only.line, only.column, only.text) == (1, 1, f"def f{WORD}:")
    else:
        assert (only.line, only.column) == (place.line, place.column)


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        ("if n:\n    m = 1\nelse:\n    m = 2\nreturn m", WORD),
        ("if n:\n    return 1\nelse:\n    m = 2\nreturn m", WORD),
        ("if n:\n    return 1\nelif n > 2:\n    return 2\nelse:\n    return 3", WORD),
        ("while n:\n    if n:\n        return 1\n    else:\n        m = 2\n    n = m\nreturn n", WORD),
        ("while n:\n    if n:\n        break\n    m = 1\n    n -= m\nreturn n", WORD),
        ("while n:\n    return 1\nreturn 2", WORD),
        ("if n:\n    ys = [0] * 3\nelse:\n    ys = [1] * 4\nreturn ys", ARRAY),
        ("xs = [0] * n\nreturn xs", ARRAY),
        ("for i in range(n):\n    i = 0\nreturn n", WORD),
        ("for n in range(n):\n    pass\nreturn n", WORD),
        ("m = 0\nfor m in range(n):\n    pass\nreturn m", WORD),
        ("n, m = 1, n\nreturn m", WORD),
        ("m, xs[m] = 1, 2\nreturn m", WORD),
        ("assert False, 'never'\nreturn n", WORD),
        ("pass\nreturn n\npass", WORD),
    ],
)
def test_what_is_assigned_on_every_path_that_leads_there_is_the_language(body, signature):
    assert refusals(body, signature) == ()


def test_no_condition_is_believed():
    """A value is not tracked: `if True` might skip its branch. Of a loop on True see `test_endless`."""
    assert [v.reason for v in refusals("if True:\n    m = 1\nreturn m")] == ["m may not have been assigned here"]


def test_the_place_of_an_unassigned_variable_is_named_at_each_of_its_reads():
    found = refusals("n = m + 1\nn = m + m\nreturn n")
    assert [(v.line, v.column) for v in found] == [(2, 9), (3, 9), (3, 13)]
