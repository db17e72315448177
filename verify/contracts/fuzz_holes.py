"""A contract that was proved although runs break it: seen again on its text alone, made small, and written to replay.

The text is what counts: `run_checked` breaks it on a small input and `prove_function` proves it, both from the text. It
is made small by leaving out lines, and whatever is indented below them, while both stay so. Called by whoever runs
`fuzz`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import z3

from ncl.errors import NclError
from ncl.language.interpret.contracts import Breach
from ncl.language.interpret.source import run_checked
from ncl.language.parse import parse_text
from ncl.language.program import Sizes, Value
from ncl.language.syntax import Function
from ncl.language.typecheck import check_width
from ncl.properties.contract_cases import FILE
from ncl.properties.contract_runs import WIDTHS
from ncl.verify.contracts.fuzz import STEPS, Suspect
from ncl.verify.contracts.fuzz_clauses import Walk
from ncl.verify.contracts.proof import prove_function
from ncl.verify.contracts.terms import Unprovable

TICKS = 400
LENGTHS = (0, 1, 2)
MOST = 5000  # inputs at one width
TRIALS = 400  # texts tried while one is made small


@dataclass(frozen=True)
class Hole:
    """`text` is the smallest found; the input breaks it at that width as `breach` says."""

    text: str
    name: str
    kind: str
    arguments: list[Value]
    width: int
    breach: Breach
    seed: int
    number: int

    def __str__(self) -> str:
        shown = ", ".join(map(str, self.arguments))
        return f"proved, but {self.name}({shown}) at width {self.width}: {self.breach}\n{self.text}"

    def to_json(self) -> dict[str, Any]:
        return {"program": self.text, "kind": self.kind, "seed": self.seed, "batch": self.number, "case": self.case()}

    def case(self) -> dict[str, Any]:
        """A counterexample that `ncl replay` runs."""
        return {
            "schema": 1, "kind": "contract", "source": {"file": FILE, "name": self.name, "text": self.text},
            "sizes": {"width": self.width, "memory": 1 << self.width}, "arguments": self.arguments,
            "breach": self.breach.to_json(), "place": {**self.breach.position.named(), "file": FILE},
        }  # fmt: skip


def seen_again(suspect: Suspect, shrink: bool = True) -> Hole | None:
    """The hole in as few lines as may be; None when the text alone shows none."""
    found = _hole(suspect.text, suspect.name)
    if found is None:
        return None
    text = smallest(suspect.text, suspect.name, found[2]) if shrink else suspect.text
    arguments, width, breach = _hole(text, suspect.name) or found
    return Hole(text, suspect.name, suspect.kind, arguments, width, breach, suspect.seed, suspect.number)


def _hole(text: str, name: str) -> tuple[list[Value], int, Breach] | None:
    """An input that breaks what `prove_function` proves."""
    function = parse_text(text, FILE, name)[0]
    broken = breaks(function)
    return broken if broken and prove_function(function).complete else None


def breaks(function: Function) -> tuple[list[Value], int, Breach] | None:
    """The first small input on which a contract of the program does not hold."""
    for width in WIDTHS:
        try:
            check_width(function, width)
        except NclError:
            continue
        sizes = Sizes(width=width, memory=1 << width, depth=24)
        for arguments in _inputs(function, width):
            _, breach = run_checked(function, [list(v) if isinstance(v, list) else v for v in arguments], sizes, TICKS)
            if breach and breach.kind != "requires":
                return arguments, width, breach
    return None


def _inputs(function: Function, width: int) -> Iterator[list[Value]]:
    size = 1 << width
    rows: list[Value] = [list(row) for n in LENGTHS if n < size for row in product(range(size), repeat=n)]
    words: list[Value] = list(range(size))
    choices = [words if p.sort == "word" else rows for p in function.signature.parameters]
    for number, row in enumerate(product(*choices)):
        if number >= MOST:
            return
        if sum(len(v) for v in row if isinstance(v, list)) <= size:
            yield list(row)


# --- smaller ---------------------------------------------------------------------------------------------------------


def smallest(text: str, name: str, breach: Breach) -> str:
    """Without every line that can go while the same clause breaks, and no more than two blank lines in a row."""
    lines, left = text.splitlines(), TRIALS
    progress = True
    while progress and left > 0:
        progress = False
        for candidate in _shorter(lines):
            left -= 1
            if left < 0:
                break
            if _quick("\n".join(candidate) + "\n", name, breach):
                lines, progress = candidate, True
                break
    small = re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines) + "\n")
    return small if _hole(small, name) else text


def _shorter(lines: list[str]) -> Iterable[list[str]]:
    """Each line left out with what is indented below it, the largest such pieces first."""
    pieces = []
    for begin, line in enumerate(lines):
        if not line.strip() or line.startswith(("from", "@")):
            continue
        margin = len(line) - len(line.lstrip())
        end = begin + 1
        while end < len(lines) and lines[end].strip() and len(lines[end]) - len(lines[end].lstrip()) > margin:
            end += 1
        pieces.append((begin, end))
        if end - begin > 1:
            pieces.append((begin, begin))  # the head alone: what is below it comes one step out
    for begin, end in sorted(pieces, key=lambda piece: piece[0] - piece[1]):
        if end > begin:
            yield lines[:begin] + lines[end:]
        else:
            margin = len(lines[begin]) - len(lines[begin].lstrip())
            stop = next((n for n in range(begin + 1, len(lines))
                         if len(lines[n]) - len(lines[n].lstrip()) <= margin), len(lines))  # fmt: skip
            yield lines[:begin] + [line[4:] for line in lines[begin + 1 : stop]] + lines[stop:]


def _quick(text: str, name: str, breach: Breach) -> bool:
    """Whether the text shows the hole, by the same clause and with few steps of the solver."""
    try:
        function = parse_text(text, FILE, name)[0]
        broken = breaks(function) if function.contract else None
        if broken is None or _way(broken[2]) != _way(breach):
            return False
        return all(one.contract and _complete(one, function) for one in function.program.values())
    except (NclError, Unprovable, z3.Z3Exception, RecursionError):
        return False


def _way(breach: Breach) -> tuple[str, str, bool]:
    """What broke, and whether because it has no meaning there."""
    return breach.kind, breach.text, breach.detail.startswith("it has no meaning")


def _complete(one: Function, function: Function) -> bool:
    walk = Walk(one, STEPS, function.program)
    return not walk.lacking and all(map(walk.proves, walk.goals))
