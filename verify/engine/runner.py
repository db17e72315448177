"""Runs obligations: worker processes, two by default, budgets, shards, cache, progress.

Everything runs where it can be ended, with one job too: a solver in the middle of a question hears neither its own
limit nor a signal, and a process is killed all the same. An obligation's clock starts when its worker has imported and
compiled what it needs. What cannot be decided is `unknown`, whatever the reason: time, memory, a dead worker, a checker
that raised; but what a checker had said meanwhile stands. Called by `certify` and by the command line.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ncl.errors import InputError
from ncl.verify.engine import cache
from ncl.verify.engine.interim import Interim
from ncl.verify.engine.obligation import Obligation, Outcome
from ncl.verify.engine.pool import Pool, Worker

JOBS = 2
TICK = 1.0  # seconds after which it is looked again at what runs
STARTS = 3  # workers in a row that may end before they are ready
INTERRUPTED = "interrupted"  # method of an outcome that an interruption left out


@dataclass(frozen=True)
class Finding:
    """An obligation with its outcome, and whether that came from the cache."""

    obligation: Obligation
    outcome: Outcome
    cached: bool = False


Progress = Callable[[Finding, int, int], None]  # finding, how many are done, how many there are


@dataclass(frozen=True)
class Underway:
    """An obligation that is being worked on, and for how many seconds."""

    id: str
    seconds: float


Watch = Callable[[Sequence[Underway]], None]  # called about every second while anything runs; nothing: workers start


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or a polite kill: `findings` holds all that was asked, in order, `skipped` what had no answer yet."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("interrupted")
        self.findings = findings


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
    watch: Watch | None = None,
    use_cache: bool = True,
    cache_folder: Path | None = None,
) -> tuple[Finding, ...]:
    """A finding for each obligation, in their order. `budget` caps each one's own, `total_budget` the whole (seconds,
    from when the first worker is ready).

    Raises InputError when two obligations share an id, for then one could hide the other, or for budgets that are no
    number of seconds; Interrupted, with what is known, on Ctrl-C.
    """
    ids = [o.id for o in obligations]
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        raise InputError(f"obligations named twice: {', '.join(twice)}")
    _check(jobs, budget, total_budget)
    found: dict[str, Finding] = {}
    cut: set[str] = set()

    def settle(obligation: Obligation, outcome: Outcome, cached: bool = False) -> None:
        found[obligation.id] = Finding(obligation, outcome, cached)
        if use_cache and not cached and obligation.id not in cut:
            cache.store(obligation, outcome, cache_folder)
        if progress:
            progress(found[obligation.id], len(found), len(ids))

    try:
        waiting = []
        for obligation in obligations:
            kept = cache.load(obligation, cache_folder) if use_cache else None
            if kept is not None:
                settle(obligation, kept, cached=True)
            else:
                waiting.append(obligation)
        for obligation, outcome in _supervised(waiting, _Shift(waiting, budget, total_budget, cut), jobs, watch):
            settle(obligation, outcome)
    except KeyboardInterrupt as fault:
        left_out = Outcome("skipped", INTERRUPTED, detail="the run was interrupted before it was done")
        raise Interrupted(tuple(found.get(o.id, Finding(o, left_out)) for o in obligations)) from fault
    return tuple(found[i] for i in ids)


def _check(jobs: int, budget: float | None, total_budget: float | None) -> None:
    if jobs < 1:
        raise InputError(f"{jobs} worker processes do no work", where="jobs", remedy="give 1 or more")
    for name, seconds in (("budget", budget), ("total_budget", total_budget)):
        if seconds is not None and (math.isnan(seconds) or seconds < 0):
            raise InputError(f"{seconds} is no number of seconds", where=name, remedy="give 0 or more")


# --- supervising -----------------------------------------------------------------------------------------------------


@dataclass
class _Task:
    obligation: Obligation
    begun: float
    allowed: float
    known: Outcome | None = None  # what stands if no other outcome comes

    @property
    def end(self) -> float:
        return self.begun + self.allowed


class _Shift:
    """One run's state: what waits, what runs where, and when all of it must be over; `cut` fills up with ids of those
    that were ended before their checker was done.
    """

    def __init__(
        self, waiting: Sequence[Obligation], budget: float | None, total_budget: float | None, cut: set[str]
    ) -> None:
        # Long ones first: a long one begun last would leave the other workers idle.
        self.queue = sorted(waiting, key=lambda o: -o.budget)
        self.busy: dict[Worker, _Task] = {}
        self.starting: set[Worker] = set()
        self.lost_starts = 0
        self.budget, self.total_budget, self.cut = budget, total_budget, cut
        self.deadline: float | None = None

    def allowed(self, obligation: Obligation) -> float:
        """Seconds that it may take from now on."""
        limits = [obligation.budget]
        if self.budget is not None:
            limits.append(self.budget)
        if self.deadline is not None:
            limits.append(self.deadline - time.monotonic())
        return min(limits)

    @property
    def spent(self) -> bool:
        if self.deadline is None:
            return self.total_budget == 0
        return self.deadline <= time.monotonic()

    def ended(self, task: _Task, outcome: Outcome) -> tuple[Obligation, Outcome]:
        """What is said of one that was ended: what was known of it, or that nothing is."""
        self.cut.add(task.obligation.id)
        if task.known is None:
            return task.obligation, outcome
        detail = "; ".join(filter(None, (task.known.detail, f"the rest was ended: {outcome.method}, {outcome.detail}")))
        return task.obligation, replace(task.known, seconds=outcome.seconds, detail=detail)

    def underway(self) -> tuple[Underway, ...]:
        now = time.monotonic()
        return tuple(Underway(t.obligation.id, now - t.begun) for t in self.busy.values())

    def patience(self) -> float:
        """Seconds until something must be looked at."""
        now = time.monotonic()
        return max(0.0, min([TICK, *(task.end - now for task in self.busy.values())]))


def _supervised(
    waiting: Sequence[Obligation], shift: _Shift, jobs: int, watch: Watch | None
) -> Iterator[tuple[Obligation, Outcome]]:
    """Each with its outcome, as they come."""
    modules = sorted({o.function.partition(":")[0] for o in waiting})
    with Pool(modules) as workers:
        while shift.queue or shift.busy:
            if shift.spent:
                yield from [(o, _out_of_time("the whole budget was spent before it began")) for o in shift.queue]
                shift.queue.clear()
            yield from _hire(shift, workers, jobs)
            message = workers.receive(shift.patience()) if shift.busy or shift.starting else None
            if message is not None:
                yield from _received(shift, workers, *message)
            yield from _overdue(shift, workers)
            workers.look()
            if watch:
                watch(shift.underway())


def _hire(shift: _Shift, workers: Pool, jobs: int) -> Iterator[tuple[Obligation, Outcome]]:
    """Workers for what waits, as many as may be."""
    while len(shift.busy) + len(shift.starting) < jobs and len(shift.starting) < len(shift.queue):
        try:
            shift.starting.add(workers.start())
        except OSError as fault:  # the system gives no process
            if not shift.busy and not shift.starting:
                yield from _give_up(shift, f"{fault}")
            return


def _received(shift: _Shift, workers: Pool, worker: Worker, said: object) -> Iterator[tuple[Obligation, Outcome]]:
    """What a worker says: ready, an outcome, or nothing ever more. One that can work gets work."""
    task = shift.busy.pop(worker, None)
    if said is None and (task or worker in shift.starting):
        how = _how(workers.end(worker), worker.held)
        if task:
            seconds = round(time.monotonic() - task.begun, 3)
            yield shift.ended(task, Outcome("unknown", "worker died", seconds=seconds, detail=how))
        else:
            yield from _not_started(shift, worker, how)
    elif isinstance(said, int) and worker in shift.starting:
        shift.starting.remove(worker)
        shift.lost_starts = 0
        if shift.deadline is None and shift.total_budget is not None:
            shift.deadline = time.monotonic() + shift.total_budget
        yield from _give(shift, workers, worker)
    elif task and isinstance(said, Interim):
        task.known = said.outcome
        task.allowed = min(task.allowed, time.monotonic() - task.begun + said.seconds)
        shift.busy[worker] = task
    elif task and isinstance(said, Outcome):
        yield task.obligation, said
        yield from _give(shift, workers, worker)


def _give(shift: _Shift, workers: Pool, worker: Worker) -> Iterator[tuple[Obligation, Outcome]]:
    """The next obligation, or the end. Its clock starts here."""
    while shift.queue and not shift.spent:
        obligation = shift.queue.pop(0)
        allowed = shift.allowed(obligation)
        if allowed <= 0:
            yield obligation, _out_of_time("its budget is 0 s")
            continue
        try:
            workers.ask(worker, obligation)
        except Exception as fault:  # arguments that cannot be sent
            yield obligation, Outcome("unknown", "checker failed", detail=f"{type(fault).__name__}: {fault}")
            continue
        shift.busy[worker] = _Task(obligation, time.monotonic(), allowed)
        return
    workers.end(worker)


def _overdue(shift: _Shift, workers: Pool) -> Iterator[tuple[Obligation, Outcome]]:
    """End who is over its time; another is started in its place when there is work for it."""
    now = time.monotonic()
    for worker, task in [pair for pair in shift.busy.items() if pair[1].end <= now]:
        del shift.busy[worker]
        workers.end(worker)
        yield shift.ended(task, _out_of_time(f"more than {task.allowed:.3g} s", now - task.begun))


def _not_started(shift: _Shift, worker: Worker, how: str) -> Iterator[tuple[Obligation, Outcome]]:
    """After some that ended before they were ready, no more are started."""
    shift.starting.remove(worker)
    shift.lost_starts += 1
    if shift.lost_starts >= STARTS and not shift.busy:
        yield from _give_up(shift, how)


def _give_up(shift: _Shift, why: str) -> Iterator[tuple[Obligation, Outcome]]:
    outcome = Outcome("unknown", "worker died", detail=f"no worker could be started: {why}")
    yield from [(obligation, outcome) for obligation in shift.queue]
    shift.queue.clear()


def _how(code: int, held: int) -> str:
    """How a worker ended, for a reader who wonders about memory."""
    told = f"; it held {held / 1e9:.1f} GB of memory" if held else ""
    if code >= 0:
        return f"its process ended with exit code {code}{told}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    why = ", as the system does when memory runs out" if name == "SIGKILL" else ""
    return f"its process was ended by {name}{why}{told}"


def _out_of_time(detail: str, seconds: float = 0.0) -> Outcome:
    return Outcome("unknown", method="out of time", seconds=round(seconds, 3), detail=detail)
