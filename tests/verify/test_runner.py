"""The runner decides nothing: whatever goes wrong in a checker is `unknown`, and nothing is lost or run twice."""

import os

import planted_checkers as planted
import pytest

from ncl.errors import InputError
from verify import runner


def run(obligations, **options):
    return runner.run(obligations, use_cache=False, **options)


def test_findings_come_in_the_order_asked_whatever_finished_first():
    asked = [planted.make(f"a/{n}", "give", "proved", budget=10.0 + n) for n in range(5)]
    assert [f.obligation.id for f in run(asked, jobs=2)] == [o.id for o in asked]


def test_two_jobs_work_in_other_processes_with_the_results_brought_back():
    found = run([planted.make(f"a/{n}", "process", "ran in") for n in range(3)], jobs=2)
    notes = {f.outcome.detail for f in found}
    assert all(f.outcome.verdict == "proved" for f in found) and f"ran in {os.getpid()}" not in notes


def test_a_worker_whose_memory_grows_is_kept():
    """Where `psutil` is installed, loky would end it with a warning, here an error, and hand out nothing more."""
    pytest.importorskip("psutil")
    found = run([planted.make(f"a/{n}", "grow") for n in range(6)], jobs=2)
    assert len({f.outcome.detail for f in found}) <= 2 and all(f.outcome.verdict == "proved" for f in found)


def test_a_raising_checker_is_unknown_and_says_why():
    (found,) = run([planted.make("a/x", "fail")], jobs=1)
    assert found.outcome.verdict == "unknown" and "RuntimeError: planted" in found.outcome.detail


def test_a_checker_that_answers_true_is_unknown():
    (found,) = run([planted.make("a/x", "say_true")], jobs=1)
    assert found.outcome.verdict == "unknown"


@pytest.mark.parametrize("checker", ["sleep", "swallow_everything"])
def test_a_checker_past_its_budget_is_unknown(checker):
    (found,) = run([planted.make("a/x", checker, 20.0, budget=0.2)], jobs=1)
    assert found.outcome.verdict == "unknown" and found.outcome.method == "out of time"
    assert found.outcome.seconds < 5


def test_the_callers_budget_caps_each_obligation():
    (found,) = run([planted.make("a/x", "sleep", 20.0)], jobs=1, budget=0.2)
    assert found.outcome.verdict == "unknown"


def test_a_spent_total_budget_leaves_the_rest_unknown():
    found = run([planted.make(f"a/{n}", "sleep", 0.4) for n in range(3)], jobs=1, total_budget=0.5)
    assert [f.outcome.verdict for f in found] == ["proved", "unknown", "unknown"]


def test_a_dying_worker_spoils_only_its_own_obligation():
    asked = [planted.make("a/dies", "die")] + [planted.make(f"a/{n}", "give", "proved") for n in range(4)]
    found = {f.obligation.id: f.outcome.verdict for f in run(asked, jobs=2)}
    assert found.pop("a/dies") == "unknown"
    assert list(found.values()) == ["proved"] * 4


def test_a_worker_that_never_answers_is_ended(monkeypatch):
    monkeypatch.setattr(runner, "GRACE", 0.0)
    monkeypatch.setattr(runner, "attempt", planted.ignore_the_clock)
    asked = [planted.make("a/hangs", "sleep", 60.0, budget=1.0), planted.make("a/fine", "give", "proved", budget=30.0)]
    found = {f.obligation.id: f.outcome.verdict for f in run(asked, jobs=2)}
    assert found == {"a/hangs": "unknown", "a/fine": "proved"}


def test_two_obligations_of_one_name_are_refused_because_one_would_hide_the_other():
    with pytest.raises(InputError, match="named twice: a/x"):
        run([planted.make("a/x", "give", "refuted"), planted.make("a/x", "give", "proved")])


def test_progress_is_told_of_each_finding():
    told = []
    run(
        [planted.make(f"a/{n}", "give", "proved") for n in range(3)],
        jobs=1,
        progress=lambda f, n, m: told.append((n, m)),
    )
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_shards_share_nothing_and_leave_nothing_out(parts):
    asked = [planted.make(f"a/{n}", "give", "proved") for n in (3, 1, 4, 15, 9, 2, 6)]
    cut = [o.id for k in range(1, parts + 1) for o in runner.shard(asked, k, parts)]
    assert sorted(cut) == sorted(o.id for o in asked)


@pytest.mark.parametrize("part, parts", [(0, 2), (3, 2), (1, 0)])
def test_a_shard_outside_its_count_is_refused(part, parts):
    with pytest.raises(InputError, match="is not between"):
        runner.shard([], part, parts)
