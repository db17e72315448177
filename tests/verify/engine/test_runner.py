"""The runner decides nothing: whatever goes wrong in a checker is `unknown`, and nothing is lost or run twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import planted_checkers as planted
import pytest

from ncl.errors import InputError
from ncl.verify.engine import pool, runner
from ncl.verify.mutation.contract_faults import HEAD


@pytest.fixture(params=[True, False], ids=["forked", "fresh"])
def forks(request, monkeypatch):
    """Both ways of making a worker; the one for systems without a safe fork works everywhere."""
    if request.param and not pool.FORKS:
        pytest.skip("no safe fork here")
    monkeypatch.setattr(pool, "FORKS", request.param)
    return request.param


def run(obligations, **options):
    return runner.run(obligations, use_cache=False, **options)


def test_findings_come_in_the_order_asked_whatever_finished_first():
    asked = [planted.make(f"a/{n}", "give", "proved", budget=10.0 + n) for n in range(5)]
    assert [f.obligation.id for f in run(asked, jobs=2)] == [o.id for o in asked]


def test_two_jobs_work_in_other_processes_with_the_results_brought_back():
    found = run([planted.make(f"a/{n}", "process", "ran in") for n in range(3)], jobs=2)
    notes = {f.outcome.detail for f in found}
    assert all(f.outcome.verdict == "proved" for f in found) and f"ran in {os.getpid()}" not in notes


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


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_solver_that_hears_nothing_is_ended_in_time_and_the_rest_goes_on(jobs, forks):
    asked = [planted.make("a/deaf", "deaf", 60.0, budget=1.0)]
    asked += [planted.make(f"a/{n}", "give", "proved", budget=0.5) for n in range(3)]
    found = run(asked, jobs=jobs)
    assert [f.outcome.verdict for f in found] == ["unknown", "proved", "proved", "proved"]
    assert (found[0].outcome.method, found[0].outcome.detail) == ("out of time", "more than 1 s")
    assert 1 <= found[0].outcome.seconds < 30


def test_what_a_checker_knew_before_it_was_ended_stands(forks):
    found = run(
        [
            planted.make("a/deaf", "knows", "proved-bounded", 60.0, budget=1.0),
            planted.make("a/short", "knows", "refuted", 60.0, 0.5, budget=90.0),
            planted.make("a/dies", "knows_and_dies", "tested", budget=60.0),
            planted.make("a/done", "knows", "unknown", 0.0),
        ]
    )
    assert [f.outcome.verdict for f in found] == ["proved-bounded", "refuted", "tested", "proved"]
    assert found[0].outcome.detail == "so far; the rest was ended: out of time, more than 1 s"
    assert found[1].outcome.detail.startswith("so far; the rest was ended: out of time, more than 0.5")
    assert "exit code 7" in found[2].outcome.detail and not found[3].outcome.detail


def test_what_was_cut_off_is_asked_again(tmp_path):
    asked = [planted.make("a/deaf", "knows", "proved-bounded", 60.0, budget=0.5)]
    for _ in range(2):
        (found,) = runner.run(asked, jobs=1, cache_folder=tmp_path)
        assert found.outcome.verdict == "proved-bounded" and not found.cached


RIGHT = "def f(xs: Array) -> Word:\n    ensures(result == len(xs))\n    return len(xs)\n"


@pytest.mark.parametrize(("claim", "verdict"), [("len(xs)", "proved-bounded"), ("1", "refuted")])
def test_a_prover_that_hears_nothing_leaves_what_runs_have_shown(claim, verdict):
    text = HEAD + RIGHT.replace("result == len(xs)", f"result == {claim}")
    (found,) = run([planted.make("contract/f", "contract_beside_a_deaf_prover", text, budget=12.0)], jobs=1)
    assert found.outcome.verdict == verdict and "the rest was ended: out of time" in found.outcome.detail
    assert bool(found.outcome.counterexample) == (verdict == "refuted")


def test_the_clock_starts_when_a_worker_has_prepared_itself(forks):
    found = run([planted.make(f"a/{n}", "late", 0.0, budget=0.2) for n in range(3)], jobs=2, total_budget=0.25)
    assert {f.outcome.verdict for f in found} <= {"proved", "unknown"} and found[0].outcome.verdict == "proved"


def test_a_worker_that_the_system_kills_is_told_of_and_the_rest_goes_on(forks):
    asked = [
        planted.make("a/killed", "killed", int(signal.SIGKILL), budget=90.0),
        planted.make("a/0", "give", "proved"),
    ]
    killed, other = run(asked, jobs=2)
    assert (killed.outcome.verdict, killed.outcome.method) == ("unknown", "worker died")
    assert "ended by SIGKILL, as the system does when memory runs out" in killed.outcome.detail
    assert other.outcome.verdict == "proved"


def test_a_crash_is_told_by_its_name(forks):
    (found,) = run([planted.make("a/crashed", "killed", int(signal.SIGSEGV))], jobs=1)
    assert found.outcome.verdict == "unknown" and "ended by SIGSEGV" in found.outcome.detail


def test_a_worker_that_ends_itself_is_told_by_its_exit_code(forks):
    (found,) = run([planted.make("a/dies", "die")], jobs=1)
    assert "exit code 7" in found.outcome.detail


def test_an_outcome_that_cannot_be_sent_is_unknown():
    (found,) = run([planted.make("a/x", "unsendable")], jobs=1)
    assert found.outcome.verdict == "unknown" and "planted: this cannot be sent" in found.outcome.detail


def test_workers_that_cannot_be_started_leave_all_unknown(monkeypatch):
    monkeypatch.setattr(pool, "_BOOT", "raise SystemExit(3)")
    found = run([planted.make(f"a/{n}", "give", "proved") for n in range(3)], jobs=2)
    assert {f.outcome.verdict for f in found} == {"unknown"}
    assert "no worker could be started" in found[0].outcome.detail


def test_no_process_to_be_had_leaves_all_unknown(monkeypatch):
    def refuse(*_, **__):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(pool.subprocess, "Popen", refuse)
    (found,) = run([planted.make("a/x", "give", "proved")], jobs=2)
    assert found.outcome.verdict == "unknown" and "temporarily unavailable" in found.outcome.detail


def test_an_interruption_keeps_what_is_known_and_skips_the_rest(forks):
    def interrupt(finding, done, total):
        if done == 2:
            raise KeyboardInterrupt

    asked = [planted.make(f"a/{n}", "give", "proved", budget=20.0 - n) for n in range(4)]
    asked.append(planted.make("a/deaf", "deaf", 60.0, budget=1.0))
    with pytest.raises(runner.Interrupted) as told:
        run(asked, jobs=1, progress=interrupt)
    assert [f.obligation.id for f in told.value.findings] == [o.id for o in asked]
    assert [f.outcome.verdict for f in told.value.findings] == ["proved", "proved", "skipped", "skipped", "skipped"]


def test_no_worker_is_left_behind_whatever_ends_a_run(tmp_path, forks):
    def interrupt(underway):
        if any(one.id == "a/deaf" for one in underway) and (tmp_path / "pid").exists():
            raise KeyboardInterrupt

    with pytest.raises(runner.Interrupted):
        run([planted.make("a/deaf", "deaf", 600.0, str(tmp_path / "pid"))], jobs=1, watch=interrupt)
    assert gone(int((tmp_path / "pid").read_text()))


def test_what_runs_is_told_while_it_runs():
    told = []
    run([planted.make("a/x", "sleep", 2.5)], jobs=1, watch=lambda underway: told.append(underway))
    seconds = [one.seconds for underway in told for one in underway if one.id == "a/x"]
    assert len(seconds) >= 2 and seconds == sorted(seconds)


SCRIPT = """
import sys
sys.path.append({place!r})
import planted_checkers as planted
from ncl.verify.engine import pool as crew
from ncl.verify.engine import runner
from ncl.verify.mutation.contract_faults import HEAD

