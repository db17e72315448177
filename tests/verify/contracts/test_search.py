"""The second line behind the prover: contracts are run, whatever was proved, and a failing run beats any proof."""

# The rows quote source text, whole.
# ruff: noqa: E501

import re
from collections import Counter

import pytest
import wrong_contracts
from false_contracts import FALSE, HEAD, text

from ncl import library
from ncl.language.interpret.checked import Checker
from ncl.language.parse import parse_text
from ncl.verify.certification import obligations
from ncl.verify.contracts import check, solver_inputs
from ncl.verify.contracts import search as contracts_search
from ncl.verify.contracts.check import check_contract
from ncl.verify.contracts.distance import distance_of
from ncl.verify.contracts.inputs import Inputs
from ncl.verify.contracts.proof import Proof
from ncl.verify.contracts.search import attempt, search, sizes_at
from ncl.verify.engine import counterexample
from ncl.verify.engine.obligation import Obligation


def read(source, name="f"):
    return parse_text(HEAD + source, "mine.py", name)[0]


@pytest.fixture
def gullible(monkeypatch):
    """A prover that says proved to everything."""
    monkeypatch.setattr(check, "prove_function", lambda function: Proof(1, (), ()))


# --- a failing run beats any proof -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", wrong_contracts.WRONG)
def test_what_a_gullible_prover_proves_is_refuted_and_told_as_its_error(name, gullible):
    outcome = check_contract(parse_text(wrong_contracts.text(name), "wrong.py", "f")[0], 0)
    assert outcome.verdict == "refuted", outcome
    assert "an error of the prover, please report it with this input" in outcome.detail


@pytest.mark.parametrize("name", FALSE)
def test_a_plausible_contract_that_does_not_hold_is_refuted(name):
    found = search(parse_text(text(name), "false.py", "f")[0], 0).found
    assert found and attempt(found.function, found.arguments, found.sizes)[1] == found.breach


def test_a_refutation_of_what_was_not_proved_blames_nobody(tmp_path):
    outcome = check_contract(parse_text(text("a midpoint that overflows"), "false.py", "f")[0], 0)
    assert outcome.verdict == "refuted" and "prover" not in outcome.detail
    assert counterexample.replay(counterexample.write(outcome.counterexample, tmp_path, "contract/f")).reproduced


def test_a_right_program_stays_proved_and_says_how_many_runs_agree():
    outcome = check_contract(library.get("insertion_sort"), 0)
    assert outcome.verdict == "proved"
    told = re.fullmatch(
        r"5 wrong implementations refuted; (\d+) runs at W = .* and lengths ≤ \d+, (\d+) keep it.*", outcome.vacuity
    )
    assert told and int(told[1]) == outcome.limits["runs"] > 5000 and int(told[2]) > 5000


# What runs beside a callee that keeps to itself: it is run by itself too.
ALONE = """
def half(n: Word) -> Word:
    ensures(2 * result == n)
    return n // 2


def f(n: Word) -> Word:
    requires(n < ~0 // 2)
    ensures(result == n)
    return half(n + n)
"""


def test_a_callee_is_held_to_its_contract_for_all_that_it_admits(gullible, tmp_path):
    outcome = check_contract(read(ALONE), 0)
    assert outcome.verdict == "refuted" and outcome.detail.startswith("half(1) at width")
    assert counterexample.replay(counterexample.write(outcome.counterexample, tmp_path, "contract/f")).reproduced


def test_a_source_that_cannot_be_run_is_not_proved(monkeypatch, gullible):
    def fails(*_):
        raise RecursionError

    monkeypatch.setattr(contracts_search, "Checker", fails)
    outcome = check_contract(library.get("reverse"), 0)
    assert outcome.verdict == "unknown" and "cannot be run" in outcome.detail


def test_two_ways_of_checking_that_part_are_told(monkeypatch, gullible):
    monkeypatch.setattr(contracts_search, "attempt", lambda *_: (None, None))
    outcome = check_contract(parse_text(text("an average of two"), "false.py", "f")[0], 0)
    assert outcome.verdict == "unknown" and "part on f(" in outcome.detail


