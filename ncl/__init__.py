"""NCL, Neurally Compiled Libraries: compile an algorithm to a differentiable program, prove it, let a LLaMA use it.

The public names load their part of the house when first used: `import ncl` alone pulls in no torch and no solver.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ncl.build import Compiled as Compiled
    from ncl.build import compile as compile
    from ncl.language.declare import Array as Array
    from ncl.language.declare import Word as Word
    from ncl.language.declare import program as program

_WHERE = {
    "Array": "ncl.language.declare",
    "Word": "ncl.language.declare",
    "program": "ncl.language.declare",
    "compile": "ncl.build",
    "Compiled": "ncl.build",
    "prove": "ncl.cli.guard",
}
_MODULES = ("library", "errors")

__all__ = ["Array", "Compiled", "Word", "compile", "library", "program", "prove"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"ncl.{name}")
    if name in _WHERE:
        return getattr(import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'ncl' has no attribute {name!r}")
