"""Learning through soft tapes: what a cell and an argument may hold is exact, and gradients are those of the answer's
probability."""

import math
from itertools import product

import pytest
import torch
from test_sampled_likelihood import UNITS, WORDS, Given, exact

from ncl.build import build_library
from ncl.llama.pretrained.adapter_record import PROGRAMS
from ncl.llama.reader.call_plan import Library
from ncl.llama.reader.network import Units
from ncl.llama.reader.relaxed_likelihood import Item, likelihood, relaxed_tapes, with_dense, with_pathwise

POP = 255


def listed(items, odds, size, support):
    """Every way to take items or leave them."""
    whole, table = 0.0, torch.zeros(size, support, dtype=torch.float64)
    for bits in product((False, True), repeat=len(items)):
        chance = math.prod(torch.sigmoid(o if bit else -o).item() for o, bit in zip(odds, bits, strict=True))
        tape = [word for item, bit in zip(items, bits, strict=True) if bit for word in item.words]
        if len(tape) == size:
            whole += chance
            for cell, word in enumerate(tape):
                table[cell, word] += chance
    return table / whole, math.log(whole)


@pytest.mark.parametrize("seed", range(8))
def test_cells_of_a_tape_of_a_given_length_are_distributed_as_over_all_ways_to_write_it(seed):
    dice = torch.Generator().manual_seed(seed)
    rows, wanted = [], []
    for x in range(3):
        lengths = torch.randint(1, 4, (3 + x,), generator=dice).tolist()
        rows.append((x, tuple(Item(0, tuple(torch.randint(0, 9, (n,), generator=dice).tolist())) for n in lengths)))
        wanted += [(x, size) for size in sorted({0, lengths[0], sum(lengths[:3]), sum(lengths)})]
    odds = torch.randn(3, 5, generator=dice) * 2
    odds[0, 3:] = odds[1, 4:] = -torch.inf
    for (x, size), soft in zip(wanted, relaxed_tapes(rows, odds, wanted, 9), strict=True):
        items = rows[x][1]
        expected, log = listed(items, odds[x, : len(items)], size, 9)
        torch.testing.assert_close(soft.cells_MK.double(), expected, rtol=1e-4, atol=1e-6)
        assert math.isclose(soft.log.item(), log, rel_tol=1e-4, abs_tol=1e-5)


@pytest.fixture(scope="module")
def programs():
    made = build_library(PROGRAMS, width=8).programs
    return Library(tuple(made[name] for name in PROGRAMS), ((), (), (), (), (POP,)))


# Two numbers with text between them.
NUMBERS = torch.tensor([[False, True, False, False, True]])
SHAPES = torch.zeros(1, 5, 1), torch.zeros(1, 5, 1)
APART = Units(*SHAPES, NUMBERS, ~NUMBERS, torch.arange(5)[None], ~NUMBERS, ~NUMBERS, torch.arange(5)[None])


def lone(seed, *silenced):
    """A reader of one segment that never calls the programs of these numbers."""
    reader = Given(seed)
    with torch.no_grad():
        reader.boundary.fill_(-30.0)
        reader.choose[:, silenced] = -1000.0
    return reader


# Tapes of one length are all alike here, so that cells taken as independent make no difference.
@pytest.mark.parametrize("answer", [(1,), (1, 2), (1, 1, 2)])
@pytest.mark.parametrize("seed", range(3))
def test_where_only_lengths_are_open_it_is_the_sum_over_all_plans(programs, seed, answer):
    gradients = []
    for soft in (False, True):
        reader = lone(seed, 3, 4, 5)
        if soft:
            plain, dice = torch.tensor([-9.0]), torch.Generator().manual_seed(0)
            log_B, known_B = likelihood(reader, UNITS, [WORDS], [answer], plain, programs, 64, dice)
            assert bool(known_B[0])
            log = log_B[0]
        else:
            log = exact(reader, answer, -9.0).log()
        log.backward()
        parts = (reader.gates.grad, reader.channels.grad, reader.choose.grad)
        gradients.append((log.detach(), *parts))
    for expected, found in zip(*gradients, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)


def test_an_argument_is_as_probable_as_the_pointer_says(programs):
    """5 mod 3 is 2, and 5 mod 5 is not."""
    reader = lone(0, 1, 2, 3, 5)
    with torch.no_grad():
        reader.gates.copy_(torch.tensor([30.0, -30.0]))
        reader.pointers.copy_(torch.tensor([0.0, 0.0, 1.5]))
    log_B, _ = likelihood(reader, APART, [((), (5,), (), (), (3,))], [(2,)], torch.tensor([-50.0]), programs, 4)
    expected = reader.chances([0, 1])[4] * torch.tensor([0.0, 1.5]).softmax(0)[1]
    # Another call may begin between the numbers, as likely as not, and then it is another prompt.
    torch.testing.assert_close(log_B[0].exp(), expected / 2, rtol=1e-4, atol=1e-6)


