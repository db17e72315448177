"""One model is made or loaded at a time, and what was loaded is looked at.

While transformers loads a model it switches tying and initialisation of weights off, and sets the default dtype, for
the whole process: of two that are loaded at once either may come out untied, and tying stays off for all that follow.
Called by whatever in NCL makes or loads a LLaMA.
"""

from __future__ import annotations

from threading import RLock
from typing import Any

from ncl.errors import FormatError

LOADING = RLock()


def demand_tied(model: Any, where: str) -> None:
    """Raise FormatError where weights that the model declares to be tied are apart: they were never loaded."""
    parameters = dict(model.named_parameters(remove_duplicate=False))
    for target, source in model.all_tied_weights_keys.items():
        one, other = parameters[target], parameters[source]
        if one is not other and not one.is_meta and not other.is_meta:  # offloaded weights are elsewhere
            remedy = "another thread loaded a model at the same time: load one after the other, in a new process"
            raise FormatError(f"{target} is not tied to {source}", where=where, remedy=remedy)
