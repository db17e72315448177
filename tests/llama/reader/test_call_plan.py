"""Plans: drawn with their probabilities, solved and followed as a person would by hand."""

import math
from itertools import product

import pytest
import torch
from readings import KINDS, ODDS, RUNS, Sure, reading_of, units_of
from torch.nn.functional import logsigmoid

from ncl.build import build_library
from ncl.llama.computer import execution
from ncl.llama.pretrained.adapter_record import PROGRAMS
from ncl.llama.reader import call_plan as planning
from ncl.llama.reader.call_plan import (
    Candidate,
    Library,
    Machine,
    Plan,
    _bits,
    call,
    execute,
    most_probable,
    plans_of,
    sample_plans,
    solutions,
)
from ncl.llama.reader.network import Reading, Units

REVERSE, SORT, COUNT, MODSUM, STACK = range(1, 6)
POP = (1 << 16) - 1
EVEN = [[1 / 6] * 6] * 2


@pytest.fixture(scope="module")
def programs():
    made = build_library(PROGRAMS, width=16).programs
    return Library(tuple(made[name] for name in PROGRAMS), ((), (), (), (), (POP,)))


# --- drawing


def every_plan():
    """(plan, its probability) by the definition: bits for runs, symbols and boundaries, and a pointer a segment."""

    def bit(odds, on):
        return torch.tensor(odds if on else -odds).sigmoid().item()

    weights = {place: torch.tensor(odds).exp().item() for place, odds in ODDS["pointer"].items()}
    for first, second, at_start, at_text, parted in product((False, True), repeat=5):
        chance = bit(0.5, first) * bit(-1.0, second) * bit(-0.5, at_start) * bit(0.25, at_text) * bit(0.4, parted)
        taken = (*((1, 2) if first else ()), *((4,) if second else ()))
        symbols = (*((0,) if at_start else ()), *((3,) if at_text else ()))
        for pointed in (1, 2) if parted else (1, 2, 4):
            inside = (1, 2) if parted else (1, 2, 4)
            share = weights[pointed] / sum(weights[place] for place in inside)
            yield Plan(taken, symbols, 1 + parted, (pointed, 4 if parted else -1)), chance * share


def drawn(count, seed=0):
    reading = reading_of(KINDS, **ODDS)
    return sample_plans(reading, units_of(KINDS, RUNS), count, 2, torch.Generator().manual_seed(seed))


def test_draws_carry_the_probability_of_their_plan():
    sampled, chances = drawn(400), dict(every_plan())
    (plans,) = plans_of(sampled)
    logs = sampled.write_BK + sampled.spell_BK + sampled.part_BK + sampled.point_BKS.sum(2)
    for plan, log in zip(plans, logs[0].tolist(), strict=True):
        assert log == pytest.approx(torch.tensor(chances[plan]).log().item(), abs=1e-4)  # float32


def test_every_plan_is_drawn_as_often_as_its_probability_and_its_bias_say():
    chances, count = dict(every_plan()), 20_000
    assert sum(chances.values()) == pytest.approx(1.0, abs=1e-6)
    sampled = drawn(count)
    (plans,) = plans_of(sampled)
    assert set(plans) == set(chances)
    biases = dict(
        zip(plans[1:], (sampled.write_bias_BK + sampled.spell_bias_BK + sampled.part_bias_BK)[0, 1:].tolist())
    )
    often = {plan: chance * math.exp(biases[plan]) for plan, chance in chances.items()}
    assert sum(often.values()) == pytest.approx(1.0, abs=1e-4)
    for plan, share in often.items():
        spread = (share * (1 - share) / count) ** 0.5
        assert abs(plans.count(plan) / count - share) < 5 * spread + 1 / count


def test_the_first_draw_is_the_most_probable_plan():
    best, _ = max(every_plan(), key=lambda item: item[1])
    assert {plans_of(drawn(1, seed))[0][0] for seed in range(20)} == {best}


def test_draws_are_the_same_for_the_same_seed():
    assert plans_of(drawn(50, 4)) == plans_of(drawn(50, 4)) != plans_of(drawn(50, 5))


