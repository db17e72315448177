"""`[tool.ncl]` of a user's pyproject.toml: what options are where the command line does not say them.

The first pyproject.toml with such a table counts, from the folder where the command runs upwards. A policy and what is
compared are never read from there: what decides whether a build passes comes from the caller. Called by `main` and
the pytest plugin.
"""

from __future__ import annotations

import tomllib
from math import isfinite
from pathlib import Path
from typing import Any

from ncl.errors import FormatError, InputError

EVERYWHERE = ("width", "memory", "registers", "frame", "depth", "jobs")
KEYS = (*EVERYWHERE, "budget")  # of `ncl verify`; that of `run` and `trace` is in ticks
_MARK = b"tool.ncl"


def settings(start: Path) -> tuple[Path | None, dict[str, int | float]]:
    """The file and its table; None and nothing where no pyproject.toml has one.

    Raises FormatError for what is no TOML and InputError for a key or value that means nothing.
    """
    for folder in (start, *start.parents):
        file = folder / "pyproject.toml"
        if (table := _table(file)) is not None:
            return file, _checked(file, table)
    return None, {}


def _table(file: Path) -> Any:
    try:
        data = file.read_bytes()
    except OSError:
        return None
    if _MARK not in data:
        return None
    try:
        document = tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise FormatError(f"no TOML: {fault}", where=str(file)) from fault
    return document.get("tool", {}).get("ncl")


def _checked(file: Path, table: Any) -> dict[str, int | float]:
    where = f"{file}: [tool.ncl]"
    if not isinstance(table, dict):
        raise InputError("expected a table", where=where)
    for key, value in table.items():
        if key not in KEYS:
            raise InputError(f"`{key}` is no setting", where=where, remedy=f"settings are {', '.join(KEYS)}")
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole and not (key == "budget" and isinstance(value, float) and isfinite(value)):
            raise InputError(f"`{key}` is a number, got {value!r}", where=where)
    return table


def defaults(group: Any, start: Path) -> dict[str, dict[str, int | float]]:
    """The same by command of a click group and name of its option; each value is one that the option takes."""
    file, table = settings(start)
    found: dict[str, dict[str, int | float]] = {}
    for name, command in group.commands.items():
        options = {p.name: p for p in command.params if p.name in EVERYWHERE or (name, p.name) == ("verify", "budget")}
        found[name] = {key: value for key, value in table.items() if key in options}
        for key, value in found[name].items():
            _demand_taken(options[key], value, f"{file}: [tool.ncl]")
    return found


def _demand_taken(option: Any, value: int | float, where: str) -> None:
    kind = getattr(option, "type", option)  # where the bounds are depends on typer's version
    low, high = getattr(kind, "min", None), getattr(kind, "max", None)
    if (low is not None and value < low) or (high is not None and value > high):
        raise InputError(f"`{option.name}` is {value}, expected {low} to {high}", where=where)
