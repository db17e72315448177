"""The shipped programs: one readable file each, found by name, read as text and never imported to be compiled.

A file in one of the folders is a program of its own name. `get` gives its typed function, `names` all of them in order,
`examples` the hand-worked examples of its docstring.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ncl.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from ncl.language.program import Value
    from ncl.language.syntax import Function

_HERE = Path(__file__).resolve().parent


def _rooms() -> dict[str, str]:
    """Every program with its folder: each file in a folder here is one. Raises ConfigurationError for a name twice."""
    found: dict[str, str] = {}
    for path in sorted(_HERE.glob("*/*.py")):
        name, room = path.stem, path.parent.name
        if name.startswith("_"):
            continue
        if name in found:
            raise ConfigurationError(
                f"two programs are called {name}", where=f"{found[name]}/{name}.py and {room}/{name}.py",
                remedy="rename one of them",
            )  # fmt: skip
        found[name] = room
    return found


# Where each program stands: the file has the program's name.
ROOMS: dict[str, str] = _rooms()


def names() -> tuple[str, ...]:
    """The names of all shipped programs, in order."""
    return tuple(ROOMS)


@cache
def get(name: str) -> Function:
    """The program of that name. Raises NotFoundError with the names there are."""
    from ncl.language.parse import parse_text
    from ncl.language.reader import read_source
    from ncl.language.remedies import near

    if name not in ROOMS:
        other = near(name, ROOMS)
        raise NotFoundError(
            f"no library program is called {name!r}",
            remedy=f"write {other}"
            if other
            else f"`ncl library` lists them; a file is named with its ending: {name}.py",
        )
    path = _HERE / ROOMS[name] / f"{name}.py"
    # Named from the package's root, so that messages and digests are the same on every machine.
    (function,) = parse_text(read_source(path), f"ncl/library/{ROOMS[name]}/{name}.py", name, at=path)
    return function


def examples(name: str) -> tuple[tuple[list[Value], Value | None], ...]:
    """(arguments, result) of each line `name(arguments) -> result` of the docstring; the result of a trap is None."""
    from ncl.language import examples as reader

    return tuple((e.arguments, e.expected) for e in reader.examples(get(name)))
