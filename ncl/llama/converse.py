"""The former place of `ncl.llama.reply`, for one version. Called by nobody here."""

from __future__ import annotations

import warnings
from typing import Any

from ncl.llama.pretrained import conversation


def __getattr__(name: str) -> Any:
    if name in ("reply", "Reply", "Parts"):
        warnings.warn(f"import {name} from ncl.llama", DeprecationWarning, stacklevel=2)
        return getattr(conversation, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
