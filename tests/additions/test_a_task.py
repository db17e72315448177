"""A task: one record and its line, with the program that answers it; without phrasings or program it is refused."""

import json
from pathlib import Path

import pytest
from test_the_rest import MAXIMUM

PAGE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
TABLE = "ncl/training/tasks/__init__.py"
EDITS = (
    (TABLE, "import count, modsum, reverse", "import count, maximum, modsum, reverse"),
    (TABLE, "sort.TASK, modsum.TASK)", "sort.TASK, modsum.TASK, maximum.TASK)"),
)
PHRASINGS = "ncl/training/tasks/phrasings/train.json"
NATURAL = """
from random import Random
from ncl.training.tasks import natural_prompts as prompts

for several in (False, True):
    for seed in range(20):
        made = prompts.sample(Random(seed), prompts.training_wording(several), "maximum", 4)
        numbers = [int(n) for n in prompts.NUMBER.findall(made.text)]
        assert made.answer[0] in numbers and (several or made.answer == (max(numbers),)), made
assert next(prompts.statement_templates(Random(0), "maximum"))
"""
TINY = """
from random import Random
from ncl.training.from_scratch.config import TrainConfig
from ncl.training.tasks import TASKS, WORDS

made = TASKS["maximum"](Random(3), 5)
assert made.answer == (str(max(int(word) for word in made.prompt if word.isdigit())),), made
assert "maximum" in WORDS and "maximum" in TrainConfig().tasks and "maximum" in TrainConfig().programs
"""


@pytest.fixture
def copy(copy_with):
    """With the record of the page, its line, and the program."""
    made = copy_with(*EDITS)
    made.write("ncl/library/search/maximum.py", MAXIMUM)
    head = '"""maximum 3 9 4 = 9"""'
    record = PAGE[PAGE.index(head) :]
    made.write("ncl/training/tasks/maximum.py", record[: record.index("```")])
    return made


def phrased(copy, *sections):
    """The copy with phrasings in these sections."""
    path = copy.folder / PHRASINGS
    data = json.loads(path.read_text(encoding="utf-8"))
    texts = {
        "tasks": "What is the largest of {xs}?", "chain": "give its maximum", "about": "What is the largest of {it}?",
        "several": "List A is {ys}, list B is {xs}. What is the largest number of list B?",
    }  # fmt: skip
    for section in sections:
        data[section]["maximum"] = [texts[section]]
    path.write_text(json.dumps(data), encoding="utf-8")


def test_a_task_is_one_record_for_the_recipe_from_scratch(copy):
    copy.run("-c", TINY)


def test_with_phrasings_it_is_one_of_the_natural_recipe(copy):
    phrased(copy, "tasks", "chain", "about", "several")
    copy.run("-c", NATURAL)


@pytest.mark.parametrize(
    ("there", "told"), [((), "the phrasings called 'seen'"), (("tasks",), "several"), (("tasks", "several"), "chain")]
)
def test_phrasings_that_lack_are_named(copy, there, told):
    phrased(copy, *there)
    printed = copy.run("-c", NATURAL, code=1)
    assert "the task maximum has no phrasings" in printed and told in printed


def test_a_configuration_without_the_program_that_answers_is_refused(copy):
    code = "from ncl.training.from_scratch.config import TrainConfig as C; C(tasks=('maximum',), programs=('reverse',))"
    assert "nothing answers maximum: add maximum to programs" in copy.run("-c", code, code=1)
