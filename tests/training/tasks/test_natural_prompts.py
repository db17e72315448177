"""Natural prompts: every answer is what a reader of the text alone would compute."""

import re
from functools import cache
from random import Random

import pytest

from ncl.training.pretrained import training_examples
from ncl.training.pretrained.config import NaturalConfig
from ncl.training.pretrained.training_examples import training_prompts
from ncl.training.tasks.natural_prompts import (
    LISTED,
    TASKS,
    held_out_wording,
    phrasings,
    sample,
    training_wording,
    without_replacement,
)

LIST = r"\d+(?:(?: , |, |; | | ?[,;]?\n)\d+)*"
HELD_OUT = ("seen", "unseen", "several")
KINDS = {
    "training": lambda: training_wording(), "training, several lists": lambda: training_wording(several=True),
    **{kind: lambda kind=kind: held_out_wording(kind) for kind in HELD_OUT},
}  # fmt: skip
wording_of = cache(lambda kind: KINDS[kind]())


def pattern(template, **groups):
    """The text that a template makes, as a regular expression with the named groups."""
    parts = re.split(r"\{(\w+)\}", template)
    meant = {"xs": f"(?P<xs>{LIST})", "ops": "(?P<ops>.+)", "s": r"(?P<s>\d+)", "m": r"(?P<m>\d+)", "x": r"(\d+)",
             "ys": LIST, "zs": LIST, "n": r"\d+", "k": r"\d+"}  # fmt: skip
    return "".join(meant[part] if at % 2 else re.escape(part) for at, part in enumerate(parts))


@cache
def compiled(text):
    return re.compile(text, re.DOTALL)


def steps_of(text, wording):
    """All readings of stack steps, each a list of numbers and None for a pop."""
    pushes = [push for push in wording.push if compiled(pattern(push)).search(text)] or wording.push[:1]
    pops = [pop for pop in wording.pop if pop in text]
    readings = (steps_in(text, push, pops, join) for push in pushes for join in wording.step_joins)
    return [steps for steps in readings if steps is not None]


def steps_in(text, push, pops, join):
    """The steps, all in the same words; None where the text is not made of them."""
    number, steps, at = compiled(pattern(push)), [], 0
    while True:
        match = number.match(text, at)
        ends = [(match.end(), int(match.group(1)))] if match else []
        ends += [(at + len(pop), None) for pop in pops if text.startswith(pop, at)]
        fitting = [(end, step) for end, step in ends if end == len(text) or text.startswith(join, end)]
        if not fitting:
            return None
        end, step = max(fitting, key=lambda item: item[0])
        steps.append(step)
        if end == len(text):
            return steps
        at = end + len(join)


def stacked(steps):
    left = []
    for step in steps:
        left = [*left, step] if step is not None else left[:-1]
    return tuple(left)


def computed(task, values, match):
    match task:
        case "reverse":
            return tuple(reversed(values))
        case "sort":
            return tuple(sorted(values))
        case "count":
            return (sum(value == int(match["s"]) for value in values),)
        case "modsum":
            return (sum(values) % int(match["m"]),)


def read_single(text, wording, task, ending=str):
    """(answer, length of the list) for every way to read a text as a prompt of a task."""
    found = []
    for template in wording.templates[task]:
        match = compiled(pattern(ending(template))).fullmatch(text)
        if match is None:
            continue
        if task == "stack":
            found += [(stacked(steps), len(steps)) for steps in steps_of(match["ops"], wording)]
        else:
            values = [int(number) for number in re.findall(r"\d+", match["xs"])]
            found.append((computed(task, values, match), len(values)))
    return found


