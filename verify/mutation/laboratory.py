"""The fault laboratory: plants faults in the shipped source, one at a time, and sees whether the checker named for each
refutes it.

A fault is an edit of one file of a *copy* of NCL, so nothing here reasons about a model of them. Its checker
runs in a process of its own that imports that copy. Killed means `refuted`, by the named checker: `unknown`, a time-out
or a crash is no kill. Four controls keep the laboratory honest: `known_right` (harmless edits, which the checkers must
accept), `equivalent` (edits that look like faults and mean the same, with the reason, which they must accept too),
`broken` (a checker spoiled together with a fault that the sound one kills: the laboratory must notice that the fault
now survives), and each edit's text must occur exactly once in its file.

The table is in `planted.py`. Called by `ncl faults` and tests/faults.
"""

from __future__ import annotations

import importlib
import multiprocessing
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ncl.sources import copy_to

BUDGET = 120.0  # seconds a fault

Fate = Literal["killed", "survived", "undecided"]


@dataclass(frozen=True)
class Edit:
    file: str  # from the folder that holds `ncl`
    old: str  # occurs exactly once there
    new: str


@dataclass(frozen=True)
class Fault:
    """`checker` is "module:function" in the copy, called with `arguments`; it gives an Outcome or raises.

    `expected_error` names the exception class by which a gate, a loader or a rule between passes refuses, when refusing
    is its way to refute. A fault in an artefact's bytes has no edit: the checker makes the artefact and changes it as
    its arguments say.
    """

    id: str
    stratum: str  # ops, kernel, program-memory, compiler, step, numeric, temperature, soft, certificate, verifier
    edits: tuple[Edit, ...]
    checker: str
    arguments: tuple[Any, ...] = ()
    expected_error: str = ""


@dataclass(frozen=True)
class Equivalent:
    """An edit that changes no meaning, and why; its checker must accept it."""

    fault: Fault
    because: str


@dataclass(frozen=True)
class Broken:
    """A spoiled checker: with these edits the fault must survive, which the laboratory reports as red."""

    id: str
    edits: tuple[Edit, ...]
    fault: str


@dataclass(frozen=True)
class Examination:
    id: str
    fate: Fate
    verdict: str
    seconds: float
    detail: str = ""


@dataclass(frozen=True)
class Findings:
    faults: tuple[tuple[Fault, Examination], ...]
    broken: tuple[tuple[Broken, Examination], ...] = ()
    right: tuple[tuple[Fault, Examination], ...] = ()
    equivalent: tuple[tuple[Equivalent, Examination], ...] = ()

    @property
    def survivors(self) -> tuple[Examination, ...]:
        return tuple(a for _, a in self.faults if a.fate != "killed")

    @property
    def sound(self) -> bool:
        """Every fault killed, every harmless or equivalent edit accepted, every broken checker noticed."""
        controls = [*self.right, *self.equivalent, *self.broken]
        return not self.survivors and all(examination.fate == "survived" for _, examination in controls)

    def to_json(self) -> dict[str, Any]:
        killed = [(f, a) for f, a in self.faults if a.fate == "killed"]
        return {
            "mutants": len(self.faults),
            "equivalent": len(self.equivalent),
            "killed": len(killed),
            "by_stratum": _count(f.stratum for f, _ in killed),
            "by_checker": _count(f.checker for f, _ in killed),
            "broken_checkers": {
                "total": len(self.broken),
                "red": sum(a.fate == "survived" for _, a in self.broken),
            },
            "known_right": {"total": len(self.right), "accepted": sum(a.fate == "survived" for _, a in self.right)},
            "survivors": [{"id": a.id, "verdict": a.verdict, "detail": a.detail} for a in self.survivors],
            "faults": [
                {"id": a.id, "stratum": f.stratum, "fate": a.fate, "verdict": a.verdict, "seconds": a.seconds}
                for f, a in self.faults
            ],
        }


def _count(names: Iterable[str]) -> dict[str, int]:
    listed = list(names)
    return {name: listed.count(name) for name in sorted(set(listed))}


def plant(edits: Sequence[Edit], folder: Path) -> None:
    """Copy NCL into `folder` and apply the edits. Raises ValueError for one that does not fit exactly once."""
    copy_to(folder)
    for edit in edits:
        path = folder / edit.file
        text = path.read_text(encoding="utf-8")
        if text.count(edit.old) != 1:
            raise ValueError(f"{edit.file}: {edit.old!r} occurs {text.count(edit.old)} times, expected once")
        path.write_text(text.replace(edit.old, edit.new), encoding="utf-8")


