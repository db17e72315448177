"""Docstring examples and asserts: what a program says of itself is tested, its precondition is not held against it."""

import pytest

from ncl import library
from ncl.errors import FormatError, Refuted
from ncl.language.examples import examples
from ncl.language.opcodes import Trap
from ncl.language.parse import parse_text
from ncl.language.program import Sizes
from ncl.properties import claims
from ncl.properties.failure import Failed
from ncl.properties.search import falsify
from ncl.properties.strategies import arguments

HEAD = "from ncl import Array, Word, program\n\n\n@program\n"


def read(text):
    return parse_text(HEAD + text, "mine.py")[0]


def documented(*lines):
    body = "".join(f"        {line}\n" for line in lines)
    return read(f'def half(x: Word) -> Word:\n    """Half of it.\n\n{body}    """\n    return x // 2\n')


def test_the_library_s_examples_are_true():
    for name in library.names():
        found = examples(library.get(name))
        assert len(found) >= 3
        claims.check_examples(library.get(name))


def test_a_wrong_example_is_found():
    function = documented("half(4) -> 2", "half(5) -> 3")
    with pytest.raises(Failed, match="as the docstring says") as found:
        claims.check_examples(function)
    assert (found.value.what, found.value.got) == ("half(5) at width 16", "2")


def test_an_example_may_expect_a_trap():
    text = 'def f(x: Word) -> Word:\n    """One through x.\n\n    f({}) -> trap division\n    """\n    return 1 // x\n'
    function = read(text.format(0))
    assert examples(function)[0].trap == Trap.DIVISION
    claims.check_examples(function)
    with pytest.raises(Failed, match="trap division") as found:
        claims.check_examples(read(text.format(2)))
    assert found.value.got == "0"


def test_prose_that_looks_like_a_call_is_no_example():
    assert examples(documented("half(x) -> the half of x", "Use half(3) -> 1 with care.")) == ()


@pytest.mark.parametrize(
    "line", ["half(3) -> one", "half(3 -> 1", "half(-3) -> 1", "half(3) -> trap door", "half(3) ->"]
)
def test_an_example_that_cannot_be_read_is_said_to_be_one(line):
    with pytest.raises(FormatError, match="cannot read the example"):
        examples(documented(line))


def test_examples_are_of_width_16_or_of_what_the_literals_need():
    assert claims.example_sizes(library.get("stack")).width == 16
    assert claims.example_sizes(read("def f(x: Word) -> Word:\n    return x + 100000\n")).width == 17


ASSERTING = """def middle(xs: Array, k: Word) -> Word:
    assert len(xs) > 0
    assert k != 3
    n = len(xs)
    while n > 1:
        n -= 2
        if n > 5:
            assert k < 10
    assert k < 20
    return xs[n]
"""


def test_asserts_at_the_start_are_the_precondition_and_all_others_are_claims():
    function = read(ASSERTING)
    assert {p.line for p in claims.precondition(function)} == {6, 7}
    assert {p.line for p in claims.claims(function)} == {12, 13}
    claims.check_asserts(function, Sizes(), [[], 3], 99)
    claims.check_asserts(function, Sizes(), [[1], 3], 99)


def test_a_claim_that_fails_is_found_with_the_smallest_input():
    function, sizes = read(ASSERTING), Sizes(8, memory=32)
    with pytest.raises(Failed) as found:
        falsify(lambda row: claims.check_asserts(function, sizes, row, 99), arguments(function.signature, sizes), 200)
    assert found.value.what == "middle([0], 20) at width 8"
    assert found.value.expected == "line 13 to hold: assert k < 20"
    assert found.value.got == "trap assert at line 13, column 5"


def test_other_traps_are_defined_behaviour_and_no_failure():
    function = read("def f(xs: Array) -> Word:\n    x = xs[0]\n    assert x == x\n    return x\n")
    claims.check_asserts(function, Sizes(), [[]], 99)


def test_a_failure_survives_the_way_back_from_a_worker_process():
    import pickle

    found = pickle.loads(pickle.dumps(Failed("f(1)", "2", "3")))
    assert isinstance(found, Refuted) and isinstance(found, AssertionError)
    assert (found.what, found.expected, found.got) == ("f(1)", "2", "3") and str(found) == str(Failed("f(1)", "2", "3"))
