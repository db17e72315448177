"""Where NCL keeps what can be made again: proofs, features, unpacked models, measurements. All caches ask here."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_path

from ncl.errors import InputError


def folder() -> Path:
    """`NCL_CACHE_DIR`, else `ncl` in the user's cache folder as this system has it.

    Raises InputError where neither is known.
    """
    chosen = os.environ.get("NCL_CACHE_DIR")
    if chosen:
        return Path(chosen)
    try:
        return user_cache_path("ncl", appauthor=False)
    except RuntimeError as fault:
        raise InputError(
            "this user has no home folder, so there is no place for a cache",
            remedy="name a folder with NCL_CACHE_DIR",
        ) from fault
