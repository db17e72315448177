"""Worker processes: one thread each, kept as long as they are wanted.

Where `psutil` happens to be installed, loky ends a worker whose memory has grown by 300 MB and warns of it in the
thread that hands out work. Where warnings are errors that thread dies, and all wait. A solver's worker grows, and a
fresh one imports for seconds; so neither happens here. Called by the runner of obligations and the fit of readers.
"""

from __future__ import annotations

import gc
import warnings
from typing import Any

from joblib.externals.loky import ProcessPoolExecutor, process_executor

# Obligations hold results of hundreds of thousands of runs, in none of which there is a cycle; at Python's own 700 the
# search for cycles takes a seventh of their time.
COLLECTED = 100_000, 20, 20
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}


def pool(workers: int) -> Any:
    """An executor of this many processes."""
    warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
    return ProcessPoolExecutor(max_workers=workers, env=_ONE_THREAD, initializer=_begin)


def _begin() -> None:
    process_executor._USE_PSUTIL = False
    gc.set_threshold(*COLLECTED)
