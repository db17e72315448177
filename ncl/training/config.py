"""What a training run is told, validated; and the shipped recipes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ncl import library, strict_json
from ncl.errors import FormatError, NotFoundError
from ncl.training.tasks import NUMBER_TASKS

if TYPE_CHECKING:
    from ncl.training.natural import NaturalConfig

Arm = Literal["ncl", "plain"]
Config = TypeVar("Config", bound=BaseModel)


class ModelConfig(BaseModel):
    """A small LLaMA 3 from scratch."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hidden_size: int = Field(64, ge=8, le=16_384)
    layers: int = Field(2, ge=1, le=256)
    heads: int = Field(4, ge=1)
    key_value_heads: int = Field(2, ge=1)
    intermediate_size: int = Field(192, ge=8, le=65_536)
    positions: int = Field(4096, ge=64, le=1 << 20)

    @model_validator(mode="after")
    def _heads_divide(self) -> ModelConfig:
        if self.hidden_size % (2 * self.heads):
            raise ValueError(f"hidden_size {self.hidden_size} is no multiple of 2 · heads = {2 * self.heads}")
        if self.heads % self.key_value_heads:
            raise ValueError(f"heads {self.heads} is no multiple of key_value_heads {self.key_value_heads}")
        return self


class TrainConfig(BaseModel):
    """Lengths are of lists; `text_share` is the part of each batch for which nothing is to be called."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    arm: Arm = "ncl"
    seed: int = Field(0, ge=0)
    steps: int = Field(400, ge=1)
    batch: int = Field(48, ge=1, le=65_536)
    longest: int = Field(10, ge=1, le=1023)  # a count must have its number token
    text_share: float = Field(0.15, ge=0, le=1)
    learning_rate: float = Field(3e-3, gt=0, allow_inf_nan=False)
    weight_decay: float = Field(0.01, ge=0, allow_inf_nan=False)
    warmup: int = Field(20, ge=0)
    checkpoint_every: int = Field(100, ge=1)
    tasks: tuple[str, ...] = tuple(NUMBER_TASKS)
    programs: tuple[str, ...] = ("reverse", "copy", "count", "running_count", "stack", "insertion_sort", "modsum")
    width: int = Field(11, ge=11, le=16)  # numbers reach 1023 and `pop` is a word besides; memory has 2^width cells
    model: ModelConfig = ModelConfig()

    @field_validator("tasks")
    @classmethod
    def _known_tasks(cls, tasks: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in tasks if name not in NUMBER_TASKS]
        if unknown or not tasks:
            raise ValueError(f"{', '.join(unknown) or 'no task'}: tasks are {', '.join(NUMBER_TASKS)}")
        return tasks

    @field_validator("programs")
    @classmethod
    def _some_programs(cls, programs: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in programs if name not in library.names()]
        if unknown or not programs or len(set(programs)) != len(programs):
            fault = ", ".join(unknown) or "name at least one, and none twice"
            raise ValueError(f"{fault}: programs are {', '.join(library.names())}")
        return programs


TINY, NATURAL = "tiny", "natural"
RECIPES: dict[str, TrainConfig] = {TINY: TrainConfig()}  # of models from scratch


def read_config(name: str, changes: Mapping[str, Any] | None = None) -> TrainConfig | NaturalConfig:
    """A shipped recipe by name, or a JSON file whose `recipe` says which kind it is (`tiny` unless it says `natural`).

    `changes` go before what stands there. Raises NotFoundError, FormatError with every fault.
    """
    data: Any = {"recipe": name}
    if name not in (TINY, NATURAL):
        data = _read(name)
    if not isinstance(data, dict):
        return validated(data, name)
    recipe = data.get("recipe", TINY)
    if recipe == NATURAL:
        from ncl.training.natural import NaturalConfig  # torch comes with it

        return _validated(NaturalConfig, {**data, **(changes or {})}, name)
    if recipe != TINY:
        raise FormatError(f"recipe is {recipe!r}, expected {TINY!r} or {NATURAL!r}", where=name)
    fields = {key: value for key, value in data.items() if key != "recipe"}
    return validated({**fields, **(changes or {})}, name)


def _read(name: str) -> Any:
    path = Path(name)
    if not path.is_file():
        raise NotFoundError(f"neither a recipe nor a file: {name}", remedy=f"recipes: {TINY}, {NATURAL}")
    try:
        return strict_json.read(path, "readable JSON", endless=True)
    except FormatError as fault:  # it decides nothing yet: what is wrong with it is a wrong input
        raise FormatError(fault.message, where=name) from fault


def validated(data: Any, where: str) -> TrainConfig:
    """Raises FormatError with every fault."""
    return _validated(TrainConfig, data, where)


def _validated(kind: type[Config], data: Any, where: str) -> Config:
    try:
        if not isinstance(data, dict):
            return kind.model_validate(data)
        # As JSON: there, strict means that a list stands for a tuple, and nothing else for anything else.
        return kind.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as fault:
        told = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'configuration'}: {e['msg']}" for e in fault.errors())
        raise FormatError(told, where=where, remedy="see docs/training.md") from fault
