"""Random programs with clauses: the interpreter agrees on what holds on runs and what does not."""

import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from ncl.errors import NclError
from ncl.language.interpret.source import run_checked
from ncl.language.parse import parse_text
from ncl.language.program import Sizes
from ncl.properties.contract_cases import case_of, contracted_sources
from ncl.properties.contract_facts import Fact, Place, falls, near, true_of
from ncl.properties.contract_programs import SHAPES, callee, entry
from ncl.properties.contract_runs import Cells, compiled, holds

ORDER = {
    "max_examples": 25, "deadline": None, "database": None, "derandomize": True,
    "suppress_health_check": list(HealthCheck),
}  # fmt: skip


def cases(shape, count=12):
    """Cases of one shape, with functions to call that have no contract but what they require."""
    chance = random.Random(shape)
    pool = tuple(callee(chance, name) for name in "ghq")
    found = (case_of(entry(chance, pool, shape), chance) for _ in range(count))
    return [case for case in found if case is not None]


def breaches(written, inputs):
    """What the checked interpreter says of a contract on inputs."""
    function = parse_text(written.text, "generated.py", written.name)[0]
    for width, rows in inputs.items():
        sizes = Sizes(width=width, memory=1 << width, depth=24)
        for row in rows:
            given_row = [list(v) if isinstance(v, list) else v for v in row]
            breach = run_checked(function, given_row, sizes, 160)[1]
            if breach is not None:
                yield breach


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_inside_the_language_and_mostly_runs(shape):
    found = cases(shape)
    assert len(found) >= 8 and sum(case.runs.ended > 0 for case in found) >= 6


@pytest.mark.parametrize("shape", SHAPES)
def test_clauses_that_hold_on_runs_hold_by_the_checked_interpreter(shape):
    for case in cases(shape, 6):
        if case.sound(case.right):
            assert list(breaches(case.right, case.inputs)) == []


@pytest.mark.parametrize("shape", SHAPES)
def test_clauses_that_fail_on_runs_are_broken_by_the_checked_interpreter(shape):
    """On the very inputs of the case: the fast reading of a clause and the interpreter's agree."""
    asked = 0
    for case in cases(shape, 5):
        if not case.sound(case.right):
            continue
        for text in [text for text, true in case.truths.items() if not true][:4]:
            one = replace(case.right, ensures=(text,))
            broken = [breach.kind for breach in breaches(one, case.inputs)]
            assert "ensures" in broken, one.text
            asked += 1
    assert asked > 3


@given(contracted_sources())
@settings(**ORDER)
def test_the_strategy_gives_programs_with_contracts_that_the_language_takes(case):
    function = parse_text(case.right.text, "generated.py", "f")[0]
    assert function.contract and function.name == "f"
    assert parse_text(case.full.text, "generated.py", "f")


def test_all_kinds_of_effects_come_up():
    chance, kinds = random.Random(0), set()
    for number in range(300):
        pool = tuple(callee(chance, name) for name in "ghq")
        kinds |= entry(chance, pool, SHAPES[number % len(SHAPES)]).kinds
    effects = ("conditions", "arguments", "indices", "operands", "bounds", "statements")
    assert kinds >= {f"effects in {place}" for place in effects} | {
        "recursion", "several arrays", "new arrays", "loop", "nested loops", "early ends",
        "quantified requires", "calls",
    }  # fmt: skip


def test_hardly_any_text_leaves_the_language():
    chance, refused = random.Random(1), 0
    for number in range(150):
        pool = tuple(callee(chance, name) for name in "ghq")
        try:
            parse_text(entry(chance, pool, SHAPES[number % len(SHAPES)]).text, "generated.py", "f")
        except NclError:
            refused += 1
    assert refused <= 3


# --- clauses on states -----------------------------------------------------------------------------------------------


def state(**names):
    from ncl.properties.contract_runs import WORDS

    return {"__builtins__": WORDS, "top": 7, **{n: Cells(v) if isinstance(v, list) else v for n, v in names.items()}}


@pytest.mark.parametrize(
    "text, expected",
    [
        ("xs[0] == old(xs)[1]", True),
        ("xs[n - 3] == 2", False),  # no element at -1, although Python has one
        ("xs[:n - 3] == xs[:0]", True),  # cut to the array, not from its end
        ("n // (n - 2) == 1", False),  # no divisor
        ("xs[p] <= ~0 for p in range(len(xs))", True),
        ("xs[p] < ~5 for p in range(len(xs)) if p != 0", True),
        ("sum(xs[p] == 1 for p in range(len(xs))) == 1", True),
        ("sorted(xs)", False),
        ("permutation(xs, old(xs))", True),
        ("any(xs[p] == 9 for p in range(len(xs)))", False),
    ],
)
def test_a_clause_means_what_contracts_mean(text, expected):
    assert holds(compiled(text), state(xs=[2, 1], old_xs=[1, 2], n=2)) is expected


def test_a_measure_falls_only_where_no_round_begins_below_zero():
    assert falls("n", [[state(n=2), state(n=1)], [state(n=5)]])
    assert not falls("n", [[state(n=1), state(n=1)]])
    assert not falls("n - 3", [[state(n=2), state(n=1)]])


def test_near_misses_differ_and_some_of_them_fail():
    place = Place(("n",), {"xs": 2, "old(xs)": 2}, frozenset({"xs"}), ("n",))
    fact, chance = Fact("xs[0]", "==", "old(xs)[0] + 1"), random.Random(0)
    states = [state(xs=[a + 1, b], old_xs=[a, b], n=b) for a in range(3) for b in range(3)]
    assert true_of(fact.text, states)
    others = {near(fact, place, chance).text for _ in range(60)}
    assert fact.text not in others and len(others) >= 4 and not all(true_of(text, states) for text in others)
