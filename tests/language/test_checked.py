"""The fast checker ends as the slow one does, on every program of the library and on programs that break contracts."""

# The rows quote source text, whole.
# ruff: noqa: E501

import pytest

from ncl import library
from ncl.language.interpret.checked import Checker, Text
from ncl.language.interpret.source import run_checked, run_marked
from ncl.language.parse import parse_text
from ncl.language.program import Program, Sizes
from ncl.verify.runs.input_spaces import random_inputs

HEAD = "from ncl import Array, Word, decreases, ensures, invariant, old, permutation, requires, result, signed_divide\n"

TEXTS = {
    "shifts": "def f(a: Word, b: Word) -> Word:\n    ensures(result <= a)\n    return (a << b) >> b ^ ~a & 0\n",
    "down to 0": "def f(n: Word) -> Word:\n    ensures(result == n)\n    s = 0\n    for i in range(n - 1, -1, -1):\n"
    "        invariant(s == n - 1 - i)\n        s += 1\n    return s\n",
    "down by two": "def f(n: Word) -> Word:\n    ensures(result <= n)\n    s = 0\n    for i in range(n, 1, -2):\n"
    "        invariant(2 * s + i <= n)\n        s += 1\n        if s == 3:\n            continue\n    return s\n",
    "a step of 0": "def f(n: Word, k: Word) -> Word:\n    ensures(result <= n)\n    s = 0\n"
    "    for i in range(0, n, k):\n        invariant(s <= i)\n        s += 1\n        if s > 9:\n            break\n"
    "    return s\n",
    "a measure that rises": "def f(n: Word) -> Word:\n    ensures(result == 3)\n    while n != 3:\n        decreases(n)\n"
    "        n += 1\n    return n\n",
    "calls in turn whose measures rise": "def f(n: Word) -> Word:\n    ensures(result == 0)\n    decreases(n)\n"
    "    if n == 0:\n        return 0\n    return g(n + 1)\n\n"
    "def g(n: Word) -> Word:\n    ensures(result == 0)\n    decreases(n + 2)\n"
    "    if n == 0:\n        return 0\n    return f(n - 1)\n",
    "what is passed to a loop without a contract around it": "def f(xs: Array) -> Word:\n    ensures(result <= len(xs))\n"
    "    return g(xs, 3)\n\ndef g(xs: Array, n: Word) -> Word:\n    while n > 0:\n"
    "        invariant(n <= old(n) and len(old(xs)) == len(xs))\n        n -= 1\n    return n\n",
    "an index below 0": "def f(xs: Array, n: Word) -> Word:\n    ensures(result == 0 or xs[n - 1] >= 0)\n    return n\n",
    "a divisor below 1": "def f(m: Word, n: Word) -> Word:\n    ensures(m % n == result)\n    return m % n\n",
    "requires without a meaning": "def f(xs: Array, n: Word) -> Word:\n    requires(xs[n] > 0)\n    ensures(result > 0)\n"
    "    return xs[n]\n",
    "slices and displays": "def f(xs: Array, n: Word) -> Array:\n"
    "    ensures(permutation([*result[n - 2:], *result[:n - 2]], old(xs)) and sorted(result[1:n]))\n"
    "    ensures(result[:n] == old(xs)[:n] and result != [*old(xs), n])\n    return xs\n",
    "conditions as numbers": "def f(a: Word, b: Word) -> Word:\n"
    "    ensures((a and b) + (not a) + (a < b) == result or min(a, b) == max(a, 1))\n"
    "    return (a and b) + (not a) + (a < b)\n",
    "memory and calls": "def f(n: Word) -> Word:\n    ensures(result == n)\n    decreases(n)\n    ys = [1] * n\n"
    "    if n == 0:\n        return 0\n    return f(n - 1) + ys[0]\n",
    "signs": "def f(a: Word, b: Word) -> Word:\n    ensures(result <= a)\n    return signed_divide(a, b)\n",
    "no end": "def f(n: Word) -> Word:\n    ensures(result <= n)\n    while n > 3:\n        invariant(n > 2)\n"
    "        n = n\n    return n\n",
    "no end, in five states": "def f(xs: Array, n: Word) -> Word:\n    ensures(result <= n)\n    i = 0\n    while n < 3 and i < 9:\n"
    "        i = (i + 1) % 5\n        xs[i % len(xs)] = i\n    return n\n",
    "no end, of a loop in a loop": "def f(n: Word) -> Word:\n    ensures(result == 0)\n    for i in range(n):\n"
    "        j = i\n        while j > 2:\n            k = 3\n            while k > j - 3:\n                k -= 1\n    return 0\n",
    "no end, of calls": "def f(n: Word) -> Word:\n    ensures(result == 0)\n    return g(n) if n > 2 else 0\n\n"
    "def g(n: Word) -> Word:\n    return h(n - 1)\n\ndef h(n: Word) -> Word:\n    return g(n + 1)\n",
    "no end, of calls that pass an array": "def f(xs: Array, n: Word) -> Word:\n    ensures(result == 0)\n    if len(xs) < 2:\n"
    "        return 0\n    xs[0], xs[1] = xs[1], xs[0]\n    return f(xs, n)\n",
    "calls of which each has one more": "def f(xs: Array, n: Word) -> Word:\n    ensures(result == 0)\n    if len(xs) < 2 or xs[0] > 5:\n"
    "        return 0\n    xs[0] += 1\n    k = f(xs, n)\n    return f(xs, n)\n",
    "much to do": "def f(n: Word) -> Word:\n    ensures(result == n)\n    i = 0\n    while i < 9:\n        k = 0\n"
    "        while k < n:\n            k += 1\n        i += 1\n    return n\n",
    "two stores at once": "def f(xs: Array, i: Word) -> Array:\n    ensures(permutation(xs, old(xs)))\n"
    "    xs[i], xs[i + 1] = xs[i + 1], xs[i]\n    xs[xs[0]] += xs[i]\n    return xs\n",
}  # fmt: skip


