"""Looks for an input that breaks a contract by running the source with its contracts checked: small inputs and random.

All small inputs at a small width are tried, so a search that finds nothing says how far it reached. Called by
`contracts`.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from ncl.errors import LanguageError, NclError
from ncl.language.interpret.contracts import Breach
from ncl.language.interpret.source import run_checked
from ncl.language.opcodes import Trap
from ncl.language.program import Program, Sizes
from ncl.language.syntax import Function
from ncl.language.trace import Result
from ncl.language.typecheck import check_width
from properties.minimise import Arguments, minimise
from verify.contract_mutants import without_contracts
from verify.spaces import Space, inputs, random_inputs, spaces

MOST = 6000  # inputs that are enumerated
BUDGET = 3000  # ticks
RANDOM = 150
WIDTHS = (8, 16, 32)  # the random ones are at the first that takes the literals: a contract may ask for every word
LONGEST = 12


@dataclass(frozen=True)
class Found:
    """An input with what it breaks."""

    arguments: Arguments
    sizes: Sizes
    breach: Breach


@dataclass(frozen=True)
class Search:
    """`space` was enumerated in full unless None; `valid` of the inputs met `requires` and ended in time."""

    found: Found | None
    space: Space | None
    valid: int
    cut: int = 0  # runs that the budget or the memory ended

    @property
    def bound(self) -> str:
        if self.space is None:
            return ""
        length = f" and every length ≤ {self.space.length}" if self.space.length else ""
        cut = f", {self.cut} ended by budget or memory" if self.cut else ""
        return f"every word{length} at W = {self.space.width}: {self.space.count} inputs{cut}"


def search(function: Function, seed: int) -> Search:
    """The first breach, made small; all inputs of a space at small width, then random ones at a larger one."""
    chosen = small_space(function)
    valid = cut = 0
    for sizes, arguments in _inputs(function, chosen, seed):
        result, breach = attempt(function, arguments, sizes)
        if breach and breach.kind != "requires":
            return Search(_smallest(function, arguments, sizes, breach), chosen, valid)
        stopped = result is not None and result.trap is not None
        valid += breach is None and not stopped
        cut += stopped
    return Search(None, chosen, valid, cut)


def small_space(function: Function) -> Space | None:
    """The most telling space that can be enumerated, of those in whose memory the function finds room if any has it."""
    few = [space for space in spaces(function.signature) if space.count <= MOST and _holds(function, space)]
    able = [space for space in few if _fits(function, sizes_at(space.width))]
    return next((space for space in able if _has_room(function, space)), able[0] if able else None)


def _holds(function: Function, space: Space) -> bool:
    """Whether the longest arguments of the space are arguments at all: lengths are words, and memory is for all."""
    arrays = sum(p.sort == "array" for p in function.signature.parameters)
    return space.length < 1 << space.width and arrays * space.length <= sizes_at(space.width).memory


def _has_room(function: Function, space: Space) -> bool:
    arguments: Arguments = [[0] * space.length if p.sort == "array" else 1 for p in function.signature.parameters]
    result, _ = attempt(function, arguments, sizes_at(space.width))
    return result is None or result.trap is None or result.trap.kind is not Trap.MEMORY


def sizes_at(width: int) -> Sizes:
    return Sizes(width=width, memory=1 << min(width, 12))


def _fits(function: Function, sizes: Sizes) -> bool:
    """Whether all literals are words of this width."""
    try:
        for one in function.program.values():
            check_width(one, sizes.width)
    except LanguageError:
        return False
    return True


def _inputs(function: Function, space: Space | None, seed: int) -> Iterator[tuple[Sizes, Arguments]]:
    if space is not None:
        for arguments in inputs(function.signature, space):
            yield sizes_at(space.width), arguments
    sizes = next(s for s in map(sizes_at, WIDTHS) if s.width == WIDTHS[-1] or _fits(function, s))
    program = Program(function.name, function.signature, sizes, ())
    for arguments in random_inputs(program, RANDOM, seed, LONGEST):
        yield sizes, arguments


def attempt(
    function: Function, arguments: Arguments, sizes: Sizes, budget: int = BUDGET
) -> tuple[Result | None, Breach | None]:
    return run_checked(function, [list(v) if isinstance(v, list) else v for v in arguments], sizes, budget)


def _smallest(function: Function, arguments: Arguments, sizes: Sizes, breach: Breach) -> Found:
    def fails(candidate: Arguments) -> bool:
        again = attempt(function, candidate, sizes)[1]
        return again is not None and (again.kind, again.position) == (breach.kind, breach.position)

    small = minimise(arguments, fails, trials=400)
    again = attempt(function, small, sizes)[1]
    return Found(small, sizes, again or breach)


# --- wrong implementations -------------------------------------------------------------------------------------------

SOME = 250  # inputs for each wrong implementation
SHORT = 300  # ticks of a run; what is wrong shows in short ones


@dataclass(frozen=True)
class Sieve:
    """`refuted` wrong implementations break the contract, `passed` differ from the right one and do not."""

    refuted: int
    passed: tuple[str, ...]


def sift(function: Function, wrong: Iterable[tuple[str, Function]], seed: int, enough: int) -> Sieve:
    """Count until `enough` are refuted by an `ensures`."""
    known = list(_known(function, seed))
    refuted, passed = 0, []
    for told, other in wrong:
        verdict = _judged(other, known)
        refuted += verdict == "refuted"
        if verdict == "passed":
            passed.append(told)
        if refuted >= enough:
            break
    return Sieve(refuted, tuple(passed))


def _known(function: Function, seed: int) -> Iterator[tuple[Sizes, Arguments, Result]]:
    """Some valid inputs with their right results, small and random ones mixed."""
    every = list(_inputs(function, small_space(function), seed))
    random.Random(seed).shuffle(every)
    plain = replace(function, body=without_contracts(function.body))  # invariants are not asked for here
    good = ((sizes, a, *attempt(plain, a, sizes, SHORT)) for sizes, a in every)
    valid = ((sizes, a, r) for sizes, a, r, breach in good if breach is None and r is not None and r.trap is None)
    yield from islice(valid, SOME)


def _judged(other: Function, known: list[tuple[Sizes, Arguments, Result]]) -> str:
    """refuted, passed, or "" for one that does not differ, or never ends as a program should."""
    differs = False
    for sizes, arguments, right in known:
        try:
            result, breach = attempt(other, arguments, sizes, SHORT)
        except (NclError, KeyError):  # a variable that is no longer assigned, a literal too large
            return ""
        if breach and breach.kind == "ensures":
            return "refuted"
        if result is not None and result.trap is not None and result.trap.kind is Trap.BUDGET:
            return ""
        differs |= result is not None and result.trap is None and result.result != right.result
    return "passed" if differs else ""
