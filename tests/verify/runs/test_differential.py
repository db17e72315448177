"""Programs against their source, executors against each other: what is tried, what is said of it, what is refuted."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from ncl import library
from ncl.build import Compiled, functions_of, sizes_for
from ncl.errors import CapacityError
from ncl.language.opcodes import Opcode
from ncl.language.parse import parse_text
from ncl.machine.executors import integer, pathwise
from ncl.verify.certification.trials import edited
from ncl.verify.engine import counterexample
from ncl.verify.runs import cost, differential, input_spaces, plans

TEXTS = {
    "last": "def last(xs: Array) -> Word:\n    return xs[len(xs) - 1]\n",
    "double": "def double(a: Word) -> Word:\n    return a + a\n",
    "mix": "def mix(xs: Array, a: Word, b: Word) -> Word:\n    return a * b + len(xs)\n",
    "pair": "def pair(xs: Array, ys: Array) -> Word:\n    return len(xs) + len(ys)\n",
    "triple": "def triple(xs: Array, ys: Array, zs: Array) -> Word:\n    return len(xs) * len(ys) + len(zs)\n",
    "byte": "def byte(xs: Array) -> Word:\n    t = 200\n    for i in range(len(xs)):\n        t = t * 2 + xs[i]\n"
    "    return t\n",
    "large": "def large(a: Word) -> Word:\n    return a + 200\n",
    "power": "def power(a: Word, b: Word) -> Word:\n    c = a * a * a\n    return c * c + b * b * b * c\n",
}


def made(name, **sizes):
    function = parse_text(TEXTS[name], f"{name}.py", name)[0]
    return Compiled.of(function, sizes_for(**{"width": 8, "memory": 16, "frame": 4, "depth": 2} | sizes))


# --- what is tried ---------------------------------------------------------------------------------------------------


def test_every_word_and_every_short_list_is_enumerated_once():
    signature = made("last").program.signature
    space = next(input_spaces.spaces(signature))
    assert (space.width, space.length, space.count) == (3, 4, 1 + 8 + 64 + 512 + 4096)
    every = [tuple(xs) for (xs,) in input_spaces.inputs(signature, space)]
    assert len(set(every)) == len(every) == space.count and (7, 7, 7, 7) in every and () in every


def test_words_alone_are_enumerated_to_eight_bits():
    space = next(input_spaces.spaces(made("double").program.signature))
    assert (space.width, space.count) == (8, 256)


def test_long_signatures_have_their_lengths_cut_before_their_words_and_stay_below_the_most():
    for name in ("mix", "pair"):
        found = list(input_spaces.spaces(made(name).program.signature))
        assert found and all(space.count <= input_spaces.MOST for space in found)
        assert found[0].width == 3 and 2 <= found[0].length < 4


def test_random_inputs_are_words_that_fit_and_reach_the_ends():
    program = made("last", width=16, memory=4096).program
    batch = input_spaces.random_inputs(program, 300, seed=1)
    words = {w for (xs,) in batch for w in xs}
    assert {0, 1, (1 << 16) - 1} <= words and {len(xs) for (xs,) in batch} >= {0, 1, 64}
    assert batch == input_spaces.random_inputs(program, 300, seed=1) != input_spaces.random_inputs(program, 300, seed=2)
    for arguments in batch:
        program.check_arguments(arguments)
    assert max(w for (xs,) in input_spaces.random_inputs(program, 100, 1, top=9) for w in xs) == 9


def test_random_arrays_leave_half_of_memory_free():
    program = made("pair", memory=8).program
    assert max(len(v) for a in input_spaces.random_inputs(program, 200, 0) for v in a) == 2


def test_a_lean_machine_has_no_cells_that_its_code_cannot_reach():
    program = made("last").program
    assert (plans.lean(program).sizes.frame, plans.lean(program).sizes.depth) == (0, 0)
    saves = replace(program, code=(*program.code[:-1], replace(program.code[-1], opcode=int(Opcode.STORE_FRAME), b=2)))
    assert plans.lean(saves).sizes.frame == 3
    calls = replace(program, code=(replace(program.code[0], opcode=int(Opcode.CALL)), *program.code[1:]))
    lean = plans.lean(calls).sizes
    assert (lean.frame, lean.depth) == (2 * calls.code[0].b, 2), "a frame for each open call"


# --- source = machine code -------------------------------------------------------------------------------------------


def test_a_program_is_its_source_and_the_bound_says_what_was_tried():
    good = made("last", width=16, memory=64)
    found = differential.check_runs(good.function, good.program, 50, 0)
    assert found.verdict == "proved-bounded"
    assert (found.limits["enumerated_width"], found.limits["length"], found.limits["samples"]) == (3, 4, 50)
    assert "every length ≤ 4 at W = 3: 4681 inputs" in found.bound and "50 random runs of " in found.bound
    assert found.limits["slow_samples"] > 15


def test_a_literal_that_needs_wide_words_is_enumerated_at_that_width():
    good = made("large")
    found = differential.check_runs(good.function, good.program, 20, 0)
    assert found.limits["enumerated_width"] == 8 and found.limits["enumerated"] == 256


def test_other_machine_code_is_refuted_with_a_small_input_that_replays(tmp_path, monkeypatch):
    good = made("double")
    line = next(n for n, row in enumerate(good.program.code) if row.opcode == Opcode.ADD)
    bad = edited(good.program, line, "opcode", int(Opcode.MULTIPLY))
    found = differential.check_runs(good.function, bad, 50, 0)
    assert found.verdict == "refuted" and found.counterexample["arguments"] == [1]
    file = counterexample.write(found.counterexample, tmp_path, "source")
    # The source is compiled again to replay, so the fault that stood in the bytes alone is gone.
    assert not counterexample.replay(file).reproduced
    monkeypatch.setattr("ncl.compiler.compile.compile_function", lambda function, sizes: (bad, None))
    assert counterexample.replay(file).reproduced


def test_bytes_that_the_compiler_does_not_make_are_refuted():
    good = made("double")
    assert differential.check_compiled(good.function, good.program).verdict == "proved"
    bad = edited(good.program, 0, "b", 1)
    assert "machine code" in differential.check_compiled(good.function, bad).detail
    other = replace(good.program, source="0" * 64)
    assert "source digest" in differential.check_compiled(good.function, other).detail


def test_a_wrong_tick_or_trap_or_step_is_a_disagreement():
    good = made("last")
    run = integer.run

    def one_more(field):
        return lambda *given: [replace(r, **{field: getattr(r, field) + 1}) for r in run(*given)]

    for field in ("ticks", "steps"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(integer, "run", one_more(field))
            assert differential.check_executor("integer", good.function, good.program, 20, 0).verdict == "refuted"


# --- executors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("executor", ["integer", "pathwise", "dense"])
def test_an_executor_runs_as_the_reference_machine_does(executor):
    good = made("last", width=16, memory=64)
    found = differential.check_executor(executor, good.function, good.program, 20, 0)
    assert found.verdict == "tested" and found.limits == {"samples": 20}


def test_pathwise_is_tried_over_all_words_where_they_are_few_and_on_small_ones_where_not():
    narrow, wide = made("double"), made("double", width=16)
    assert differential.check_executor("pathwise", narrow.function, narrow.program, 9, 0).bound == (
        "9 random runs of 8 inputs at W = 8"
    )
    assert differential.check_executor("pathwise", wide.function, wide.program, 9, 0).bound == (
        "9 random runs of 8 inputs at W = 8; 9 random runs of 8 inputs of words ≤ 31 at W = 16"
    )


def test_distributions_too_large_to_hold_are_said_and_not_tried():
    wide = made("power", width=16)
    found = differential.check_executor("pathwise", wide.function, wide.program, 9, 0)
    assert found.verdict == "tested" and "none at W = 16" in found.bound
    with pytest.raises(CapacityError, match="at most"):
        pathwise.run(wide.program, [[60000, 60000]])


def test_a_soft_executor_that_errs_is_refuted(monkeypatch):
    good, run = made("double"), pathwise.run
    monkeypatch.setattr(pathwise, "run", lambda *given: [replace(r, result=7) for r in run(*given)])
    found = differential.check_executor("pathwise", good.function, good.program, 9, 0)
    assert found.verdict == "refuted" and found.counterexample["executors"] == ["reference", "pathwise"]


@pytest.mark.parametrize("executor", ["dense", "pathwise"])
def test_a_soft_executor_without_the_source_is_unknown(executor):
    assert differential.check_executor(executor, None, made("double").program, 9, 0).verdict == "unknown"


CALLING = """
def even(n: Word) -> Word:
    return 1 if n == 0 else odd(n - 1)

