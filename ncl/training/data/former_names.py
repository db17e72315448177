"""Deprecated names of JSON fields, each with the one that is current.

For one version files that bear them are read, with a warning (FormerName) that names the current ones, and results bear
both names. Called wherever a configuration, the record of a run or an evaluation is read or written.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from typing import Any

from ncl.errors import FormatError, FormerName

FIELDS = {
    "arm": "system", "draw": "data_seed", "singles": "single_calls", "told": "statements", "several": "multiple_lists",
    "chains": "two_calls", "draws": "plan_samples", "silent": "no_call_share", "hide": "feature_dropout",
    "hold": "kl_weight",
}  # fmt: skip
WRITTEN = ("arm",)  # of results, which other programs read


def current(data: Mapping[str, Any], where: str, known: Collection[str]) -> dict[str, Any]:
    """The fields under their current names, as far as those are `known`; others are left alone.

    Raises FormatError where one stands there under both names with two values.
    """
    found, former = dict(data), [name for name in data if FIELDS.get(name) in known]
    for name in former:
        value = found.pop(name)
        if found.setdefault(FIELDS[name], value) != value:
            raise FormatError(f"`{name}` is the former name of `{FIELDS[name]}`, and both are there", where=where)
    if problems := [f"`{name}` is named `{FIELDS[name]}`" for name in former if FIELDS[name] not in data]:
        told = f"{where}: {', '.join(problems)}; the former name works in this version only"
        warnings.warn(told, FormerName, stacklevel=2)
    return found


def former(data: Mapping[str, Any]) -> dict[str, Any]:
    """All fields under their former names: what is digested so has the digest that it always had."""
    names = {FIELDS[name]: name for name in FIELDS}
    return {names.get(name, name): value for name, value in data.items()}


def with_former(data: Mapping[str, Any]) -> dict[str, Any]:
    """A result with its fields under the former names besides, for who reads those."""
    former = {FIELDS[name]: name for name in WRITTEN}
    return {name: value for field, value in data.items() for name in (field, former.get(field, field))}