def test_numbers_of_a_run_are_taken_together_and_the_first_unit_begins_no_other_call():
    sampled = drawn(300)
    assert torch.equal(sampled.taken_BKU[..., 1], sampled.taken_BKU[..., 2])
    assert not sampled.segment_BKU[..., 0].any() and not sampled.symbol_BKU[..., [1, 2, 4]].any()
    assert not sampled.taken_BKU[..., [0, 3]].any()


def test_padding_changes_no_probability():
    reading, units = reading_of(KINDS, **ODDS), units_of(KINDS, RUNS)
    wide = Reading(*(torch.nn.functional.pad(getattr(reading, name), (0, 3), value=2.0)
                     for name in ("gate_BU", "pointer_BU", "symbol_BU", "boundary_BU")), None)  # fmt: skip
    nowhere = torch.zeros(1, 3, dtype=torch.bool)
    lead = torch.cat([units.lead_BU, torch.tensor([[5, 6, 7]])], 1)
    number, text = (torch.cat([kind, nowhere], 1) for kind in (units.number_BU, units.text_BU))
    padded = sample_plans(wide, Units(None, None, number, text, lead, text, text, torch.arange(8)[None]), 1, 2, None)
    plain = sample_plans(reading, units, 1, 2, None)
    assert plans_of(padded) == plans_of(plain)
    for name in ("write_BK", "spell_BK", "part_BK", "point_BKS", "write_bias_BK", "spell_bias_BK", "part_bias_BK"):
        assert torch.equal(getattr(padded, name), getattr(plain, name)), name


def test_a_segment_without_a_number_has_no_argument():
    sampled = sample_plans(reading_of("TTT", boundary={1: 9.0, 2: 9.0}), units_of("TTT"), 3, 2, None)
    assert (sampled.argument_BKS == -1).all()
    assert plans_of(sampled)[0][0] == Plan((), (), 3, (-1, -1))


# --- solving by hand


def trial(plan, words, answer, chance=EVEN):
    return Candidate(plan, words, answer, chance)


def solved(programs, plan, words, answer, chance=EVEN):
    return solutions([trial(plan, words, answer, chance)], programs)[0]


LIST = ((), (3,), (1,), (2,), ())  # such as: sort 3 1 2 .


def test_one_call_is_found(programs):
    plan = Plan((1, 2, 3), (), 1, (1,))
    assert solved(programs, plan, LIST, (1, 2, 3)) == [((0, SORT),)]
    assert solved(programs, plan, LIST, (2, 1, 3)) == [((0, REVERSE),)]
    assert solved(programs, plan, LIST, (1, 3, 2)) == []


def test_every_program_that_answers_so_is_found(programs):
    plan = Plan((1, 2, 3), (), 1, (2,))
    words = ((), (1,), (1,), (1,), ())
    assert solved(programs, plan, words, (1, 1, 1)) == [((0, REVERSE),), ((0, SORT),), ((0, STACK),)]
    assert solved(programs, plan, words, (3,)) == [((0, COUNT),)]
    assert solved(programs, plan, words, (0,)) == [((0, MODSUM),)]


def test_an_argument_is_the_number_that_is_pointed_at(programs):
    words = ((), (5,), (), (5,), (6,), (5,))  # count 5 in 5 6 5
    assert solved(programs, Plan((3, 4, 5), (), 1, (1,)), words, (2,)) == [((0, COUNT),)]
    assert solved(programs, Plan((3, 4, 5), (), 1, (4,)), words, (1,)) == [((0, COUNT),)]
    assert solved(programs, Plan((3, 4, 5), (), 1, (-1,)), words, (2,)) == []
    assert ((0, MODSUM),) in solved(programs, Plan((3, 4, 5), (), 1, (4,)), words, (4,))


