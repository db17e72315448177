"""Arms: who answers the same prompts, side by side. One file an arm.

`ncl` (the base model with the fitted reader), and beside it `base` and `base-few-shot` (the base model as it is),
`tool` (it writes a Python call that is run), `lora` (it is fine-tuned on the same prompts for the same time) and
`random-library` (the same reader, fitted to a library of random programs). Called by the natural evaluation.
"""

from ncl.llama.base import Base
from ncl.training.arms.arm import Arm, Outcome
from ncl.training.arms.base import few_shot, zero_shot
from ncl.training.arms.tool import tool

CHEAP = ("base", "base-few-shot", "tool")  # the base model as it is: nothing is trained for them
TRAINED = ("lora", "random-library")


def cheap(name: str, base: Base) -> Arm:
    """The arm of this name, one of `CHEAP`."""
    return {"base": zero_shot, "base-few-shot": few_shot, "tool": tool}[name](base)


__all__ = ["CHEAP", "TRAINED", "Arm", "Outcome", "cheap"]
