"""Worker processes of one thread each, which are kept."""

import os
import time

from ncl.workers import pool

GROWN = bytearray()


def grow(megabytes: int) -> int:
    """Longer than the second after which loky looks at a worker's memory."""
    GROWN.extend(b"x" * (megabytes << 20))
    time.sleep(1.1)
    return os.getpid()


def test_a_worker_that_grows_stays():
    with pool(1) as workers:
        pids = {workers.submit(grow, megabytes).result() for megabytes in (1, 400, 1)}
    assert len(pids) == 1


def test_a_worker_has_one_thread():
    with pool(1) as workers:
        assert workers.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
