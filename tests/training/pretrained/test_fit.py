"""Fitting a reader: a toy problem whose features show the answer is learned in seconds, the same for the same seed."""

import gc
from dataclasses import replace
from random import Random

import pytest
import torch

import ncl.training.pretrained.fit as fitting
from ncl.build import build_library
from ncl.llama.pretrained.adapter_record import PROGRAMS
from ncl.llama.pretrained.hidden_states import PromptStates, collate
from ncl.llama.reader.call_plan import Library, execute, most_probable
from ncl.llama.reader.quantised_weights import quantised
from ncl.training.pretrained.fit import STALLED, UNSOLVED, FitConfig, fit, worst_task
from ncl.training.pretrained.training_examples import TrainingExample

HIDDEN = 12
TASKS = ("reverse", "sort", "count")  # programs 1 to 3; a text feature each
QUICK = FitConfig(steps=120, batch=16, plan_samples=8, channels=16, dropout=0.0, learning_rate=1e-2)
TALK, DATA, OTHER = 8, 9, 10  # further features: plain text, a list, a number that is no data


@pytest.fixture(scope="module")
def library():
    made = build_library(PROGRAMS, width=16).programs
    return Library(tuple(made[name] for name in PROGRAMS), ((), (), (), (), ((1 << 16) - 1,)))


def example(rng, task, count=None):
    """Such as: sort 3 1 2, or: count 5 in 5 6 5; every unit shows what it is."""
    values = [rng.randint(0, 9) for _ in range(count or rng.randint(2, 5))]
    asked = rng.choice(values)
    kinds = [TASKS.index(task) if task else TALK, OTHER, TALK, *[DATA] * len(values), TALK]
    words = ((), (asked,), (), *((value,) for value in values), ())
    answers = {"reverse": values[::-1], "sort": sorted(values), "count": [values.count(asked)]}
    number = tuple(bool(word) for word in words)
    lead = tuple(3 if kind == DATA else place for place, kind in enumerate(kinds))
    hidden = torch.eye(HIDDEN)[kinds]
    text = tuple(not n for n in number)
    seen = PromptStates(hidden, hidden.clone(), number, lead, text, text, tuple(range(len(number))))
    return TrainingExample(seen, words, tuple(answers[task]) if task else None, 0.0 if task is None else -20.0)


def examples(seed, count=120):
    rng = Random(seed)
    return [example(rng, (*TASKS, None)[i % 4]) for i in range(count)]


def answered(reader, library, given):
    plans = most_probable(reader, collate([one.seen for one in given]), 16)
    found = []
    for (plan, programs), one in zip(plans, given):
        steps = execute(library, plan, programs, one.words)
        found.append(steps[-1].result if steps else None)
    return found


@pytest.fixture(scope="module")
def fitted(library):
    return fit(examples(0), library, HIDDEN, QUICK)


def test_a_toy_problem_is_learned_from_answers_alone(fitted, library):
    reader, losses = fitted
    assert sum(losses[-20:]) / 20 < STALLED < losses[0] and not reader.training
    fresh = examples(1)
    assert answered(reader, library, fresh) == [one.answer for one in fresh]


def test_a_toy_problem_is_learned_through_soft_tapes_too():
    made = build_library(PROGRAMS, width=8).programs
    small = Library(tuple(made[name] for name in PROGRAMS), ((), (), (), (), (255,)))
    reader, losses = fit(examples(0), small, HIDDEN, replace(QUICK, steps=60, estimator="pathwise"))
    fresh = examples(1)
    assert sum(losses[-10:]) / 10 < losses[0] / 2
    assert answered(reader, small, fresh) == [one.answer for one in fresh]


def test_lists_far_longer_than_in_training_are_answered_too(fitted, library):
    rng = Random(5)
    long = [example(rng, task, count=200) for task in TASKS]
    assert answered(fitted[0], library, long) == [one.answer for one in long]


def test_the_same_seed_gives_the_same_reader_to_the_bit_and_another_seed_another(library):
    few = FitConfig(steps=3, batch=8, plan_samples=4, channels=8)
    first, again, other = (
        fit(examples(0), library, HIDDEN, FitConfig(**{**vars(few), "seed": seed})) for seed in (0, 0, 1)
    )
    weights = [reader.state_dict() for reader, _ in (first, again, other)]
    assert first[1] == again[1] != other[1]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert not all(torch.equal(weights[0][name], weights[2][name]) for name in weights[0])


def test_a_fit_leaves_the_search_for_garbage_as_it_was(library):
    def stopped(step, loss):
        raise KeyboardInterrupt

    before = gc.get_freeze_count()
    with pytest.raises(KeyboardInterrupt):
        fit(examples(0), library, HIDDEN, FitConfig(steps=1, batch=8, plan_samples=4, channels=8), stopped)
    assert gc.get_freeze_count() == before


