"""Configuration of a pretrained LLaMA with readers."""

from __future__ import annotations

from typing import Any

from ncl.llama.computer.config import ComputerConfig


class NCLChatLlamaConfig(ComputerConfig):
    """A ComputerConfig with the readers' part.

    ncl_layers: the two layers that gates and the selection read, counted from 1. ncl_before, ncl_after: tokens around a
    user's message. ncl_most_calls: of one prompt. ncl_readers: how many readers decide together.
    """

    model_type = "ncl_chat_llama"

    def __init__(
        self,
        ncl_programs: list[str] | None = None,
        ncl_width: int = 11,
        ncl_side_size: int = 64,
        ncl_layers: list[int] | None = None,
        ncl_before: list[int] | None = None,
        ncl_after: list[int] | None = None,
        ncl_most_calls: int = 16,
        ncl_readers: int = 1,
        **kwargs: Any,
    ) -> None:
        self.ncl_layers = list(ncl_layers or [])
        self.ncl_before = list(ncl_before or [])
        self.ncl_after = list(ncl_after or [])
        self.ncl_most_calls = ncl_most_calls
        self.ncl_readers = ncl_readers
        super().__init__(ncl_programs, ncl_width, ncl_side_size, **kwargs)

    def faults(self) -> list[str]:
        """Everything that is wrong with it."""
        found, most = super().faults(), self.num_hidden_layers
        if self.ncl_layers and (len(self.ncl_layers) != 2 or any(not 1 <= n <= most for n in self.ncl_layers)):
            found.append(f"ncl_layers {self.ncl_layers} are not two layers of 1 … {most}")
        if self.ncl_most_calls < 1:
            found.append(f"ncl_most_calls {self.ncl_most_calls} is less than 1")
        return found
