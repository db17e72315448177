"""Worker processes of one thread each, which are kept."""

import os

from ncl.workers import pool

# Longer than the second after which loky looks at a worker's memory. As text: a worker cannot import tests.
GROW = """(
    __import__("builtins").__dict__.setdefault("grown", bytearray()).extend(b"x" * ({} << 20)),
    __import__("time").sleep(1.1), __import__("os").getpid(),
)[2]"""


def test_a_worker_that_grows_stays():
    with pool(1) as workers:
        pids = {workers.submit(eval, GROW.format(megabytes)).result() for megabytes in (1, 400, 1)}
    assert len(pids) == 1


def test_a_worker_has_one_thread():
    with pool(1) as workers:
        assert workers.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