def test_two_calls_are_found_with_the_first_ones_result_as_the_tape_of_the_second(programs):
    words = ((), (3,), (1,), (1,), (), (), (1,))  # sort 3 1 1, then count the 1
    plan = Plan((1, 2, 3), (), 2, (1, 6))
    # 2 is how many 1s there are, whatever the first call made of the list, if any; and it is 5 mod 3.
    counted = [((1, COUNT),), *(((0, first), (1, COUNT)) for first in (REVERSE, SORT, STACK))]
    summed = [((0, MODSUM),), *(((0, MODSUM), (1, then)) for then in (REVERSE, SORT, STACK))]
    assert sorted(solved(programs, plan, words, (2,))) == sorted(counted + summed)
    assert sorted(solved(programs, plan, words, (1, 1, 3))) == sorted([
        ((0, SORT),), ((1, SORT),), ((0, REVERSE),), ((1, REVERSE),),
        *(((0, first), (1, then)) for first, then in product((REVERSE, SORT), (SORT, STACK))),
        *(((0, STACK), (1, then)) for then in (REVERSE, SORT)), ])  # fmt: skip


def test_a_stack_writes_a_pop_where_text_says_so(programs):
    words = ((), (5,), (), (6,), (), (7,), ())  # push 5, pop, push 6 …: units 2 and 6 are pops
    plan = Plan((1, 3, 5), (2, 6), 1, (1,))
    assert solved(programs, plan, words, (6,)) == [((0, STACK),)]
    assert solved(programs, Plan((1, 3, 5), (), 1, (1,)), words, (5, 6, 7)) == [((0, SORT),), ((0, STACK),)]
    # Other programs have no symbol: for them nothing is written there.
    assert ((0, REVERSE),) in solved(programs, plan, words, (7, 6, 5))


def test_pops_on_an_empty_stack_do_nothing(programs):
    assert ((0, STACK),) in solved(programs, Plan((2,), (0, 1), 1, (2,)), ((), (), (4,)), (4,))


def test_what_nothing_answers_is_not_solved(programs):
    assert solved(programs, Plan((1, 2), (), 2, (1, 1)), LIST, (9, 9, 9)) == []


def test_a_unit_that_stands_for_many_numbers_writes_them_all(programs):
    words = ((), (5,), (4, 3, 2), (1,))
    assert solved(programs, Plan((1, 2, 3), (), 1, (1,)), words, (1, 2, 3, 4, 5)) == [((0, REVERSE),), ((0, SORT),)]


def test_plans_of_more_stretches_than_learning_follows_have_no_solution(programs):
    assert solved(programs, Plan((1, 2, 3), (), 3, (1, 1)), LIST, (1, 2, 3), [[1 / 6] * 6] * 3) == []


def test_programs_that_are_very_unlikely_are_not_run(programs):
    rare = [[0.0, 0.5, 0.00005, 0.1, 0.1, 0.29995]] * 2
    plan = Plan((1, 2, 3), (), 1, (1,))
    assert solved(programs, plan, LIST, (1, 2, 3), rare) == []
    assert solved(programs, plan, LIST, (2, 1, 3), rare) == [((0, REVERSE),)]


def test_a_trap_ends_a_chain(programs):
    words = ((), (0,), (4,), ())  # a sum modulo 0
    assert solved(programs, Plan((2,), (), 1, (1,)), words, (0,)) == [((0, COUNT),)]


def test_the_same_run_is_made_once(programs, monkeypatch):
    runs, fresh = counted(monkeypatch), Library(programs.programs, programs.symbols)
    plan = Plan((1, 2, 3), (), 1, (1,))
    solutions([trial(plan, LIST, (1, 2, 3))] * 7, fresh)
    assert runs == [1] * 5
    Machine(programs).run([(SORT, (2, 1), 0), (SORT, (2, 1), 0), (SORT, (3,), 0)])
    assert runs[5:] == [2]


def test_learning_remembers_runs_from_one_step_to_the_next(programs, monkeypatch):
    runs, fresh = counted(monkeypatch), Library(programs.programs, programs.symbols)
    plan, other = Plan((1, 2, 3), (), 1, (1,)), Plan((1, 2), (), 1, (1,))
    first = solutions([trial(plan, LIST, (1, 2, 3))], fresh)
    assert solutions([trial(plan, LIST, (1, 2, 3))], fresh) == first and runs == [1] * 5
    solutions([trial(plan, LIST, (1, 2, 3)), trial(other, LIST, (1, 3))], fresh)
    assert runs == [1] * 10


