"""A loop whose condition is written as a number other than 0: it falls through nowhere, and everybody knows."""

import pytest
from reading import function, refusals, run

from ncl.build import Compiled
from ncl.language.opcodes import Trap
from ncl.language.program import Sizes

FIND = "i = 0\nwhile True:\n    if i == len(xs):\n        return i\n    if xs[i] == n:\n        return i\n    i += 1"
ACCEPTED = [
    FIND,
    FIND.replace("True", "1"),
    FIND.replace("True", "0xFF"),
    "while True:\n    n += 1\nreturn n",
    "if n:\n    while True:\n        n -= 1\nelse:\n    return 3",
    "while True:\n    k = n\n    if k > 3:\n        break\n    n += 1\nreturn k",
    "while True:\n    while True:\n        n += 1\n        if n > 3:\n            return n",
    "while True:\n    n += 1\n    if n < 3:\n        continue\n    return n",
]
REFUSED = [
    ("while n:\n    return n", "a path ends without return"),
    ("while True:\n    break", "a path ends without return"),
    ("while True:\n    if n:\n        break\n    return n", "a path ends without return"),
    ("while 0:\n    n += 1", "a path ends without return"),
    ("while ~0:\n    n += 1", "a path ends without return"),
    ("while True:\n    if n:\n        break\n    k = n\nreturn k", "k may not have been assigned here"),
    ("while n:\n    k = n\n    if k:\n        break\nreturn k", "k may not have been assigned here"),
    ("return n\nwhile True:\n    n += 1", "this is never reached"),
    ("while True:\n    n += 1\nn = 3", "a path ends without return"),
]


@pytest.mark.parametrize("body", ACCEPTED)
def test_it_ends_by_break_and_return_alone(body):
    f = function(body)
    for registers in (6, 16):
        compiled = Compiled.of(f, Sizes(8, registers, memory=8))
        for arguments in ([[4, 5, 6], 5], [[], 0], [[1], 9]):
            mine, theirs = (compiled.run([arguments], executor, budget=60)[0] for executor in ("source", "reference"))
            assert mine.same_meaning(theirs)


@pytest.mark.parametrize(("body", "reason"), REFUSED)
def test_what_may_fall_through_is_refused_as_before(body, reason):
    assert [v.reason for v in refusals(body)] == [reason]


def test_without_a_way_out_it_ends_with_its_budget():
    assert run("while True:\n    n += 1", [], 0, budget=9).trap.kind is Trap.BUDGET
    assert run(FIND, [3, 4], 4).result == 1
