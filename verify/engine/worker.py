"""A worker's own side: it takes one obligation after another and answers each with an outcome.

On Linux a *fork server* is started, which imports what the obligations need, compiles what is compiled for all of
them, and then forks a worker whenever one is wanted, also in place of one that was ended: a fork costs milliseconds,
where a fresh process imports and compiles for seconds. The fork server has one thread and asks no solver, so a fork of
it is safe, whatever threads the caller's process has. Elsewhere each worker is a process that starts from nothing.

A worker may hang, crash or be killed at any time: it keeps nothing that anybody needs. It ends with its parent: on
Linux the kernel sees to that, elsewhere a thread that waits for the pipe to close. Ctrl-C is the parent's to hear: a
solver that heard it would make an answer of it. Started by `pool`.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import pickle
import queue
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

from ncl.verify.engine.interim import subscribe
from ncl.verify.engine.obligation import Obligation, Outcome

# Obligations hold results of hundreds of thousands of runs, in none of which there is a cycle; at Python's own 700 the
# search for cycles takes a seventh of their time.
COLLECTED = 100_000, 20, 20
_PR_SET_PDEATHSIG = 1


def attempt(obligation: Obligation) -> Outcome:
    """Run one obligation here; whatever goes wrong is `unknown` with the reason."""
    begin = time.perf_counter()
    try:
        return obligation.run()
    except Exception as fault:
        detail = f"{type(fault).__name__}: {fault}"
        return Outcome("unknown", method="checker failed", seconds=time.perf_counter() - begin, detail=detail)


def main(modules: Sequence[str], control: int | None) -> None:
    """The whole life of a fork server (`control` is its socket), or of a worker on stdin and stdout."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    gc.set_threshold(*COLLECTED)
    if control is not None:
        _end_with(os.getppid())
        _prepare(modules)
        _fork_server(socket.socket(fileno=control))
        return
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    with contextlib.suppress(OSError):
        os.dup2(2, 1)  # what a checker prints is no answer
    _prepare(modules)
    _serve(_watched(requests), answers)


def _prepare(modules: Sequence[str]) -> None:
    """Import them and let each do what it does once; what fails here fails again, and is told, where it is needed."""
    for name in modules:
        with contextlib.suppress(Exception):
            prepare = getattr(importlib.import_module(name), "prepare", None)
            if prepare is not None:
                prepare()


def _fork_server(control: socket.socket) -> None:
    """Fork a worker for each pair of pipes that arrives; tell how one ended when asked; end with whoever asks."""
    gc.freeze()  # what is shared stays shared: no collection writes to it
    here, children = os.getpid(), set[int]()
    while True:
        message, handles, _, _ = socket.recv_fds(control, 4, 2)
        if handles:
            child = os.fork()
            if child == 0:
                _end_with(here)
                control.close()
                _born(*handles)
            children.add(child)
            for handle in handles:
                os.close(handle)
        elif message:
            child = int.from_bytes(message)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            children.discard(child)
            control.send(code.to_bytes(4, signed=True))
        else:
            for child in children:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            return


def _born(requests: int, answers: int) -> None:
    """A forked worker; leaves by the short way, past everything that belongs to the fork server."""
    code = 1
    try:
        # When memory runs out this one is to go, not who waits for it.
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("500")
        _serve(_read(os.fdopen(requests, "rb")), os.fdopen(answers, "wb"))
        code = 0
    finally:
        os._exit(code)


def _serve(ask: Callable[[], Any], answers: BinaryIO) -> None:
    """Says its number when it is ready, then answers until nobody asks, with what is known meanwhile."""
    _say(answers, os.getpid())
    subscribe(lambda said: _say(answers, said))
    while (obligation := ask()) is not None:
        try:
            answer = pickle.dumps(attempt(obligation))
        except Exception as fault:  # an outcome that cannot be sent
            detail = f"{type(fault).__name__}: {fault}"
            answer = pickle.dumps(Outcome("unknown", method="checker failed", detail=detail))
        answers.write(answer)
        answers.flush()


def _say(answers: BinaryIO, what: Any) -> None:
    answers.write(pickle.dumps(what))
    answers.flush()


def _read(requests: BinaryIO) -> Callable[[], Any]:
    def ask() -> Any:
        try:
            return pickle.load(requests)
        except EOFError:
            return None

    return ask


def _watched(requests: BinaryIO) -> Callable[[], Any]:
    """The same through a thread that ends the process when the parent is gone, in the middle of whatever it does."""
    asked: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def subscribe() -> None:
        ask = _read(requests)
        while (obligation := ask()) is not None:
            asked.put(obligation)
        os._exit(1)

    threading.Thread(target=subscribe, daemon=True).start()
    return asked.get


def _end_with(parent: int) -> None:
    """Be killed when the parent dies, or now when it has."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