# --- what is printed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["matrix_product", "count", "merge", "quicksort", "collatz"])
def test_the_printed_numbers_are_those_of_the_runs(name, monkeypatch):
    ended, kinds, lengths = Counter(), [], 0
    whole = Checker.run

    def run(self, arguments):
        nonlocal lengths
        end = whole(self, arguments)
        ended[end.kind] += 1
        kinds.append((self.sizes.width, end.kind))
        lengths = max([lengths, *(len(v) for v in arguments if isinstance(v, list))])
        return end

    monkeypatch.setattr(Checker, "run", run)
    tried = search(library.get(name), 0)
    told = {kind: number(tried.description, pattern) for kind, pattern in PRINTED.items()}
    assert told == {kind: ended[kind] for kind in PRINTED} and number(tried.description, r"(\d+) runs") == ended.total()
    assert f"W = {', '.join(map(str, sorted({w for w, _ in kinds})))}" in tried.description
    assert number(tried.description, r"lengths ≤ (\d+)") == lengths
    assert tried.bound.startswith(
        f"every word{f' and every length ≤ {tried.space.length}' if tried.space.length else ''}"
    )
    every = Counter(kind for _, kind in kinds[: number(tried.bound, r": (\d+) inputs")])
    assert every.total() == tried.space.count
    assert all(number(tried.bound, PRINTED[k]) == every[k] for k in ("budget", "memory", "stack", "contract"))


PRINTED = {
    "kept": r"(\d+) keep it", "unmet": r"(\d+) do not meet", "budget": r"(\d+) stopped after 3000 ticks",
    "memory": r"(\d+) stopped by memory", "stack": r"(\d+) stopped by the depth", "contract": r"(\d+) stopped by the size",
}  # fmt: skip


def number(told, pattern):
    found = re.search(pattern, told)
    return int(found[1]) if found else 0


def test_where_most_runs_do_not_end_fewer_are_tried_and_the_bound_says_so():
    long = "".join("    " * depth + f"for i{depth} in range(~0):\n" for depth in range(1, 6))
    endless = f"    ensures(result == n)\n{long}{'    ' * 6}n ^= 1\n    return n\n"
    tried = search(read(f"def f(xs: Array, n: Word) -> Word:\n{endless}"), 0)
    assert tried.space and tried.space.count <= 700 and tried.valid == 0
    assert tried.bound.endswith(f"{tried.space.count} inputs, {tried.space.count} stopped after 3000 ticks")


def test_a_program_without_parameters_is_run_once_at_each_width():
    function = read("def f() -> Word:\n    ensures(result == 7)\n    return 7\n")
    tried = search(function, 0)
    assert tried.description == "8 runs at W = 3, 4, 5, 6, 8, 16, 32, 8 keep it"
    assert check_contract(function, 0).verdict == "proved"


# --- inputs ----------------------------------------------------------------------------------------------------------

ASKED = {
    "ascending": "requires(sorted(xs) and len(xs) > 2)",
    "of one length": "requires(len(xs) == len(ys) and n < len(xs))",
    "mirrored": "requires(len(xs) == len(ys) and len(xs) > 2 and all(xs[k] == ys[len(ys) - 1 - k] for k in range(len(xs))))",
    "a square": "requires(n * n == len(xs) and n > 1)",
    "a permutation": "requires(permutation(xs, ys) and xs != ys)",
    "either or not": "requires((len(xs) == 0 or xs[0] == n) and not (n == 0) and any(ys[k] > n for k in range(len(ys))))",
    "strictly": "requires(all(xs[k] < xs[k + 1] for k in range(len(xs) - 1)) and len(xs) >= 4)",
}  # fmt: skip
FORM = "def f(xs: Array, ys: Array, n: Word) -> Word:\n    {}\n    ensures(result == n)\n    return n\n"


@pytest.mark.parametrize("name", ASKED)
def test_inputs_are_moved_to_where_requires_holds(name):
    function = read(FORM.format(ASKED[name]))
    sizes = sizes_at(4)
    checker = Checker(contracts_search.Text(function), sizes, 100)
    drawn = list(Inputs(function, sizes, 16, 0).stream(120))
    assert sum(checker.run(arguments).kind == "kept" for arguments in drawn) > 60
    assert len({str(arguments) for arguments in drawn}) > 25
    assert drawn == list(Inputs(function, sizes, 16, 0).stream(120))


@pytest.mark.parametrize("name", ASKED)
def test_the_distance_is_0_exactly_where_requires_holds(name):
    function, sizes = read(FORM.format(ASKED[name])), sizes_at(3)
    checker, distance = Checker(contracts_search.Text(function), sizes, 100), distance_of(function, sizes)
    free = Inputs(read(FORM.format("requires(n == n)")), sizes, 4, 0)
    for _ in range(300):
        arguments = free.fresh()
        assert (distance(arguments) == 0) == (checker.run(arguments).kind != "unmet"), arguments


def test_words_are_pushed_to_the_edge_of_what_is_required():
    function = read(
        "def f(n: Word) -> Word:\n    requires(n * (n + 1) // 2 <= ~0)\n    ensures(result == n)\n    return n\n"
    )
    words = {arguments[0] for arguments in Inputs(function, sizes_at(16), 0, 0).stream(200)}
    assert 361 in words and max(words) == 361


