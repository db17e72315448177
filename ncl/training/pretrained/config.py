"""The configuration of a natural run, validated."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

WIDEST_SOFT = 12  # bits of words over which there are distributions


class NaturalConfig(BaseModel):
    """How many prompts of each kind, and how readers are fitted to them.

    `longest`: of training lists; `data_seed`: of the prompts, by default `seed`; `statements`: prompts of one call
    behind a statement of the list; `multiple_lists`: of which one is meant; `backbone`: whether it is trained with the
    readers afterwards; `kl_weight`: of how far it drifts then.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    recipe: Literal["natural"] = "natural"
    base: str = "smollm2"
    seed: int = Field(0, ge=0)
    data_seed: int | None = Field(None, ge=0)
    single_calls: int = Field(1600, ge=1)
    statements: int = Field(600, ge=0)
    multiple_lists: int = Field(1200, ge=0)
    two_calls: int = Field(1600, ge=0)
    longest: int = Field(10, ge=1)
    steps: int = Field(1000, ge=1)
    batch: int = Field(48, ge=2)
    plan_samples: int = Field(16, ge=1)
    no_call_share: float = Field(0.2, ge=0, lt=1)
    learning_rate: float = Field(3e-3, gt=0)
    dropout: float = Field(0.3, ge=0, lt=1)
    feature_dropout: float = Field(0.2, ge=0, lt=1)
    channels: int = Field(64, ge=1)
    readers: int = Field(4, ge=1)
    restarts: int = Field(2, ge=0)
    checkpoint_every: int = Field(50, ge=1)
    width: int = Field(16, ge=8, le=32)
    estimator: Literal["sampled", "pathwise"] = "sampled"
    backbone: Literal["frozen", "lora", "full"] = "frozen"
    tune_steps: int = Field(200, ge=1)
    tune_batch: int = Field(16, ge=2)
    tune_rate: float = Field(1e-4, gt=0)
    rank: int = Field(16, ge=1)
    kl_weight: float = Field(1.0, ge=0)

    @property
    def all_steps(self) -> int:
        """Of all readers, and of the backbone where it is trained."""
        return self.steps * self.readers + (0 if self.backbone == "frozen" else self.tune_steps)

    @model_validator(mode="after")
    def _pathwise_fits(self) -> NaturalConfig:
        if self.estimator == "pathwise" and (self.two_calls or self.width > WIDEST_SOFT):
            raise ValueError(
                f"pathwise learns one call a prompt, of at most {WIDEST_SOFT} bits: "
                "set two_calls to 0 and a smaller width"
            )
        return self
