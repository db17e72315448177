"""Configurations of training as JSON: read, and validated with every fault at once. Called by both recipes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ncl import strict_json
from ncl.errors import FormatError, NotFoundError
from ncl.training.data import former_names

Config = TypeVar("Config", bound=BaseModel)


def read(name: str, recipes: str) -> Any:
    """What a file holds. `recipes`: what could be named instead. Raises NotFoundError, FormatError."""
    path = Path(name)
    if not path.is_file():
        raise NotFoundError(f"neither a recipe nor a file: {name}", remedy=f"recipes: {recipes}")
    try:
        return strict_json.read(path, "readable JSON", endless=True)
    except FormatError as fault:  # it decides nothing yet: what is wrong with it is a wrong input
        raise FormatError(fault.message, where=name) from fault


def validated(kind: type[Config], data: Any, where: str) -> Config:
    """A configuration of this kind, its fields under current or former names. Raises FormatError with every fault."""
    try:
        if not isinstance(data, dict):
            return kind.model_validate(data)
        # As JSON: there, strict means that a list stands for a tuple, and nothing else for anything else.
        named = former_names.current(data, where, kind.model_fields)
        return kind.model_validate_json(json.dumps(named), strict=True)
    except ValidationError as fault:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'configuration'}: {e['msg']}" for e in fault.errors())
        raise FormatError(faults, where=where, remedy="see docs/training.md") from fault
