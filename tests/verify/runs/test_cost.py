"""What runs cost is counted, and what is tried follows from it alone."""

from pathlib import Path

import pytest

from ncl.build import Compiled, functions_of, sizes_for
from ncl.language.parse import parse_text
from ncl.machine.executors import integer
from ncl.verify.runs import cost as runs_cost
from ncl.verify.runs import input_spaces
from ncl.verify.runs.cost import Work

HEAVY = str(Path(__file__).with_name("heavy.py"))
LENGTHS, BUDGETS = (64, 16, 4), (5_000, 200, 20)


def program(name):
    return Compiled.of(functions_of(name)[0], sizes_for(16)).program


def cost(_, taken):
    return taken.steps


@pytest.mark.parametrize("name, width, length", [("insertion_sort", 2, 3), ("count", 2, 2), (f"{HEAVY}:collatz", 8, 0)])
def test_a_small_space_is_counted_whole(name, width, length):
    made = program(name)
    space = next(s for s in input_spaces.spaces(made.signature) if (s.width, s.length) == (width, length))
    every = list(input_spaces.inputs(made.signature, space))
    steps = [r.steps for r in integer.run(made, every, 1000)]
    found = runs_cost.of_space(made, space, 1000)
    assert found.longest <= max(steps) and (len(every) > input_spaces.SAMPLED or found == Work(sum(steps), max(steps)))


@pytest.mark.parametrize("name", ["modsum", "insertion_sort"])
def test_a_large_space_is_judged_by_inputs_that_are_each_as_likely(name):
    made = program(name)
    space = next(input_spaces.spaces(made.signature))
    every = list(input_spaces.inputs(made.signature, space))
    exact = sum(r.steps for r in integer.run(made, every, 1000))
    assert abs(runs_cost.of_space(made, space, 1000).steps - exact) < exact / 10
    few = input_spaces.sample(made.signature, space)
    assert (
        len(few) == input_spaces.SAMPLED
        and all(a in every for a in few)
        and few == input_spaces.sample(made.signature, space)
    )


def test_what_is_cheap_is_tried_with_the_longest_lists_and_the_largest_budget():
    draw = runs_cost.affordable(program("count"), 50, 0, LENGTHS, BUDGETS, cost, 1e6)
    assert (draw.longest, draw.budget, len(draw.batch)) == (64, 5_000, 50)
    assert list(draw.batch) == input_spaces.random_inputs(program("count"), 50, 0, 64)


def test_lengths_give_way_before_budgets():
    sort = program("insertion_sort")
    most = 2 * runs_cost.measured(sort, input_spaces.random_inputs(sort, 40, 0, 16), 50, 5_000).steps
    assert runs_cost.measured(sort, input_spaces.random_inputs(sort, 40, 0, 64), 50, 5_000).steps > most
    draw = runs_cost.affordable(sort, 50, 0, LENGTHS, BUDGETS, cost, most)
    assert (draw.longest, draw.budget) == (16, 5_000)


def test_runs_that_do_not_end_give_way_by_their_budget():
    text = "def f(xs: Array) -> Word:\n    while 1:\n        xs[0] += 1\n    return 0\n"
    endless = Compiled.of(parse_text(text, "endless.py", "f")[0], sizes_for(16)).program
    taken = runs_cost.measured(endless, input_spaces.random_inputs(endless, 40, 0), 50, 200).steps
    draw = runs_cost.affordable(endless, 50, 0, LENGTHS, BUDGETS, cost, taken)
    assert (draw.longest, draw.budget) == (64, 200)


def test_when_all_costs_too_much_the_least_is_tried():
    draw = runs_cost.affordable(program("insertion_sort"), 50, 0, LENGTHS, BUDGETS, cost, 0)
    assert (draw.longest, draw.budget) == (4, 20)


def test_the_proved_step_costs_for_cells_and_for_itself_and_not_for_what_is_left_out():
    made = program("count")
    assert runs_cost.cells(made) == 16 + 4096 + 1024 + 3 * 64
    one, more = (runs_cost.of_step(made, Work(1000, longest), 100) for longest in (50, 100_000))
    assert more - one == runs_cost.STEP * 50
