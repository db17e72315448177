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
from ncl.training.data.training_state import SavedState, history, with_prefix, without_prefix
from ncl.training.pretrained.fit import STALLED, Checkpoints, FitConfig, fit, worst_task
from ncl.training.pretrained.training_examples import TrainingExample
from ncl.workers import pool as workers

Step = Callable[[int, float], None]
WATCHED = 0.2  # seconds after which a process looks whether its parent is there


@dataclass(frozen=True)
class FittedReader:
    """worst: the loss of the task that was learned worst, and its name."""

    reader: Reader
    losses: list[float]
    worst: tuple[float, str]
    restarts: int


@dataclass(frozen=True)
class EnsembleConfig:
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
    wanted: EnsembleConfig,
    examples: list[TrainingExample],
    library: Library,
    hidden: int,
    step: Step,
    jobs: int = 1,
    ranks: Ranks = ALONE,
) -> list[FittedReader]:
    """All readers, the best first: it decides where they disagree and no answer has more votes.

    `jobs`: with more than one there are so many processes where they share the readers out evenly, else each reader has
    one; what comes out does not depend on it. On other devices than the CPU there is one. Several `ranks` share the
    readers out.
    """
    own = list(_fit_some(ranks.mine(range(wanted.readers)), wanted, examples, library, hidden, step, jobs))
    return sorted(ranks.gathered(own, wanted.readers), key=lambda one: one.worst)


def _fit_some(
    numbers: Sequence[int],
    wanted: EnsembleConfig,
    examples: list[TrainingExample],
    library: Library,
    hidden: int,
    step: Step,
    jobs: int,
) -> Iterator[FittedReader]:
    rest = (wanted, examples, library, hidden)
    if min(jobs, len(numbers)) <= 1 or any(example.seen.near_UH.device.type != "cpu" for example in examples):
        for number in numbers:
            yield _fit(number, *rest, step)
        return
    shared = SyncManager()
    shared.start(_leave_with, (os.getpid(),))
    with shared:
        steps, pool, whole = shared.Queue(), workers(_processes(len(numbers), jobs)), False
        try:
            waited = [pool.submit(_fit_apart, os.getpid(), number, *rest, _StepQueue(steps)) for number in numbers]
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


def _fit_apart(parent: int, *rest: Any) -> FittedReader:
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
class _StepQueue:
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
def _fit(
    number: int, wanted: EnsembleConfig, examples: list[TrainingExample], library: Library, hidden: int, step: Step
) -> FittedReader:
    """One reader. When it has stalled it is fitted again with another seed, and the best attempt is kept."""
    kept = SavedState(wanted.place / f"reader-{number}.safetensors", wanted.key) if wanted.place else None
    best, made, begin = _found(kept, wanted, hidden, library)
    if best is not None and (best.worst[0] <= STALLED or made > wanted.restarts):
        for place, loss in enumerate(best.losses):
            step(place, loss)
    while best is None or (best.worst[0] > STALLED and made <= wanted.restarts):
        config = replace(wanted.fit, seed=1000 * wanted.fit.seed + 100 * made + number)
        keep = Checkpoints(wanted.every, _saver(kept, best, made), begin) if kept else None
        reader, losses = fit(examples, library, hidden, config, step, made == wanted.restarts, keep)
        one = FittedReader(reader, losses, worst_task(reader, examples, library, config), made)
        best = one if best is None else min(best, one, key=lambda tried: tried.worst)
        made, begin = made + 1, {}
        if kept:
            _saver(kept, best, made)({})
    return replace(best, restarts=made - 1)


def _saver(kept: SavedState, best: FittedReader | None, made: int) -> Callable[[Mapping[str, Tensor]], None]:
    """Keeps how the present attempt stands beside the best of those that were `made` before."""
    metadata: dict[str, Any] = {"made": made}
    tensors: dict[str, Tensor] = {}
    if best is not None:
        metadata["worst"] = list(best.worst)
        tensors = {**with_prefix("best", best.reader.state_dict()), "best_losses": history(best.losses)}
    return lambda now: kept.write({**tensors, **with_prefix("now", now)}, metadata)


def _found(
    kept: SavedState | None, wanted: EnsembleConfig, hidden: int, library: Library
) -> tuple[FittedReader | None, int, Mapping[str, Tensor]]:
    """The best attempt, how many were made, and how the next one stands. Raises FormatError for what is not ours."""
    found = kept.read() if kept else None
    if kept is None or found is None:
        return None, 0, {}
    tensors, metadata = found
    try:
        made, now = int(metadata["made"]), without_prefix(tensors, "now")
        if "worst" not in metadata:
            return None, made, now
        reader = wanted.fit.make(hidden, wanted.fit.channels, len(library.programs), wanted.fit.dropout)
        reader.load_state_dict(without_prefix(tensors, "best"))
        loss, task = metadata["worst"]
        return (
            FittedReader(reader.eval(), tensors["best_losses"].tolist(), (float(loss), str(task)), made - 1),
            made,
            now,
        )
    except (KeyError, ValueError, TypeError, RuntimeError) as fault:
        where, remedy = str(kept.path), "leave out --resume"
        raise FormatError(f"no reader of this run: {fault}", where=where, remedy=remedy) from fault
