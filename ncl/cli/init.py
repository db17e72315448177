"""`ncl init`: a project that is ready to be worked in, of files that belong to its user from then on."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib import metadata, resources
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from ncl import atomic
from ncl.cli.output import Json, emit
from ncl.errors import InputError

DISTRIBUTION = "neurally-compiled-libraries"
# Each file of the project, and the template beside this module from which it is made.
FILES = {
    "programs/arrays.py": "arrays.py.template",
    "tests/test_arrays.py": "test_arrays.py.template",
    "pyproject.toml": "pyproject.toml.template",
    "requirements.txt": "requirements.txt.template",
    "tox.ini": "tox.ini.template",
    ".github/workflows/ncl.yml": "ncl.yml.template",
    ".pre-commit-config.yaml": "pre-commit-config.yaml.template",
    ".gitignore": "gitignore.template",
}
NEXT = (
    "ncl run programs/arrays.py:largest '[3, 17, 5]'",
    "ncl verify programs/arrays.py",
    "pip install tox && tox",
)


def init(
    folder: Annotated[Path, typer.Argument(help="Created if it does not exist; may hold other files.")] = Path("."),
    add_missing: Annotated[
        bool, typer.Option("--add-missing", help="Leave files that exist as they are and add the rest.")
    ] = False,
    requirement: Annotated[
        str | None,
        typer.Option(help="What tox and CI install as NCL, as pip takes it. Default: what is installed here."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a project: programs with contracts, tests, tox.ini, a workflow for GitHub, a pre-commit hook, settings.

    Nothing that exists is changed: where one of the files is there already, nothing at all is written.

    Example: ncl init my-algorithms
    """
    asked = installed_requirement() if requirement is None else _one_line(requirement)
    texts = {name: template(name).replace("@REQUIREMENT@", asked) for name in FILES}
    kept = _there(folder, texts)
    if kept and not add_missing:
        raise InputError(
            f"there already: {', '.join(kept)}; nothing was written", where=str(folder),
            remedy="choose another folder, or give --add-missing to leave them as they are and add the rest",
        )  # fmt: skip
    fresh = {name: text for name, text in texts.items() if name not in kept}
    try:
        _write(folder, fresh)
    except OSError as fault:
        raise InputError(f"cannot write: {fault.strerror}", where=str(fault.filename or folder)) from fault
    if as_json:
        emit({"folder": str(folder), "created": list(fresh), "kept": kept, "requirement": asked, "next": list(NEXT)})
    else:
        _tell(folder, fresh, kept, asked)


def template(name: str) -> str:
    """The text of a file of the project, with @REQUIREMENT@ for what is to be installed."""
    return (resources.files("ncl.cli") / "project" / FILES[name]).read_text(encoding="utf-8")


def installed_requirement() -> str:
    """NCL as pip would install it again: from where it came, or else by its version."""
    found = metadata.distribution(DISTRIBUTION)
    try:
        origin = json.loads(found.read_text("direct_url.json") or "null") or {}
        url, repository = origin.get("url"), origin.get("vcs_info")
    except (ValueError, AttributeError):
        url, repository = None, None
    if url and repository:
        return f"{DISTRIBUTION} @ {repository['vcs']}+{url}@{repository['commit_id']}"
    return f"{DISTRIBUTION} @ {url}" if url else f"{DISTRIBUTION}=={found.version}"


def _one_line(requirement: str) -> str:
    if not requirement.strip() or not requirement.isprintable():
        raise InputError("expected one line that pip takes", where="--requirement", remedy=f"such as {DISTRIBUTION}")
    return requirement.strip()


# --- writing ---------------------------------------------------------------------------------------------------------


def _there(folder: Path, names: Iterable[str]) -> list[str]:
    """Those names at which something is, whatever it is. Raises InputError where a folder would have to replace it."""
    for place in (folder, *(folder / part for name in names for part in PurePosixPath(name).parents)):
        if os.path.lexists(place) and not place.is_dir():
            raise InputError("this is no folder, and one is needed here; nothing was written", where=str(place))
    return [name for name in names if os.path.lexists(folder / name)]


def _write(folder: Path, texts: dict[str, str]) -> None:
    """All of them or none. What is made meanwhile by somebody else is not written over either."""
    if not texts:
        return
    with _taken_back() as made, atomic.workspace(_nearest(folder)) as whole:
        for number, text in enumerate(texts.values()):
            atomic.write_text(whole / str(number), text)
        for number, name in enumerate(texts):
            place = folder / name
            for parent in reversed(place.parents):
                if not parent.exists():
                    parent.mkdir()
                    made.append(parent)
            _put(whole / str(number), place)
            made.append(place)


def _nearest(folder: Path) -> Path:
    """The folder, or what it will be made in: both are on one disk."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder


def _put(fresh: Path, place: Path) -> None:
    """Raises FileExistsError where something is; a rename would put itself in its place."""
    try:
        os.link(fresh, place)
    except FileExistsError:
        raise
    except (OSError, AttributeError):  # a file system, or a system, without links
        if os.path.lexists(place):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(place)) from None
        atomic.write_bytes(place, fresh.read_bytes())


@contextmanager
def _taken_back() -> Iterator[list[Path]]:
    """Yields the list of what was made; all of it goes again when the block does not end well."""
    made: list[Path] = []
    try:
        yield made
    except BaseException:
        for place in reversed(made):
            with suppress(OSError):  # a folder that holds what somebody else has put there stays
                if place.is_dir():
                    place.rmdir()
                else:
                    place.unlink()
        raise


# --- telling ---------------------------------------------------------------------------------------------------------


def _tell(folder: Path, fresh: Iterable[str], kept: list[str], requirement: str) -> None:
    for name in fresh:
        print(f"made {folder / name}")
    for name in kept:
        print(f"left as it is: {folder / name}")
    if "pyproject.toml" in kept:
        print(f"\nTo {folder / 'pyproject.toml'} belongs, where it is not there yet:\n\n{template('pyproject.toml')}")
    if "file:" in requirement:
        print(f"\nrequirements.txt names a place of this machine, which CI has not: {requirement}")
    print("\nnext:" if folder == Path() else f"\nnext, in {folder}:")
    for command in NEXT:
        print(f"  {command}")