def test_arrays_are_as_long_as_memory_has_room_for():
    function = read("def f(xs: Array) -> Word:\n    ensures(result == len(xs))\n    return len(xs)\n")
    for width in (2, 3, 4):
        longest = max(len(arguments[0]) for arguments in Inputs(function, sizes_at(width), 1 << width, 0).stream(100))
        assert longest == (1 << width) - 1


# --- what nothing meets ----------------------------------------------------------------------------------------------

ONE = "def f(n: Word, m: Word) -> Word:\n    requires({})\n    ensures(result == n)\n    return n\n"


def verdict(source):
    outcome = check_contract(read(source), 0)
    return outcome.verdict, outcome.detail


def test_what_requires_large_numbers_is_not_vacuous():
    body = "    ensures(result == n - n // 100)\n    return n - n // 100\n"
    assert verdict(f"def f(n: Word) -> Word:\n    requires(n >= 1000)\n{body}")[0] == "proved"
    assert verdict(f"def f(n: Word) -> Word:\n    requires(n >= 100000000)\n{body}")[0] == "proved"


def test_what_requires_a_long_array_is_not_vacuous():
    body = "    ensures(result == xs[100] // 2)\n    return xs[100] // 2\n"
    assert verdict(f"def f(xs: Array) -> Word:\n    requires(len(xs) > 100)\n{body}")[0] == "proved"
    assert verdict(f"def f(xs: Array) -> Word:\n    requires(len(xs) == 300)\n{body}")[0] == "proved"


def test_the_solver_is_asked_for_what_no_move_finds(monkeypatch):
    told = ONE.format("n * m == 7663 and n > 60 and m > 60 and n % 10 == 9")
    sizes, arguments = next(solver_inputs.solver_inputs(read(told)))
    assert arguments == [79, 97] and sizes.width == 8
    monkeypatch.setattr(Inputs, "stream", lambda *_: iter(()))
    assert verdict(told)[0] == "proved"


def test_a_contradiction_is_vacuous_and_names_its_clause():
    told = verdict(
        "def f(n: Word) -> Word:\n    requires(n > 5)\n    requires(n < 3)\n    ensures(result == n)\n    return n\n"
    )
    assert told == ("vacuous", "line 5: nothing meets requires(n < 3)")
    assert verdict(ONE.format("n < 0"))[0] == "vacuous"


def test_what_neither_runs_nor_solver_decide_is_unknown(gullible):
    told = verdict(ONE.format("n * n == 2 * m * m and n > 0"))
    assert told[0] == "unknown" and "whether one can is not known" in told[1]


LOOP = """
def f(n: Word) -> Word:
    requires({})
    ensures(result == {})
    total = 0
    {}for i in range(n):
        {}invariant(total == 2 * i)
        {}total += 2
    return total
"""


def test_a_loop_that_no_run_enters_is_vacuous_by_its_invariant():
    told = verdict(LOOP.format("n == 0", "0", "", "", ""))
    assert told == ("vacuous", "line 8: no run begins a round of the loop with invariant(total == 2 * i), and none can")
    dead = verdict(LOOP.format("n < 4", "0", "if n != n:\n        ", "    ", "    "))
    assert dead == ("vacuous", "line 9: no run comes to the loop with invariant(total == 2 * i), and none can")


def test_a_loop_that_may_be_entered_and_never_was_is_unknown(gullible):
    rare = "if n * n % 1000003 == 424242 and n * n * n % 1000033 == 77:\n        "
    told = verdict(LOOP.format("n == n", "total", rare, "    ", "    ").replace("result == total", "result <= 2 * n"))
    assert told[0] == "unknown" and "comes to the loop" in told[1]


def test_a_callee_whose_requires_nothing_meets_is_vacuous():
    callee = "def g(n: Word) -> Word:\n    requires(n < 0)\n    ensures(result == n + 1)\n    return n\n\n\n"
    told = verdict(
        f"{callee}def f(n: Word) -> Word:\n    ensures(result == n)\n    if n != n:\n        return g(n)\n    return n\n"
    )
    assert told == ("vacuous", "line 4: nothing meets requires(n < 0)")


def test_the_obligation_of_a_program_is_the_search_and_the_proof():
    asked = obligations.contract_obligation(library.get("reverse"))
    assert isinstance(asked, Obligation) and asked.function == "ncl.verify.contracts.check:check_contract"
    assert "limits" in vars(asked.run()) and asked.run().limits["runs"] > 5000