def test_of_what_learning_remembers_the_oldest_is_forgotten(programs, monkeypatch):
    monkeypatch.setattr(planning, "MOST_KNOWN", 4 * (planning.OVERHEAD + 4))
    runs, machine = counted(monkeypatch), Machine(programs)
    items = [(SORT, (number, 1), 0) for number in range(5)]  # two numbers of the tape and two of the result
    machine.run(items[:4])
    machine.run(items[4:])
    assert list(machine.known) == items
    machine.run(items[3:])
    assert list(machine.known) == items[2:] and runs == [4, 1]
    machine.run(items[:1])
    assert machine.known[items[0]][0] == (0, 1) and runs == [4, 1, 1]
    assert list(machine.known) == [*items[2:], items[0]]  # those that are left count, and no others


def counted(monkeypatch):
    """How many tapes each run has had."""
    runs = []
    monkeypatch.setattr(execution, "run", lambda *a, original=execution.run: runs.append(len(a[1])) or original(*a))
    return runs


# --- deciding


def test_the_decided_plan_is_the_most_probable_one():
    kinds = "TNNTN"
    reading = reading_of(kinds, gate={1: 3.0, 2: 3.0}, pointer={1: -5.0, 2: -6.0, 4: 2.0}, symbol={0: 1.0},
                         boundary={0: 9.0, 3: 1.0}, channels={0: SORT, 3: COUNT})  # fmt: skip
    ((plan, programs),) = most_probable(Sure(reading), units_of(kinds, RUNS), 16)
    assert plan == Plan((1, 2), (0,), 2, (1, 4), (3,)) and programs == [SORT, COUNT]


def test_a_segment_pools_over_its_own_text_only():
    reading = reading_of("TTTT", boundary={2: 9.0}, channels={3: SORT})
    ((_, programs),) = most_probable(Sure(reading), units_of("TTTT"), 16)
    assert programs == [0, SORT]


def test_more_stretches_than_the_budget_are_counted_but_not_decided():
    reading = reading_of("TTTTT", boundary={1: 9.0, 2: 9.0, 3: 9.0, 4: 9.0}, channels={0: SORT, 4: SORT})
    ((plan, programs),) = most_probable(Sure(reading), units_of("TTTTT"), 3)
    assert plan.segments == 5 and programs == [SORT, 0, 0] and len(plan.argument) == 3


# --- following


def test_a_chain_of_six_calls_is_followed_to_its_end(programs):
    words = ((), (3,), (1,), (2,), (1,), *[()] * 4, (1,), (10,))
    plan = Plan((1, 2, 3, 4), (), 7, (1, -1, -1, -1, 9, 10, -1))
    steps = execute(programs, plan, [SORT, REVERSE, SORT, REVERSE, COUNT, MODSUM, 0], words)
    assert [step.program for step in steps] == [SORT, REVERSE, SORT, REVERSE, COUNT, MODSUM]
    assert [step.result for step in steps] == [
        (1, 1, 2, 3), (3, 2, 1, 1), (1, 1, 2, 3), (3, 2, 1, 1), (2,), (2,)]  # fmt: skip
    assert [step.tape for step in steps[1:]] == [step.result for step in steps[:-1]]
    assert [step.argument for step in steps] == [None] * 4 + [1, 10]
    assert [step.segment for step in steps] == [0, 1, 2, 3, 4, 5] and all(step.steps > 0 for step in steps)


def test_stretches_that_call_nothing_are_passed_over(programs):
    steps = execute(programs, Plan((1, 2, 3), (), 3, (1, -1, -1)), [0, SORT, 0], LIST)
    assert [(step.segment, step.result) for step in steps] == [(1, (1, 2, 3))]
    assert execute(programs, Plan((1, 2, 3), (), 1, (1,)), [0], LIST) == []


