"""Runs obligations: two worker processes by default, budgets, shards, cache, progress.

What cannot be decided is `unknown`, whatever the reason: time, memory, a dead worker, a checker that raised. Called by
`certify` and by the command line.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from ncl.errors import InputError
from ncl.workers import pool as workers
from verify import cache
from verify.obligation import Obligation, Outcome

JOBS = 2
# Above an obligation's own budget, before its worker is killed: a fresh worker first imports torch and a solver.
GRACE = 30.0


@dataclass(frozen=True)
class Finding:
    """An obligation with its outcome, and whether that came from the cache."""

    obligation: Obligation
    outcome: Outcome
    cached: bool = False


Progress = Callable[[Finding, int, int], None]  # finding, how many are done, how many there are


class _OutOfTime(BaseException):
    """No Exception, so that no checker's own `except` swallows it."""


def shard(obligations: Sequence[Obligation], part: int, parts: int) -> tuple[Obligation, ...]:
    """The part-th of `parts` (from 1), by sorted id, so that every machine cuts alike. Raises InputError."""
    if not 1 <= part <= parts:
        raise InputError(f"shard {part}/{parts} is not between 1 and {parts}", where="--shard")
    return tuple(sorted(obligations, key=lambda o: o.id)[part - 1 :: parts])


def run(
    obligations: Sequence[Obligation],
    *,
    jobs: int = JOBS,
    budget: float | None = None,
    total_budget: float | None = None,
    progress: Progress | None = None,
    use_cache: bool = True,
    cache_folder: Path | None = None,
) -> tuple[Finding, ...]:
    """A finding for each obligation, in their order. `budget` caps each one's own, `total_budget` the whole (seconds).

    Raises InputError when two obligations share an id, for then one could hide the other.
    """
    ids = [o.id for o in obligations]
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        raise InputError(f"obligations named twice: {', '.join(twice)}")
    deadline = time.monotonic() + total_budget if total_budget is not None else None
    found: dict[str, Finding] = {}

    def settle(obligation: Obligation, outcome: Outcome, cached: bool = False) -> None:
        found[obligation.id] = Finding(obligation, outcome, cached)
        if use_cache and not cached:
            cache.store(obligation, outcome, cache_folder)
        if progress:
            progress(found[obligation.id], len(found), len(ids))

    waiting = []
    for obligation in obligations:
        kept = cache.load(obligation, cache_folder) if use_cache else None
        if kept is not None:
            settle(obligation, kept, cached=True)
        else:
            waiting.append(obligation)
    drive = _in_turn if jobs <= 1 or len(waiting) <= 1 else _apart
    for obligation, outcome in drive(waiting, jobs, budget, deadline):
        settle(obligation, outcome)
    return tuple(found[i] for i in ids)


def _allowed(obligation: Obligation, budget: float | None, deadline: float | None) -> float:
    """Seconds that it may take from now on."""
    limits = [obligation.budget]
    if budget is not None:
        limits.append(budget)
    if deadline is not None:
        limits.append(deadline - time.monotonic())
    return min(limits)


def _in_turn(
    waiting: Sequence[Obligation], jobs: int, budget: float | None, deadline: float | None
) -> Iterator[tuple[Obligation, Outcome]]:
    for obligation in waiting:
        yield obligation, attempt(obligation, _allowed(obligation, budget, deadline))


def _apart(
    waiting: Sequence[Obligation], jobs: int, budget: float | None, deadline: float | None
) -> Iterator[tuple[Obligation, Outcome]]:
    """In workers; when one dies, all that was in flight is run once more, alone, to find who killed it."""
    suspects = []
    for obligation, outcome in _in_workers(waiting, jobs, budget, deadline):
        if outcome.method == "worker died":
            suspects.append(obligation)
        else:
            yield obligation, outcome
    for obligation in suspects:
        yield from _in_workers([obligation], 1, budget, deadline)


def _in_workers(
    waiting: Sequence[Obligation], jobs: int, budget: float | None, deadline: float | None
) -> Iterator[tuple[Obligation, Outcome]]:
    """No more in flight than workers, so an obligation's clock starts when its work does."""
    # Long ones first: a long one begun last would leave the other workers idle.
    queue = sorted(waiting, key=lambda o: -o.budget)
    flying: dict[Future[Outcome], tuple[Obligation, float]] = {}
    pool = workers(jobs)
    try:
        while queue or flying:
            while queue and len(flying) < jobs:
                obligation = queue.pop(0)
                allowed = _allowed(obligation, budget, deadline)
                if allowed <= 0:
                    yield obligation, _out_of_time("the whole budget was spent before it began")
                    continue
                future = pool.submit(attempt, obligation, allowed)
                flying[future] = (obligation, time.monotonic() + allowed + GRACE)
            if not flying:
                continue
            nearest = min(limit for _, limit in flying.values())
            done, _ = wait(flying, timeout=max(0.0, nearest - time.monotonic()), return_when=FIRST_COMPLETED)
            if done:
                broken = False
                for future in done:
                    obligation, _ = flying.pop(future)
                    outcome = _collect(future)
                    broken = broken or outcome.method == "worker died"
                    yield obligation, outcome
                if broken:
                    pool = _renew(pool, jobs, flying, queue)
            else:
                late = [f for f, (_, limit) in flying.items() if limit <= time.monotonic()]
                for future in late:
                    obligation, _ = flying.pop(future)
                    yield obligation, _out_of_time("its worker did not answer and was ended")
                pool = _renew(pool, jobs, flying, queue)
    finally:
        pool.shutdown(wait=True, kill_workers=bool(flying))


def _collect(future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool as fault:
        return Outcome("unknown", method="worker died", detail=f"{fault}".splitlines()[0])
    except Exception as fault:  # e.g. arguments that cannot be sent
        return Outcome("unknown", method="checker failed", detail=f"{type(fault).__name__}: {fault}")


def _renew(
    pool: Any, jobs: int, flying: dict[Future[Outcome], tuple[Obligation, float]], queue: list[Obligation]
) -> Any:
    """A fresh pool. What else was in flight goes back to the front of the queue."""
    pool.shutdown(wait=True, kill_workers=True)
    queue[:0] = [obligation for obligation, _ in flying.values()]
    flying.clear()
    return workers(jobs)


def attempt(obligation: Obligation, seconds: float) -> Outcome:
    """Run one obligation here, within its time; whatever goes wrong is `unknown` with the reason."""
    if seconds <= 0:
        return _out_of_time("the whole budget was spent before it began")
    begin = time.perf_counter()
    try:
        with _alarm(seconds):
            outcome = obligation.run()
    except _OutOfTime:
        return _out_of_time(f"more than {seconds:.0f} s", time.perf_counter() - begin)
    except Exception as fault:
        detail = f"{type(fault).__name__}: {fault}"
        return Outcome("unknown", method="checker failed", seconds=time.perf_counter() - begin, detail=detail)
    # A solver call cannot be interrupted from here; what came late is not counted as in time.
    if time.perf_counter() - begin > seconds + GRACE and outcome.verdict != "refuted":
        return _out_of_time(f"more than {seconds:.0f} s", time.perf_counter() - begin)
    return outcome


def _out_of_time(detail: str, seconds: float = 0.0) -> Outcome:
    return Outcome("unknown", method="out of time", seconds=round(seconds, 3), detail=detail)


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise _OutOfTime in the main thread after `seconds`; elsewhere, or without alarms, the parent's limit serves."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise _OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
