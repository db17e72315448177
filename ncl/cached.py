"""Where NCL keeps what can be made again: proofs, features, unpacked models, measurements. All caches ask here."""

from __future__ import annotations

import os
from pathlib import Path


def folder() -> Path:
    """`NCL_CACHE_DIR`, else the user's cache folder."""
    chosen = os.environ.get("NCL_CACHE_DIR")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ncl"
