"""The sources that run, and their digests: every file of every package of NCL, found where Python finds it.

A digest covers a *room*: a folder of `ncl`, or the files directly in `ncl`. Nothing is listed by hand but what is
exempt, with the reason; a room that is not there is refused, so that nothing is covered only in name. Called by the
certificate, the gate, the cache of proofs, and whoever plants faults in a copy.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Collection
from importlib import util
from importlib.util import MAGIC_NUMBER, find_spec
from pathlib import Path, PurePosixPath
from types import ModuleType

from ncl.digests import files_digest
from ncl.errors import GateRefused

# What Python imports (an extension or a compiled file beside a source would be imported instead of it), and data.
SUFFIXES = (".py", ".pyc", ".so", ".pyd", ".json", ".html", ".template")
CORE = "ncl"  # the room of the files directly in `ncl`
# The folders that `ncl` must have. Those apart lie beside `ncl` in the repository, and Python may find them there.
WITHIN = ("language", "library", "compiler", "machine", "llama", "training", "cli")
APART = ("verify", "properties")
ROOMS = (CORE, *WITHIN, *APART)

# Files whose edit voids no certificate. Everything else is covered.
EXEMPT: dict[str, str] = {
    "ncl/cli/output.py": "writes tables, progress and messages from what others found",
    "ncl/training/evaluation/natural.html": "a page that shows what was measured",
    "ncl/training/pretrained/report.py": "fills the page of a pretrained one",
    "ncl/training/evaluation/page.html": "the frame of both pages",
    "ncl/training/evaluation/plot.py": "draws what was measured",
    "ncl/training/evaluation/report.html": "a page that shows what was measured",
    "ncl/training/evaluation/report.py": "fills both pages",
    "ncl/training/from_scratch/report.py": "fills the page of a model from scratch",
    "ncl/verify/certification/library_page.py": "writes a page of the documentation",
}
REMEDY = "install NCL anew, unpacked and whole: `pip install .` in its folder"


def source_digests(root: Path | None = None) -> dict[str, str]:
    """Room → digest of its files. `root` is a folder that holds the packages; by default, those that run.

    Raises GateRefused when a room is not there, or is not a folder of files.
    """
    rooms: dict[str, list[tuple[str, Path]]] = {room: [] for room in ROOMS}
    places = homes() if root is None else homes_in(root)
    for name, place in places.items():
        for path, file in files_of(name, place, places):
            if path not in EXEMPT:
                rooms.setdefault(room_of(path), []).append((path, file))
    if absent := [room for room in ROOMS if not rooms[room]]:
        raise GateRefused(f"no sources of {', '.join(absent)} are there to digest", where="sources", remedy=REMEDY)
    return {room: files_digest(files) for room, files in rooms.items()}


def room_of(path: str) -> str:
    """The room of a file, named from the folder that holds `ncl`."""
    parts = PurePosixPath(path).parts
    return parts[1] if len(parts) > 2 else CORE


def files_of(home: str, place: Path, homes: Collection[str] = ()) -> list[tuple[str, Path]]:
    """(name from the folder that holds `ncl`, file) of everything in a home that is imported or read.

    What lies in another of the homes is that one's.
    """
    found = []
    for folder, folders, names in os.walk(place, followlinks=True):
        inside = "/".join((home, *Path(folder).relative_to(place).parts))
        # Compiled files are checked by `foreign_modules`.
        folders[:] = [f for f in folders if f != "__pycache__" and f"{inside}/{f}" not in homes]
        found += [(f"{inside}/{name}", Path(folder, name)) for name in names if name.endswith(SUFFIXES)]
    return found


# --- where they lie --------------------------------------------------------------------------------------------------


def homes() -> dict[str, Path]:
    """`ncl`, `ncl/verify` … → the folder that Python runs it from.

    Raises GateRefused when one is not to be found, or has several.
    """
    found = {CORE: _folder(CORE, list(sys.modules[CORE].__path__))}
    for name in APART:
        spec = find_spec(f"{CORE}.{name}")
        places = list((spec and spec.submodule_search_locations) or ())
        found[f"{CORE}/{name}"] = _folder(f"{CORE}.{name}", places)
    return found


def homes_in(root: Path) -> dict[str, Path]:
    """The same of a folder that holds an installed `ncl`."""
    return {name: _folder(name, [str(root / name)]) for name in (CORE, *(f"{CORE}/{name}" for name in APART))}


def copy_to(root: Path) -> None:
    """Copy all that runs into a folder, as an installation holds it, without what Python compiled."""
    for home, place in (places := homes()).items():

        def left_out(folder: str, names: list[str], home: str = home, place: Path = place) -> list[str]:
            inside = "/".join((home, *Path(folder).relative_to(place).parts))
            return [name for name in names if name == "__pycache__" or f"{inside}/{name}" in places]

        shutil.copytree(place, root / home, ignore=left_out)


def _folder(name: str, places: list[str]) -> Path:
    if len(places) != 1:
        fault = f"lies in several places: {', '.join(places)}" if places else "is not there"
        raise GateRefused(f"the package {name} {fault}", where="sources", remedy=REMEDY)
    place = Path(places[0]).resolve()
    if not place.is_dir():
        raise GateRefused(
            f"the package {name} is no folder of files, so it cannot be digested", where=str(place), remedy=REMEDY
        )
    return place


# --- what was loaded -------------------------------------------------------------------------------------------------


def loaded_modules() -> dict[str, ModuleType]:
    """Modules of NCL that are in memory, by name."""
    return {n: m for n, m in list(sys.modules.items()) if n.partition(".")[0] == CORE and m is not None}


def foreign_modules() -> list[str]:
    """Modules of NCL in memory that did not come from the files which are digested, each with the reason."""
    places = homes()
    found = []
    for name, module in sorted(loaded_modules().items()):
        place = places.get("/".join(name.split(".")[:2]), places[CORE])
        if not _lies_in(module, place):
            found.append(f"module {name} comes from {_origin(module) or 'no file'}, not from {place}")
        elif fault := _compiled_otherwise(module):
            found.append(f"module {name} {fault}")
    return found


def _origin(module: ModuleType) -> str | None:
    return getattr(getattr(module, "__spec__", None), "origin", None)


def _lies_in(module: ModuleType, place: Path) -> bool:
    origin = _origin(module)
    return origin is not None and Path(origin).resolve().is_relative_to(place)


def _compiled_otherwise(module: ModuleType) -> str:
    """Why a compiled file that Python takes without looking at the source is not of this source; empty when it is.

    PEP 552: flags 0b01 mean a hash of the source stands there, 0b11 that Python compares it.
    """
    cached, origin = getattr(module.__spec__, "cached", None), _origin(module)
    if not cached or not origin or not origin.endswith(".py"):
        return ""
    try:
        with open(cached, "rb") as file:
            head = file.read(16)
        unchecked = len(head) == 16 and head[:4] == MAGIC_NUMBER and int.from_bytes(head[4:8], "little") == 0b01
        other = unchecked and head[8:] != util.source_hash(Path(origin).read_bytes())
    except OSError:
        return ""
    return f"runs from {cached}, which was compiled of another source and is never compared" if other else ""
