"""Who answers, scored by the same rule: the base model plain and with examples, a tool user, the computer."""

from random import Random

import pytest
import torch

from ncl.errors import NotFoundError
from ncl.llama.pretrained.base_model import Base
from ncl.training.baselines.catalogue import UNTRAINED, untrained
from ncl.training.baselines.few_shot import EXAMPLES
from ncl.training.baselines.tool_use import REQUEST, scored, written
from ncl.training.evaluation.chat_answers import ROOM, Answer
from ncl.training.evaluation.system import System
from ncl.training.pretrained.run import find_run, load_lora, open_system
from ncl.training.pretrained.system import computer_system
from ncl.training.tasks.natural_prompts import Prompt


def quiet(count):
    """Nobody looks at the bar."""


class Parrot:
    """In a model's place: says what it was told to, whatever it is asked; remembers what it was asked."""

    latest = None

    def __init__(self, base, text):
        self.config, self.device, self.tokenizer = base.model.config, "cpu", base.tokenizer
        self.new = [*base.tokenizer(text, add_special_tokens=False)["input_ids"], base.tokenizer.eos_token_id]
        self.asked, self.most = [], []

    def __call__(self, input_ids, past_key_values, use_cache):
        """What stands before all prompts goes through the model once."""
        self.opening = input_ids

    def generate(self, input_ids, attention_mask, max_new_tokens, **options):
        self.asked += [self.tokenizer.decode(row) for row in input_ids]
        self.most.append(max_new_tokens - input_ids.shape[1])
        return torch.cat([input_ids, torch.tensor([self.new] * len(input_ids))], 1)


@pytest.fixture
def saying(base):
    """`saying(text)`: a base model that answers so."""
    return lambda text: Base(Parrot(base, text), base.tokenizer, "parrot", "")


SORT = Prompt("Sort 3, 1, 2.", (1, 2, 3), "sort", 3, 1, "given")
CHAT = Prompt("How are you?", None, "chat", 0, 0, "plain")


@pytest.mark.parametrize("name", ["base", "base-few-shot"])
@pytest.mark.parametrize(
    "said, exact",
    [("1, 2, 3", True), ("The sorted list is 1, 2, 3.", True), ("1 2 3", True), ("3, 1, 2", False), ("1, 2", False),
     ("1, 2, 3, 4", False), ("", False), ("-1, 2, 3", False), ("1.5, 2, 3", False)],
)  # fmt: skip
def test_numbers_are_taken_from_what_the_base_model_says(saying, name, said, exact):
    (outcome,) = untrained(name, saying(said)).answer([SORT], quiet)
    assert (outcome.exact, outcome.answer.text, outcome.parsed) == (exact, said, None)


def test_examples_stand_before_the_prompt_and_do_not_lengthen_the_answer(saying):
    plain, shown = saying("1"), saying("1")
    untrained("base", plain).answer([SORT], quiet)
    untrained("base-few-shot", shown).answer([SORT], quiet)
    (asked,) = shown.model.asked
    for example in EXAMPLES:
        assert f"{example.prompt}<|im_end|>\n<|im_start|>assistant\n{example.answer}<|im_end|>" in asked
    assert asked.endswith("Sort 3, 1, 2.<|im_end|>\n<|im_start|>assistant\n")
    assert plain.model.most == [ROOM + 3]
    assert shown.model.most[0] < 0, "as many tokens as the prompt alone has, and room"


def test_a_tool_user_is_told_the_functions_and_shown_calls(saying):
    base = saying("sort([3, 1, 2])")
    (outcome,) = untrained("tool", base).answer([SORT], quiet)
    assert (outcome.exact, outcome.parsed, outcome.executed) == (True, True, True)
    (asked,) = base.model.asked
    for told in ("modsum(xs, m)", EXAMPLES[-1].call, REQUEST.format(SORT.text)):
        assert told in asked


@pytest.mark.parametrize(
    "said, ended, parsed, executed, exact",
    [
        ("sort([3, 1, 2])", True, True, True, True), ("sort([3, 1, 2])", False, True, True, False),
        ("sort([3, 1])", True, True, True, False), ("modsum([1], 0)", True, True, False, False),
        ("1, 2, 3", True, False, False, False), ("import os", True, False, False, False),
    ],
)  # fmt: skip
def test_whether_it_parses_stands_apart_from_whether_it_is_right(said, ended, parsed, executed, exact):
    outcome = scored(SORT, Answer(said, ended))
    assert (outcome.parsed, outcome.executed, outcome.exact) == (parsed, executed, exact)