def read_chain(text, wording, answers):
    """Every answer that further calls behind a result can come to, with how many there were."""
    if text == ".":
        return {(answer, 0) for answer in answers}
    found = set()
    for join in wording.joins:
        for task, wishes in wording.chain.items() if text.startswith(join) else ():
            for wish in wishes:
                match = compiled(pattern(wish) + "(?P<rest>.*)").fullmatch(text[len(join) :])
                if match:
                    after = {computed(task, answer, match) for answer in answers}
                    found |= {(answer, calls + 1) for answer, calls in read_chain(match["rest"], wording, after)}
    return found


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_answer_is_what_the_text_asks_for(kind, task):
    wording, rng = wording_of(kind), Random(f"{kind}/{task}")
    for length in [1, 2, 3, 5, 10] * 5 + [100]:
        prompt = sample(rng, wording, task, length)
        readings = read_single(prompt.text, wording, task)
        assert {answer for answer, size in readings if size == length} == {prompt.answer}, prompt.text
        assert (prompt.task, prompt.length, prompt.calls, prompt.phrasing) == (task, length, 1, wording.kind)
        assert prompt.answer_text == ", ".join(map(str, prompt.answer))


@pytest.mark.parametrize("calls", [2, 3, 4, 6])
@pytest.mark.parametrize("kind", ["training", "seen"])
def test_every_answer_of_a_chain_is_what_the_text_asks_for(kind, calls):
    wording, rng = wording_of(kind), Random(f"{kind}/{calls}")
    for number in range(12):
        task = LISTED[number % 3]
        prompt = sample(rng, wording, task, 3 + number % 4, calls)
        found = set()
        for cut in range(len(prompt.text)):
            if prompt.text[cut:].startswith(tuple(wording.joins)):
                readings = read_single(prompt.text[:cut], wording, task, lambda template: template.rstrip(".?!: "))
                for answer in {answer for answer, size in readings if size == prompt.length}:
                    found |= read_chain(prompt.text[cut:], wording, {answer})
        assert (prompt.answer, calls - 1) in found and len({a for a, c in found if c == calls - 1}) == 1, prompt.text
        assert (prompt.task, prompt.calls) == ("chain", calls)


@pytest.mark.parametrize("task", TASKS)
def test_numbers_are_in_range_and_lists_of_all_lengths_are_made(task):
    low, high = training_wording().values
    for length in (1, 2, 7, 1000):
        text = sample(Random(length), training_wording(), task, length).text
        assert all(low <= int(number) <= max(high, 1000) for number in re.findall(r"\d+", text))


def test_the_same_seed_gives_the_same_prompts_and_another_seed_others():
    config = NaturalConfig(single_calls=20, multiple_lists=10, two_calls=10)
    assert training_prompts(config) == training_prompts(config)
    assert training_prompts(config) != training_prompts(config.model_copy(update={"seed": 1}))


def test_which_prompts_are_drawn_can_be_told_apart_from_the_seed():
    few = NaturalConfig(single_calls=9, statements=4, multiple_lists=4, two_calls=4)

    def drawn(**fields):
        return training_prompts(few.model_copy(update=fields))

    assert drawn(seed=3) == drawn(data_seed=3) == drawn(seed=7, data_seed=3) != drawn(seed=7)


def test_training_prompts_are_of_every_kind_and_as_many_as_asked_for():
    config = NaturalConfig(single_calls=120, statements=40, multiple_lists=50, two_calls=60, longest=6)
    prompts = training_prompts(config)
    single = [p for p in prompts if p.calls == 1]
    chains, chat = [p for p in prompts if p.calls == 2], [p for p in prompts if p.calls == 0]
    assert (len(single), len(chains)) == (210, 60) and len(prompts) == 270 + len(chat)
    assert {p.task for p in single} == set(TASKS) and {p.phrasing for p in single} == {"seen", "several"}
    assert {p.length for p in single} == set(range(1, 7)) and not any(p.calls > 2 for p in prompts)
    assert all(p.answer is None for p in chat) and not any(p.answer is None for p in single + chains)
    told = phrasings("chat_train")
    assert [p.text for p in chat] == told["plain"] + told["near_misses"]


