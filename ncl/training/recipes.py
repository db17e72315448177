"""The shipped recipes, and files that say what is otherwise. Called by the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ncl.errors import FormatError
from ncl.training.data import config_file
from ncl.training.from_scratch.config import TrainConfig, validated
from ncl.training.pretrained.config import NaturalConfig

TINY, NATURAL = "tiny", "natural"
RECIPES: dict[str, TrainConfig] = {TINY: TrainConfig()}  # of models from scratch


def read_config(name: str, changes: Mapping[str, Any] | None = None) -> TrainConfig | NaturalConfig:
    """A shipped recipe by name, or a JSON file whose `recipe` says which kind it is (`tiny` unless it says `natural`).

    `changes` go before what stands there. Raises NotFoundError, FormatError with every fault.
    """
    data: Any = {"recipe": name}
    if name not in (TINY, NATURAL):
        data = config_file.read(name, f"{TINY}, {NATURAL}")
    if not isinstance(data, dict):
        return validated(data, name)
    recipe = data.get("recipe", TINY)
    if recipe == NATURAL:
        return config_file.validated(NaturalConfig, {**data, **(changes or {})}, name)
    if recipe != TINY:
        raise FormatError(f"recipe is {recipe!r}, expected {TINY!r} or {NATURAL!r}", where=name)
    fields = {key: value for key, value in data.items() if key != "recipe"}
    return validated({**fields, **(changes or {})}, name)
