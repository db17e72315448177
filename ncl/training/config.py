"""What a training run is told, validated; and the shipped recipes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ncl.errors import FormatError, NotFoundError
from ncl.training.tasks import NUMBER_TASKS

Arm = Literal["ncl", "plain"]


class ModelConfig(BaseModel):
    """A small LLaMA 3 from scratch."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hidden_size: int = Field(64, ge=8)
    layers: int = Field(2, ge=1)
    heads: int = Field(4, ge=1)
    key_value_heads: int = Field(2, ge=1)
    intermediate_size: int = Field(192, ge=8)
    positions: int = Field(4096, ge=64)


class TrainConfig(BaseModel):
    """Lengths are of lists; `text_share` is the part of each batch for which nothing is to be called."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    arm: Arm = "ncl"
    seed: int = Field(0, ge=0)
    steps: int = Field(400, ge=1)
    batch: int = Field(48, ge=1)
    longest: int = Field(10, ge=1)
    text_share: float = Field(0.15, ge=0, le=1)
    learning_rate: float = Field(3e-3, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    warmup: int = Field(20, ge=0)
    checkpoint_every: int = Field(100, ge=1)
    tasks: tuple[str, ...] = tuple(NUMBER_TASKS)
    programs: tuple[str, ...] = ("reverse", "copy", "count", "running_count", "stack", "insertion_sort", "modsum")
    width: int = Field(11, ge=8, le=32)
    model: ModelConfig = ModelConfig()


RECIPES: dict[str, TrainConfig] = {"tiny": TrainConfig()}


def read_config(name: str) -> TrainConfig:
    """A shipped recipe by name, or a JSON file. Raises NotFoundError, FormatError with every fault."""
    if name in RECIPES:
        return RECIPES[name]
    path = Path(name)
    if not path.is_file():
        raise NotFoundError(f"neither a recipe nor a file: {name}", remedy=f"recipes: {', '.join(RECIPES)}")
    try:
        return TrainConfig.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as fault:
        raise FormatError(f"not readable JSON: {fault}", where=name) from fault
    except ValidationError as fault:
        told = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in fault.errors())
        raise FormatError(told, where=name, remedy="see docs/training.md") from fault
