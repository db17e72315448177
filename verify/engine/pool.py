"""The processes that answer obligations, as their parent sees them: started, asked, heard, ended.

Nothing here waits for a worker that does not answer: what it says arrives in one queue, and ending it is SIGKILL, which
no solver keeps waiting. Python's own pools cannot end one worker, and run the caller's script again in each. Called by
`runner`; the other side is `worker`.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any

from ncl.verify.engine.obligation import Obligation

_BOOT = (
    "import json, sys; order = json.loads(sys.argv[1]); sys.path[:] = order.pop('path');"
    "from ncl.verify.engine.worker import main; main(**order)"
)
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
FORKS = sys.platform == "linux"  # elsewhere a fork of a process that holds torch is not safe, or there is none
PATIENCE = 5.0  # seconds for the fork server to end its workers, which takes milliseconds


@dataclass(eq=False)
class Worker:
    """One process. `pid` is 0 until it is ready; `held` is the most memory that it was seen to hold, in bytes."""

    requests: IO[bytes]
    process: subprocess.Popen[bytes] | None = None  # None for one that the fork server forked
    pid: int = 0
    held: int = 0


Message = tuple[Worker, Any]  # what it said: its number when ready, an outcome, or None when it is gone


class Pool:
    """Workers with these modules imported. Used as a context: all are gone after it, whatever happened."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._modules, self._forks = tuple(modules), FORKS
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._fork_server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._workers: list[Worker] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> Worker:
        """A new worker, which says when it is ready. Raises OSError when the system gives no process."""
        worker, answers = self._forked() if self._forks else self._fresh()
        self._workers.append(worker)
        threading.Thread(target=self._listen, args=(worker, answers), daemon=True).start()
        return worker

    def ask(self, worker: Worker, obligation: Obligation) -> None:
        """Raises what pickle raises for arguments that cannot be sent. One that is gone is heard of later."""
        message = pickle.dumps(obligation)
        with contextlib.suppress(OSError):
            worker.requests.write(message)
            worker.requests.flush()

    def receive(self, seconds: float) -> Message | None:
        """What a worker says next, or None after so many seconds."""
        try:
            worker, said = self._messages.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return None
        if isinstance(said, int):
            worker.pid = said
        return worker, said

    def look(self) -> None:
        """See how much memory each holds, so that it can be told when one is gone."""
        for worker in self._workers:
            worker.held = max(worker.held, _resident(worker.pid))

    def end(self, worker: Worker) -> int:
        """Its exit code, minus the signal's number for one that was killed; after this it is gone."""
        self._workers.remove(worker)
        with contextlib.suppress(OSError):
            worker.requests.close()
        if worker.process is not None:
            worker.process.kill()
            return worker.process.wait()
        over = self._fork_server.poll() if self._fork_server else 0
        if over is not None or not worker.pid:  # with the fork server, or before it was born
            return over or 0
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGKILL)
        return self._reap(worker.pid)

    def close(self) -> None:
        """End all of them."""
        ready = any(worker.pid for worker in self._workers)
        for worker in self._workers:
            if worker.process is not None:
                worker.process.kill()
                worker.process.wait()
            with contextlib.suppress(OSError):
                worker.requests.close()
        self._workers.clear()
        self._close_fork_server(PATIENCE if ready else 0.0)

    # --- processes ---------------------------------------------------------------------------------------------------

    def _listen(self, worker: Worker, answers: IO[bytes]) -> None:
        with answers:
            while True:
                try:
                    said = pickle.load(answers)
                except Exception:  # cut off in the middle, or nothing more
                    said = None
                self._messages.put((worker, said))
                if said is None:
                    return

    def _fresh(self) -> tuple[Worker, IO[bytes]]:
        process = self._spawn(None, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin and process.stdout
        return Worker(process.stdin, process), process.stdout

    def _forked(self) -> tuple[Worker, IO[bytes]]:
        control = self._ensured()
        asked, asking = os.pipe()
        answered, answering = os.pipe()
        try:
            with contextlib.suppress(OSError):  # a fork server that is gone: so are the pipes' other ends
                socket.send_fds(control, [b"fork"], [asked, answering])
        finally:
            os.close(asked)
            os.close(answering)
        return Worker(os.fdopen(asking, "wb")), os.fdopen(answered, "rb")

    def _ensured(self) -> socket.socket:
        if self._fork_server is not None and self._fork_server.poll() is not None:
            self._close_fork_server(0.0)
        if self._fork_server is None or self._control is None:
            here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with there:
                self._control = here
                self._fork_server = self._spawn(
                    there.fileno(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[there.fileno()]
                )
        return self._control

    def _spawn(self, control: int | None, **options: Any) -> subprocess.Popen[bytes]:
        order = {"path": [str(place) for place in sys.path], "modules": self._modules, "control": control}
        command = [sys.executable, "-c", _BOOT, json.dumps(order)]
        return subprocess.Popen(command, env={**os.environ, **_ONE_THREAD}, **options)

    def _reap(self, pid: int) -> int:
        """Ask the fork server, whose child it is."""
        assert self._control is not None
        try:
            self._control.send(pid.to_bytes(4))
            answer = self._control.recv(4)
        except OSError:
            answer = b""
        return int.from_bytes(answer, signed=True) if answer else -int(signal.SIGKILL)

    def _close_fork_server(self, patience: float) -> None:
        if self._control is not None:
            self._control.close()  # it then ends its workers and itself
            self._control = None
        if self._fork_server is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                if patience:
                    self._fork_server.wait(patience)
            self._fork_server.kill()
            self._fork_server.wait()
            self._fork_server = None


def _resident(pid: int) -> int:
    """Bytes of memory that a process holds; 0 where that cannot be read."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
