"""The language data of the natural tasks: enough of it, well formed, and held-out sets that training never sees."""

import json
import re
from collections import Counter
from importlib import resources

import pytest

from ncl.training.tasks.natural_prompts import training_wording

TASKS = ("reverse", "sort", "count", "modsum", "stack")
CHAINED = TASKS[:4]
FILES = ("train", "test", "chat_train", "chat_test")
PHRASINGS = resources.files("ncl") / "training" / "tasks" / "phrasings"
ARGUMENT = {"count": {"s"}, "modsum": {"m"}}


def load(name):
    return json.loads((PHRASINGS / f"{name}.json").read_text(encoding="utf-8"))


TRAIN, TEST, CHAT_TRAIN, CHAT_TEST = map(load, FILES)
UNSEEN = {task: [entry["template"] for entry in TEST["unseen"][task]] for task in TASKS}


def strings(value):
    """All strings below a JSON value (keys are no text)."""
    if isinstance(value, str):
        return [value]
    return [text for item in (value.values() if isinstance(value, dict) else value)
            if not isinstance(item, int) for text in strings(item)]  # fmt: skip


def slots(template):
    return re.findall(r"\{(\w+)\}", template)


def words(text):
    """Words in lower case; slots are none, nor is the plural s of one ("{s}s")."""
    return re.findall(r"[a-z']+", re.sub(r"\{\w+\}s?\b", " ", text.lower()))


def key(template):
    """What two templates share that differ only in case, punctuation or spacing."""
    return tuple(re.findall(r"\{\w+\}|[a-z0-9']+", template.lower()))


def tokens(prompt):
    return frozenset(re.findall(r"\w+", prompt.lower()))


def chat(data):
    return data["plain"] + data["near_misses"]


@pytest.mark.parametrize("name", FILES)
def test_files_are_utf8_with_plain_quotes(name):
    text = (PHRASINGS / f"{name}.json").read_bytes().decode("utf-8")
    assert not set(text) & set("“”‘’„‚«»\ufeff\u00a0"), name


@pytest.mark.parametrize("task", TASKS)
def test_each_task_has_enough_phrasings(task):
    assert len(TRAIN["tasks"][task]) >= 60
    assert len(TRAIN["several"][task]) >= 12
    assert len(TEST["seen"][task]) >= 10
    assert len(UNSEEN[task]) >= 8
    assert len(TEST["several"][task]) >= 6


def test_steps_and_chains_have_enough_wordings():
    assert all(len(TRAIN["steps"][part]) >= 8 for part in ("push", "pop", "joins"))
    assert all(len(TRAIN["chain"][task]) >= 8 for task in CHAINED) and len(TRAIN["chain"]["joins"]) >= 10
    assert all(len(TEST["steps"][part]) >= 4 for part in ("push", "pop", "joins"))
    assert all(len(TEST["chain"][part]) >= 4 for part in (*CHAINED, "joins"))


def test_there_are_enough_chat_prompts_and_the_held_out_ones_are_two_hundred():
    assert len(CHAT_TRAIN["plain"]) >= 280 and len(CHAT_TRAIN["near_misses"]) >= 170
    assert len(CHAT_TEST["plain"]) == 140 and len(CHAT_TEST["near_misses"]) == 60


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("several", [False, True], ids=["one list", "several lists"])
def test_templates_have_the_slots_of_their_task_once(task, several):
    body = {"ops" if task == "stack" else "xs"} | ARGUMENT.get(task, set()) | ({"ys"} if several else set())
    optional = {"k", "n"} | ({"zs"} if several else set())
    one = TRAIN["tasks"][task] + TEST["seen"][task] + UNSEEN[task]
    for template in TRAIN["several"][task] + TEST["several"][task] if several else one:
        found = slots(template)
        assert body <= set(found) <= body | optional, template
        assert len(found) == len(set(found)) == template.count("{") == template.count("}"), template


@pytest.mark.parametrize("task", TASKS)
def test_every_list_of_every_scene_is_asked_for_and_none_is_held_out(task):
    made = training_wording(several=True).templates[task]
    held_out = {key(template) for template in TEST["several"][task]}
    for template in set(made):
        found = set(slots(template))
        assert {"ops" if task == "stack" else "xs", "ys"} | ARGUMENT.get(task, set()) <= found, template
        assert len(slots(template)) == len(found) and not {"a", "b", "c", "it"} & found, template
        assert key(template) not in held_out, template
    own = set(TRAIN["several"][task])
    assert own <= set(made) and sum(template in own for template in made) > len(made) / 3
    for scene in TRAIN["scenes"] if task in TRAIN["about"] else ():
        for name in scene["names"]:
            assert any(name in template for template in set(made) - own), name


