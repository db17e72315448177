"""The lexer of natural prompts: a message as *units*, each a whole number or a piece of text.

Tokenizers split numbers: into digits, or into groups of up to three. A run of such tokens is one number, standing at
its last token. Tokens of blanks alone are no units. A number with a sign before it, a fraction, one past the largest
word, or one whose digits may be part of something else (`number_spelling`) is marked as one that no word holds, so that
it is reported to the user and never wrapped.

What each token is, is read off the tokenizer once: into a table of integers, and the bytes that each token writes. A
certificate covers both.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn

from ncl.errors import ConfigurationError
from ncl.llama.pretrained.number_spelling import Fault, faults

# What a token is. A digit token with a blank in front begins a number of its own; so does a point.
OTHER, BLANK, COMMA, SEMICOLON, BAR, LINE, DASH, SIGN, POINT, BLANK_POINT, LETTERS, DIGITS, BLANK_DIGITS = range(13)
_SEPARATORS = {",": COMMA, ";": SEMICOLON, "|": BAR, "/": BAR}
_DASHES = ("-", "−")
_FORERUNNERS = ("▁", "Ġ", " ")  # how tokenizers write the blank before a word
_WIDEST = 4  # digits of a token that the table has room for
_MAX_TEXT = 24  # characters of a number that a message quotes
_NUMERALS = ("10²", "10₂", "½", "①", "Ⅷ", "٣")  # what a tokenizer must not turn into plain digits of another number


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
        self.written: tuple[bytes, ...] = ()  # by each token, in UTF-8; of a special token, a blank
        self._digest: tuple[tuple[bytes, ...] | None, bytes] = (None, b"")  # of what was written when it was taken

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
        for numeral in _NUMERALS:
            if turned := _turned(tokenizer, numeral):
                raise ConfigurationError(
                    f"the tokenizer turns {numeral} into {turned}, so numbers cannot be read from it"
                )
        self.code_V.copy_(torch.tensor([_code(text) for text in texts] + [OTHER] * (size - len(texts))))
        self.written = _written(tokenizer, texts)
        return self

    def tables(self) -> dict[str, Tensor]:
        """What a certificate covers: the table as it is loaded, and a digest of what each token writes.

        code_V: (V,); the digest: (32,).
        """
        if self._digest[0] is not self.written:  # immutable, so the same object is the same text
            whole = hashlib.sha256(b"".join(len(part).to_bytes(4, "little") + part for part in self.written))
            self._digest = self.written, whole.digest()
        return {"lexer.code": self.code_V, "lexer.written": torch.tensor(list(self._digest[1]), dtype=torch.uint8)}

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
        return self._marked(found, tokens, largest)

    def _marked(self, units: list[Unit], tokens: Sequence[int], largest: int) -> list[Unit]:
        """With a fault at each number that is spelled as no plain whole number is, and each numeral that is none."""
        spelled = self.spelled(tokens)
        bad = faults(spelled.text)
        if not bad:
            return units
        numerals = [fault for fault in bad if not fault.digits]
        digits = {spelled.token(fault.end - 1): fault for fault in bad if fault.digits}
        ends = sorted(digits)
        found, first = list[Unit](), 0
        for unit in units:
            at = bisect_right(ends, unit.token)
            begun = ends[at - 1] if at else -1
            if unit.value is not None and begun >= first and not unit.fault:
                unit = replace(unit, fault=digits[begun].text)
            found.append(unit)
            first = unit.token + 1
        return _with_numerals(found, numerals, spelled, largest)

    def spelled(self, tokens: Sequence[int]) -> Spelled:
        """The text that tokens write. Raises ConfigurationError before the lexer is filled."""
        if not self.written:
            raise ConfigurationError("the lexer has not been filled from a tokenizer", remedy="call fill(tokenizer)")
        parts = [self.written[token] if token < len(self.written) else b" " for token in tokens]
        return Spelled(b"".join(parts).decode("utf-8", "surrogateescape"), tuple(accumulate(map(len, parts))))


def lexer_tables(tokenizer: Any, vocabulary: int) -> dict[str, Tensor]:
    """The lexer's table, as the library's certificate covers it. code_V: (V,); the digest: (32,)."""
    return NumberLexer(vocabulary).fill(tokenizer).tables()


@dataclass(frozen=True)
class Spelled:
    """A text, and up to which of its bytes each token reaches."""

    text: str
    ends: tuple[int, ...]

    def token(self, at: int) -> int:
        """The token that writes a character, or the last part of it."""
        if not self.text.isascii():
            at = len(self.text[: at + 1].encode("utf-8", "surrogateescape")) - 1
        return bisect_right(self.ends, at)


def _with_numerals(units: list[Unit], numerals: Sequence[Fault], spelled: Spelled, largest: int) -> list[Unit]:
    """A numeral that is no digit is a number that no word holds, standing at its last token."""
    for fault in numerals:
        first, last = spelled.token(fault.begin), spelled.token(fault.end - 1)
        kept = [unit for unit in units if not (unit.value is None and first <= unit.token <= last)]
        if any(unit.token == last for unit in kept):
            continue
        units = sorted([*kept, Unit(last, largest + 1, fault.text)], key=lambda unit: unit.token)
    return units


def _turned(tokenizer: Any, numeral: str) -> str:
    """The plain number that a tokenizer makes of a numeral; nothing where it lets it be."""
    tokens = tokenizer(numeral, add_special_tokens=False)["input_ids"]
    text = tokenizer.decode(tokens).strip() if tokens else ""
    return text if _is_number(text) and text == unicodedata.normalize("NFKC", numeral) else ""


def _written(tokenizer: Any, texts: Sequence[str]) -> tuple[bytes, ...]:
    """The bytes of each token. Of tokens of single bytes, `decode` shows nothing, so they are read off their names."""
    bytelevel, special = _byte_level(tokenizer), set(tokenizer.all_special_ids)
    added = {token for token, one in getattr(tokenizer, "added_tokens_decoder", {}).items() if one.special}
    found = []
    for token, text in enumerate(texts):
        raw = tokenizer.convert_ids_to_tokens(token) or ""
        if token in special or token in added:
            found.append(b" ")
        elif bytelevel and all(char in _BYTE_OF for char in raw):
            found.append(bytes(_BYTE_OF[char] for char in raw))
        elif byte := re.fullmatch(r"<0x([0-9A-Fa-f]{2})>", raw):
            found.append(bytes([int(byte[1], 16)]))
        else:
            found.append(text.encode("utf-8", "surrogatepass"))
    return tuple(found)


def _byte_level(tokenizer: Any) -> bool:
    """Whether tokens are named by bytes, as in GPT-2 and Llama 3."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return backend is not None and '"ByteLevel"' in json.dumps(json.loads(backend.to_str()).get("decoder"))


def _byte_table() -> Mapping[str, int]:
    """GPT-2's names of bytes: printable ones are themselves, the others are moved past all of them."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    moved = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + at): byte for at, byte in enumerate(moved)}


_BYTE_OF = _byte_table()


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
    text = whole
    while kinds[last + 1 : last + 3] == [POINT, DIGITS]:
        point, last = last + 1, _end(kinds, last + 2)
        text += "." + "".join(digits[point + 1 : last + 1])
    if first:
        text = "-" + text if _signs(kinds, first - 1) else "." + text if _leads(kinds, first - 1) else text
    bare = whole.lstrip("0") or "0"
    value = int(bare) if len(bare) <= len(str(largest)) else largest + 1
    if value <= largest and text == whole:
        return Unit(last, value)
    return Unit(last, min(value, largest + 1), text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…")


def _end(kinds: list[int], first: int) -> int:
    """The last token of the digits that begin here."""
    last = first
    while kinds[last + 1 : last + 2] == [DIGITS]:
        last += 1
    return last
