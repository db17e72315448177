"""Who answers the same prompts, side by side, by name.

Beside `ncl` (the base model with the fitted reader) `base` and `base-few-shot` (the base model as it is), `tool` (it
writes a Python call that is run), `lora` (it is fine-tuned on the same prompts for the same time) and `random-library`
(the same reader, fitted to a library of random programs). Called by the natural evaluation.
"""

from ncl.llama.pretrained.base_model import Base
from ncl.training.baselines.base_model import few_shot, zero_shot
from ncl.training.baselines.tool_use import tool
from ncl.training.evaluation.system import System

UNTRAINED = ("base", "base-few-shot", "tool")  # the base model as it is: nothing is trained for them
TRAINED = ("lora", "random-library")


def untrained(name: str, base: Base) -> System:
    """The baseline of this name, one of `UNTRAINED`."""
    return {"base": zero_shot, "base-few-shot": few_shot, "tool": tool}[name](base)
