"""A program with its contracts as text: functions, the clauses of each, and what each clause can name.

Made by `contract_programs`; `contract_cases` fills in clauses; read by the parser like any other file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ncl.language.program import Parameter

HEAD = "from ncl import Array, Word, decreases, ensures, invariant, old, permutation, program, requires, result"
MARK = re.compile(r"^( *)# loop (\d+)$")  # stands where a loop's contract goes


@dataclass(frozen=True)
class Loop:
    """What is surely assigned at a loop's head, and what its contract says. `variable` is of a `for`."""

    words: tuple[str, ...]
    arrays: tuple[str, ...]
    variable: str = ""
    invariants: tuple[str, ...] = ()
    decreases: str = ""


@dataclass(frozen=True)
class Written:
    """One function. `least` is the length that an array has at least, by `requires` or because it was made so."""

    name: str
    parameters: tuple[Parameter, ...]
    least: dict[str, int]
    fixed: frozenset[str]  # arrays of just that length
    lines: tuple[str, ...]
    loops: tuple[Loop, ...]
    kinds: frozenset[str]
    gives: str = "word"
    writes: frozenset[str] = frozenset()
    requires: tuple[str, ...] = ()
    ensures: tuple[str, ...] = ()
    decreases: str = ""
    callees: tuple[Written, ...] = ()
    known: bool = True  # whether its own contract is shown, so that callers may count on it

    @property
    def recursive(self) -> bool:
        return "recursion" in self.kinds

    @property
    def text(self) -> str:
        """A whole file: the functions that are called, then this one."""
        parts = [HEAD, *(one.alone for one in self.callees), f"@program\n{self.alone}"]
        return "\n\n\n".join(parts) + "\n"

    @property
    def alone(self) -> str:
        inner = ", ".join(f"{p.name}: {p.sort.capitalize()}" for p in self.parameters)
        lines = [f"def {self.name}({inner}) -> {self.gives.capitalize()}:"]
        lines += [f"    requires({clause})" for clause in self.requires]
        lines += [f"    ensures({clause})" for clause in self.ensures]
        lines += [f"    decreases({self.decreases})"] * bool(self.decreases)
        for line in self.lines:
            if mark := MARK.match(line):
                loop, margin = self.loops[int(mark[2])], f"    {mark[1]}"
                lines += [f"{margin}invariant({clause})" for clause in loop.invariants]
                lines += [f"{margin}decreases({loop.decreases})"] * bool(loop.decreases)
            else:
                lines.append(f"    {line}")
        return "\n".join(lines)
