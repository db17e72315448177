"""Fits the readers of a natural run side by side, and one that has stalled again with another seed.

Called by the natural recipe, whose configuration says how.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.managers import SyncManager
from pathlib import Path
from queue import Empty
from threading import Thread
from typing import Any

import torch
from torch import Tensor

from ncl.errors import FormatError
from ncl.llama.reader.call_plan import Library
from ncl.llama.reader.network import Reader
from ncl.training.data.ranks import ALONE, Ranks
from ncl.training.data.training_state import Kept, history, under, within
from ncl.training.pretrained.fit import STALLED, FitConfig, Keep, fit, worst
from ncl.training.pretrained.training_examples import Lesson
from ncl.workers import pool as workers

Step = Callable[[int, float], None]
WATCHED = 0.2  # seconds after which a process looks whether its parent is there


@dataclass(frozen=True)
class Fitted:
    """worst: the loss of the task that was learned worst, and its name."""

    reader: Reader
    losses: list[float]
    worst: tuple[float, str]
    restarts: int


@dataclass(frozen=True)
class Wanted:
    """`fit`: of each reader, but for its seed, which follows from this one. restarts: of each reader, at most.

    `place`: where each reader keeps what it has come to, every so many steps, under a key that tells what it is fitted
    to; None for nowhere.
    """

    fit: FitConfig
    readers: int
    restarts: int
    place: Path | None = None
    key: str = ""
    every: int = 50


def fit_readers(
    wanted: Wanted,
    lessons: list[Lesson],
    library: Library,
    hidden: int,
    step: Step,
    jobs: int = 1,
    ranks: Ranks = ALONE,
) -> list[Fitted]:
    """All readers, the best first: it decides where they disagree and no answer has more votes.

    `jobs`: with more than one there are so many processes where they share the readers out evenly, else each reader has
    one; what comes out does not depend on it. On other devices than the CPU there is one. Several `ranks` share the
    readers out.
    """
    own = list(_fit_some(ranks.mine(range(wanted.readers)), wanted, lessons, library, hidden, step, jobs))
    return sorted(ranks.gathered(own, wanted.readers), key=lambda one: one.worst)


def _fit_some(
    numbers: Sequence[int], wanted: Wanted, lessons: list[Lesson], library: Library, hidden: int, step: Step, jobs: int
) -> Iterator[Fitted]:
    rest = (wanted, lessons, library, hidden)
    if min(jobs, len(numbers)) <= 1 or any(lesson.seen.near_UH.device.type != "cpu" for lesson in lessons):
        for number in numbers:
            yield _fit(number, *rest, step)
        return
    shared = SyncManager()
    shared.start(_leave_with, (os.getpid(),))
    with shared:
        steps, pool, whole = shared.Queue(), workers(_processes(len(numbers), jobs)), False
        try:
            waited = [pool.submit(_fit_apart, os.getpid(), number, *rest, _Told(steps)) for number in numbers]
            while not all(one.done() for one in waited) or not steps.empty():
                with suppress(Empty):
                    step(*steps.get(timeout=0.2))
            found, whole = [one.result() for one in waited], True
        finally:
            pool.shutdown(wait=True, kill_workers=not whole)  # they would go on for minutes
    yield from found


def _processes(readers: int, jobs: int) -> int:
    """Each takes seconds to begin, and two on a core are slower; but a core must not wait for the last reader."""
    return readers if readers % jobs else jobs


def _fit_apart(parent: int, *rest: Any) -> Fitted:
    """In a process of its own."""
    _leave_with(parent)
    return _fit(*rest)


def _leave_with(parent: int) -> None:
    """This process ends when its parent does, even one that is killed: who resumes the run would meet it."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCHED)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


@dataclass(frozen=True)
class _Told:
    """Hands the steps of a process on to the one that tells of them."""

    steps: Any

    def __call__(self, step: int, loss: float) -> None:
        self.steps.put((step, loss))


@contextmanager
def _one_thread() -> Iterator[None]:
    """The sums of a step are small, and the same in every process."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@_one_thread()
def _fit(number: int, wanted: Wanted, lessons: list[Lesson], library: Library, hidden: int, step: Step) -> Fitted:
    """One reader. When it has stalled it is fitted again with another seed, and the best attempt is kept."""
    kept = Kept(wanted.place / f"reader-{number}.safetensors", wanted.key) if wanted.place else None
    best, made, begin = _found(kept, wanted, hidden, library)
    if best is not None and (best.worst[0] <= STALLED or made > wanted.restarts):
        for place, loss in enumerate(best.losses):
            step(place, loss)
    while best is None or (best.worst[0] > STALLED and made <= wanted.restarts):
        config = replace(wanted.fit, seed=1000 * wanted.fit.seed + 100 * made + number)
        keep = Keep(wanted.every, _saver(kept, best, made), begin) if kept else None
        reader, losses = fit(lessons, library, hidden, config, step, made == wanted.restarts, keep)
        one = Fitted(reader, losses, worst(reader, lessons, library, config), made)
        best = one if best is None else min(best, one, key=lambda tried: tried.worst)
        made, begin = made + 1, {}
        if kept:
            _saver(kept, best, made)({})
    return replace(best, restarts=made - 1)


def _saver(kept: Kept, best: Fitted | None, made: int) -> Callable[[Mapping[str, Tensor]], None]:
    """Keeps how the present attempt stands beside the best of those that were `made` before."""
    told: dict[str, Any] = {"made": made}
    tensors: dict[str, Tensor] = {}
    if best is not None:
        told["worst"] = list(best.worst)
        tensors = {**under("best", best.reader.state_dict()), "best_losses": history(best.losses)}
    return lambda now: kept.write({**tensors, **under("now", now)}, told)


def _found(
    kept: Kept | None, wanted: Wanted, hidden: int, library: Library
) -> tuple[Fitted | None, int, Mapping[str, Tensor]]:
    """The best attempt, how many were made, and how the next one stands. Raises FormatError for what is not ours."""
    found = kept.read() if kept else None
    if kept is None or found is None:
        return None, 0, {}
    tensors, told = found
    try:
        made, now = int(told["made"]), within(tensors, "now")
        if "worst" not in told:
            return None, made, now
        reader = wanted.fit.make(hidden, wanted.fit.channels, len(library.programs), wanted.fit.dropout)
        reader.load_state_dict(within(tensors, "best"))
        loss, task = told["worst"]
        return Fitted(reader.eval(), tensors["best_losses"].tolist(), (float(loss), str(task)), made - 1), made, now
    except (KeyError, ValueError, TypeError, RuntimeError) as fault:
        where, remedy = str(kept.path), "leave out --resume"
        raise FormatError(f"no reader of this run: {fault}", where=where, remedy=remedy) from fault