def test_a_trap_or_a_missing_argument_anywhere_gives_no_answer(programs):
    words = ((), (3,), (0,), ())
    assert execute(programs, Plan((1,), (), 1, (2,)), [MODSUM], words) is None
    assert execute(programs, Plan((1,), (), 2, (1, 2)), [SORT, MODSUM], words) is None
    assert execute(programs, Plan((1,), (), 2, (1, -1)), [SORT, COUNT], words) is None


def test_a_list_longer_than_memory_gives_no_answer(programs):
    plan = Plan((1,), (), 1, (1,))
    assert len(execute(programs, plan, [REVERSE], ((), (5,) * 4096))[0].result) == 4096
    assert execute(programs, plan, [REVERSE], ((), (5,) * 4097)) is None


def test_only_the_first_call_writes_symbols(programs):
    words = ((), (5,), (), (6,))
    assert call(programs, Plan((1, 3), (2,), 2, (1, 1)), words, None, 0, STACK) == (STACK, (5, POP, 6), 0)
    assert call(programs, Plan((1, 3), (2,), 2, (1, 1)), words, (7, 8), 1, STACK) == (STACK, (7, 8), 0)
    assert call(programs, Plan((1, 3), (2,), 2, (1, 1)), words, None, 0, SORT) == (SORT, (5, 6), 0)


def test_bits_are_not_drawn_where_there_is_nothing_and_carry_their_probability():
    odds, there = torch.tensor([[1.5, -2.0, 0.5]]), torch.tensor([[True, True, False]])
    bits, log, _ = _bits(odds, there, 200, torch.ones(4), torch.Generator().manual_seed(0))
    assert not bits[..., 2].any()
    expected = torch.where(bits, logsigmoid(odds)[:, None], logsigmoid(-odds)[:, None])[..., :2].sum(2)
    torch.testing.assert_close(log, expected)


@pytest.mark.parametrize("sizes, together", [
    ([1, 1, 1], {(False, False): 1 / 3, (True, False): 1 / 3, (True, True): 1 / 3}),
    ([1, 1 / 2, 1 / 3], {(False, False): 6 / 11, (True, False): 3 / 11, (True, True): 2 / 11}),
    ([1, 1], {(False, False): 1 / 2, (True, False): 1 / 2}),
])  # fmt: skip
def test_half_of_the_draws_set_the_bits_of_the_highest_odds_together(sizes, together):
    """Odds of which the first bit has chance 1/2 and the second 1/4."""
    odds = torch.tensor([[0.0, -math.log(3)]])
    there, dice = torch.ones(1, 2, dtype=torch.bool), torch.Generator().manual_seed(0)
    bits, _, bias = _bits(odds, there, 2000, torch.tensor(sizes, dtype=torch.float32), dice)
    alone = {(a, b): (1 / 2) * (1 / 4 if b else 3 / 4) for a, b in product((False, True), repeat=2)}
    drawn = [tuple(row) for row in bits[0, 1:].tolist()]
    for pair, chance in alone.items():
        often = (chance + together.get(pair, 0)) / 2
        assert abs(drawn.count(pair) / len(drawn) - often) < 5 * (often * (1 - often) / len(drawn)) ** 0.5
        own = [b for b, got in zip(bias[0, 1:].tolist(), drawn, strict=True) if got == pair]
        assert own == pytest.approx([math.log(often / chance)] * len(own), abs=1e-5)
    assert bias[0, 0] == 0


def test_a_long_stack_is_drawn_whole_though_every_bit_is_improbable():
    """Thirty numbers, of which each is data with a chance of a fifth: bit by bit 1e-21, and the bias says so."""
    odds, there = torch.full((1, 30), -math.log(4)), torch.ones(1, 30, dtype=torch.bool)
    bits, log, bias = _bits(odds, there, 400, torch.ones(31), torch.Generator().manual_seed(0))
    whole = bits[0].all(1)
    assert whole.any()
    torch.testing.assert_close((log + bias)[0, whole].exp(), torch.full((int(whole.sum()),), 1 / 62))
