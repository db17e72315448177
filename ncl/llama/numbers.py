"""The lexer of natural prompts: a message as *units*, each a whole number or a piece of text.

Tokenizers split numbers: into digits, or into groups of up to three. A run of such tokens is one number, standing at
its last token. Tokens of blanks alone are no units. A number with a sign before it, a fraction behind it, or past the
largest word is marked as one that no word holds, so that it is told to the user and never wrapped.

What each token is, is read off the tokenizer once, into integer tables that a certificate covers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ncl.errors import ConfigurationError

# What a token is. A digit token with a blank in front begins a number of its own.
DIGITS, BLANK_DIGITS, BLANK, SEPARATOR, DASH, SIGN, POINT, LETTERS, OTHER = range(9)
_SEPARATORS = frozenset(",;|/")
_DASHES = ("-", "−")
_FORERUNNERS = ("▁", "Ġ", " ")  # how tokenizers write the blank before a word


@dataclass(frozen=True)
class Unit:
    """One piece of a message. `token` is the place of its last token; `value` is None for text."""

    token: int
    value: int | None = None
    fault: str = ""  # the number as the user wrote it, when no word holds it
    separator: bool = False  # text that only parts the items of a list
    mark: bool = False  # text without letters: a mark between clauses


class NumberLexer(nn.Module):
    """Tables over the vocabulary V; integers in persistent buffers, so that no cast changes them.

    kind_V: what the token is. group_V, size_V: of a digit token, the number that it spells and how many digits.
    """

    kind_V: Tensor
    group_V: Tensor
    size_V: Tensor

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.register_buffer("kind_V", torch.zeros(vocabulary, dtype=torch.uint8))
        self.register_buffer("group_V", torch.zeros(vocabulary, dtype=torch.int16))
        self.register_buffer("size_V", torch.zeros(vocabulary, dtype=torch.uint8))

    @torch.no_grad()
    def fill(self, tokenizer: Any) -> NumberLexer:
        """Read the tables off a tokenizer. Raises ConfigurationError when it has no tokens for the digits."""
        size = len(self.kind_V)
        texts = [_text(tokenizer, token) for token in range(min(size, len(tokenizer)))]
        kinds = [_kind(text) for text in texts] + [OTHER] * (size - len(texts))
        digits = [text.strip() if kind <= BLANK_DIGITS else "" for text, kind in zip(texts, kinds)]
        digits += [""] * (size - len(digits))
        self.kind_V.copy_(torch.tensor(kinds))
        self.group_V.copy_(torch.tensor([int(text or 0) for text in digits]))
        self.size_V.copy_(torch.tensor([len(text) for text in digits]))
        missing = set("0123456789") - set(digits)
        if missing:
            raise ConfigurationError(
                f"the tokenizer has no token for {', '.join(sorted(missing))}, so numbers cannot be read from it"
            )
        return self

    def tables(self) -> dict[str, Tensor]:
        """What a certificate covers: the tables as they are loaded."""
        return {"lexer.kind": self.kind_V, "lexer.group": self.group_V, "lexer.size": self.size_V}

    def units(self, tokens: Sequence[int], largest: int) -> list[Unit]:
        """The units of a message, in order; `largest` is the largest word that a number may be."""
        ids = torch.as_tensor(tokens, dtype=torch.int64, device=self.kind_V.device)
        kinds, groups, sizes = (table[ids].tolist() for table in (self.kind_V, self.group_V, self.size_V))
        found: list[Unit] = []
        place = 0
        while place < len(kinds):
            if kinds[place] > BLANK_DIGITS:
                if kinds[place] != BLANK:
                    mark = kinds[place] != LETTERS
                    found.append(Unit(place, separator=kinds[place] == SEPARATOR, mark=mark))
                place += 1
                continue
            last = place
            while last + 1 < len(kinds) and kinds[last + 1] == DIGITS:
                last += 1
            digits = "".join(str(groups[i]).zfill(sizes[i]) for i in range(place, last + 1))
            found.append(Unit(last, int(digits), _fault(kinds, place, last, digits, largest)))
            place = last + 1
        return found


def _text(tokenizer: Any, token: int) -> str:
    """A token's text, with the blank before it that `decode` may drop."""
    raw = tokenizer.convert_ids_to_tokens(token) or ""
    text: str = tokenizer.decode([token])
    return f" {text}" if raw.startswith(_FORERUNNERS) and not text.startswith(" ") else text


def _kind(text: str) -> int:
    bare = text.strip()
    if not bare:
        return SEPARATOR if "\n" in text else BLANK  # a line ends a clause, and parts the items of a list
    if bare.isascii() and bare.isdigit() and len(bare) <= 4:
        return BLANK_DIGITS if text[0].isspace() else DIGITS
    if all(c in _SEPARATORS for c in bare):
        return SEPARATOR
    if text in _DASHES:
        return DASH
    if text.endswith(_DASHES) and not text[-2].isalnum():
        return SIGN
    if text == ".":
        return POINT
    return LETTERS if text[-1].isalnum() else OTHER


def _fault(kinds: list[int], first: int, last: int, digits: str, largest: int) -> str:
    before = kinds[first - 1] if first and kinds[first] == DIGITS else BLANK
    further = kinds[first - 2] if first > 1 else BLANK
    if before == SIGN or (before == DASH and further not in (DIGITS, BLANK_DIGITS, LETTERS)):
        return f"-{digits}"
    if kinds[last + 1 : last + 3] == [POINT, DIGITS]:
        return f"{digits}.…"
    return digits if int(digits) > largest else ""
