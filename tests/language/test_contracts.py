"""Contracts as data and at run time: what is read, what is checked, and what Python makes of it."""

import pytest

import ncl
from ncl.build import compile as compile_program
from ncl.errors import LanguageError
from ncl.language.contracts import Junction, Quantified, Same
from ncl.language.interpret.source import run_checked, run_source
from ncl.language.parse import parse_text
from ncl.language.program import Sizes

SUM_OF_SQUARES = """
from ncl import Array, Word, ensures, invariant, program, requires, result, old, permutation, decreases

@program
def f(xs: Array, n: Word) -> Word:
    requires(n < 10)
    ensures(result == sum(i * i for i in range(n)))
    total = 0
    for i in range(n):
        invariant(total == sum(k * k for k in range(i)))
        total += i * i
    return total
"""


def read(body, signature="(xs: Array, n: Word) -> Word"):
    lines = "\n    ".join(body.splitlines())
    return parse_text(f"@program\ndef f{signature}:\n    {lines}\n", "f.py", "f")[0]


def breach(body, arguments, signature="(xs: Array, n: Word) -> Word", width=16):
    return run_checked(read(body, signature), arguments, Sizes(width=width, memory=1 << min(width, 10)))[1]


def test_a_contract_is_no_part_of_the_body_and_compiles_to_nothing():
    (with_contract,) = parse_text(SUM_OF_SQUARES, "f.py")
    lines = [x for x in SUM_OF_SQUARES.splitlines() if not x.strip().startswith(("requires", "ensures", "invariant"))]
    (without,) = parse_text("\n".join(lines), "f.py")
    assert list(compile_program(with_contract).program.code) == list(compile_program(without).program.code)
    assert with_contract.contract and not without.contract


def test_a_run_with_contracts_has_the_result_and_the_ticks_of_one_without():
    (function,) = parse_text(SUM_OF_SQUARES, "f.py")
    result, found = run_checked(function, [[], 5])
    assert found is None and result == run_source(function, [[], 5]) and result.result == 30


def test_a_generator_alone_is_a_quantifier_over_all():
    (clause,) = read("requires(xs[i] < n for i in range(len(xs)) if i != 2)\nreturn n").contract.requires
    assert isinstance(clause.expression, Quantified) and clause.expression.kind == "all"
    assert clause.text == "requires(xs[i] < n for i in range(len(xs)) if i != 2)"


def test_chains_and_comparisons_of_arrays_are_told_apart():
    chain, same = read("requires(0 <= n < 3)\nrequires(xs[:n] == [1, *xs])\nreturn n").contract.requires
    assert isinstance(chain.expression, Junction) and isinstance(same.expression, Same)


# body | arguments | kind of the breach, "" for none
RUNS = [
    ("requires(n > 0)\nreturn n", [[], 0], "requires"),
    ("requires(n > 0)\nreturn n", [[], 1], ""),
    ("ensures(result == n)\nn += 1\nreturn n", [[], 1], "ensures"),
    ("ensures(result == n + 1)\nn += 1\nreturn n", [[], 1], ""),
    ("ensures(result == n + 1)\nreturn n + 1", [[], 65535], "ensures"),
    ("ensures(xs[0] == old(xs)[0])\nxs[0] = 7\nreturn n", [[7], 0], ""),
    ("ensures(xs[0] == old(xs)[0])\nxs[0] = 7\nreturn n", [[6], 0], "ensures"),
    ("ensures(result >= 0)\nreturn xs[n]", [[], 0], "trap"),
    ("ensures(result >= 0)\nassert n\nreturn n", [[], 0], "trap"),
    ("ensures(len(xs) >= 0)\nys = [0] * 9999\nreturn len(ys)", [[], 0], ""),
    ("requires(n // len(xs) > 0)\nreturn n", [[], 1], "requires"),
    ("requires(not xs or n)\nreturn n".replace("not xs", "len(xs) == 0"), [[], 0], ""),
    ("requires(any(xs[i] == n for i in range(len(xs))))\nreturn n", [[1, 2], 2], ""),
    ("requires(any(xs[i] == n for i in range(len(xs))))\nreturn n", [[1, 2], 3], "requires"),
    ("requires(sorted(xs[1:]))\nreturn n", [[9, 1, 1, 2], 0], ""),
    ("requires(permutation([*xs[:1], n], xs))\nreturn n", [[1, 2], 2], ""),
    ("requires(permutation([*xs[:1], n], xs))\nreturn n", [[1, 2], 1], "requires"),
    ("requires(xs != [1, 2] and sum(xs) == sum(xs[:9]))\nreturn n", [[1, 2], 1], "requires"),
    ("requires(max(n, 3) == 3 if n < 9 else min(n, 8) == 8)\nreturn n", [[], 9], ""),
    ("requires(~0 == n and -1 < 0)\nreturn n", [[], 65535], ""),
    ("while n:\n    invariant(n % 2 == 0)\n    n -= 2\nreturn n", [[], 6], ""),
    ("while n:\n    invariant(n != 2)\n    n -= 2\nreturn n", [[], 6], "invariant"),
    ("while n:\n    decreases(n)\n    n -= 1\nreturn n", [[], 6], ""),
    ("while n < 9:\n    decreases(9 - n, n)\n    n += n % 2 == 0\nreturn n", [[], 1], "decreases"),
    ("while n != 3:\n    decreases(4 - n)\n    n += 1\nreturn n", [[], 5], "decreases"),
    ("for i in range(n):\n    invariant(i <= n)\n    n += 0\nreturn n", [[], 6], ""),
    ("for i in range(n):\n    invariant(i < n)\n    n += 0\nreturn n", [[], 6], "invariant"),
    ("t = 0\nfor i in range(n - 1, -1, -1):\n    invariant(t == n - 1 - i)\n    t += 1\nreturn t", [[], 4], ""),
    ("t = 0\nfor i in range(n - 1, -1, -1):\n    invariant(t == n - 1 - i)\n    t += 1\nreturn t", [[], 0], ""),
]  # fmt: skip


