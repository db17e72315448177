"""Files that are whole or not there: written beside their place, then renamed onto it, with the mode that umask gives.

What is no regular file (a pipe, `/dev/stdout`) is written to as it stands; renaming over it would take it away. Called
by whoever leaves a file behind; standard library only.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def fresh(path: Path) -> Iterator[Path]:
    """A new empty file in the folder of `path`, which becomes `path` when all went well and else is gone.

    Missing folders are made. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name[:80]}.{secrets.token_hex(6)}.tmp")
    # `tempfile` makes files that nobody else may read, and so they would stay.
    os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield beside
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_whole(path: Path, text: str) -> None:
    """Text as UTF-8: a reader sees the old file or the whole new one. Raises OSError."""
    body = text.encode("utf-8")
    if is_special(path):
        with open(path, "wb") as file:
            file.write(body)
        return
    with fresh(path) as beside, open(beside, "wb") as file:
        file.write(body)
        _settle(file)


def is_special(path: Path) -> bool:
    """Whether something is there that is neither a regular file nor a folder, or a link to a stream of this process."""
    if str(path).startswith(("/dev/", "/proc/")):
        return True
    return path.exists() and not path.is_file() and not path.is_dir()


def probe(path: Path) -> None:
    """Raise OSError when no file could be written at `path`. Makes no folder and leaves nothing.

    Where folders are missing, the nearest that exists is asked: the others would be made in it.
    """
    if is_special(path):
        if not os.access(path, os.W_OK):
            raise PermissionError(13, os.strerror(13), str(path))
        return
    place = path.parent
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    for part in path.parts[len(place.parts) if place != Path() else 0 :]:
        with suppress(FileNotFoundError, NotADirectoryError):
            os.lstat(place / part)  # a name that is too long
    beside = place / f".{secrets.token_hex(6)}.tmp"
    os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    beside.unlink()


def _settle(file: BinaryIO) -> None:
    """On disk before it is renamed, so that a power cut leaves no empty file under the new name."""
    file.flush()
    os.fsync(file.fileno())
