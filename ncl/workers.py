"""Worker processes that share out the fit of readers: one thread each, kept as long as they are wanted.

Where `psutil` happens to be installed, loky ends a worker whose memory has grown by 300 MB and warns of it in the
thread that hands out work. Where warnings are errors that thread dies, and all wait. A worker grows, and a fresh one
imports for seconds; so neither happens here. Called by `training.fit_readers`; obligations run under
`ncl.verify.runner`, which must be able to end one worker alone.
"""

from __future__ import annotations

import gc
import warnings
from typing import Any

from joblib.externals.loky import ProcessPoolExecutor, process_executor

COLLECTED = 100_000, 20, 20  # where results have no cycles, Python's own 700 costs a seventh of the time
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}


def pool(workers: int) -> Any:
    """An executor of this many processes."""
    warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
    return ProcessPoolExecutor(max_workers=workers, env=_ONE_THREAD, initializer=_begin)


def _begin() -> None:
    process_executor._USE_PSUTIL = False
    gc.set_threshold(*COLLECTED)