def test_a_tape_that_was_never_drawn_right_still_teaches(programs):
    """Both runs have one number; only the first was drawn, and the second is what the answer tells of."""
    words = ((), (2,), (), (), (1,))
    reader = lone(0, 2, 3, 4, 5)
    with torch.no_grad():
        reader.gates.copy_(torch.tensor([9.0, -9.0]))
    log_B, known_B = likelihood(reader, APART, [words], [(1,)], torch.tensor([-50.0]), programs, 4)
    log_B.sum().backward()
    assert bool(known_B[0])
    assert reader.gates.grad[0] < 0 < reader.gates.grad[1]


def test_what_no_tape_of_any_drawn_length_answers_is_not_known(programs):
    reader = lone(0)
    _, known_B = likelihood(reader, UNITS, [WORDS], [(7, 7, 7, 7)], torch.tensor([-9.0]), programs, 8)
    assert not bool(known_B[0])


def test_a_prompt_for_which_nothing_is_called_has_the_language_models_part_alone(programs):
    reader = lone(1)
    log_B, known_B = likelihood(reader, UNITS, [WORDS], [None], torch.tensor([0.0]), programs, 4)
    torch.testing.assert_close(log_B[0].exp(), reader.chances([0, 1])[0], rtol=1e-4, atol=1e-6)
    assert bool(known_B[0])


def test_a_length_that_is_as_good_as_impossible_teaches_nothing_and_spoils_nothing(programs):
    """Plans that set the likeliest bits together are drawn whatever their probability is."""
    reader = lone(0, 2, 3, 4, 5)
    with torch.no_grad():
        reader.gates.copy_(torch.tensor([-42.0, -42.0]))
    log_B, known_B = likelihood(
        reader, UNITS, [WORDS], [(1, 1, 2)], torch.tensor([-9.0]), programs, 64, torch.Generator().manual_seed(0)
    )
    assert not bool(known_B[0]) and bool(log_B.isfinite())
    log_B.sum().backward()
    assert all(bool(p.grad.isfinite().all()) for p in reader.parameters() if p.grad is not None)


@pytest.fixture(scope="module")
def small():
    made = build_library(PROGRAMS, width=4).programs
    return Library(tuple(made[name] for name in PROGRAMS), ((), (), (), (), (15,)))


@pytest.mark.parametrize("outputs", [with_pathwise, with_dense])
@pytest.mark.parametrize("answer, program", [((1, 2), 1), ((2, 1), 5), ((1,), 3), ((0,), 4)])
def test_where_the_tape_is_sure_every_executor_gives_what_the_program_gives(small, outputs, answer, program):
    reader = lone(2, *({1, 2, 3, 4, 5} - {program}))
    with torch.no_grad():
        reader.gates.copy_(torch.tensor([30.0, -30.0]))
        reader.symbols.copy_(torch.tensor([-30.0, -30.0]))
        reader.pointers.copy_(torch.tensor([-30.0, -30.0, 30.0]))
    log_B, known_B = likelihood(reader, UNITS, [WORDS], [answer], torch.tensor([-90.0]), small, 2, None, outputs)
    assert bool(known_B[0])
    torch.testing.assert_close(log_B[0].exp(), reader.chances([0, 1])[program], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("outputs", [with_pathwise, with_dense])
def test_a_run_that_traps_answers_nothing_not_even_that_there_is_nothing(small, outputs):
    """5 mod 0 has no answer."""
    reader = lone(0, 1, 2, 3, 5)
    with torch.no_grad():
        reader.gates.copy_(torch.tensor([30.0, -30.0]))
        reader.pointers.copy_(torch.tensor([0.0, 0.0, 60.0]))
    words = ((), (5,), (), (), (0,))
    _, known_B = likelihood(reader, APART, [words], [()], torch.tensor([-50.0]), small, 1, None, outputs)
    assert not bool(known_B[0])


def test_both_executors_teach_which_argument_is_meant(small):
    """How often 2 or 1 stands in 2 1 is once either way; 3, which may be meant too, does not. Counting is data flow."""
    words = ((), (2, 1), (), (), (3,))
    slopes = []
    for outputs in (with_pathwise, with_dense):
        reader = lone(0, 1, 2, 4, 5)
        with torch.no_grad():
            reader.gates.copy_(torch.tensor([9.0, -9.0]))
        log_B, _ = likelihood(reader, APART, [words], [(1,)], torch.tensor([-50.0]), small, 1, None, outputs)
        log_B.sum().backward()
        slopes.append(reader.pointers.grad[[0, 2]])
    assert slopes[0][0] > 0 > slopes[0][1]
    torch.testing.assert_close(*slopes, rtol=1e-3, atol=1e-5)