@pytest.mark.parametrize("data", [TRAIN, TEST], ids=["train", "test"])
def test_steps_and_chains_have_their_slots(data):
    assert all(slots(wording) == ["x"] for wording in data["steps"]["push"])
    assert not any(slots(wording) for wording in data["steps"]["pop"])
    for task in CHAINED:
        assert all(set(slots(wording)) == ARGUMENT.get(task, set()) for wording in data["chain"][task])
        assert all(len(slots(wording)) <= 1 for wording in data["chain"][task])
    for join in data["steps"]["joins"] + data["chain"]["joins"]:
        assert not slots(join) and join[-1].isspace(), repr(join)


def test_no_template_occurs_in_two_sets():
    groups = {
        "train": strings(TRAIN["tasks"]), "train several": strings(TRAIN["several"]), "seen": strings(TEST["seen"]),
        "unseen": strings(UNSEEN), "several": strings(TEST["several"]),
    }  # fmt: skip
    owners = Counter(template for templates in groups.values() for template in {key(text) for text in templates})
    assert [template for template, count in owners.items() if count > 1] == []


def test_statements_and_leads_have_their_slots():
    assert all(slots(told).count("xs") == 1 and set(slots(told)) <= {"xs", "n", "k"} for told in TRAIN["statements"])
    assert not any(slots(lead) or not lead[-1].isspace() for lead in TRAIN["leads"])


def test_no_statement_with_a_request_behind_it_is_a_held_out_phrasing():
    told, leads = {key(text) for text in TRAIN["statements"]}, {(), *(key(text) for text in TRAIN["leads"])}
    for task in CHAINED:
        wishes = {key(text) for text in TRAIN["chain"][task]}
        for template in [*TEST["seen"][task], *UNSEEN[task], *TEST["several"][task]]:
            held_out = key(template)
            for at in range(len(held_out)):
                for lead in leads if held_out[:at] in told else ():
                    rest = held_out[at:]
                    assert rest[: len(lead)] != lead or rest[len(lead) :] not in wishes, template


@pytest.mark.parametrize("part", ["steps", "chain"])
def test_held_out_wordings_are_not_in_training(part):
    for group, wordings in TEST[part].items():
        assert not {text.lower() for text in wordings} & {text.lower() for text in TRAIN[part][group]}, group


@pytest.mark.parametrize("data", [TRAIN, TEST, CHAT_TRAIN, CHAT_TEST], ids=FILES)
def test_no_set_repeats_itself(data):
    for section in data.values():
        for group in section.values() if isinstance(section, dict) else [section]:
            texts = [json.dumps(item) for item in group]
            assert len(texts) == len(set(texts))


def test_seen_phrasings_are_made_of_words_from_training():
    known = {word for text in strings(TRAIN) for word in words(text)}
    for part in ("seen", "chain", "steps"):
        for text in strings(TEST[part]):
            assert set(words(text)) <= known, text


def test_unseen_words_stand_in_their_template_and_in_no_training_text():
    known = {word for text in strings(TRAIN) + strings(CHAT_TRAIN) for word in words(text)}
    for task in TASKS:
        for entry in TEST["unseen"][task]:
            carrying = set(entry["words"])
            assert carrying and carrying <= set(words(entry["template"])), entry
            assert not carrying & known, entry


def test_held_out_chat_prompts_are_no_near_duplicates_of_training_or_each_other():
    trained, held_out = [tokens(prompt) for prompt in chat(CHAT_TRAIN)], [tokens(prompt) for prompt in chat(CHAT_TEST)]
    for at, prompt in enumerate(held_out):
        near = max(len(prompt & other) / len(prompt | other) for other in trained + held_out[:at])
        assert near < 0.8, chat(CHAT_TEST)[at]


def test_plain_held_out_chat_has_no_number_and_training_chat_has_many():
    assert not [prompt for prompt in CHAT_TEST["plain"] if re.search(r"\d", prompt)]
    assert sum(bool(re.search(r"\d", prompt)) for prompt in CHAT_TRAIN["plain"]) >= 80
