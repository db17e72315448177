"""A permit is looked at again whenever an answer quotes it: what was edited since is refused by name."""

import sys
import types
from dataclasses import replace

import pytest
import torch

from ncl import certificate as record
from ncl import sources
from ncl.errors import GateRefused


@pytest.fixture
def prompt(model, tokenizer):
    return tokenizer("sort 3 1 2 =", return_tensors="pt")["input_ids"]


def refusal(model, prompt):
    with pytest.raises(GateRefused) as caught:
        model.generate(prompt, max_new_tokens=4, do_sample=False)
    assert caught.value.exit_code == 1 and "\n" not in caught.value.message
    return caught.value.message


def test_an_untouched_model_answers_again_and_again(model, prompt):
    for _ in range(3):
        model.generate(prompt, max_new_tokens=4, do_sample=False)


EDITS = {
    "in place": lambda table: table.__setitem__(3, 4),
    "past torch's counter": lambda table: table.data.__setitem__(3, 4),
    "through NumPy": lambda table: table.numpy().__setitem__(3, 4),
}


@pytest.mark.parametrize("how", EDITS)
@pytest.mark.parametrize("name", ["token_of_word_N", "word_of_token_V"])
def test_a_table_that_was_edited_in_memory_is_refused(model, prompt, name, how):
    EDITS[how](getattr(model.lexer, name))
    assert f"lexer.{name[:-2]}" in refusal(model, prompt)


def test_a_table_that_was_exchanged_or_cast_is_refused(model, prompt):
    model.lexer.token_of_word_N = model.lexer.token_of_word_N.flip(0)
    assert "lexer.token_of_word" in refusal(model, prompt)
    model.lexer.token_of_word_N = model.lexer.token_of_word_N.flip(0).to(torch.int32)
    assert "lexer.token_of_word" in refusal(model, prompt)


def test_a_table_that_came_with_a_state_dict_is_refused_and_the_right_one_passes(model, prompt):
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.load_state_dict(state)
    model.generate(prompt, max_new_tokens=2)
    state["lexer.word_of_token_V"][[50, 60]] = state["lexer.word_of_token_V"][[60, 50]]
    model.load_state_dict(state)
    assert "lexer.word_of_token" in refusal(model, prompt)


def test_other_programs_or_settings_are_refused(model, prompt):
    first, *rest = model.programs
    model.programs = (replace(first, name=first.name), *rest)
    assert "programs" in refusal(model, prompt)
    model.programs = (first, *rest)
    model.config.ncl_programs.reverse()
    assert "ncl_programs" in refusal(model, prompt)


def test_weights_that_learn_are_no_part_of_the_permit(model, prompt):
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.001)
    model.generate(prompt, max_new_tokens=2)


def test_a_prompt_that_calls_nothing_quotes_nothing(model, tokenizer):
    model.lexer.token_of_word_N[3] = 4
    model(tokenizer("sort 3 1 2", return_tensors="pt")["input_ids"])


# --- what is imported later ------------------------------------------------------------------------------------------


@pytest.fixture
def late(monkeypatch):
    """A module of NCL that comes after the permit; it has the file of one that there is."""
    module = types.ModuleType("ncl._late")
    module.__spec__ = types.SimpleNamespace(origin=sources.__file__, cached=None)
    return lambda: monkeypatch.setitem(sys.modules, "ncl._late", module)


def test_a_module_that_is_imported_later_makes_it_look_at_the_sources_again(model, prompt, late, monkeypatch):
    model.generate(prompt, max_new_tokens=2)
    late()
    now = record.source_digests() | {"llama": "0" * 64}
    with monkeypatch.context() as edited:
        edited.setattr(record, "source_digests", lambda root=None: now)
        assert "sources llama" in refusal(model, prompt)
    model.generate(prompt, max_new_tokens=2)


def test_a_module_that_came_from_elsewhere_is_refused(model, prompt, late):
    late()
    sys.modules["ncl._late"].__spec__.origin = "/elsewhere/late.py"
    assert "comes from /elsewhere/late.py" in refusal(model, prompt)
