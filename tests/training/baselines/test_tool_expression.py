"""What passes the whitelist for tool users, and what does not."""

import pytest

from ncl.training.baselines.few_shot import EXAMPLES
from ncl.training.baselines.sandbox import evaluate
from ncl.training.baselines.tool_expression import MOST, TOOLS, expression


@pytest.mark.parametrize(
    "text, found",
    [
        ("sort([3, 1, 2])", "sort([3, 1, 2])"),
        ("  reverse([1, 2])\n", "reverse([1, 2])"),
        ("```python\nsort([3, 1])\n```", "sort([3, 1])"),
        ("Sure! Here it is:\n```\ncount([1, 1], 1)\n```\nI hope that helps.", "count([1, 1], 1)"),
        ("The call is\n`modsum([4, 5], 7)`", "modsum([4, 5], 7)"),
        ("print(sum([4, 5]) % 7)", "sum([4, 5]) % 7"),
        ("answer = stack([1, 'pop'])", "stack([1, 'pop'])"),
        ("[3, 4][::-1]", "[3, 4][::-1]"),
        ("[3, 3].count(3)", "[3, 3].count(3)"),
        ("sorted([1, 2], reverse=True)", "sorted([1, 2], reverse=True)"),
        ("sort([1])\nsort([2])", "sort([1])"),
        ("def f(x):\n    return x\nlen([1, 2])", "len([1, 2])"),
    ],
)
def test_a_call_is_found_in_what_was_written(text, found):
    assert expression(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "", "The answer is 3.", "3", "[1, 2, 3]", "sort", "-4", "__import__('os').system('ls')", "open('x')",
        "eval('1')", "import os", "sort([x for x in [1]])", "(lambda: 1)()", "f'{sort([1])}'", "sort(['a'])",
        "[1].append(2)", "[].__class__", "sort.__globals__", "sort(xs)", "2 ** 9", "[0] * 9", "sort([1.5])",
        "sort([10000000000])", "sort(*[1])", "sort(**{})", "sort([1]) if 1 else 2", "sort([1]) and 1", "x := sort([1])",
        "sort([1]); sort([2])", "(" * 300 + "1" + ")" * 300, "sort([1", "\0", "print()", "sort([1])(2)",
        "b'a'.count(1)", "sort(...)", "[1].count.count(1)", "sort([1])[0](1)",
    ],
)  # fmt: skip
def test_anything_else_is_no_call(text):
    assert expression(text) is None


def test_only_names_of_tools_pass():
    for name in ("print", "open", "exec", "getattr", "globals", "vars", "type", "range", "iter"):
        assert expression(f"{name}([1])") is None
    for name in TOOLS:
        assert expression(f"{name}([1])") == f"{name}([1])"


def test_only_so_much_is_looked_at():
    assert expression(" " * MOST + "sort([1])") is None


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.call)
def test_the_examples_call_what_gives_their_answer(example):
    assert expression(example.call).replace("'", '"') == example.call
    assert ", ".join(map(str, evaluate(example.call))) == example.answer
