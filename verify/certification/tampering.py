"""The gate against tampering: each trial spoils one thing about an artefact or its certificate, and must be refused.

The trials (`trials`) go through the gate as it is installed, and policies that ask for nothing through its reader.
Artefacts, sources and modules that change behind the gate must be noticed when it looks again. Run as the obligation
`gate/refusals`.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from importlib.machinery import ModuleSpec
from importlib.util import MAGIC_NUMBER
from pathlib import Path
from types import ModuleType
from typing import Any

from ncl import certificate as record
from ncl import gate
from ncl.build import Artefact
from ncl.certificate import Certificate
from ncl.errors import GateRefused, NclError
from ncl.sources import copy_to
from ncl.verify.certification import weak_policies
from ncl.verify.certification.trials import TRIALS, Case, Trial, dropped, honest
from ncl.verify.engine.counterexample import SCHEMA, Replayed
from ncl.verify.engine.obligation import Outcome

METHOD = "tampering trials through the gate"
# Whose edits need not void a certificate; written down apart from the table by which files are digested.
SPARED = (
    "ncl/cli/output.py", "ncl/py.typed", "ncl/training/evaluation/natural.html", "ncl/training/evaluation/page.html",
    "ncl/training/evaluation/plot.py", "ncl/training/evaluation/report.html", "ncl/training/evaluation/report.py",
    "ncl/training/from_scratch/report.py", "ncl/training/pretrained/report.py",
    "ncl/verify/certification/library_page.py",
)  # fmt: skip


def fault_of(trial: Trial, case: Case) -> str:
    """What is wrong with how the gate took the trial; empty when it was refused for the right reason."""
    with tempfile.TemporaryDirectory(prefix="ncl-trial-") as name:
        try:
            spoiled = trial.spoil(replace(case, folder=Path(name)))
            gate.require(spoiled.artefact, spoiled.certificate, spoiled.policy, **spoiled.options)
        except GateRefused as refusal:
            if "\n" in refusal.message or refusal.exit_code != 1:
                return "not refused in one line with exit code 1"
            if trial.reason in refusal.message:
                return ""
            return f"refused for {refusal.message!r}, expected {trial.reason!r}"
    return "let through"


def check() -> Outcome:
    """Every trial is refused, the honest artefact is not, and every source file is in some room's digest."""
    case = honest()
    try:
        permit = gate.require(case.artefact, case.certificate, case.policy, executor="integer", device="cpu")
        with tempfile.TemporaryDirectory(prefix="ncl-trial-") as name:
            permit.recheck(Artefact.load(case.artefact.save(Path(name) / "artefact")))
    except NclError as refusal:
        return _refuted("the honest artefact", f"refused: {refusal.message}")
    trials = (*TRIALS, *dropped(case))
    for trial in trials:
        if fault := fault_of(trial, case):
            return _refuted(trial.name, fault)
    if (
        fault := _unmissed(case)
        or _unseen_change(permit, case)
        or _unseen_module(case)
        or weak_policies.accepted()
        or _unseen_source()
    ):
        return _refuted("the gate", fault)
    bound = (
        f"{len(trials)} tamperings and {len(weak_policies.WEAK)} hollow policies refused, each obligation missed, "
        "each edited source seen; the honest one passes"
    )
    return Outcome("tested", METHOD, bound, limits={"trials": len(trials)})


def _unmissed(case: Case) -> str:
    """An obligation, of all that there are to show, that the gate does not miss."""
    assert isinstance(case.certificate, Certificate)
    required, rows = gate.required_obligations(case.artefact, case.policy), case.certificate.obligations
    for row in rows:
        if gate.unmet(required, [o for o in rows if o.id != row.id]) != [f"obligation {row.id} is missing"]:
            return f"{row.id} may be left out"
    return ""


def _unseen_change(permit: gate.Permit, case: Case) -> str:
    """What a permit's second look does not see."""
    for trial in (t for t in TRIALS if t.reason.startswith(("tensors", "programs count", "witnesses"))):
        with tempfile.TemporaryDirectory(prefix="ncl-trial-") as name:
            spoiled = trial.spoil(replace(case, folder=Path(name)))
        if isinstance(spoiled.certificate, Certificate) and spoiled.certificate == case.certificate:
            try:
                permit.recheck(spoiled.artefact, spoiled.options.get("tensors"))
            except GateRefused:
                continue
            return f"{trial.name} is not seen when the permit looks again"
    return ""


def _unseen_source() -> str:
    """A shipped file whose change no digest shows, or shows in another room than its own."""
    with tempfile.TemporaryDirectory(prefix="ncl-trial-") as name:
        root = Path(name)
        copy_to(root)
        before = record.source_digests(root)
        for number, file in enumerate(shipped(root)):
            edit(file, number % 2 == 0)
            after = record.source_digests(root)
            path = file.relative_to(root).as_posix()
            changed, wanted = [r for r in before if before[r] != after[r]], room_of(path)
            if changed != [wanted]:
                return f"an edit of {path} shows in {changed or 'no digest'}, not in {wanted}"
            before = after
        shutil.rmtree(root / "ncl" / "llama")
        try:
            record.source_digests(root)
        except GateRefused:
            return ""
        return "a room that is not there is digested all the same"


def _unseen_module(case: Case) -> str:
    """A module from elsewhere, or one compiled of another source, that the gate does not see."""
    here = Path(record.__file__).resolve()
    with tempfile.TemporaryDirectory(prefix="ncl-trial-") as name:
        stale = Path(name) / "stale.pyc"
        stale.write_bytes(MAGIC_NUMBER + (1).to_bytes(4, "little") + b"another!")  # PEP 552: a hash, never compared
        for origin, cached, told in ((f"{name}/vote.py", None, "comes from"), (str(here), str(stale), "runs from")):
            module = ModuleType("ncl._stranger")
            module.__spec__ = ModuleSpec(module.__name__, None, origin=origin)
            module.__spec__.cached = cached
            sys.modules[module.__name__] = module
            try:
                gate.require(case.artefact, case.certificate, case.policy)
            except GateRefused as refusal:
                if told in refusal.message:
                    continue
            finally:
                del sys.modules[module.__name__]
            return f"a module that {told} elsewhere is let in"
    return ""


def shipped(root: Path) -> list[Path]:
    """Every file of a copy whose edit must void a certificate."""
    files = [Path(folder, name) for folder, _, names in os.walk(root) for name in names]
    return sorted(f for f in files if f.relative_to(root).as_posix() not in SPARED and "__pycache__" not in f.parts)


def edit(file: Path, longer: bool) -> None:
    """A line more, or one sign exchanged for another."""
    body = file.read_bytes()
    middle = len(body) // 2
    file.write_bytes(body + b"\n" if longer else body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :])


def room_of(path: str) -> str:
    """The room that must show it, by its folder."""
    package, *inner = path.split("/")
    return package if len(inner) == 1 else inner[0]


def _refuted(trial: str, fault: str) -> Outcome:
    case = {"schema": SCHEMA, "kind": "gate", "trial": trial}
    return Outcome("refuted", METHOD, detail=f"{trial}: {fault}", counterexample=case)


def replay(case: Mapping[str, Any]) -> Replayed:
    """All trials once more: the first fault may by now be another one."""
    outcome = check()
    return Replayed(outcome.verdict != "tested", f"tampering, {case['trial']}", "refused", outcome.detail or "refused")


__all__ = ["check", "replay"]
