"""What came of checking whether a model computes what a program means: what was tried, and the difference found.

Made by `conformance`. `FORMER` has the names that attributes and JSON fields had before: both are kept for one version.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ncl.errors import FormerName, InputError
from ncl.language.program import Value
from ncl.properties.failure import Failed
from ncl.properties.minimise import Arguments

# Deprecated name → current one.
FORMER = {"whole_to": "exhaustive_to", "whole": "exhaustive", "silent": "undefined"}


def with_former(document: dict[str, Any]) -> dict[str, Any]:
    """The document with those of its fields that were renamed under their former names too."""
    return document | {former: document[name] for former, name in FORMER.items() if name in document}


class _Renamed:
    """Attributes under their former names."""

    def __getattr__(self, name: str) -> Any:
        current = FORMER.get(name, "")
        if not hasattr(type(self), current) and current not in getattr(self, "__dataclass_fields__", ()):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        message = f"{name} is named {current}; the former name works in this version only"
        warnings.warn(message, FormerName, stacklevel=2)
        return getattr(self, current)


@dataclass(frozen=True)
class Tried(_Renamed):
    """Of one length: how many inputs were compared, whether that was all of them, and on how many the program is
    undefined. The length is None for a program without arrays.
    """

    length: int | None
    compared: int
    exhaustive: bool
    undefined: int


@dataclass(frozen=True)
class Difference:
    """An input on which the model differs from the program."""

    program: str
    arguments: Arguments
    expected: Value
    got: Any  # what the model gave, or the exception that it raised
    length: int | None

    @property
    def call(self) -> str:
        return f"{self.program}({', '.join(map(python_text, self.arguments))})"

    @property
    def where(self) -> str:
        """The first element that differs, where both are lists."""
        if not (isinstance(self.expected, list) and isinstance(self.got, list)):
            return ""
        if len(self.expected) != len(self.got):
            return f" ({len(self.expected)} elements, got {len(self.got)})"
        at = next(n for n, (mine, theirs) in enumerate(zip(self.expected, self.got)) if mine != theirs)
        return f" (element {at} should be {self.expected[at]}, is {self.got[at]})"


@dataclass(frozen=True)
class Conformance(_Renamed):
    """What came of it: `tested`, `refuted`, or `vacuous` when nothing could be compared."""

    program: str
    width: int
    top: int
    tried: tuple[Tried, ...]
    difference: Difference | None

    @property
    def verdict(self) -> str:
        """`refuted` with a difference, `tested` without one, `vacuous` when nothing was compared."""
        if self.difference:
            return "refuted"
        return "tested" if self.compared else "vacuous"

    @property
    def ok(self) -> bool:
        """Whether the verdict is `tested`."""
        return self.verdict == "tested"

    @property
    def compared(self) -> int:
        """How many inputs were compared, over all lengths."""
        return sum(t.compared for t in self.tried)

    @property
    def first_failing_length(self) -> int | None:
        """The shortest length at which a difference was found; None when there is none."""
        return self.difference.length if self.difference else None

    @property
    def exhaustive_to(self) -> int | None:
        """The length up to which every input was tried; None when there is none."""
        upto = None
        for tried in self.tried:
            if not tried.exhaustive or (tried.length or 0) > (0 if upto is None else upto + 1):
                break
            upto = tried.length or 0
        return upto

    def check(self) -> Conformance:
        """Itself when it is `tested`; raises Failed with the smallest difference found, InputError when vacuous."""
        if self.difference:
            got = self.difference.got
            text = f"{type(got).__name__}: {got}" if isinstance(got, Exception) else python_text(got)
            raise Failed(str(self), python_text(self.difference.expected) + self.difference.where, text)
        if not self.compared:
            raise InputError(str(self), remedy="choose lengths and words (`top`) that the program takes")
        return self

    def to_json(self) -> dict[str, Any]:
        """All of it as one document, each length with how it was tried."""
        found = self.difference
        return with_former({
            "program": self.program,
            "width": self.width,
            "top": self.top,
            "verdict": self.verdict,
            "compared": self.compared,
            "exhaustive_to": self.exhaustive_to,
            "first_failing_length": self.first_failing_length,
            "counterexample": found and {
                "arguments": found.arguments, "expected": found.expected,
                "got": str(found.got) if isinstance(found.got, Exception) else found.got,
            },
            "tried": [with_former(vars(t)) for t in self.tried],
        })  # fmt: skip

    def __str__(self) -> str:
        passed = [t.length for t in self.tried if t.length is not None]
        lengths = f", lengths {passed[0]} to {passed[-1]}" if passed else ""
        undefined = sum(t.undefined for t in self.tried)
        left = f"; on {undefined} more the program is undefined" if undefined else ""
        if self.difference:
            at = f" at length {self.difference.length}" if self.difference.length is not None else ""
            return f"differs from {self.difference.call}{at}, after {self.compared} inputs{lengths} on which it agrees"
        if not self.compared:
            return f"nothing to compare with {self.program}{lengths}{left}"
        return f"agrees with {self.program} on {self.compared} inputs of words ≤ {self.top}{lengths}{left}"


def python_text(value: Any) -> str:
    """As Python, with long runs of one word as `[0] * 55`."""
    if not isinstance(value, list):
        return repr(value)
    runs = [(word, len(list(same))) for word, same in groupby(value)]
    if len(value) <= 8 or 2 * len(runs) > len(value):
        return repr(value)
    return " + ".join(f"[{word!r}] * {count}" if count > 1 else f"[{word!r}]" for word, count in runs)