crew.FORKS = {forks}
print(runner.run([planted.make("a/x", {name!r}, *{arguments!r})], jobs=1, use_cache=False)[0].outcome.verdict)
"""


def script(forks, name, *arguments):
    """A script as users write them, without a guard for what is run when it is imported again."""
    return SCRIPT.format(place=str(Path(planted.__file__).parent), forks=forks, name=name, arguments=arguments)


def test_a_script_without_a_main_guard_can_prove(tmp_path, forks):
    (tmp_path / "script.py").write_text(script(forks, "give", "proved"))
    ran = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True)
    assert (ran.stdout, ran.stderr, ran.returncode) == ("proved\n", "", 0)


def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    text = script(True, "deaf", 600.0, str(tmp_path / "pid"))
    parent = subprocess.Popen([sys.executable, "-c", text])
    try:
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            assert parent.poll() is None
            time.sleep(0.05)
    finally:
        parent.kill()
        parent.wait()
    assert gone(int((tmp_path / "pid").read_text()))


def gone(pid):
    """Waits for it: to be killed takes the system a moment. The dead whom nobody has buried yet count as gone."""
    for _ in range(600):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("wrong", [{"jobs": 0}, {"budget": -1.0}, {"budget": float("nan")}, {"total_budget": -0.5}])
def test_numbers_that_are_none_of_seconds_or_workers_are_refused(wrong):
    with pytest.raises(InputError, match=r"is no number of seconds|do no work"):
        run([planted.make("a/x", "give", "proved")], **wrong)


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
