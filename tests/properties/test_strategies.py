"""Strategies build valid things, reach all that they should, filter nothing, and shrink to what a person can read."""

import ast
import re

import drawn
import pytest
from hypothesis import strategies as st

from ncl.build import compile
from ncl.errors import LanguageError
from ncl.language.interpret.machine import run_machine
from ncl.language.interpret.source import run_source
from ncl.language.opcodes import Opcode
from ncl.language.parse import parse_text
from ncl.language.program import Sizes
from ncl.language.trace import State
from ncl.language.wellformed import violations
from ncl.machine.state import faults, limits_of
from ncl.properties.machine_programs import programs, straight
from ncl.properties.search import PROFILES, falsify
from ncl.properties.source_writer import holds_difference
from ncl.properties.sources import BUDGET, Source, sources
from ncl.properties.states import onehot_state, tensors
from ncl.properties.strategies import TOP, arguments, batches, hardened, soft_arguments, words


def samples(strategy, count=60):
    """That many examples of a strategy, and the proof that none of them was filtered away."""
    found = []
    falsify(found.append, strategy, count)
    assert len(found) >= 0.9 * count, "filters reject a tenth or more"
    return found


def test_words_are_of_the_width_and_both_ends_are_met():
    for width in (1, 3):
        assert {word for row in samples(st.lists(words(width), min_size=9)) for word in row} == set(range(1 << width))
    found = [word for row in samples(st.lists(words(32))) for word in row]
    assert min(found) == 0 and 1 << 24 < max(found) < 1 << 32


def test_arguments_fit_the_program_and_leave_half_of_memory_free():
    program = compile("count", width=4, memory=12).program
    found = samples(arguments(program.signature, program.sizes, 20))
    for row in found:
        program.check_arguments(row)
    assert {len(row[0]) for row in found} >= {0, 1, 6} and max(len(row[0]) for row in found) == 6


def test_batches_have_rows_and_budgets_tight_and_ample():
    program = compile("reverse", width=8).program
    found = samples(batches(program, 99), 200)
    assert {b.budget for b in found} > {99, 1} and {len(b.rows) for b in found} == {1, 2, 3, 4}


def test_soft_words_leave_no_doubt_which_is_most_probable():
    program = compile("count", width=3, memory=8).program
    for soft in samples(soft_arguments(program.signature, program.sizes)):
        program.check_arguments(hardened(soft))
        for word in [*soft[0], soft[1]]:
            assert word[0][1] == TOP and all(2 * weight <= TOP for _, weight in word[1:])
            assert len({value for value, _ in word}) == len(word)


def test_machine_programs_are_well_formed_and_hold_every_opcode():
    found = samples(programs(), 150)
    assert not any(violations(p) for p in found)
    assert {i.opcode for p in found for i in p.code} == set(Opcode)


def test_straight_programs_are_well_formed_and_never_trap():
    for program in samples(straight()):
        assert not violations(program)
        assert all(run_machine(program, [x, y]).trap is None for x in range(4) for y in range(4))


def test_states_obey_the_invariants_of_the_machine_on_every_executor():
    seen = set()
    for program, state, budget in samples(drawn.with_states((1, 3))):
        assert isinstance(state, State)
        assert faults(program, tensors(program, state), limits_of(program, 1, budget)) == ()
        dense = onehot_state(program, state)
        assert int(dense.pc_BX.argmax()) == state.pc + len(program.code) * state.halted and dense.sp_BS.argmax() == len(
            state.stack
        )
        seen.add((state.halted, bool(state.trap), bool(state.stack)))
    assert {(False, False, False), (False, False, True)} <= seen and any(halted for halted, _, _ in seen)


SIZES = Sizes(4, 8, 16, 64, 3)

# --- source functions ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many():
    return samples(sources(), 300)


def test_every_source_function_is_in_the_language_and_compiles(many):
    for source in many[:60]:
        compile(source.function, width=4, registers=8, memory=16)
    for source in many[60:]:
        assert source.function


@pytest.mark.parametrize(
    "side", ["x", "x - y", "(x - y) + 1", "2 * (1 + (x - y))", "(x - y) // 2", "min(x - y, 3)", "x + (y & (x - 1))"]
)
def test_a_side_of_abs_is_written_where_the_language_takes_it(side):
    text = (
        f"from ncl import program, Word\n\n\n@program\ndef f(x: Word, y: Word) -> Word:\n    return abs({side} - y)\n"
    )
    refused = False
    try:
        parse_text(text, "f.py")
    except LanguageError:
        refused = True
    assert holds_difference(ast.parse(side, mode="eval").body) is refused


