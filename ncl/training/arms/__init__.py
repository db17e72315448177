"""Arms: who answers the same prompts, side by side. One file an arm.

`ncl` (the base model with the fitted reader), and beside it `base` and `base-few-shot` (the base model as it is),
`tool` (it writes a Python call that is run), `lora` (it is fine-tuned on the same prompts for the same time) and
`random-library` (the same reader, fitted to a library of random programs). Called by the natural evaluation.
"""

from ncl.training.arms.arm import Arm, Outcome

CHEAP = ("base", "base-few-shot", "tool")  # as the base model is: nothing is trained for them
TRAINED = ("lora", "random-library")

__all__ = ["CHEAP", "TRAINED", "Arm", "Outcome"]