def alike(function, widths=(1, 2, 3, 4, 8), count=60, budget=500):
    """How the runs ended, all of them as in the reference; contracts that were reached too."""
    text, kinds = Text(function), set()
    assert text.code is not None
    for width in widths:
        sizes = Sizes(width=width, memory=1 << width, depth=8)
        if any(n.value >> width for one in function.program.values() for n in _numbers(one)):
            continue
        for given in random_inputs(Program(function.name, function.signature, sizes, ()), count, 1, 8):
            checker = Checker(text, sizes, budget)
            end = checker.run(given)
            result, breach, reached = run_marked(function, given, sizes, budget)
            kind = ("unmet" if breach.kind == "requires" else "broken") if breach else "kept"
            if result is not None and result.trap:
                kind = result.trap.kind.label
            kinds.add(kind)
            if end.kind != "contract":
                assert (end.kind, checker.reached) == (kind, reached), (given, width, breach)
                assert kind != "kept" or end.result == result.result
    return kinds


def _numbers(one):
    from ncl.language.syntax import Number
    from ncl.language.walks import all_expressions

    return [n for n in all_expressions(one.body) if isinstance(n, Number)]


@pytest.mark.parametrize("name", library.names())
def test_a_program_of_the_library_ends_alike(name):
    alike(library.get(name), widths=(3, 4), count=25)


@pytest.mark.parametrize("name", TEXTS)
def test_what_breaks_contracts_breaks_them_alike(name):
    kinds = alike(parse_text(HEAD + TEXTS[name], "f.py", "f")[0])
    assert "kept" in kinds


def test_the_trials_end_in_every_way():
    kinds = set[str]().union(*(alike(parse_text(HEAD + t, "f.py", "f")[0], count=30) for t in TEXTS.values()))
    assert kinds == {"kept", "unmet", "broken", "budget", "memory", "stack"}


ENDLESS = [name for name in TEXTS if name.startswith("no end")]


@pytest.mark.parametrize("name", ENDLESS)
def test_a_run_that_comes_back_to_its_own_state_is_told_as_endless(name):
    function = parse_text(HEAD + TEXTS[name], "f.py", "f")[0]
    sizes, given = (
        Sizes(width=4, memory=16),
        [[1, 2, 3] if p.sort == "array" else 7 for p in function.signature.parameters],
    )
    if name == "no end, in five states":
        given[1] = 2
    result, breach = run_checked(function, given, sizes, 3000)
    assert result is None and breach.kind == "endless" and "never ends" in str(breach)
    assert "does not hold" not in str(breach)
    assert Checker(Text(function), sizes, 3000).run(given).clause == "endless"


def test_who_promises_nothing_may_go_on_for_ever():
    text = "def f(n: Word) -> Word:\n    k = g(n)\n    while n > 3:\n        n = n\n    return n\n\n"
    callee = "def g(n: Word) -> Word:\n    ensures(result == n)\n    return n\n"
    function = parse_text(HEAD + text + callee, "f.py", "f")[0]
    result, breach = run_checked(function, [5], Sizes(width=4, memory=16), 3000)
    assert breach is None and result.trap.kind.label == "budget"


def test_a_source_too_deep_for_python_is_run_by_the_reference():
    deep = "    " + "".join(f"{'    ' * n}while n > {n}:\n    " for n in range(24)) + "    " * 24 + "n -= 1\n"
    source = f"def f(n: Word) -> Word:\n    ensures(result == 0)\n{deep}    return n\n"
    text = Text(parse_text(HEAD + source, "f.py", "f")[0])
    assert text.code is None
    checker = Checker(text, Sizes(width=5, memory=32), 3000)
    assert checker.run([0]).kind == "kept" and checker.run([30]).kind in ("budget", "broken")


def test_a_contract_that_asks_for_too_much_ends_its_run():
    source = "def f(n: Word) -> Word:\n    ensures(all(k >= 0 for k in range(n)))\n    return n\n"
    checker = Checker(Text(parse_text(HEAD + source, "f.py", "f")[0]), Sizes(width=32, memory=16), 3000)
    assert [checker.run([n]).kind for n in (1000, 1 << 31)] == ["kept", "contract"]


def test_measures_fall_round_the_whole_circle_of_calls():
    function = parse_text(HEAD + TEXTS["calls in turn whose measures rise"], "f.py", "f")[0]
    breach = run_checked(function, [2], Sizes(width=8, memory=16))[1]
    assert breach.kind == "decreases" and breach.function in ("f", "g")
