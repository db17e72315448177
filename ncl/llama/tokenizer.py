"""A tokenizer made offline for structured prompts: one token a number, one a word.

Numbers are 0 … 1023, so that every count is one token; data are the words 0 … 127.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from ncl import strict_json
from ncl.certificate import canonical_json, digest
from ncl.errors import FormatError

NUMBERS = 1024
CALL = "="
POP = "pop"
SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>")


def make_tokenizer(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """Tokens: specials, the call sign, `pop`, numbers, then the given text words in order."""
    names = [*SPECIAL, CALL, POP, *map(str, range(NUMBERS)), *dict.fromkeys(texts)]
    model = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="<unk>"))
    model.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    model.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[("<bos>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=model, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>", unk_token="<unk>",
        padding_side="left",
    )  # fmt: skip


def words_of(tokenizer: PreTrainedTokenizerFast, width: int) -> list[int]:
    """For each token the word that it writes: a number its value, `pop` the largest word, -1 for the others."""
    vocabulary = tokenizer.get_vocab()
    words = [-1] * len(vocabulary)
    for number in range(NUMBERS):
        words[vocabulary[str(number)]] = number
    words[vocabulary[POP]] = (1 << width) - 1
    return words


def digest_of(tokenizer: PreTrainedTokenizerFast) -> str:
    """Of everything that turns text into tokens; how a batch was last padded or cut does not count."""
    return _digest_of_text(tokenizer.backend_tokenizer.to_str())


@lru_cache(maxsize=4)
def _digest_of_text(text: str) -> str:
    return _digest(json.loads(text))


def whole_digest(tokenizer: Any) -> str:
    """Of all that stands between a chat and its tokens: the tokenizer, its chat template, its special tokens."""
    told = {
        "tokenizer": digest_of(tokenizer),
        "template": tokenizer.chat_template,
        "special": {name: str(token) for name, token in tokenizer.special_tokens_map.items()},
        "cleans": bool(tokenizer.clean_up_tokenization_spaces),
    }
    return digest(canonical_json(told))


def digest_in(folder: Path) -> str | None:
    """The digest of the tokenizer saved in a folder, None where there is none. Raises FormatError."""
    file = folder / "tokenizer.json"
    if not file.is_file():
        return None
    try:
        return _digest(strict_json.read(file, "tokenizer"))
    except (ValueError, AttributeError) as fault:
        raise FormatError(f"not a tokenizer: {fault}", where=str(file)) from fault


def _digest(parts: dict[str, Any]) -> str:
    return digest(canonical_json({k: v for k, v in parts.items() if k not in ("padding", "truncation")}))
