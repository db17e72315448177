"""JSON that seals or gates: read strictly, and written canonically, so that others can recompute a digest.

Reading refuses whatever two readers could take differently, or what a canonical form could not say again: a key twice,
NaN, numbers past the doubles or past 2^53, lone surrogates, a byte order mark, other encodings, deep nesting, anything
behind the document, and what is no regular file. A document that is JSON but not strictly so is refused (exit code 1);
what is no JSON at all is a wrong input (2). The canonical form is RFC 8785 (JSON Canonicalization Scheme).
Standard library and `rfc8785`; called by every room that reads a document which decides something.
"""

from __future__ import annotations

import json
import math
import stat
from pathlib import Path
from typing import Any

from ncl.errors import FormatError, NotFoundError, refused

SAFE = (1 << 53) - 1  # whole numbers that every reader of JSON keeps (RFC 7493, I-JSON)
DEEPEST = 64
_SHOWN = 40  # characters of a key or number that a message repeats


def canonical(value: Any) -> bytes:
    """The document as RFC 8785 writes it. Raises ValueError for what JSON cannot say: NaN, lone surrogates, …"""
    import rfc8785  # here, so that sources are found where nothing else is installed

    return rfc8785.dumps(value)


def read(path: Path, what: str, largest: int = SAFE, endless: bool = False) -> Any:
    """The document in a file. Raises NotFoundError and FormatError, each with the file's name."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise FormatError(f"not {_one(what)}: it is no regular file", where=str(path))
        data = path.read_bytes()
    except FileNotFoundError as fault:
        raise NotFoundError(f"no {what} there", where=str(path)) from fault
    except OSError as fault:
        raise FormatError(f"not {_one(what)}: cannot read: {fault.strerror}", where=str(path)) from fault
    return parse(data, what, str(path), largest, endless)


def parse(data: bytes | str, what: str, where: str, largest: int = SAFE, endless: bool = False) -> Any:
    """The document in these bytes. Raises FormatError.

    `largest` bounds whole numbers in both directions; `endless`: NaN and Infinity are left to who knows the field.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        if text.startswith("\ufeff"):
            raise _NotStrict("it begins with a byte order mark")
        found = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=float if endless else _constant,
            parse_float=_float,
            parse_int=lambda digits: _int(digits, largest),
        )
        _look_through(found)
    except UnicodeDecodeError as fault:
        raise FormatError(f"not {_one(what)}: not UTF-8 at byte {fault.start}", where=where) from fault
    except RecursionError as fault:
        raise refused(FormatError(f"not {_one(what)}: nested deeper than {DEEPEST}", where=where)) from fault
    except _NotStrict as fault:
        raise refused(FormatError(f"not {_one(what)}: {fault}", where=where)) from fault
    except json.JSONDecodeError as fault:
        told = FormatError(f"not {_one(what)}: {fault}", where=where)
        raise (refused(told) if fault.msg == "Extra data" else told) from fault
    return found


class _NotStrict(ValueError):
    """JSON that two readers could take differently."""


def _one(what: str) -> str:
    return what if "JSON" in what else f"a {what}"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise _NotStrict(f"the key {twice[:_SHOWN]!a} stands there twice")
    return found


def _constant(name: str) -> float:
    raise _NotStrict(f"{name} is no number of JSON")


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _NotStrict(f"the number {digits[:_SHOWN]} is past what a double holds")
    return value


def _int(digits: str, largest: int) -> int:
    # Python refuses to read numbers of thousands of digits, in words that say nothing of the file.
    if len(digits) > len(str(largest)) + 1 or abs(int(digits)) > largest:
        raise _NotStrict(f"the whole number {digits[:_SHOWN]} is past {largest}")
    return int(digits)


def _look_through(document: Any) -> None:
    """Raise _NotStrict for a lone surrogate anywhere, or nesting that is too deep."""
    level, depth = [document], 0
    while level:
        if depth > DEEPEST:
            raise _NotStrict(f"nested deeper than {DEEPEST}")
        inner: list[Any] = []
        for value in level:
            if isinstance(value, str):
                _whole(value)
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, dict):
                for name in value:
                    _whole(name)
                inner += value.values()
        level, depth = inner, depth + 1


def _whole(text: str) -> None:
    if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
        raise _NotStrict(f"the text {text[:_SHOWN]!a} holds half a character (a lone surrogate)")