def examine(fault: Fault, extra: Sequence[Edit] = (), budget: float = BUDGET) -> Examination:
    """Plant one fault (and `extra` edits) and run its checker on the copy."""
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="ncl-fault-") as name:
        plant((*fault.edits, *extra), Path(name))
        verdict, detail = _in_child(name, fault, budget)
    fate: Fate = "killed" if verdict == "refuted" else "survived" if verdict in _GREEN else "undecided"
    return Examination(fault.id, fate, verdict, round(time.perf_counter() - begin, 2), detail)


_FORKING = threading.Lock()
_GREEN = ("proved", "proved-bounded", "tested")


def _in_child(root: str, fault: Fault, budget: float) -> tuple[str, str]:
    """The checker's verdict in a process that sees only the copy. A silent end or a late one is `unknown`."""
    # Forked, because torch and the solver are then already in memory.
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_fate_of, args=(root, fault, there), daemon=True)
    with _FORKING, warnings.catch_warnings():
        # From Python 3.12 on any fork beside threads warns; those here only wait for their children.
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    there.close()
    try:
        if here.poll(budget):
            answer: tuple[str, str] = here.recv()
            return answer
        return "unknown", f"no answer in {budget:.0f} s"
    except EOFError:
        return "unknown", "the checker's process died"
    finally:
        child.kill()
        child.join()


def _fate_of(root: str, fault: Fault, pipe: Any) -> None:
    _leave_the_original()
    sys.path.insert(0, root)
    module, _, name = fault.checker.partition(":")
    try:
        home = importlib.import_module(module)
        if not str(home.__file__).startswith(root):
            raise ImportError(f"{home.__file__} is not in the copy")
        check: Callable[..., Any] = getattr(home, name)
        outcome = check(*fault.arguments)
        pipe.send((outcome.verdict, outcome.detail))
    except Exception as error:
        named = type(error).__name__ == fault.expected_error
        pipe.send(("refuted" if named else "unknown", f"{type(error).__name__}: {error}"))
    pipe.close()


def _leave_the_original() -> None:
    """Forget every module of NCL, so that the next import finds the copy."""
    for name in list(sys.modules):
        if name.partition(".")[0] == "ncl":
            del sys.modules[name]
    importlib.invalidate_caches()


def warm_up() -> None:
    """Load, and use once, what every child would otherwise load anew: torch's tracer, numba's compiler, the solver."""
    import numba
    import numpy as np
    import torch
    import z3
    from torch.fx.experimental.proxy_tensor import make_fx

    examples = torch.arange(5), torch.arange(5) + 1
    make_fx(lambda x, y: torch.where(x < y, x * y, x + y.shape[0]), tracing_mode="symbolic")(*examples)
    numba.njit(nogil=True)(lambda cells, number: cells[0] + number)(np.zeros(3, np.int64), 3)
    x = z3.BitVec("x", 8)
    z3.Solver().check(x * x == 9)


def laboratory(
    faults: Sequence[Fault],
    broken: Sequence[Broken] = (),
    right: Sequence[Fault] = (),
    equivalent: Sequence[Equivalent] = (),
    *,
    jobs: int = 2,
    progress: Callable[[Examination], None] = lambda examination: None,
) -> Findings:
    """Examine everything, `jobs` at a time. Raises KeyError when a broken checker's fault is not among the faults."""
    warm_up()
    by_id = {fault.id: fault for fault in faults}

    def one(task: tuple[Fault, Sequence[Edit], str]) -> Examination:
        fault, extra, name = task
        examination = replace(examine(fault, extra), id=name)
        progress(examination)
        return examination

    groups: list[list[tuple[Fault, Sequence[Edit], str]]] = [
        [(f, (), f.id) for f in faults],
        [(by_id[b.fault], b.edits, b.id) for b in broken],
        [(f, (), f.id) for f in right],
        [(e.fault, (), e.fault.id) for e in equivalent],
    ]
    with ThreadPoolExecutor(jobs) as pool:
        autopsies = pool.map(one, [task for group in groups for task in group])
        found = [[next(autopsies) for _ in group] for group in groups]
    return Findings(
        tuple(zip(faults, found[0], strict=True)),
        tuple(zip(broken, found[1], strict=True)),
        tuple(zip(right, found[2], strict=True)),
        tuple(zip(equivalent, found[3], strict=True)),
    )