@pytest.mark.parametrize("body, arguments, kind", RUNS, ids=range(len(RUNS)))
def test_a_run_tells_which_contract_it_breaks(body, arguments, kind):
    found = breach(body, arguments)
    assert (found.kind if found else "") == kind


def test_callees_keep_their_own_contracts():
    text = """
@program
def half(n: Word) -> Word:
    requires(n % 2 == 0)
    ensures(2 * result == n)
    return n // 2

@program
def f(n: Word) -> Word:
    return half(n) + half(n + 2)
"""
    function = parse_text(text, "f.py", "f")[0]
    assert run_checked(function, [6])[1] is None
    assert run_checked(function, [7])[1].function == "half"


def test_old_means_what_a_function_without_a_contract_was_passed():
    source = """
def counted(m: Word) -> Word:
    c = 0
    for i in range(m):
        invariant(old(m) == m and c == i)
        c += 1
    return c


def f(n: Word) -> Word:
    ensures(result == n - 1)
    return counted(n - 1)
"""
    for name in ("f", "counted"):
        result, found = run_checked(parse_text(source, "f.py", name)[0], [5])
        assert found is None and result.trap is None


def test_old_of_a_quantifiers_own_variable_is_refused():
    with pytest.raises(LanguageError, match="n is the variable of a quantifier here, and `old` takes a parameter"):
        read("ensures(all(old(n) == n for n in range(5)))\nreturn n")


def test_a_recursion_that_does_not_fall_breaks_its_measure():
    text = (
        "@program\ndef f(n: Word) -> Word:\n    decreases(n)\n    if n == 0:\n        return 0\n    return f(n STEP)\n"
    )
    assert run_checked(parse_text(text.replace("STEP", "- 1"), "f.py", "f")[0], [5])[1] is None
    assert run_checked(parse_text(text.replace("STEP", "// 1"), "f.py", "f")[0], [5])[1].kind == "decreases"


def test_a_breach_says_where_what_and_in_which_state():
    found = breach("total = n\nwhile n:\n    invariant(total > 3)\n    n -= 1\n    total -= 1\nreturn n", [[1], 5])
    assert str(found) == "invariant(total > 3) does not hold at line 5, column 9: xs = [1], n = 3, total = 3"
    assert found.to_json()["line"] == 5


def test_the_words_do_nothing_under_plain_python():
    one = ncl.result
    assert one == 3 and one[4] > 5 and len(one) == 0 and sorted(one) == [] and (1 + one - one * 2) // one % 2
    assert [7][one] == 7 and repr(one) == "result" and {one: 1}[one] == 1
    assert ncl.requires(False) is ncl.ensures(False) is ncl.invariant(False) is ncl.decreases(1, 2) is None
    assert ncl.old([1]) == [1] and ncl.permutation([1], [2])
