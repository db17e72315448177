"""Programs of the library run on tapes, their answers are spelled, and the choice is marginalised."""

import math

import pytest
import torch

from ncl.errors import ConfigurationError
from ncl.language.text import assemble
from ncl.llama.computer import execution
from ncl.llama.from_scratch.lexer import Lexer, spelled
from ncl.llama.from_scratch.likelihood import marginal, matches
from ncl.llama.from_scratch.tape import Tapes
from ncl.llama.from_scratch.tokenizer import words_of


@pytest.fixture(scope="module")
def lexer(tokenizer):
    return Lexer(words_of(tokenizer, 11), 11)


def tapes(*rows, argument=0):
    values = torch.tensor(rows)
    count = len(rows)
    zeros = torch.zeros(1, count)
    lengths = torch.full((1, count), values.shape[1])
    return Tapes(values[None], lengths, torch.full((1, count), argument), zeros, zeros)


def test_a_program_answers_on_every_tape(library):
    values = torch.tensor([[3, 1, 2], [9, 8, 0]])
    none = torch.zeros(2, dtype=torch.int64)
    outcome = execution.run(library.programs["reverse"], values, torch.tensor([3, 2]), none)
    assert outcome.values_SA[0, :3].tolist() == [2, 1, 3] and outcome.values_SA[1, :2].tolist() == [8, 9]
    assert outcome.lengths_S.tolist() == [3, 2] and not outcome.trapped_S.any() and (outcome.steps_S > 0).all()


def test_a_trap_is_no_answer(library, lexer):
    outcome = execution.run(library.programs["modsum"], torch.tensor([[3]]), torch.tensor([1]), torch.tensor([0]))
    assert outcome.trapped_S.tolist() == [True]
    assert spelled(outcome, lexer, 2)[1].tolist() == [False]


def test_a_tape_longer_than_memory_counts_as_a_trap(library):
    size = 2049
    outcome = execution.run(library.programs["reverse"], torch.ones(1, size, dtype=torch.int64), torch.tensor([size]),
                         torch.tensor([0]))  # fmt: skip
    assert outcome.trapped_S.tolist() == [True]


def test_an_answer_with_a_word_that_no_token_writes_cannot_be_spelled(lexer):
    outcome = execution.Outcome(torch.tensor([[5, 1500]]), torch.tensor([2]), torch.tensor([False]), torch.tensor([1]))
    assert spelled(outcome, lexer, 2)[1].tolist() == [False]


def test_answers_are_spelled_with_the_end_token_behind(lexer, tokenizer):
    outcome = execution.Outcome(torch.tensor([[5, 9]]), torch.tensor([1]), torch.tensor([False]), torch.tensor([1]))
    tokens, fine = spelled(outcome, lexer, tokenizer.eos_token_id)
    assert tokenizer.convert_ids_to_tokens(tokens[0].tolist()) == ["5", "<eos>", "<eos>"] and fine.all()


def test_only_a_tape_that_answers_to_the_last_token_matches(library, lexer, tokenizer):
    end = tokenizer.eos_token_id
    answer = torch.tensor([[*tokenizer.convert_tokens_to_ids(["2", "1"]), end]])
    found = matches([library.programs["reverse"]], tapes([1, 2], [2, 1]), answer, lexer, end)
    assert found.tolist() == [[[True, False]]]
    longer = torch.tensor([[*tokenizer.convert_tokens_to_ids(["2", "1", "1"]), end]])
    assert not matches([library.programs["reverse"]], tapes([1, 2], [2, 1]), longer, lexer, end).any()


def test_the_marginal_is_the_mixture_of_the_language_model_and_of_the_share_of_tapes(library):
    selection = torch.tensor([[0.2, 0.5, 0.3]]).log()
    programs = [library.programs["reverse"], library.programs["count"]]
    matches = torch.tensor([[[True, False]], [[True, True]]])
    value = marginal(selection, torch.tensor([math.log(0.1)]), programs, tapes([1, 2], [2, 1]), matches)
    assert torch.allclose(value.exp(), torch.tensor([0.2 * 0.1 + 0.5 * 0.5 + 0.3 * 1.0]))


def test_the_marginal_teaches_the_gates_of_the_tapes_that_answered(library):
    write = torch.zeros(1, 2, requires_grad=True)
    given = tapes([1, 2], [2, 1])
    given = Tapes(given.values_BKM, given.lengths_BK, given.argument_BK, write, given.point_BK)
    matches = torch.tensor([[[True, False]]])
    selection = torch.tensor([[0.5, 0.5]]).log()
    marginal(selection, torch.tensor([-50.0]), [library.programs["reverse"]], given, matches).sum().backward()
    assert write.grad[0, 0] > 0.9 and write.grad[0, 1] == 0


def test_a_prompt_that_no_tape_solves_has_a_finite_loss_and_gradient(library):
    selection = torch.zeros(1, 2, requires_grad=True)
    value = marginal(selection.log_softmax(1), torch.tensor([-3.0]), [library.programs["reverse"]],
                            tapes([1, 2]), torch.tensor([[[False]]]))  # fmt: skip
    value.sum().backward()
    assert value.isfinite().all() and selection.grad.isfinite().all()


def test_a_program_that_no_tape_can_feed_is_refused_by_name():
    program = assemble(
        ".program f\n.signature (x: Word) -> Word\n.sizes width=8 registers=4 memory=0 frame=0 depth=0\n"
        ".source 00ff\n   0  halt\n"
    )
    with pytest.raises(ConfigurationError, match=r"f\(x: Word\)"):
        execution.runnable(program)
