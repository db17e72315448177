"""The configuration of a training from scratch, validated."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ncl import library
from ncl.training.data import config_file
from ncl.training.tasks import NUMBER_TASKS, PROGRAMS, TABLE

System = Literal["ncl", "plain"]
# Those of the tasks, among others: which one answers is to be learned.
_PROGRAMS = ("reverse", "copy", "count", "running_count", "stack", "insertion_sort", "modsum")


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

    system: System = "ncl"
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
    programs: tuple[str, ...] = tuple(dict.fromkeys((*_PROGRAMS, *PROGRAMS)))
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

    @model_validator(mode="after")
    def _answered(self) -> TrainConfig:
        lacking = [name for name in self.tasks if TABLE[name].program not in self.programs]
        if lacking and self.system == "ncl":
            needed = ", ".join(TABLE[name].program for name in lacking)
            raise ValueError(f"nothing answers {', '.join(lacking)}: add {needed} to programs, or leave out the tasks")
        return self


def validated(data: Any, where: str) -> TrainConfig:
    """Raises FormatError with every fault."""
    return config_file.validated(TrainConfig, data, where)
