"""The one writer of files and folders: whole or not at all, at whatever moment the process is killed.

Everything is made beside its place under a name that ends in `TEMPORARY`, flushed to the disk and renamed. A folder
changes places with the earlier one in a single step where the system can, else the earlier one is set aside under a
name that says where it belongs. While something is made, its parent folder is held by a shared lock: what lies there
under such a name while nobody holds it was left by a process that was killed, and `sweep`, which every writing begins
with, removes it or puts it back. Modes follow the umask; what a link points to is written, and a device is written to.

Called by all that writes. Raises OSError; callers say what that means for them.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ncl.errors import NclError

if sys.platform != "win32":
    import fcntl

TEMPORARY = ".ncl-tmp"
_ASIDE = f".aside{TEMPORARY}"  # what was at a place while the new folder is put there
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD, RENAME_EXCHANGE


def write_text(path: Path, text: str) -> None:
    """In UTF-8."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """The file is the old one or the whole new one."""
    with file(path) as fresh:
        fresh.write_bytes(data)


@contextmanager
def file(path: Path) -> Iterator[Path]:
    """Yields where to write what becomes the file `path` when the block ends well."""
    if is_stream(path):
        yield path
        return
    path = Path(os.path.realpath(path))
    with _held(path.parent):
        fresh = _beside(path)
        try:
            fresh.touch(exist_ok=False)
            mode = fresh.stat().st_mode
            yield fresh
            os.chmod(fresh, mode)  # who writes it may have made it anew
            _flush(fresh)
            os.replace(fresh, path)
            _flush(path.parent)
        except BaseException as fault:
            fresh.unlink(missing_ok=True)
            _raise_as_the_systems(fault, path)
            raise


def _raise_as_the_systems(fault: BaseException, path: Path) -> None:
    """As OSError what safetensors (in Rust) reports of a full disk or a lost permission as an error of its own."""
    if not isinstance(fault, OSError | NclError) and (number := re.search(r"\(os error (\d+)\)", str(fault))):
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from fault


def is_stream(path: Path) -> bool:
    """Whether a device, a pipe or a stream of this process is there: written to as it stands, never replaced."""
    return str(path).startswith(("/dev/", "/proc/")) or (path.exists() and not path.is_file() and not path.is_dir())


@contextmanager
def folder(place: Path) -> Iterator[Path]:
    """Yields a folder, empty, that replaces `place` with all that is in it when the block ends well."""
    place = Path(os.path.realpath(place))
    with _held(place.parent):
        fresh = _beside(place)
        fresh.mkdir()
        try:
            yield fresh
            mode = fresh.stat().st_mode & 0o666
            for path in (*fresh.rglob("*"), fresh):
                if path.is_file():
                    os.chmod(path, mode)
                _flush(path)
            put(fresh, place)
            _flush(place.parent)
        except Exception as fault:
            _raise_as_the_systems(fault, place)
            raise
        finally:
            shutil.rmtree(fresh, ignore_errors=True)  # what was there before, or what was not finished


@contextmanager
def workspace(parent: Path) -> Iterator[Path]:
    """Yields a folder inside `parent` for the time of the block; a later writer removes what a killed one left."""
    parent = Path(os.path.realpath(parent))
    with _held(parent):
        made = _beside(parent / "work")
        made.mkdir()
        try:
            yield made
        except Exception as fault:
            _raise_as_the_systems(fault, parent)
            raise
        finally:
            shutil.rmtree(made, ignore_errors=True)


def probe(path: Path) -> None:
    """Raise OSError when no file could be written at `path`. Makes no folder and leaves nothing.

    Where folders are missing, the nearest that exists is tried: the others would be made in it.
    """
    if is_stream(path):
        if not os.access(path, os.W_OK):
            raise PermissionError(13, os.strerror(13), str(path))
        return
    place = path.parent
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    for part in path.parts[len(place.parts) if place != Path() else 0 :]:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.lstat(place / part)  # a name that is too long
    with _swept(place):
        beside = _beside(place / "probe")
        os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        beside.unlink()


def sweep(parent: Path) -> None:
    """Remove what killed writers left in this folder, and put back what they had set aside; not while others write."""
    with contextlib.suppress(OSError), _locked(parent, alone=True):
        _clear(parent)


def recover(place: Path) -> None:
    """Called before a folder is read: put it back where a writer was killed while it was set aside."""
    place = Path(os.path.realpath(place))
    if not place.exists() and _aside(place).exists():
        sweep(place.parent)


# --- putting in place ------------------------------------------------------------------------------------------------


def put(fresh: Path, place: Path) -> None:
    """Rename a file or folder that is whole; an earlier folder there is at `fresh` afterwards, or gone."""
    if not place.exists() or not place.is_dir():
        os.replace(fresh, place)
    elif not _exchanged(fresh, place):
        aside = _aside(place)
        shutil.rmtree(aside, ignore_errors=True)
        os.replace(place, aside)
        try:
            os.replace(fresh, place)
        except OSError:
            os.replace(aside, place)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Whether the two have changed places; False where the system or the file system cannot."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    if rename is None:
        return False
    return rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), ctypes.c_uint(_EXCHANGE)) == 0


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}{TEMPORARY}")


def _aside(place: Path) -> Path:
    return place.with_name(f".{place.name}{_ASIDE}")


def _flush(path: Path) -> None:
    """Onto the disk, so that a crash of the machine does not leave a name without its bytes."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        if not path.is_dir():  # some file systems cannot flush a folder
            raise
    finally:
        os.close(handle)


# --- what killed writers leave ---------------------------------------------------------------------------------------


@contextmanager
def _held(parent: Path) -> Iterator[None]:
    """Made where it is not there, swept, and then held against sweeping by others."""
    parent.mkdir(parents=True, exist_ok=True)
    with _swept(parent):
        yield


@contextmanager
def _swept(parent: Path) -> Iterator[None]:
    sweep(parent)
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # a file system without locks is one in which nothing is swept either
            stack.enter_context(_locked(parent, alone=False))
        yield


@contextmanager
def _locked(parent: Path, alone: bool) -> Iterator[None]:
    """`alone`: raises OSError at once where anyone else holds it."""
    if sys.platform == "win32":
        raise OSError("a folder cannot be locked here")
    handle = os.open(parent, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def _clear(parent: Path) -> None:
    for path in sorted(parent.glob(f".*{TEMPORARY}")):
        place = path.with_name(path.name[1 : -len(_ASIDE)]) if path.name.endswith(_ASIDE) else None
        if place is not None and not place.exists():
            os.replace(path, place)
        elif path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