def test_a_fitted_reader_is_what_few_bytes_hold(fitted):
    assert all(torch.equal(weight, quantised(weight)) for weight in fitted[0].parameters())


def test_what_is_hidden_is_some_of_the_text_of_the_lessons_that_say_so(library):
    rng = Random(3)
    given = [
        replace(example(rng, "sort", 50), feature_dropout=feature_dropout)
        for feature_dropout in ((0.0, 0.5), (0.5, 0.0), (0.0, 0.0), (1.0, 1.0))
    ]
    units, generator = collate([one.seen for one in given]), torch.Generator().manual_seed(0)
    hidden = fitting._partly_hidden(units, given, generator)
    rows = [len(one.seen.number) for one in given]
    for before, after, shares in (
        (units.near_XH, hidden.near_XH, [0, 0.5, 0, 1]),
        (units.deep_XH, hidden.deep_XH, [0.5, 0, 0, 1]),
    ):
        for one, was, now, share in zip(given, before.split(rows), after.split(rows), shares, strict=True):
            number = torch.tensor(one.seen.number)
            assert torch.equal(was[number], now[number]), "numbers are always shown"
            gone = (now[~number] == 0).all(1)
            assert torch.equal(was[~number][~gone], now[~number][~gone])
            assert {0: not gone.any(), 1: gone.all()}.get(share, True)
    assert torch.equal(units.near_XH[0], torch.eye(HIDDEN)[1]), "the states that lessons hold are left as they are"


def test_hidden_text_is_drawn_anew_at_every_step_and_only_while_learning(library, monkeypatch):
    drawn = []
    real = fitting._partly_hidden

    def watched(units, chosen, generator):
        drawn.append(real(units, chosen, generator))
        return drawn[-1]

    monkeypatch.setattr(fitting, "_partly_hidden", watched)
    one = [replace(example(Random(0), "sort"), feature_dropout=(0.5, 0.5))]
    config = FitConfig(steps=6, batch=4, plan_samples=4, channels=8, no_call_share=0.0)
    reader, _ = fit(one, library, HIDDEN, config)
    seen = {tuple(map(tuple, units.deep_XH.tolist())) for units in drawn}
    assert len(drawn) == 6 and len(seen) > 3
    worst_task(reader, one, library, config)
    assert len(drawn) == 6


def test_each_step_is_told_with_its_loss(library):
    told = []
    _, losses = fit(examples(0), library, HIDDEN, FitConfig(steps=4, batch=8, plan_samples=4, channels=8),
                    lambda step, loss: told.append((step, loss)))  # fmt: skip
    assert told == list(enumerate(losses)) and len(losses) == 4


def test_what_nothing_solves_shows_in_the_loss_as_stalled(library):
    rng = Random(0)
    hopeless = [
        TrainingExample(one.seen, one.words, (12345,), -20.0) for one in (example(rng, "sort") for _ in range(20))
    ]
    _, losses = fit(hopeless, library, HIDDEN, FitConfig(steps=3, batch=8, plan_samples=4, channels=8))
    assert min(losses) > STALLED


def test_the_task_that_was_not_learned_is_the_worst_and_shows_as_stalled(fitted, library):
    reader, _ = fitted
    known = [replace(one, task="known") for one in examples(3)]
    rng = Random(0)
    hopeless = [replace(example(rng, "sort"), answer=(12345,), task="hopeless") for _ in range(9)]
    assert worst_task(reader, known, library, QUICK)[0] <= STALLED < UNSOLVED
    assert worst_task(reader, known + hopeless, library, QUICK) == (UNSOLVED, "hopeless")


def test_only_a_reader_that_stalls_and_may_be_fitted_again_is_given_up_early(library, monkeypatch):
    monkeypatch.setattr(fitting, "LOOKED", 2)
    rng = Random(0)
    hopeless = [
        TrainingExample(one.seen, one.words, (12345,), -20.0) for one in (example(rng, "sort") for _ in range(20))
    ]
    short = FitConfig(steps=8, batch=8, plan_samples=4, channels=8)
    assert len(fit(hopeless, library, HIDDEN, short, patient=False)[1]) == 3
    assert len(fit(hopeless, library, HIDDEN, short)[1]) == 8
    monkeypatch.setattr(fitting, "STALLS", UNSOLVED + 1)
    _, losses = fit(examples(0), library, HIDDEN, short, patient=False)
    assert losses == fit(examples(0), library, HIDDEN, short)[1], "to look changes nothing"


def test_without_prompts_that_call_nothing_only_calls_are_learned(library):
    calls = [one for one in examples(0) if one.answer is not None]
    _, losses = fit(calls, library, HIDDEN, FitConfig(steps=2, batch=8, plan_samples=4, channels=8))
    assert len(losses) == 2
