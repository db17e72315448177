"""Both recipes have their tasks and answers from one table, and no other name has an answer."""

from dataclasses import replace
from random import Random

import pytest

from ncl.errors import InputError
from ncl.llama.pretrained import adapter_record
from ncl.training.from_scratch.config import TrainConfig
from ncl.training.tasks import NUMBER_TASKS, TABLE
from ncl.training.tasks import natural_prompts as prompts


def test_the_two_recipes_have_the_same_tasks():
    assert set(NUMBER_TASKS) == set(prompts.TASKS) == set(TABLE)
    assert all(TABLE[name].name == name for name in TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_the_answer_of_a_prompt_in_words_is_that_of_the_table(name):
    task, rng = TABLE[name], Random(0)
    for length in (1, 3, 9):
        example = task.sample(rng, length)
        words = [w for w in example.prompt if w.isdigit() or w == "pop"]
        argument = int(words.pop(0)) if task.sample_argument else 0
        values = [None if w == "pop" else int(w) for w in words]
        assert tuple(map(int, example.answer)) == task.answer(values, argument)


def test_a_task_without_a_record_is_refused_and_gets_no_other_task_s_answer():
    wording = prompts.training_wording()
    bent = replace(wording, templates={**wording.templates, "maximum": ["The largest of {xs}?"]})
    with pytest.raises(InputError, match=r"no task 'maximum'\n  remedy: tasks are reverse, count"):
        prompts.sample(Random(0), bent, "maximum", 3)


def test_the_programs_of_the_tasks_are_those_that_an_adapter_has_by_default():
    """In the same order: the outputs of a reader are numbered by it."""
    assert prompts.PROGRAMS == adapter_record.PROGRAMS
    assert set(TrainConfig().programs) >= set(prompts.PROGRAMS)
