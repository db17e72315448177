"""Interpreters and executors agree on anything drawn, and every way of disagreeing is found with a small input."""

import os
from dataclasses import replace

import drawn
import pytest
from hypothesis import strategies as st

from ncl.build import compile
from ncl.compiler import compile as pipeline
from ncl.language.opcodes import Opcode
from ncl.language.program import Instruction
from ncl.properties.agreement import (
    FAST,
    SLOW,
    TRACERS,
    by_loop,
    by_reference,
    check_executors,
    check_python,
    check_source,
    check_states,
)
from ncl.properties.failure import Failed
from ncl.properties.search import falsify, seed_for
from ncl.properties.strategies import Batch, batches

SUM = "0 subtract r0, r0, r1\n1 halt"


# --- what is shipped ------------------------------------------------------------------------------------------------


def agree(case):
    """Source, reference machine, bytecode loop and pathwise replay, on one random program with a few inputs."""
    compiled, batch = case
    check_source(compiled.function, compiled.program, batch)
    check_executors(compiled.program, batch, FAST)


def agree_all(case):
    agree(case)
    check_executors(case[0].program, case[1], SLOW)


def test_all_interpreters_and_fast_executors_agree_on_random_programs(search):
    search(agree, cases(4), share=1.5)  # 300 of them in CI


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(10))
def test_all_interpreters_and_executors_agree_on_ten_thousand_random_programs(part, request):
    """Others every night, on machines of 3 to 5 bits. A tenth of each thousand is run by the slow executors too."""
    given = request.config.getoption("--ncl-seed")
    chosen = int.from_bytes(os.urandom(4)) if given is None else given
    print(f"search again with --ncl-seed {chosen}")
    seed = seed_for(f"ten thousand {part}", chosen)
    falsify(agree, cases(3 + part % 3), 900, seed)
    small = drawn.with_batches(drawn.compiled_sources(3 + part % 3, 8, 3, depth=2), budget=40, most=3)
    falsify(agree_all, small, 100, seed)


def test_machine_code_of_wide_words_does_what_its_source_does(search):
    search(lambda case: check_source(case[0].function, case[0].program, case[1]), cases(32), share=0.5)


@pytest.mark.parametrize("width", [4, 16])
def test_plain_python_does_what_random_sources_say_where_nothing_wraps(search, width):
    search(lambda case: check_python(case[0].function, case[0].program, case[1]), cases(width))


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(5))
def test_plain_python_does_what_five_thousand_random_sources_say(part, request):
    given = request.config.getoption("--ncl-seed")
    chosen = int.from_bytes(os.urandom(4)) if given is None else given
    print(f"search again with --ncl-seed {chosen}")
    seed = seed_for(f"five thousand {part}", chosen)
    falsify(lambda case: check_python(case[0].function, case[0].program, case[1]), cases(3 + part), 1000, seed)


def test_the_slow_executors_do_what_the_reference_does(search):
    small = drawn.with_batches(drawn.compiled_sources(3, 8, 3, depth=2), budget=40, most=3)
    search(lambda case: check_executors(case[0].program, case[1], SLOW), small, slow=True)


def test_executors_agree_on_machine_code_that_no_compiler_wrote(search):
    def check(case):
        program, batch = case
        check_executors(program, batch, {**FAST, **SLOW})

    machine = drawn.programs(widths=(1, 2, 3)).flatmap(lambda p: st.tuples(st.just(p), batches(p, 20, 0, 3)))
    search(check, machine, share=0.5)


def test_executors_that_show_their_states_go_through_the_reference_s(search):
    machine = drawn.programs(widths=(1, 2, 3)).flatmap(lambda p: st.tuples(st.just(p), batches(p, 20, 0, 1)))
    search(lambda case: check_states(case[0], case[1].rows[0], case[1].budget), machine, share=0.5)


def cases(width):
    return drawn.with_batches(drawn.compiled_sources(width))


# --- planted faults -------------------------------------------------------------------------------------------------


