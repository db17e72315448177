"""Policies that ask for nothing while they look like policies: each must be refused when it is read.

A literal table of edits of the default policy. Called by `tampering`, as a part of `gate/refusals`, and by tests.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ncl import gate
from ncl.errors import FormatError

Data = dict[str, Any]


def _rule(data: Data, template: str) -> Data:
    found: Data = next(row for row in data["obligations"] if row["id"] == template)
    return found


def _sets(template: str, **changes: Any) -> Callable[[Data], None]:
    return lambda data: _rule(data, template).update(changes)


def _adds(template: str, accept: list[str], last: bool = True, **more: Any) -> Callable[[Data], None]:
    def change(data: Data) -> None:
        data["obligations"].insert(len(data["obligations"]) if last else 0, {"id": template, "accept": accept, **more})

    return change


def _drops(template: str) -> Callable[[Data], None]:
    return lambda data: data["obligations"].remove(_rule(data, template))


def _renames(template: str, name: str) -> Callable[[Data], None]:
    return _sets(template, id=name)


_SOURCE, _STEP, _CIRCUIT, _COMPILED = (
    "source/{program}", "step/{component}", "circuit-integer/{word_op}", "compiled/{program}",
)  # fmt: skip

# name → the edit; `told` must stand in the refusal.
WEAK: tuple[tuple[str, str, Callable[[Data], Any]], ...] = (
    ("source may be tested", f"{_SOURCE} must be proved", _sets(_SOURCE, accept=["tested"])),
    ("source may be bounded", f"{_SOURCE} must be proved", _sets(_SOURCE, accept=["proved", "proved-bounded"])),
    ("step may be tested", f"{_STEP} must be proved", _sets(_STEP, accept=["proved", "tested"])),
    ("compiled may be tested", f"{_COMPILED} must be proved", _sets(_COMPILED, accept=["tested", "proved"])),
    ("circuits may be tested", f"{_CIRCUIT} must be proved or", _sets(_CIRCUIT, accept=["proved", "tested"])),
    ("circuits of one bit", "must reach at least width 10", _sets(_CIRCUIT, at_least={"width": 1})),
    ("circuits without a bound", "must reach at least width 10", _sets(_CIRCUIT, at_least={})),
    ("circuits bounded by another number", "must reach", _sets(_CIRCUIT, at_least={"enumerated_width": 10})),
    ("a bound of 0", "below 1", _sets("loop/{opcode}", at_least={"samples": 0})),
    ("a bound below 0", "below 1", _sets("cross-check/{program}", at_least={"length": -5})),
    ("no bound where tests do", "without a bound", _sets("loop/{opcode}", at_least={})),
    ("a bound of a number that nobody reports", "it reports no", _sets("loop/{opcode}", at_least={"sampels": 9})),
    ("a later rule for the same places", "two rules", _adds(_SOURCE, ["proved"])),
    ("an earlier rule for the same places", "two rules", _adds(_SOURCE, ["tested"], last=False)),
    ("a rule for one of the floor", "two rules", _adds("step/pc", ["proved", "tested"])),
    ("an earlier rule for one of the floor", "two rules", _adds("step/pc", ["tested"], last=False)),
    ("a rule for one program of the floor", "two rules", _adds("source/reverse", ["tested"])),
    ("a rule for one executor of all", "two rules",
     _adds("executor/integer/{program}", ["tested"], at_least={"samples": 1})),
    ("a rule for one program and all executors", "two rules",
     _adds("executor/{executor}/count", ["tested"], at_least={"samples": 1})),
    ("the floor by one of its members", "may leave out source/{program}", _renames(_SOURCE, "source/reverse")),
    ("a star for everything", "no obligation is called *", _adds("*", ["tested"])),
    ("a star in a rule", "no obligation is called step/*", _renames(_STEP, "step/*")),
    ("a prefix", "no obligation is called step/", _renames(_STEP, "step/")),
    ("a capital letter", "no obligation is called Step/{component}", _renames(_STEP, "Step/{component}")),
    ("a blank behind", "no obligation is called step/{component} ", _renames(_STEP, "step/{component} ")),
    ("a letter that looks alike", "no obligation is called s\\u0442ep", _renames(_STEP, "s\u0442ep/{component}")),
    ("a place inside a name", "no obligation is called", _renames(_SOURCE, "source/x{program}")),
    ("an obligation that never occurs", "no obligation is called", _adds("proof/{program}", ["proved"])),
    ("an operation that is none", "no obligation is called", _renames("golden/{opcode}", "golden/nothing")),
    ("no verdict", "`accept` may name", _sets("golden/{opcode}", accept=[])),
    ("a verdict twice", "`accept` may name", _sets("golden/{opcode}", accept=["tested", "tested"])),
    *((f"{verdict!r} does", "`accept` may name", _sets("golden/{opcode}", accept=["tested", verdict]))
      for verdict in ("unknown", "vacuous", "skipped", "refuted", "Proved", "proved ", "")),
    ("verdicts as one text", "is no list", _sets(_SOURCE, accept="proved")),
    ("no rule", "may leave out", lambda data: data.update(obligations=[])),
    *((f"without {template}", f"may leave out {template}", _drops(template))
      for template in (_SOURCE, _STEP, _CIRCUIT, _COMPILED)),
    ("no executor", "no executor is named", lambda data: data.update(executors=[])),
    ("an executor that is none", "no executor is called", lambda data: data.update(executors=["Integer"])),
    ("an executor twice", "twice", lambda data: data.update(executors=["integer", "integer"])),
    ("no version", "the version of python, torch", lambda data: data.update(versions=[])),
    ("a version of no distribution", "no version is called", lambda data: data["versions"].append("Torch")),
    ("a bound that is true", "whole numbers", _sets("loop/{opcode}", at_least={"samples": True})),
    ("a bound in words", "whole numbers", _sets("loop/{opcode}", at_least={"samples": "200"})),
    ("a schema that is true", "schema True", lambda data: data.update(schema=True)),
    ("a key more", "unknown keys", lambda data: data.update(skip=[_SOURCE])),
    ("a key more in a rule", "unknown keys", _sets(_SOURCE, unless="slow")),
)  # fmt: skip


def refusal(change: Callable[[Data], Any]) -> FormatError | None:
    """How the default policy with this edit is refused; None when it is taken for one."""
    data = json.loads(gate.DEFAULT_POLICY.read_text(encoding="utf-8"))
    change(data)
    with tempfile.TemporaryDirectory(prefix="ncl-trial-") as name:
        file = Path(name) / "policy.json"
        file.write_text(json.dumps(data), encoding="utf-8")
        try:
            gate.read_policy(file)
        except FormatError as fault:
            return fault
    return None


def accepted() -> str:
    """The first hollow policy that is not refused for what it is; empty when all are."""
    for name, told, change in WEAK:
        fault = refusal(change)
        if fault is None or told not in fault.message or "\n" in fault.message:
            return f"a hollow policy ({name}): {fault.message if fault else 'taken for one'}"
    return ""
