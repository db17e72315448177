"""Regression tests of accuracy: a real drop is found, noise is not, and missing cells never pass."""

import pytest
from scipy.stats import fisher_exact

from ncl.errors import FormatError, InputError
from ncl.training.evaluation.accuracy import cell, interval
from ncl.training.evaluation.regression import compare


def evaluation(*cells):
    return {
        "schema": 1,
        "cells": [
            {
                "task": task,
                "length": length,
                "system": system,
                "phrasing": None,
                "calls": None,
                "seed": 0,
                "n": n,
                "exact": k / n,
            }
            for task, length, system, k, n in cells
        ],
    }


def test_the_same_run_does_not_regress():
    document = evaluation(("sort", 10, "ncl", 200, 200), ("sort", 500, "ncl", 50, 50))
    assert not any(c.regressed for c in compare(document, document))


def test_a_collapse_regresses_and_names_the_cell():
    before = evaluation(("sort", 10, "ncl", 200, 200), ("sort", 500, "ncl", 50, 50))
    after = evaluation(("sort", 10, "ncl", 200, 200), ("sort", 500, "ncl", 20, 50))
    assert [(c.key[1], c.regressed) for c in compare(after, before)] == [(10, False), (500, True)]


def test_a_loss_within_noise_does_not_regress():
    before, after = evaluation(("sort", 10, "ncl", 200, 200)), evaluation(("sort", 10, "ncl", 198, 200))
    assert not compare(after, before)[0].regressed


def test_an_improvement_never_regresses():
    before, after = evaluation(("sort", 10, "ncl", 10, 200)), evaluation(("sort", 10, "ncl", 200, 200))
    assert compare(after, before)[0].p == pytest.approx(1.0)


def test_a_cell_that_the_run_lacks_regresses():
    before = evaluation(("sort", 10, "ncl", 200, 200), ("count", 10, "ncl", 200, 200))
    after = evaluation(("sort", 10, "ncl", 200, 200))
    assert [c.key[0] for c in compare(after, before) if c.regressed] == ["count"]


def test_a_cell_that_only_the_run_has_is_named_and_decides_nothing():
    before = evaluation(("sort", 10, "ncl", 200, 200))
    after = evaluation(("sort", 10, "ncl", 200, 200), ("count", 10, "ncl", 0, 200), ("count", 10, "plain", 0, 200))
    alone = [c for c in compare(after, before) if c.baseline is None]
    assert [(c.key[0], c.key[2], c.run, c.p, c.regressed) for c in alone] == [("count", "ncl", 0.0, None, False)]


def test_a_cell_that_stands_there_twice_is_refused():
    good = evaluation(("sort", 10, "ncl", 150, 200))
    padded = evaluation(("sort", 10, "ncl", 50, 200), ("sort", 10, "ncl", 200, 200))
    for run, baseline in ((padded, good), (good, padded)):
        with pytest.raises(FormatError, match="sort 10 ncl, seed 0 stands there twice"):
            compare(run, baseline)


def test_the_p_value_is_fishers_exact_one_sided():
    before, after = evaluation(("sort", 10, "ncl", 95, 100)), evaluation(("sort", 10, "ncl", 80, 100))
    expected = fisher_exact([[80, 20], [95, 5]], alternative="less").pvalue
    assert compare(after, before)[0].p == pytest.approx(expected)


def test_correction_over_many_cells_keeps_a_single_weak_drop_quiet():
    many = [(f"task{i}", 10, "ncl", 100, 100) for i in range(30)]
    before = evaluation(*many)
    after = evaluation(("task0", 10, "ncl", 94, 100), *many[1:])  # p = 0.014 alone
    assert not any(c.regressed for c in compare(after, before, alpha=0.05))
    assert compare(evaluation(("task0", 10, "ncl", 94, 100)), evaluation(many[0]), alpha=0.05)[0].regressed


def test_seeds_of_one_cell_are_pooled():
    half = evaluation(("sort", 10, "ncl", 50, 50), ("sort", 10, "ncl", 40, 50))
    half["cells"][1]["seed"] = 1
    assert compare(half, half)[0].baseline == pytest.approx(0.9)


def test_the_detectable_drop_is_the_best_accuracy_that_would_be_called_a_regression():
    before = evaluation(("sort", 500, "ncl", 50, 50))
    bound = compare(before, before)[0].detectable
    at, above = round(bound * 50), round(bound * 50) + 1
    assert compare(evaluation(("sort", 500, "ncl", at, 50)), before)[0].regressed
    assert not compare(evaluation(("sort", 500, "ncl", above, 50)), before)[0].regressed


def test_too_few_samples_to_detect_anything_is_said():
    tiny = evaluation(("sort", 500, "ncl", 2, 2))
    assert compare(tiny, tiny)[0].detectable is None


def test_other_arms_do_not_fail_the_build_unless_asked_for():
    before = evaluation(("sort", 10, "ncl", 200, 200), ("sort", 10, "plain", 150, 200))
    after = evaluation(("sort", 10, "ncl", 200, 200), ("sort", 10, "plain", 10, 200))
    assert not any(c.regressed for c in compare(after, before))
    assert any(c.regressed for c in compare(after, before, systems=("ncl", "plain")))


@pytest.mark.parametrize("document", [{}, {"cells": []}, {"cells": [{"task": "x"}]}, {"cells": 3}, []])
def test_a_document_that_is_no_evaluation_is_refused(document):
    with pytest.raises(FormatError):
        compare(document, evaluation(("sort", 10, "ncl", 1, 1)))


def test_a_baseline_without_the_arm_is_refused():
    with pytest.raises(InputError):
        compare(evaluation(("s", 1, "ncl", 1, 1)), evaluation(("s", 1, "plain", 1, 1)))


def test_an_interval_holds_its_fraction_and_is_exact_at_the_edges():
    low, high = interval(200, 200)
    assert (high, round(low, 4)) == (1.0, round(0.025 ** (1 / 200), 4))
    assert cell("sort", 10, "ncl", 0, [True, True, False]).exact == pytest.approx(2 / 3)