@pytest.mark.parametrize("said, whole", [
    ("sort([3, 1, 2])", False), ("sort([3, 1, 2])\n", True), ("sort([3, 1, 2])\nThat", True), ("Sure!\n", False),
    ("Sure!\nsort([3])\n", True), ("```python\nsort([3])\n", False), ("```python\nsort([3])\n```\n", True),
    ("\n", False),
])  # fmt: skip
def test_a_call_is_whole_where_its_line_ends(said, whole):
    assert written(said) is whole


def test_a_tool_user_is_cut_off_behind_its_call_and_that_counts_as_its_end(saying):
    base = saying("sort([3, 1, 2])\n" + "and more " * 30)
    base.model.new = base.model.new[:-1]
    (outcome,) = untrained("tool", base).answer([SORT], quiet)
    assert outcome.exact and outcome.answer.ended


def test_arms_without_a_computer_are_not_asked_what_is_to_be_left_alone(saying):
    for name in UNTRAINED:
        assert untrained(name, saying("")).supported([SORT, CHAT]) == [SORT]


def test_the_computer_answers_through_certified_programs(model, base):
    system = computer_system(model, base)
    longer = Prompt(
        f"Turn {', '.join(map(str, range(90)))} around.", tuple(range(89, -1, -1)), "reverse", 90, 1, "given"
    )
    wrong = Prompt("Sort 3, 1, 2.", (3, 2, 1), "sort", 3, 1, "given")
    outcomes = system.answer([SORT, CHAT, longer, wrong, SORT], quiet)
    assert [o.prompt for o in outcomes] == [SORT, CHAT, longer, wrong, SORT]
    assert [o.exact for o in outcomes] == [True, True, True, False, True]
    assert [[c.program for c in o.answer.calls] for o in outcomes] == [
        ["insertion_sort"], [], ["reverse"], ["insertion_sort"], ["insertion_sort"]
    ]  # fmt: skip
    assert outcomes[0].answer.calls[0].certificate == model.permit.certificate


def test_prompts_that_were_read_once_are_answered_as_generate_answers_them(model, base, tmp_path, monkeypatch):
    rng = Random(0)
    lists = [[rng.randint(0, 999) for _ in range(length)] for length in (1, 2, 7, 30, 90, 120)]
    prompts = [
        Prompt(f"Sort {', '.join(map(str, some))}.", tuple(sorted(some)), "sort", len(some), 1, "") for some in lists
    ]
    prompts += [
        Prompt(f"Turn {' '.join(map(str, some))} around.", tuple(some[::-1]), "reverse", len(some), 1, "")
        for some in lists
    ]
    prompts += [CHAT, Prompt("How are you?", (7,), "sort", 1, 1, "")]
    prompts += [Prompt("Sort 70000, 1.", (1, 70000), "sort", 2, 1, "")]
    plain = computer_system(model, base).answer(prompts, quiet)
    first = computer_system(model, base, cache=tmp_path).answer(prompts, quiet)
    monkeypatch.setattr("ncl.training.data.features.extract", None)  # nothing is read again
    again = computer_system(model, base, cache=tmp_path).answer(prompts, quiet)
    assert first == again
    for expected, found in zip(plain, first, strict=True):
        assert found.exact == expected.exact and found.answer.calls == expected.answer.calls
        assert not expected.exact or found.answer == expected.answer
    assert sum(outcome.exact for outcome in first) >= 2 * len(lists)


def test_a_block_of_more_tokens_than_an_answer_may_have_is_no_end(model, base, tmp_path, monkeypatch):
    monkeypatch.setattr("ncl.training.pretrained.cached_answers.token_budget", lambda size, text: 3)
    (outcome,) = computer_system(model, base, cache=tmp_path).answer([SORT], quiet)
    assert outcome.answer.calls and not outcome.answer.ended and not outcome.exact


def test_a_prompt_that_called_something_was_not_left_alone(model, base):
    (outcome,) = computer_system(model, base).answer([Prompt(SORT.text, None, "chat", 0, 0, "near_misses")], quiet)
    assert not outcome.exact and outcome.answer.calls


def test_an_answer_other_than_the_base_models_was_not_left_alone(model, base, saying):
    (outcome,) = computer_system(model, saying("I am fine.")).answer([CHAT], quiet)
    assert not outcome.exact and not outcome.answer.calls


def test_an_arm_is_opened_from_its_run(run_folder, base):
    run = find_run(run_folder)
    assert (run.system, run.base) == ("ncl", base.source)
    system = open_system(run, base)
    assert isinstance(system, System) and system.answers_chat and system.name == "ncl"
    assert find_run(run_folder / "adapter") == run
    assert find_run(run_folder / "nix") is None


def test_lora_says_in_one_line_what_it_lacks(monkeypatch, base, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    with pytest.raises(NotFoundError, match="needs the package `peft`") as caught:
        load_lora(base, tmp_path)
    assert caught.value.remedy == "pip install peft accelerate"
