"""The second look: what was edited since the gate let it in must be refused, and nothing else.

Works on a watch of its own over a small table, a layer, and the programs of the tampering trials; no model is built.
Called by planted faults and by tests.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from ncl import gate
from ncl.errors import GateRefused
from ncl.verify.certification import trials
from ncl.verify.engine.obligation import Outcome

METHOD = "edits after the gate"


@dataclass
class Watched:
    """What a model would have, and the watch over it."""

    watch: Any
    programs: list[Any]
    settings: dict[str, Any] = field(default_factory=lambda: {"width": 8, "order": [1, 2]})
    tables: dict[str, Tensor] = field(default_factory=lambda: {"table": torch.arange(5), "scale": torch.ones(())})
    layer: nn.Module = field(default_factory=lambda: nn.Linear(2, 2))

    def digest(self) -> str:
        return gate.tensors_digest(dict(self.layer.named_parameters()))

    def look(self) -> None:
        self.watch.look(self.programs, self.settings, self.tables, self.layer, self.digest)


def watched() -> Watched:
    """A watch over what the gate let in."""
    from ncl.llama.computer import permit

    case = trials.honest()
    leave = gate.require(case.artefact, case.certificate, case.policy)
    made = Watched(None, list(case.artefact.programs.values()))
    settings = {name: list(v) if isinstance(v, list) else v for name, v in made.settings.items()}
    made.watch = permit.watch(leave, made.programs, settings, made.tables)
    made.watch.marks, made.watch.backbone = permit.marked(made.layer), made.digest()
    return made


def _weight(made: Watched) -> Tensor:
    return next(made.layer.parameters())


@torch.no_grad()
def _in_place(made: Watched) -> None:
    _weight(made).add_(1)


def _exchanged(made: Watched) -> None:
    made.layer = nn.Linear(2, 2)


def _loaded(made: Watched) -> None:
    made.layer.load_state_dict({name: p + 1 for name, p in made.layer.named_parameters()})


EDITS: tuple[tuple[str, Callable[[Watched], Any]], ...] = (
    ("a table in place", lambda w: w.tables["table"].__setitem__(2, 7)),
    ("a table past torch's counter", lambda w: w.tables["table"].data.__setitem__(2, 7)),
    ("a table through NumPy", lambda w: w.tables["table"].numpy().__setitem__(2, 7)),
    ("a table's sign of zero", lambda w: w.tables.update(scale=-torch.zeros(()))),
    ("a table of another dtype", lambda w: w.tables.update(scale=w.tables["scale"].view(torch.int32))),
    ("a table of another shape", lambda w: w.tables.update(scale=torch.ones(1))),
    ("a table more", lambda w: w.tables.update(more=torch.ones(1))),
    ("a table less", lambda w: w.tables.pop("table")),
    ("a setting", lambda w: w.settings.update(width=9)),
    ("a setting in place", lambda w: w.settings["order"].reverse()),
    ("another program", lambda w: w.programs.__setitem__(0, replace(w.programs[0]))),
    ("programs in another order", lambda w: w.programs.reverse()),
    ("a program less", lambda w: w.programs.pop()),
    ("a weight in place", _in_place),
    ("a layer exchanged", _exchanged),
    ("other weights loaded", _loaded),
)


def _same_again(made: Watched) -> None:
    made.layer.load_state_dict({name: p.clone() for name, p in made.layer.named_parameters()})


HARMLESS: tuple[tuple[str, Callable[[Watched], Any]], ...] = (
    ("nothing", lambda w: None),
    ("an equal table", lambda w: w.tables.update(table=torch.arange(5))),
    ("the same weights again", _same_again),
)


@contextmanager
def later(origin: str) -> Iterator[None]:
    """A module of NCL that is in memory for a while, as if it had come from there."""
    module = ModuleType("ncl._later")
    module.__spec__ = ModuleSpec(module.__name__, None, origin=origin)
    sys.modules[module.__name__] = module
    try:
        yield
    finally:
        del sys.modules[module.__name__]


def check() -> Outcome:
    """Every edit is refused, and what is as it was is not."""
    for name, change in EDITS:
        made = watched()
        change(made)
        if not _refuses(made):
            return Outcome("refuted", METHOD, detail=f"{name}: not seen")
    for name, change in HARMLESS:
        made = watched()
        change(made)
        if _refuses(made):
            return Outcome("refuted", METHOD, detail=f"{name}: refused")
    made = watched()
    with later("/elsewhere/later.py"):
        if not _refuses(made):
            return Outcome("refuted", METHOD, detail="a module that came later from elsewhere: not seen")
    return Outcome("tested", METHOD, f"{len(EDITS) + 1} edits", limits={"trials": len(EDITS) + 1})


def _refuses(made: Watched) -> bool:
    try:
        made.look()
    except GateRefused:
        return True
    return False
