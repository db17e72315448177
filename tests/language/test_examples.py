"""Lines of a docstring that are examples, lines that only look like some, and lines that are meant and spoiled."""

import pytest
from reading import function

from ncl.errors import FormatError
from ncl.language.examples import Example, examples
from ncl.language.opcodes import Trap


def found(*lines):
    text = "\n    ".join(lines)
    return examples(function(f'"""First.\n\n    {text}\n    """\nreturn n'))


def test_arguments_and_result_are_read_from_each_line():
    assert found("f([1, 2], 3) -> 4", "    f([], 0)->[5,6]  ") == (
        Example("f([1, 2], 3) -> 4", [[1, 2], 3], 4),
        Example("f([], 0)->[5,6]", [[], 0], [5, 6]),
    )


@pytest.mark.parametrize("trap", [t for t in Trap if t.label != "invalid"])
def test_a_result_may_be_a_trap(trap):
    (example,) = found(f"f([], 0) -> trap {trap.label}")
    assert (example.expected, example.trap) == (None, trap)


@pytest.mark.parametrize(
    "line", ["f(xs, n) -> 3", "f('a', 2) -> 3", "g([1], 2) -> 3", "see f([1], 2) -> 3", "f([1], 2)", "f -> 3", ""]
)
def test_other_lines_are_prose(line):
    assert found(line) == ()


@pytest.mark.parametrize(
    "line",
    [
        "f([1], 2) -> three", "f([1], 2) -> trap luck", "f([1], 2) -> ", "f([1], -2) -> 3", "f([1], 2) -> -3",
        "f([1.5], 2) -> 3", "f([1, 2) -> 3", "f([[1]], 2) -> 3",
    ],
)  # fmt: skip
def test_a_line_that_is_meant_and_cannot_be_read_is_refused(line):
    with pytest.raises(FormatError, match="cannot read the example") as caught:
        found(line)
    assert "trap division" in caught.value.remedy and caught.value.where == "f.py:f"