def odd(n: Word) -> Word:
    return 0 if n == 0 else even(n - 1)

def shared(xs: Array) -> Word:
    tick(xs)
    return tick(xs) * 4 + xs[0]

def tick(xs: Array) -> Word:
    ys = [xs[0]] * 1
    xs[0] += 1
    return ys[0]
"""


@pytest.mark.parametrize(("name", "most"), [("even", 6), ("shared", 6)])
def test_programs_that_call_are_compared_everywhere_on_machines_of_few_calls(name, most):
    made = Compiled.of(parse_text(CALLING, "calling.py", name)[0], sizes_for(8, memory=16))
    found = differential.check_runs(made.function, made.program, 20, 0)
    assert found.verdict == "proved-bounded" and f"with at most {most} calls open" in found.bound
    for executor in ("integer", "dense", "pathwise"):
        assert differential.check_executor(executor, made.function, made.program, 5, 0).verdict == "tested"


# --- heavy programs --------------------------------------------------------------------------------------------------

HEAVY = str(Path(__file__).with_name("heavy.py"))


def heavy(name, width=16, **sizes):
    return Compiled.of(functions_of(f"{HEAVY}:{name}")[0], sizes_for(width, **sizes))


@pytest.mark.parametrize("name", ["n_queens", "ackermann", "collatz", "dijkstra"])
def test_heavy_programs_are_enumerated_as_far_as_their_work_allows_and_as_the_gate_asks(name):
    plan = plans.plan(heavy(name).function, sizes_for(16))
    taken = cost.of_space(plan.program, plan.space, plan.budget)
    assert taken.steps <= plans.MOST_ENUMERATED and plan.space.width >= 2
    assert plan.space.length >= 2 or not input_spaces.has_arrays(plan.program.signature)
    assert plan == plans.plan(heavy(name).function, sizes_for(16))


@pytest.mark.parametrize("name", ["reverse", "copy", "count", "running_count", "stack", "insertion_sort", "modsum"])
def test_the_first_programs_of_the_library_are_enumerated_with_every_word_of_three_bits_and_every_length_to_four(name):
    plan = plans.plan(library.get(name), sizes_for(16))
    assert (plan.space.width, plan.space.length, plan.budget) == (3, 4, plans.SMALL_BUDGETS[0])


def test_a_length_at_which_most_runs_never_end_is_left_out():
    made = heavy("dijkstra")  # at W = 3 the square of 3 is 1, so for 4 weights its first loop goes on for ever
    found = differential.check_runs(made.function, made.program, 100, 0)
    assert found.verdict == "proved-bounded" and "every length ≤ 3 at W = 3: 4680 inputs" in found.bound
    assert found.limits["cut"] == 0


def test_the_bound_tells_which_runs_were_stopped_and_which_the_proved_step_did_not_make(monkeypatch):
    monkeypatch.setattr(plans, "LONG", 100)
    made = heavy("collatz", 8, memory=16)
    found = differential.check_runs(made.function, made.program, 100, 0)
    steps = [r.steps for r in integer.run(made.program, [[n] for n in range(256)], 1024)]
    few = sum(n <= 100 for n in steps)
    assert 0 < few < 256 and f"and the reference machine, {few} of them through the proved step" in found.bound
    text = "def f(a: Word) -> Word:\n    while a != 3:\n        a += 2\n    return a\n"
    endless = Compiled.of(parse_text(text, "endless.py", "f")[0], sizes_for(8, memory=16))
    found = differential.check_runs(endless.function, endless.program, 100, 0)
    words, cut = 1 << found.limits["enumerated_width"], found.limits["cut"]
    assert cut == words // 2 and f"({cut} stopped after 1024 ticks)" in found.bound.partition(";")[0]
    assert "stopped after 50000 ticks" not in found.bound and "stopped after" in found.bound.partition(";")[2]


@pytest.mark.parametrize("name", ["pair", "mix", "last", "triple"])
def test_a_space_has_every_input_that_fits_in_memory_and_is_counted_without_making_them(name):
    signature = made(name).program.signature
    for space in list(input_spaces.spaces(signature, 3000)):
        every = [repr(row) for row in input_spaces.inputs(signature, space)]
        assert len(every) == len(set(every)) == space.count
        cells = [sum(len(v) for v in eval(row) if isinstance(v, list)) for row in every]
        assert max(cells) == min(space.cells, space.length * sum(p.sort == "array" for p in signature.parameters))
        assert all(repr(row) in every for row in input_spaces.sample(signature, space))


def test_three_arrays_are_enumerated_up_to_three_cells_each_as_far_as_memory_goes():
    three = made("triple", width=16, memory=64)
    plan = plans.plan(three.function, three.program.sizes)
    assert (plan.space.width, plan.space.length, plan.space.cells) == (2, 3, 4)
    found = differential.check_runs(three.function, three.program, 50, 0)
    assert "every word and every length ≤ 3, 4 cells in all at W = 2: 3821 inputs" in found.bound
    assert found.limits["length"] == 3


def test_a_space_too_large_for_the_slow_machines_goes_through_source_and_bytecode_and_they_make_a_part(monkeypatch):
    monkeypatch.setattr(plans, "MOST_ENUMERATED", plans.MOST_ENUMERATED // 4)
    byte = made("byte", width=16, memory=64)
    share = plans.plan(byte.function, byte.program.sizes).share
    found = differential.check_runs(byte.function, byte.program, 50, 0)
    assert found.limits["enumerated_width"] == 8 and found.limits["length"] == 2 and share > 1
    part = -(-65793 // share)  # in one batch; each begins anew
    told = re.search(r"65793 inputs through source and bytecode, (\d+) of them through the reference", found.bound)
    assert told and part <= int(told[1]) <= part + 20


def test_a_parting_far_behind_is_found_in_a_long_run():
    made = heavy("collatz")
    line = next(n for n, row in enumerate(made.program.code) if row.opcode == Opcode.MULTIPLY)
    bad = edited(made.program, line, "opcode", int(Opcode.ADD))
    assert differential.check_beyond(made.function, bad, 100, 0).verdict == "refuted"


# --- calls -----------------------------------------------------------------------------------------------------------


def test_a_program_that_hands_its_arguments_over_wrongly_is_refuted_on_its_calls():
    made = Compiled.of(parse_text(CALLING, "calling.py", "shared")[0], sizes_for(8, memory=16))
    line = next(n for n, row in enumerate(made.program.code) if row.opcode == Opcode.RETURN)
    code = list(made.program.code)
    code[line] = replace(code[line], a=1)  # the cells of a call that gives a word stay taken
    assert differential.check_runs(made.function, made.program, 5, 0).green
    bad = replace(made.program, code=tuple(code), sizes=replace(made.program.sizes, memory=2))
    found = differential.check_beyond(made.function, bad, 60, 0)
    assert found.verdict == "refuted" and "trap memory" in found.detail