def swapped(program, rows, budget):
    """Runs subtraction with its operands in the other order."""
    code = [Instruction(i.opcode, i.a, i.c, i.b) if i.opcode == Opcode.SUBTRACT else i for i in program.code]
    return by_loop(replace(program, code=tuple(code)), rows, budget)


def late(program, rows, budget):
    """Counts a tick too many where there is any."""
    return [replace(r, ticks=r.ticks + bool(r.ticks)) for r in by_loop(program, rows, budget)]


def placeless(program, rows, budget):
    return [replace(r, trap=r.trap and replace(r.trap, position=None)) for r in by_loop(program, rows, budget)]


def in_fewer_steps(program, rows, budget):
    return [replace(r, steps=r.steps - 1) for r in by_loop(program, rows, budget)]


def leaking(program, rows, budget):
    """The second row of a batch gives what the first gives."""
    results = by_loop(program, rows, budget)
    return [results[0] if n == 1 else result for n, result in enumerate(results)]


@pytest.mark.parametrize("planted", [swapped, late, placeless, in_fewer_steps, leaking])
def test_a_wrong_executor_is_found_and_its_input_is_small(planted):
    compiled = compile("insertion_sort", width=8, memory=16)
    if planted is placeless:
        compiled = compile("modsum", width=8, memory=16)
    with pytest.raises(Failed, match="expected") as found:
        falsify(
            lambda batch: check_executors(compiled.program, batch, {"planted": planted}),
            batches(compiled.program, 500), 100,
        )  # fmt: skip
    smallest = {
        swapped: "insertion_sort([0, 0, 0]) at width 8, budget 500",
        late: "insertion_sort([]) at width 8, budget 500",
        placeless: "modsum([], 0) at width 8, budget 500",
        in_fewer_steps: "insertion_sort([]) at width 8, budget 500",
    }
    assert found.value.what == smallest.get(planted, found.value.what)
    assert "(planted)" in found.value.got and "(reference)" in found.value.expected


def test_a_wrong_compiler_is_found_against_the_source(monkeypatch):
    def mistaken(function, sizes):
        program, witness = compile_function(function, sizes)
        code = [Instruction(Opcode.NOT_EQUAL, *i.operands) if i.opcode == Opcode.EQUAL else i for i in program.code]
        return replace(program, code=tuple(code)), witness

    compile_function = pipeline.compile_function
    monkeypatch.setattr("ncl.build.compile_function", mistaken)
    compiled = compile("count", width=8, memory=16)
    with pytest.raises(Failed) as found:
        falsify(lambda b: check_source(compiled.function, compiled.program, b), batches(compiled.program, 500), 50)
    assert found.value.what == "count([0], 0) at width 8, budget 500"
    assert "1 after 2 ticks (source)" in found.value.expected


def test_a_wrong_state_on_the_way_to_a_right_result_is_found():
    def dirty(program, arguments, budget):
        states = list(TRACERS["integer"](program, arguments, budget))
        return [replace(s, registers=(*s.registers[:-1], 1)) if n == 1 else s for n, s in enumerate(states)]

    program = drawn.assembled(SUM)
    check_states(program, [3, 1], 9)
    with pytest.raises(Failed, match="registers") as found:
        check_states(program, [3, 1], 9, {"dirty": dirty})
    assert found.value.what == "p(3, 1) at width 3, budget 9, dirty at step 1"


def test_a_trace_that_stops_early_is_found():
    with pytest.raises(Failed, match="length"):
        check_states(drawn.assembled(SUM), [3, 1], 9, {"short": lambda *a: list(TRACERS["integer"](*a))[:-1]})


def test_rows_are_handed_over_as_copies():
    def greedy(program, rows, budget):
        results = by_reference(program, rows, budget)
        for row in rows:
            row[0].append(9)
        return results

    batch = Batch([[[1, 2]]], 99)
    check_executors(compile("reverse", width=8).program, batch, {"greedy": greedy})
    assert batch.rows == [[[1, 2]]] and Batch.from_json(batch.to_json()) == batch