def test_some_training_lists_go_over_several_lines_but_not_where_lines_part_lists_nor_in_the_exam():
    def over_lines(wording):
        return sum("\n" in sample(Random(seed), wording, "sort", 8, template="Sort {xs}.").text for seed in range(400))

    assert 10 < over_lines(training_wording()) < 80
    assert not any(map(over_lines, (training_wording(several=True), *map(held_out_wording, HELD_OUT))))


def test_no_wording_is_dealt_twice_before_all_have_come():
    wording = training_wording()
    deck = without_replacement(Random(0), wording.templates)
    for task, templates in wording.templates.items():
        first, again = ([next(deck[task]) for _ in templates] for _ in range(2))
        assert sorted(first) == sorted(again) == sorted(templates) and first != again


def test_what_is_asked_behind_a_statement_is_computed_of_its_list():
    told, data = (
        training_prompts(NaturalConfig(single_calls=1, multiple_lists=0, two_calls=0, statements=200))[1:201],
        phrasings("train"),
    )
    statements = [compiled(pattern(text.strip())) for text in data["statements"]]
    assert {p.task for p in told} == set(data["chain"]) - {"joins"} and {p.calls for p in told} == {1}
    for prompt in told:
        answers = set()
        for found in (one.match(prompt.text) for one in statements):
            for wish in data["chain"][prompt.task] if found else ():
                asked = compiled(r"\s*(.*?)" + pattern(wish) + "[.?!]?").fullmatch(
                    raised(prompt.text[found.end() :], wish)
                )
                if asked and (not asked[1] or asked[1].lower() in {lead.lower() for lead in data["leads"]}):
                    answers.add(computed(prompt.task, list(map(int, re.findall(r"\d+", found["xs"]))), asked))
        assert prompt.answer in answers and (prompt.task != "reverse" or len(answers) == 1), prompt.text


def raised(text, wish):
    """With the wish's own first letter, which may have become a capital one."""
    bare = text.lstrip()
    return wish[0] + bare[1:] if bare and bare[0].lower() == wish[0].lower() else bare


def test_training_has_every_wording_and_all_tasks_alike(monkeypatch):
    seen = []
    monkeypatch.setattr(training_examples, "sample", lambda *given: seen.append(given[2::3]) or sample(*given))
    training_prompts(NaturalConfig(statements=0, multiple_lists=0, two_calls=0))
    assert {task: {template for t, template in seen if t == task} for task in TASKS} == {
        task: set(training_wording().templates[task]) for task in TASKS
    }
    assert {task: sum(t == task for t, _ in seen) for task in TASKS} == dict.fromkeys(TASKS, 320)


def skeleton(text):
    """A text without its numbers, a list being one."""
    return re.sub(LIST, "#", text)


def shape(template):
    """What the skeletons of a template's texts look like."""
    text = skeleton(re.sub(r"\{(?!ops)\w+\}", "0", template))
    return compiled(".+".join(map(re.escape, text.split("{ops}"))))


def test_no_training_prompt_is_made_of_a_held_out_template():
    prompts = training_prompts(NaturalConfig())
    data = phrasings("test")
    held_out = [
        shape(template if isinstance(template, str) else template["template"])
        for kind in ("seen", "unseen", "several") for templates in data[kind].values() for template in templates
    ]  # fmt: skip
    texts = {skeleton(prompt.text) for prompt in prompts if prompt.calls < 2}
    assert not [text for text in texts for one in held_out if one.fullmatch(text)]
    held_out_steps = {*data["steps"]["push"], *data["steps"]["pop"]}
    assert not held_out_steps & {*training_wording().push, *training_wording().pop}
    assert not {*phrasings("chat_test")["plain"], *phrasings("chat_test")["near_misses"]} & {p.text for p in prompts}


def test_held_out_prompts_are_made_of_held_out_templates():
    for kind in ("seen", "unseen", "several"):
        for task in TASKS:
            known = {t if isinstance(t, str) else t["template"] for t in phrasings("test")[kind][task]}
            assert set(held_out_wording(kind).templates[task]) == known
