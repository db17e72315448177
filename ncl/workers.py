"""Worker processes that share out the fit of readers: one thread each, kept as long as they are wanted.

Where `psutil` happens to be installed, loky ends a worker whose memory has grown by a bound and warns of it in the
thread that hands out work. Where warnings are errors that thread dies, and all wait. A worker grows, and a fresh one
imports for seconds; so the bound is beyond what a machine has. Called by `training.pretrained.fit_ensemble` and
`ncl.verify.contracts.fuzz_campaign`; obligations run under `ncl.verify.engine.runner`, which must be able to end one
worker alone.
"""

from __future__ import annotations

import gc
from typing import Any

from loky import ProcessPoolExecutor

COLLECTED = 100_000, 20, 20  # where results have no cycles, Python's own 700 costs a seventh of the time
_SURROUNDINGS = {
    "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1",
    "LOKY_MAX_MEMORY_LEAK_SIZE": str(2**62),
}  # fmt: skip


def pool(workers: int) -> Any:
    """An executor of this many processes."""
    return ProcessPoolExecutor(max_workers=workers, env=_SURROUNDINGS, initializer=_begin)


def _begin() -> None:
    gc.set_threshold(*COLLECTED)
