"""`python/PROGRAM`: its bound counts what was compared; what the language itself has wrong is refuted and replays."""

import re

from ncl.build import Compiled, sizes_for
from ncl.language.interpret import plain
from ncl.language.interpret.plain import compared
from ncl.language.parse import parse_text
from ncl.verify.engine import counterexample
from ncl.verify.runs.input_spaces import Space, inputs
from ncl.verify.runs.plain_python import check_python

SUM = "def f(xs: Array, n: Word) -> Word:\n    for i in range(len(xs)):\n        n += xs[i]\n    return n\n"


def made(text, **sizes):
    (function,) = parse_text(text, "f.py", "f")
    return function, Compiled.of(function, sizes_for(**sizes)).program


def test_the_bound_counts_what_was_compared_and_what_wrapped():
    function, program = made(SUM, width=6)
    outcome = check_python(function, program, 50, 0)
    assert outcome.verdict == "tested"
    told = r"every word and every length ≤ (\d) at W = (\d), (\d+) inputs: (\d+) compared, (\d+) compared modulo N; "
    enumerated = re.match(told, outcome.bound)
    length, width, count, alike, apart = map(int, enumerated.groups())
    rows = list(inputs(function.signature, Space(width, length, count, 1 << width)))
    kinds = [compared(function, row, sizes_for(width)).kind for row in rows]
    assert len(rows) == count and (kinds.count("agree"), kinds.count("wrapped")) == (alike, apart)
    beyond = re.search(
        r"; 50 random runs at W = 6, lengths ≤ \d+: (\d+) compared, (\d+) compared modulo N$", outcome.bound
    )
    assert int(beyond[1]) + int(beyond[2]) == 50
    assert outcome.limits == {"tried": count + 50, "samples": count + 50, "wrapped": apart + int(beyond[2])}


def test_the_bound_counts_runs_that_a_budget_ended_and_runs_without_memory():
    function, program = made("def f(n: Word) -> Word:\n    while n:\n        n = n\n    return 1\n", width=3)
    assert "8 inputs: 8 compared (7 stopped after 1024 ticks)" in check_python(function, program, 5, 0).bound
    function, program = made("def f(n: Word) -> Word:\n    ys = [0] * n\n    return 1\n", width=3, memory=4)
    assert "8 inputs: 5 compared, 3 had no memory left" in check_python(function, program, 5, 0).bound


def test_where_every_run_wraps_all_are_compared_modulo_n():
    function, program = made("def f(n: Word) -> Word:\n    return ~n\n", width=4)
    outcome = check_python(function, program, 5, 0)
    assert outcome.verdict == "tested" and outcome.bound.endswith("0 compared, 5 compared modulo N")
    assert outcome.limits == {"tried": 21, "samples": 21, "wrapped": 21}


def test_where_no_run_can_be_compared_nothing_is_shown():
    text = "from ncl import Word, signed_divide\n\ndef f(n: Word) -> Word:\n    return ~signed_divide(n, 3)\n"
    function, program = made(text, width=4)
    outcome = check_python(function, program, 5, 0)
    assert outcome.verdict == "unknown" and outcome.detail.endswith("0 compared, 5 wrapped")


def test_what_source_and_machine_code_both_have_wrong_is_refuted_and_replays(monkeypatch, tmp_path):
    function, program = made("def f(n: Word, m: Word) -> Word:\n    return max(n, m)\n", width=8)
    monkeypatch.setitem(plain._BUILTINS, "max", min)
    outcome = check_python(function, program, 5, 0)
    assert outcome.verdict == "refuted"
    assert outcome.detail == "f(0, 1) at width 7: the source gives 1 after 0 ticks, plain Python 0 after 0 ticks"
    file = counterexample.write(outcome.counterexample, tmp_path, "found")
    assert counterexample.replay(file).reproduced
    monkeypatch.undo()
    assert not counterexample.replay(file).reproduced