def test_source_functions_hold_every_construct_of_the_language(many):
    trees = [ast.parse(source.text) for source in many]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    kinds = {type(node) for node in nodes}
    assert kinds >= {
        ast.Assign, ast.AugAssign, ast.Tuple, ast.If, ast.While, ast.For, ast.Break, ast.Continue, ast.Assert,
        ast.Return, ast.And, ast.Or, ast.Not, ast.Invert, ast.Compare, ast.Subscript, ast.List,
        ast.IfExp, ast.Call, ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod, ast.LShift, ast.RShift, ast.BitAnd,
        ast.BitOr, ast.BitXor,
    }  # fmt: skip
    texts = [source.text for source in many]
    for written in (
        "elif", "else:", ", -1, -", "len(", "-> Array", "-> Word", "~0", "] * ", "        return", "g(n - 1",
        "h(n - 1", "us = g(", "xs = g(", "    g(", "= h(", "min(", "max(", "abs(", "signed_less(",
    ):  # fmt: skip
        assert any(written in text for text in texts), written
    assert any(re.search(r"[xyz]s = [gh]\(", text) for text in texts)
    assert any(isinstance(node, ast.Compare) and len(node.ops) > 1 for node in nodes)
    loops = [node for node in nodes if isinstance(node, ast.For | ast.While)]
    assert any(
        isinstance(inner, ast.For | ast.While) for loop in loops for inner in ast.walk(loop) if inner is not loop
    )


def test_most_runs_of_source_functions_end_without_a_trap_and_all_kinds_of_trap_are_met():
    ends = {True: [], False: []}  # with an ample budget, and with a tight one

    def with_rows(source):
        rows = st.lists(arguments(source.function.signature, SIZES, 4), min_size=3, max_size=3)
        return st.tuples(st.just(source), rows, st.sampled_from([BUDGET, BUDGET, 2]))

    def look(case):
        source, rows, budget = case
        for row in rows:
            trap = run_source(source.function, row, SIZES, budget).trap
            ends[budget == BUDGET].append(trap.kind.label if trap else "")

    falsify(look, sources().flatmap(with_rows), 150)
    assert set(ends[True] + ends[False]) >= {"", "index", "division", "assert", "budget", "stack"}
    assert ends[True].count("") > len(ends[True]) / 2


@pytest.mark.parametrize(("wanted", "most"), [("for i", 9), ("assert", 8), ("left -=", 14), ("g(n - 1", 15)])
def test_source_functions_shrink_to_readable_ones(wanted, most):
    found = []

    def lacks(source):
        if wanted in source.text:
            found.append(source)
            raise AssertionError

    with pytest.raises(AssertionError):
        falsify(lacks, sources(), 300)
    lines = found[-1].text.splitlines()
    assert len(lines) <= most and max(map(len, lines)) < 45, found[-1]


def test_a_source_shows_itself_as_text():
    text = "from ncl import Word, program\n\n\n@program\ndef f(a: Word) -> Word:\n    return a\n"
    assert repr(Source(text)) == f"\n{text}" and Source(text).function.name == "f"
    assert BUDGET > 16 * 16


def test_profiles_grow_and_only_nightly_is_random():
    dev, ci, nightly = PROFILES["dev"], PROFILES["ci"], PROFILES["nightly"]
    assert dev.runs < ci.runs < nightly.runs and dev.soft < ci.soft < nightly.soft
    assert (dev.random, ci.random, nightly.random) == (False, False, True)


def test_a_search_ends_at_the_smallest_failure_and_the_same_seed_searches_the_same():
    seen = []

    def check(numbers):
        seen.append(list(numbers))
        assert sum(numbers) < 50

    runs = []
    for _ in range(2):
        seen.clear()
        with pytest.raises(AssertionError):
            falsify(check, st.lists(st.integers(0, 1000)), 100, seed=3)
        assert seen[-1] == [50]
        runs.append(list(seen))
    assert runs[0] == runs[1]


def test_a_search_stops_shrinking_when_its_runs_are_spent(monkeypatch):
    from ncl.properties import search

    monkeypatch.setattr(search, "SHRINKS", 5)
    calls = []

    def check(numbers):
        calls.append(numbers)
        assert not numbers or max(numbers) < 9

    with pytest.raises(AssertionError):
        falsify(check, st.lists(st.integers(0, 10**6), min_size=20), 30)
    failing = next(n for n, numbers in enumerate(calls) if max(numbers) >= 9)
    assert len(calls) - failing < 12
