"""Pathwise: on hard inputs the reference's results; on soft ones the exact marginals of the program along its path."""

import itertools

import assemblies
import pytest
import torch
from torch.nn.functional import pad

from ncl.build import compile
from ncl.errors import CapacityError
from ncl.language.interpret.machine import run_machine
from ncl.machine.dataflow import extract
from ncl.machine.executors import pathwise

EXACT = 1e-12  # float64: a few hundred products, each below 1, in another order
BATCHES = {
    "reverse": [[[]], [[3]], [[1, 2, 0, 7, 7]]],
    "copy": [[[]], [[5, 1]], [[1] * 30]],
    "count": [[[], 1], [[3, 1, 3], 3], [[9, 9], 8]],
    "running_count": [[[2, 2, 1], 2], [[], 0]],
    "stack": [[[]], [[5, 255, 7]], [[255, 5, 255, 255, 6, 7]]],
    "insertion_sort": [[[]], [[3, 1, 2, 200, 0]]],
    "modsum": [[[], 0], [[5, 6], 4], [[7, 7, 7], 1], [[100, 99], 150]],
}


@pytest.mark.parametrize("name", BATCHES)
def test_on_hard_inputs_the_results_are_the_reference_s_traps_included(name):
    program = compile(name, width=8, memory=40).program
    batch = BATCHES[name]
    assert pathwise.run(program, batch) == [run_machine(program, row) for row in batch]


def soft(count, words, seed):
    rows = torch.rand(count, words, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.05
    return rows / rows.sum(-1, keepdim=True)


def along(gradient_IN):
    """Of mass that moves between words. What adds to all of them alike changes the mass, which no input does."""
    return gradient_IN - gradient_IN.mean(-1, keepdim=True)


def enumerated(program, arguments, inputs_IN, free):
    """The outputs' marginals over every choice of the free inputs' words, and so their gradient, by autograd.

    arguments(words) makes an argument list of the words of all inputs; inputs that are not free are hard.
    """
    words = 1 << program.sizes.width
    fixed = inputs_IN.argmax(1).tolist()
    answers = None
    for choice in itertools.product(range(words), repeat=len(free)):
        chosen = list(fixed)
        mass = torch.ones((), dtype=torch.float64)
        for place, word in zip(free, choice):
            chosen[place] = word
            mass = mass * inputs_IN[place, word]
        result = run_machine(program, arguments(chosen)).result
        cells = result if isinstance(result, list) else [result]
        one = torch.nn.functional.one_hot(torch.tensor(cells), words).double()
        answers = one * mass if answers is None else answers + one * mass
    return answers


@pytest.mark.parametrize(
    ("name", "length", "word"),
    [("reverse", 3, None), ("copy", 2, None), ("modsum", 3, 3), ("modsum", 2, 1), ("count", 3, 2)],
)
def test_outputs_and_gradients_are_the_exact_marginals_where_no_input_is_read_twice(name, length, word):
    program = compile(name, width=2, memory=4).program if name != "copy" else compile(name, width=3, memory=8).program
    words = 1 << program.sizes.width
    rows = soft(length, words, 3)
    if word is not None:
        rows = torch.cat([rows, torch.nn.functional.one_hot(torch.tensor([word]), words).double()])
    inputs_IN = rows.requires_grad_()

    def arguments(chosen):
        return [chosen[:length]] if word is None else [chosen[:length], chosen[length]]

    _, graph = extract(program, [arguments(inputs_IN.argmax(1).tolist())])
    got = pathwise.replay(graph, inputs_IN, program.sizes.width)
    got = pad(got, (0, words - got.shape[1]))
    truth = enumerated(program, arguments, inputs_IN, range(length))
    assert (got - truth).abs().max() < EXACT
    pull = torch.arange(1.0, truth.numel() + 1, dtype=torch.float64).reshape(truth.shape).sqrt()
    (mine,) = torch.autograd.grad(got, inputs_IN, pull)
    (exact,) = torch.autograd.grad(truth, inputs_IN, pull)
    assert (along(mine) - along(exact))[:length].abs().max() < EXACT


def test_control_and_addresses_carry_no_gradient():
    program = compile("insertion_sort", width=3, memory=8).program
    inputs_IN = soft(3, 8, 5).requires_grad_()
    hard = inputs_IN.argmax(1).tolist()
    _, graph = extract(program, [[hard]])
    got = pathwise.replay(graph, inputs_IN, 3)
    order = sorted(range(3), key=lambda n: hard[n])
    assert torch.equal(got, inputs_IN[order]), "the comparisons decide, the elements only move"


def test_mass_on_a_divisor_of_0_is_missing_from_the_output():
    program = compile("modsum", width=2, memory=4).program
    _, graph = extract(program, [[[3], 2]])
    inputs_IN = torch.tensor([[0, 0, 0, 1.0], [0.25, 0, 0.75, 0]], dtype=torch.float64)
    got = pathwise.replay(graph, inputs_IN, 2)
    # 0 % m, then 3 % m: each time a quarter of m traps, and the two reads count as independent.
    assert got.tolist() == [[0, 0.75 * 0.75, 0]]


def test_a_constant_output_is_one_hot_whatever_the_inputs():
    program = assemblies.program("0 constant r0, 5\n1 halt", "(x: Word) -> Word", width=3, memory=0)
    _, graph = extract(program, [[2]])
    assert pathwise.replay(graph, torch.full((1, 8), 0.125), 3).tolist() == [[0, 0, 0, 0, 0, 1]]


def test_a_distribution_has_no_more_support_than_it_needs():
    program = compile("count", width=16).program
    _, graph = extract(program, [[[5, 6, 5], 5]])
    assert pathwise.replay(graph, pathwise.onehot([5, 6, 5, 5], 7), 16).shape == (1, 4), "a count of three is 0 … 3"


def test_samples_of_a_batch_replay_together_as_alone():
    program, rows = compile("modsum", width=3, memory=8).program, [[[1, 2], 5], [[], 3], [[7], 4]]
    inputs = [soft(len(row[0]) + 1, 8, n) for n, row in enumerate(rows)]
    _, graph = extract(program, rows)
    together = pathwise.replay(graph, torch.cat(inputs), 3)
    for number, (row, given) in enumerate(zip(rows, inputs)):
        alone = pathwise.replay(extract(program, [row])[1], given, 3)
        assert (padded(alone)[0] - padded(together)[number]).abs().max() < EXACT


def padded(rows_OK, words=8):
    return pad(rows_OK, (0, words - rows_OK.shape[1]))


def test_a_replay_too_large_to_hold_is_refused():
    program = assemblies.program("0 multiply r0, r0, r1\n1 halt", "(x: Word, y: Word) -> Word")
    with pytest.raises(CapacityError, match="multiply of 60001 by 60001 words"):
        pathwise.run(program, [[60000, 60000]])


def test_a_replay_that_is_not_one_hot_is_an_error_and_no_result(monkeypatch):
    program = compile("count", width=4, memory=8).program
    apply = pathwise.apply
    monkeypatch.setattr(pathwise, "apply", lambda *a: apply(*a) * 0.5)
    with pytest.raises(ArithmeticError, match="left the one-hot vectors"):
        pathwise.run(program, [[[1, 2], 1]])
