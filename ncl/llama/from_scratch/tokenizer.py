"""A tokenizer made offline for structured prompts: one token a number, one a word.

Numbers are 0 … 1023, so that every count is one token; data are the words 0 … 127.
"""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

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
