"""What every configuration of a LLaMA with a computer says. Each of the two models has a `model_type` of its own."""

from __future__ import annotations

from typing import Any

from transformers import LlamaConfig

from ncl.errors import ConfigurationError


class ComputerConfig(LlamaConfig):
    """A LlamaConfig with the computer's part.

    ncl_programs: names of the library's programs in the order of the selection (0 is "no call").
    ncl_width: bits of a machine word. ncl_side_size: channels of what reads prompts. Raises ConfigurationError.
    """

    model_type = "ncl"

    def __init__(
        self, ncl_programs: list[str] | None = None, ncl_width: int = 11, ncl_side_size: int = 64, **kwargs: Any
    ) -> None:
        # Before super: transformers may already serialise the config there.
        self.ncl_programs = list(ncl_programs or [])
        self.ncl_width = ncl_width
        self.ncl_side_size = ncl_side_size
        super().__init__(**kwargs)
        self.check()

    def check(self) -> None:
        """transformers does not validate the fields of subclasses. Raises ConfigurationError with every fault."""
        if faults := self.faults():
            raise ConfigurationError("; ".join(faults), where=type(self).__name__)

    def faults(self) -> list[str]:
        """Everything that is wrong with it."""
        found = []
        if not 1 <= self.ncl_width <= 32:
            found.append(f"ncl_width {self.ncl_width} is not in 1 … 32")
        if len(set(self.ncl_programs)) != len(self.ncl_programs):
            found.append("a program is named twice")
        return found
