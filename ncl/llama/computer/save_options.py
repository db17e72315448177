"""What a caller of `save_pretrained` requested, whichever way it was handed in. Called by the two models."""

from __future__ import annotations

import os
from inspect import signature
from typing import Any

from transformers import PreTrainedModel

from ncl.errors import ConfigurationError


def saving(model: Any, place: str | os.PathLike[str], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """The options of `save_pretrained`, by name. Raises ConfigurationError for a push to the hub."""
    bound = signature(PreTrainedModel.save_pretrained).bind(model, place, *arguments, **options).arguments
    chosen = {name: value for name, value in {**bound, **bound.pop("kwargs", {})}.items() if name != "self"}
    if chosen.pop("push_to_hub", False):
        raise ConfigurationError("only weights would be pushed, without the library and its certificate",
                                 where="push_to_hub", remedy="save the folder, then upload it whole")  # fmt: skip
    return chosen
