"""The held-out exam and its cells: who is asked what, and how it is counted."""

from collections import Counter
from types import SimpleNamespace

import pytest

from ncl.errors import InputError
from ncl.training.evaluation.chat_answers import Answer
from ncl.training.evaluation.held_out import ALL, CALLS, KINDS, HeldOutSet, held_out_set
from ncl.training.evaluation.measurement import measured, record
from ncl.training.evaluation.system import Outcome, System
from ncl.training.tasks.natural_prompts import TASKS, Prompt, phrasings

SMALL = HeldOutSet(lengths=(3, 200), n=2, n_long=1, chat=20)


def test_the_exam_has_every_kind_length_and_number_of_calls():
    found = Counter((p.task, p.length, p.phrasing, p.calls) for p in SMALL.prompts())
    expected = {(task, length, kind, 1): 2 if length == 3 else 1 for task in TASKS for length in (3, 200)
                for kind in KINDS}  # fmt: skip
    expected |= {("chain", 10, "seen", calls): 2 for calls in CALLS}
    assert {key: n for key, n in found.items() if key[0] != "chat"} == expected
    assert sum(n for key, n in found.items() if key[0] == "chat") == 20


def test_the_same_seed_asks_the_same_and_another_other_numbers():
    assert SMALL.prompts() == SMALL.prompts()
    assert SMALL.prompts() != HeldOutSet(lengths=(3, 200), n=2, n_long=1, chat=20, seed=1).prompts()


def test_kinds_that_are_not_asked_far_are_asked_at_the_shortest_length():
    found = HeldOutSet(tasks=("sort",), lengths=(30, 3), n=2, n_long=1, all_lengths=("seen",)).prompts()
    assert {(p.phrasing, p.length) for p in found} == {("seen", 30), ("seen", 3), ("unseen", 3), ("several", 3)}


def test_a_part_of_the_exam_is_asked_as_in_the_whole():
    part = HeldOutSet(tasks=("sort",), lengths=(3,), n=2, kinds=("unseen",)).prompts()
    assert part == [p for p in SMALL.prompts() if (p.task, p.length, p.phrasing) == ("sort", 3, "unseen")]


def test_all_held_out_chat_prompts_are_asked_by_default():
    texts = phrasings("chat_test")
    assert Counter(p.phrasing for p in HeldOutSet(tasks=("chat",)).prompts()) == {k: len(texts[k]) for k in texts}
    assert not HeldOutSet(tasks=("chat",), chat=0).prompts()


def test_options_make_an_exam_and_nothing_given_changes_nothing():
    assert held_out_set({"lengths": None, "tasks": [], "n": None}, 0) == HeldOutSet()
    assert held_out_set({"lengths": [5, 5], "tasks": ["sort", "sort"], "chat": 0}, 3) == HeldOutSet(
        lengths=(5,), tasks=("sort",), chat=0, seed=3
    )


@pytest.mark.parametrize(
    "given, told",
    [({"tasks": ["nix"]}, "no task nix"), ({"kinds": ["nix"]}, "no phrasing nix"), ({"lengths": [0]}, "lengths 0"),
     ({"lengths": [99_999]}, "lengths 99999")],
)  # fmt: skip
def test_an_exam_that_cannot_be_asked_is_refused(given, told):
    with pytest.raises(InputError, match=told):
        held_out_set(given, 0)


def prompt(answer, length=3, calls=1, text="Sort 3, 1, 2."):
    return Prompt(text, answer, "sort", length, calls, "seen")


def system(name="ncl", **told):
    """One that says "1, 2, 3" to everything."""

    def ask(prompts, advance):
        advance(len(prompts))
        answer = Answer("1, 2, 3", ended=True)
        return [Outcome(p, answer, p.answer is not None and answer.right(p.answer), **told) for p in prompts]

    return System(name, ask)


class Words:
    """A tokenizer of words, without a chat format."""

    chat_template = None

    def __call__(self, text):
        return {"input_ids": text.split()}


@pytest.fixture
def tiny_context():
    """A base model of 24 positions and a tokenizer of words."""
    return SimpleNamespace(model=SimpleNamespace(config=SimpleNamespace(max_position_embeddings=24)), tokenizer=Words())


def test_cells_are_by_task_length_phrasing_and_calls_with_intervals(tiny_context):
    prompts = [prompt((1, 2, 3)), prompt((1, 2, 4)), prompt((1, 2, 3), calls=2), prompt((1, 2, 3), length=4)]
    advanced = []
    cells, outcomes = measured(system(), prompts, tiny_context, 5, advanced.append)
    assert [(c.task, c.length, c.phrasing, c.calls, c.n, c.exact, c.seed, c.system) for c in cells] == [
        ("sort", 3, "seen", 1, 2, 0.5, 5, "ncl"), ("sort", 3, "seen", 2, 1, 1.0, 5, "ncl"),
        ("sort", 4, "seen", 1, 1, 1.0, 5, "ncl"),
    ]  # fmt: skip
    assert cells[0].interval[0] < 0.5 < cells[0].interval[1]
    assert (len(outcomes), advanced) == (4, [4])
    told = cells[0].to_json()
    assert "beyond_context" not in told and "parsed" not in told


def test_a_tool_users_cells_tell_parsing_and_execution_apart(tiny_context):
    cells, _ = measured(system("tool", parsed=True, executed=False), [prompt((1,)), prompt((2,))], tiny_context, 0)
    assert (cells[0].to_json()["parsed"], cells[0].to_json()["executed"]) == (1.0, 0.0)


def test_what_is_longer_than_the_base_models_context_is_marked(tiny_context):
    fits, answer_does_not = prompt((1, 2, 3)), prompt(tuple(range(30)), length=30)
    cells, _ = measured(system(), [fits, answer_does_not], tiny_context, 0)
    assert [c.beyond_context for c in cells] == [False, True]
    assert cells[1].to_json()["beyond_context"] is True


def test_an_answered_prompt_is_a_line_of_json(tiny_context):
    _, (outcome,) = measured(system(), [prompt((1, 2, 4))], tiny_context, 0)
    told = record("ncl", outcome)
    assert (told["gold"], told["answer"], told["exact"], told["calls"]) == ([1, 2, 4], "1, 2, 3", False, [])
    assert set(ALL) > {told["task"]}
