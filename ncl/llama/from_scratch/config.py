"""Configuration of a LLaMA from scratch with a computer."""

from __future__ import annotations

from typing import Any

from transformers import CONFIG_MAPPING

from ncl.llama.computer.config import ComputerConfig

CHAT = "ncl_chat_llama"  # the model type of pretrained models


class NCLLlamaConfig(ComputerConfig):
    """A ComputerConfig with the lexer's part.

    ncl_words: for each token the word that it writes, -1 for none. ncl_call_token: the token that ends a prompt and
    asks for an answer. ncl_unknown_token: what the tokenizer writes for text that it has no token for.
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
        **kwargs: Any,
    ) -> None:
        self.ncl_words = list(ncl_words or [])
        self.ncl_call_token = ncl_call_token
        self.ncl_unknown_token = ncl_unknown_token
        super().__init__(ncl_programs, ncl_width, ncl_side_size, **kwargs)

    @classmethod
    def from_dict(cls, config_dict: dict[str, Any], **kwargs: Any) -> Any:
        """As in transformers. `ncl_llama` with layers to read is another name of the pretrained models' type."""
        if config_dict.get("ncl_layers"):
            own = {name: value for name, value in config_dict.items() if name not in _LEXERS}
            return CONFIG_MAPPING[CHAT].from_dict({**own, "model_type": CHAT}, **kwargs)
        return super().from_dict(config_dict, **kwargs)

    def faults(self) -> list[str]:
        """Everything that is wrong with it."""
        found = super().faults()
        if 1 <= self.ncl_width <= 32 and any(not -1 <= word < 1 << self.ncl_width for word in self.ncl_words):
            found.append(f"ncl_words holds what is no word of width {self.ncl_width}")
        if self.ncl_words and len(self.ncl_words) != self.vocab_size:
            found.append(f"ncl_words has {len(self.ncl_words)} entries for {self.vocab_size} tokens")
        written = [word for word in self.ncl_words if word >= 0]
        if len(set(written)) != len(written):
            found.append("two tokens write the same word, so an answer could not be spelled")
        if self.ncl_words and self.pad_token_id == self.eos_token_id:
            found.append("pad and end are one token: answers would learn to end at padding")
        return found


_LEXERS = ("ncl_words", "ncl_call_token", "ncl_unknown_token")
