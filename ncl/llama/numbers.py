"""The lexer of natural prompts: a message as *units*, each a whole number or a piece of text.

Tokenizers split numbers: into digits, or into groups of up to three. A run of such tokens is one number, standing at
its last token. Tokens of blanks alone are no units. A number with a sign before it, a fraction, or one past the largest
word is marked as one that no word holds, so that it is told to the user and never wrapped.

What each token is, is read off the tokenizer once, into a table of integers that a certificate covers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ncl.errors import ConfigurationError

# What a token is. A digit token with a blank in front begins a number of its own; so does a point.
OTHER, BLANK, COMMA, SEMICOLON, BAR, LINE, DASH, SIGN, POINT, BLANK_POINT, LETTERS, DIGITS, BLANK_DIGITS = range(13)
_SEPARATORS = {",": COMMA, ";": SEMICOLON, "|": BAR, "/": BAR}
_DASHES = ("-", "−")
_FORERUNNERS = ("▁", "Ġ", " ")  # how tokenizers write the blank before a word
_WIDEST = 4  # digits of a token that the table has room for
_TOLD = 24  # characters of a number that are told


@dataclass(frozen=True)
class Unit:
    """One piece of a message. `token` is the place of its last token; `value` is None for text.

    Of a number that no word holds, `value` is what its whole part spells, but one past the largest word at most.
    """

    token: int
    value: int | None = None
    fault: str = ""  # the number as the user wrote it, when no word holds it
    separator: int = 0  # of text that only parts the items of a list: COMMA, SEMICOLON, BAR, LINE, or SIGN
    mark: bool = False  # text without letters: a mark between clauses


class NumberLexer(nn.Module):
    """A table over the vocabulary V; integers in a persistent buffer, so that no cast changes them.

    code_V: what the token is; of digits, the number that a 2 and they spell (007 is 2007), negative where a blank
    stands in front.
    """

    code_V: Tensor

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.register_buffer("code_V", torch.zeros(vocabulary, dtype=torch.int16))

    @torch.no_grad()
    def fill(self, tokenizer: Any) -> NumberLexer:
        """Read the table off a tokenizer. Raises ConfigurationError when it does not write numbers in short tokens."""
        size = len(self.code_V)
        texts = [_text(tokenizer, token) for token in range(min(size, len(tokenizer)))]
        digits = {text.strip() for text in texts if _is_number(text.strip())}
        if wide := sorted(text for text in digits if len(text) > _WIDEST):
            raise ConfigurationError(f"the tokenizer has tokens of more than {_WIDEST} digits, as {wide[0]}")
        if missing := sorted(set("0123456789") - digits):
            raise ConfigurationError(
                f"the tokenizer has no token for {', '.join(missing)}, so numbers cannot be read from it"
            )
        self.code_V.copy_(torch.tensor([_code(text) for text in texts] + [OTHER] * (size - len(texts))))
        return self

    def tables(self) -> dict[str, Tensor]:
        """What a certificate covers: the table as it is loaded."""
        return {"lexer.code": self.code_V}

    def units(self, tokens: Sequence[int], largest: int) -> list[Unit]:
        """The units of a message, in order; `largest` is the largest word that a number may be."""
        codes = self.code_V[torch.as_tensor(tokens, dtype=torch.int64, device=self.code_V.device)].tolist()
        kinds = [BLANK_DIGITS if code < 0 else min(code, DIGITS) for code in codes]
        digits = [str(abs(code))[1:] for code in codes]  # of other tokens, nothing
        found: list[Unit] = []
        place = 0
        while place < len(kinds):
            kind = kinds[place]
            if kind >= DIGITS:
                found.append(_number(kinds, digits, place, largest))
                place = found[-1].token
            elif kind != BLANK:
                # The sign of a number does not part it from the list that it stands in.
                signs = _signs(kinds, place) or _leads(kinds, place)
                separator = kind if COMMA <= kind <= LINE else SIGN if signs else 0
                found.append(Unit(place, separator=separator, mark=kind != LETTERS))
            place += 1
        return found


def _text(tokenizer: Any, token: int) -> str:
    """A token's text, with the blank before it that `decode` may drop."""
    raw = tokenizer.convert_ids_to_tokens(token) or ""
    text: str = tokenizer.decode([token])
    return f" {text}" if raw.startswith(_FORERUNNERS) and not text.startswith(" ") else text


def _code(text: str) -> int:
    bare = text.strip()
    if not bare:
        return LINE if "\n" in text else BLANK  # a line ends a clause, and parts the items of a list
    if _is_number(bare):
        return -int(f"2{bare}") if text[0].isspace() else int(f"2{bare}")
    if all(c in _SEPARATORS for c in bare):
        strongest = max(_SEPARATORS[c] for c in bare)
        # Some tokenizers have a token for a bar that ends a line, as in a table.
        return LINE if strongest == BAR and "\n" in text else strongest
    if text in _DASHES:
        return DASH
    if text.endswith(_DASHES) and not text[-2].isalnum():
        return SIGN
    if bare == ".":
        return POINT if text == bare else BLANK_POINT if text.endswith(".") else OTHER
    return LETTERS if text[-1].isalnum() else OTHER


def _is_number(bare: str) -> bool:
    return bare.isascii() and bare.isdigit()


def _signs(kinds: list[int], place: int) -> bool:
    """Whether the token here is the sign of the number behind it: not in 3-5, nor in a-5."""
    if kinds[place + 1 : place + 2] != [DIGITS]:
        return False
    before = kinds[place - 1] if place else BLANK
    return kinds[place] == SIGN or (kinds[place] == DASH and before not in (DIGITS, BLANK_DIGITS, LETTERS))


def _leads(kinds: list[int], place: int) -> bool:
    """Whether the token here is the point that a number begins with, as in .5"""
    if kinds[place + 1 : place + 2] != [DIGITS]:
        return False
    before = kinds[place - 1] if place else BLANK
    return kinds[place] == BLANK_POINT or (kinds[place] == POINT and before != LETTERS)


def _number(kinds: list[int], digits: list[str], first: int, largest: int) -> Unit:
    """The number that begins at a token."""
    last = _end(kinds, first)
    whole = "".join(digits[first : last + 1])
    told = whole
    while kinds[last + 1 : last + 3] == [POINT, DIGITS]:
        point, last = last + 1, _end(kinds, last + 2)
        told += "." + "".join(digits[point + 1 : last + 1])
    if first:
        told = "-" + told if _signs(kinds, first - 1) else "." + told if _leads(kinds, first - 1) else told
    bare = whole.lstrip("0") or "0"
    value = int(bare) if len(bare) <= len(str(largest)) else largest + 1
    if value <= largest and told == whole:
        return Unit(last, value)
    return Unit(last, min(value, largest + 1), told if len(told) <= _TOLD else f"{told[:_TOLD]}…")


def _end(kinds: list[int], first: int) -> int:
    """The last token of the digits that begin here."""
    last = first
    while kinds[last + 1 : last + 2] == [DIGITS]:
        last += 1
    return last
