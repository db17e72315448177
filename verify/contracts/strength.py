"""Whether a contract sees wrong implementations: each is run where the right one is known to keep it.

Called by `check`, with the valid runs of the search.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from ncl.errors import NclError
from ncl.language.interpret.checked import Checker, Text
from ncl.language.program import Sizes
from ncl.language.syntax import Function
from ncl.language.trace import Result
from ncl.properties.minimise import Arguments
from ncl.verify.contracts.search import SHORT, attempt

SOME = 250  # inputs for each wrong implementation
REWORDED = 3  # runs of one that are worded by the reference: what has no meaning may be an `ensures`

Sample = tuple[Sizes, Arguments, Result]


@dataclass(frozen=True)
class Strength:
    """`refuted` wrong implementations break the contract, `passed` differ from the right one and do not."""

    refuted: int
    passed: tuple[str, ...]


def strength_of(samples: Iterable[Sample], wrong: Iterable[tuple[str, Function]], seed: int, enough: int) -> Strength:
    """Count until `enough` are refuted by an `ensures`."""
    known = list(samples)
    random.Random(seed).shuffle(known)
    refuted, passed = 0, []
    for told, other in wrong:
        verdict = _verdict_of(other, known[:SOME])
        refuted += verdict == "refuted"
        if verdict == "passed":
            passed.append(told)
        if refuted >= enough:
            break
    return Strength(refuted, tuple(passed))


def _verdict_of(other: Function, known: list[Sample]) -> str:
    """refuted, passed, or "" for one that does not differ, or never ends as a program should."""
    differs, asked, text, checkers = False, 0, Text(other), dict[int, Checker]()
    for sizes, arguments, right in known:
        try:
            if sizes.width not in checkers:
                checkers[sizes.width] = Checker(text, sizes, SHORT)
            end = checkers[sizes.width].run(arguments)
            if end.clause == "ensures":
                return "refuted"
            if end.kind == "broken" and asked < REWORDED:
                asked += 1
                breach = attempt(other, arguments, sizes, SHORT)[1]
                if breach and breach.kind == "ensures":
                    return "refuted"
        except (NclError, NameError, KeyError):  # a variable that is no longer assigned, a literal too large
            return ""
        if end.kind == "budget" or end.clause == "endless":
            return ""
        differs |= end.kind == "kept" and end.result != right.result
    return "passed" if differs else ""
