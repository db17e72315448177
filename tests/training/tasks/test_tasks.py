"""Prompts and answers of the tasks, against definitions written again here."""

from collections import Counter
from random import Random

import pytest

from ncl.training.from_scratch.answers import fresh
from ncl.training.from_scratch.batches import encode, examples, prompts
from ncl.training.from_scratch.config import TrainConfig
from ncl.training.tasks import NUMBER_TASKS, TASKS, WORDS
from ncl.training.tasks.example import BASE


@pytest.fixture(scope="module")
def tokenizer():
    from ncl.llama.from_scratch.tokenizer import make_tokenizer

    return make_tokenizer(WORDS)


def answer_to(prompt):
    """What the prompt asks for, read back from its words."""
    name, *rest = prompt[:-1]
    if name == "reverse":
        return rest[::-1]
    if name == "sort":
        return sorted(rest, key=int)
    if name == "count":
        return [str(Counter(rest[2:])[rest[0]])]
    if name == "sum":
        return [str(sum(map(int, rest[3:])) % int(rest[1]))]
    left = []
    for step in rest:
        left = left[:-1] if step == "pop" else [*left, step]
    return left


@pytest.mark.parametrize("task", NUMBER_TASKS)
@pytest.mark.parametrize("length", [0, 1, 10, 60])
def test_every_answer_is_what_its_prompt_asks_for(task, length):
    rng = Random(f"{task}{length}")
    for _ in range(50):
        example = TASKS[task](rng, length)
        assert example.prompt[-1] == "=" and list(example.answer) == answer_to(example.prompt)
        data = [w for w in example.prompt if w.isdigit() or w == "pop"]
        assert len(data) == length + (task in ("count", "modsum"))


@pytest.mark.parametrize("task", NUMBER_TASKS)
def test_data_cover_the_whole_value_range_and_repeat(task):
    rng = Random(task)
    prompts = [TASKS[task](rng, 10).prompt for _ in range(400)]
    seen = {int(w) for prompt in prompts for w in prompt if w.isdigit()}
    assert seen == set(range(BASE))
    assert any(len({w for w in prompt if w.isdigit()}) <= 2 for prompt in prompts)


def test_texts_call_nothing_and_some_hold_numbers():
    rng = Random(0)
    chosen = [TASKS["text"](rng, 5) for _ in range(200)]
    assert any(any(w.isdigit() for w in e.prompt) for e in chosen)
    assert all(e.prompt[-1] == "=" and e.answer for e in chosen)


def test_a_step_of_a_seed_is_always_the_same_and_others_differ():
    config = TrainConfig(seed=3)
    assert examples(config, 7) == examples(config, 7)
    assert examples(config, 7) != examples(config, 8) != examples(TrainConfig(seed=4), 8)


def test_training_lists_are_never_longer_than_asked_and_every_length_occurs():
    config = TrainConfig(longest=10)
    reverses = [e for step in range(40) for e in examples(config, step) if e.prompt[0] == "reverse"]
    assert {len(e.prompt) - 2 for e in reverses} == set(range(1, 11))


def test_labels_are_the_answer_and_the_end_token_alone(tokenizer):
    (example,) = [TASKS["reverse"](Random(0), 3)]
    batch = encode(tokenizer, [example, TASKS["reverse"](Random(1), 5)])
    labels = [t for t in batch["labels"][0].tolist() if t != -100]
    assert tokenizer.convert_ids_to_tokens(labels) == [*example.answer, "<eos>"]
    assert batch["attention_mask"][0].tolist() == [1] * 10 + [0] * 4


def test_prompts_for_generation_are_padded_on_the_left_and_hold_no_answer(tokenizer):
    chosen = [TASKS["reverse"](Random(0), 3), TASKS["reverse"](Random(1), 5)]
    batch = prompts(tokenizer, chosen)
    row = tokenizer.convert_ids_to_tokens(batch["input_ids"][0].tolist())
    assert row == ["<pad>", "<pad>", "<bos>", *chosen[0].prompt]


def test_test_samples_are_no_training_samples():
    config = TrainConfig(seed=0)
    trained = {e.prompt for step in range(400) for e in examples(config, step)}
    for task in NUMBER_TASKS:
        tested = [e.prompt for e in fresh(task, 10, 200, 0)]
        shared = [p for p in tested if p in trained and len(set(p)) > 4]
        assert not shared


def test_the_largest_count_is_among_the_test_samples():
    assert any(e.answer == ("500",) for e in fresh("count", 500, 50, 0))
