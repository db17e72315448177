"""Deprecated names on the command line: flags that `--help` does not show, and fields of files, as lines on stderr.

Each is accepted for one version. Called by the commands that had other flags, and by `main`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, TextIO, TypeVar

import typer

from ncl.cli.output import tell
from ncl.errors import FormerName, InputError

Value = TypeVar("Value")
Arm = Annotated[str | None, typer.Option("--arm", hidden=True)]
Arms = Annotated[list[str] | None, typer.Option("--arm", hidden=True)]
ArmN = Annotated[int | None, typer.Option("--arm-n", min=1, hidden=True)]
Most = Annotated[int | None, typer.Option("--most", min=1, hidden=True)]
ArmLengths = Annotated[list[int] | None, typer.Option("--arm-length", min=1, hidden=True)]


def current(name: str, value: Value | None, former: str, given: Value | None) -> Value | None:
    """What was given under the current or the former name. Raises InputError for both at once."""
    if given in (None, []):
        return value
    if value not in (None, []):
        raise InputError(f"this is the former name of {name}, and both are there", where=former)
    tell(f"ncl: {former} is named {name}; the former name works in this version only")
    return given


@contextmanager
def reported() -> Iterator[None]:
    """Within, fields of files under a former name are lines on stderr, each once."""
    said = set[str]()
    with warnings.catch_warnings():
        warnings.simplefilter("always", FormerName)
        show = warnings.showwarning

        def tell_once(
            message: Warning | str, category: type[Warning], filename: str, lineno: int,
            file: TextIO | None = None, line: str | None = None,
        ) -> None:  # fmt: skip
            if not issubclass(category, FormerName):
                show(message, category, filename, lineno, file, line)
            elif str(message) not in said:
                said.add(str(message))
                tell(f"ncl: {message}")

        warnings.showwarning = tell_once
        yield
