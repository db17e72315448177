"""Configuration of a LLaMA with a computer."""

from __future__ import annotations

from typing import Any

from transformers import LlamaConfig

from ncl.errors import ConfigurationError


class NCLLlamaConfig(LlamaConfig):
    """A LlamaConfig with the computer's part.

    ncl_programs: names of the library's programs in the order of the selection (0 is "no call").
    ncl_width: bits of a machine word. ncl_words: for each token the word that it writes, -1 for none.
    ncl_call_token: the token that ends a prompt and asks for an answer. ncl_unknown_token: what the tokenizer writes
    for text that it has no token for. ncl_side_size: channels of the side module.

    Of a pretrained model (`llama.chat`): ncl_layers: those that gates and the selection read, counted from 1; empty for
    a model from scratch. ncl_before, ncl_after: tokens around a user's message. ncl_most_calls: of one prompt.
    ncl_readers: how many readers decide together.
    """

    model_type = "ncl_llama"

    def __init__(
        self,
        ncl_programs: list[str] | None = None,
        ncl_width: int = 11,
        ncl_words: list[int] | None = None,
        ncl_call_token: int = 0,
        ncl_unknown_token: int | None = None,
        ncl_side_size: int = 64,
        ncl_layers: list[int] | None = None,
        ncl_before: list[int] | None = None,
        ncl_after: list[int] | None = None,
        ncl_most_calls: int = 16,
        ncl_readers: int = 1,
        **kwargs: Any,
    ) -> None:
        # Before super: transformers may already serialise the config there.
        self.ncl_programs = list(ncl_programs or [])
        self.ncl_width = ncl_width
        self.ncl_words = list(ncl_words or [])
        self.ncl_call_token = ncl_call_token
        self.ncl_unknown_token = ncl_unknown_token
        self.ncl_side_size = ncl_side_size
        self.ncl_layers = list(ncl_layers or [])
        self.ncl_before = list(ncl_before or [])
        self.ncl_after = list(ncl_after or [])
        self.ncl_most_calls = ncl_most_calls
        self.ncl_readers = ncl_readers
        super().__init__(**kwargs)
        self.check()

    def check(self) -> None:
        """transformers does not validate the fields of subclasses. Raises ConfigurationError with every fault."""
        faults = []
        if not 1 <= self.ncl_width <= 32:
            faults.append(f"ncl_width {self.ncl_width} is not in 1 … 32")
        elif any(not -1 <= word < 1 << self.ncl_width for word in self.ncl_words):
            faults.append(f"ncl_words holds what is no word of width {self.ncl_width}")
        if self.ncl_words and len(self.ncl_words) != self.vocab_size:
            faults.append(f"ncl_words has {len(self.ncl_words)} entries for {self.vocab_size} tokens")
        written = [word for word in self.ncl_words if word >= 0]
        if len(set(written)) != len(written):
            faults.append("two tokens write the same word, so an answer could not be spelled")
        if self.ncl_words and self.pad_token_id == self.eos_token_id:
            faults.append("pad and end are one token: answers would learn to end at padding")
        if self.ncl_layers and (
            len(self.ncl_layers) != 2 or any(not 1 <= n <= self.num_hidden_layers for n in self.ncl_layers)
        ):
            faults.append(f"ncl_layers {self.ncl_layers} are not two layers of 1 … {self.num_hidden_layers}")
        if self.ncl_most_calls < 1:
            faults.append(f"ncl_most_calls {self.ncl_most_calls} is less than 1")
        if len(set(self.ncl_programs)) != len(self.ncl_programs):
            faults.append("a program is named twice")
        if faults:
            raise ConfigurationError("; ".join(faults), where="NCLLlamaConfig")
