"""The one guard through which the doors reach up to `verify` and `properties`.

Those names are common: a user's repository may hold a folder of the same name that Python finds first. Then say so,
instead of failing somewhere inside a stranger's code.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import ncl
from ncl.errors import ShadowedPackageError

HOME = Path(ncl.__file__).resolve().parent.parent


def load(name: str) -> ModuleType:
    """Import `verify.…` or `properties.…` from NCL's own distribution, or raise ShadowedPackageError."""
    root = name.partition(".")[0]
    try:
        package = import_module(root)
    except ModuleNotFoundError as fault:
        raise ShadowedPackageError(f"NCL's package `{root}` is missing", remedy="reinstall NCL") from fault
    found = [Path(place).resolve() for place in package.__path__] if hasattr(package, "__path__") else []
    if HOME / root not in found:
        place = getattr(package, "__file__", None) or ", ".join(map(str, found))
        raise ShadowedPackageError(
            f"Python finds another `{root}` before NCL's",
            where=str(place),
            remedy=f"run from another folder, or take that folder off PYTHONPATH; NCL's lies in {HOME / root}",
        )
    return import_module(name)


def check_model(model: Any, program: Any, *given: Any, **options: Any) -> Any:
    """`ncl.check_model`: does any callable compute what a program means? See `properties.conformance.check_model`."""
    return load("properties.conformance").check_model(model, program, *given, **options)


def prove(compiled: Any, **options: Any) -> Any:
    """`ncl.prove`: every obligation of one compiled program; see `verify.prove.prove`."""
    return load("verify.prove").prove(compiled, **options)
