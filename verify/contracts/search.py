"""Looks for an input that breaks a contract by running the source with its contracts checked; proved or not.

All inputs of a small space are tried, then such as are likely to break it, at narrow widths with arrays as long as
memory has room for and at wide ones. Runs are of the fast checker; what it finds counts when `run_checked` confirms it.
Every function of the program that has a contract is also run by itself. Called by `check`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ncl.errors import LanguageError
from ncl.language.interpret.checked import Checker, Text
from ncl.language.interpret.contracts import Breach
from ncl.language.interpret.source import run_checked
from ncl.language.interpret.source_run import Mark
from ncl.language.opcodes import Trap
from ncl.language.program import Sizes
from ncl.language.syntax import Function
from ncl.language.trace import Result
from ncl.language.typecheck import check_width
from ncl.properties.minimise import Arguments, minimise
from ncl.verify.contracts.inputs import Inputs, literals, required_length
from ncl.verify.runs.input_spaces import Space, has_arrays, inputs, spaces

MOST = 6000  # inputs that are enumerated
BUDGET = 3000  # ticks
FEW = 700  # that are enumerated whatever they take
ALL_WORK = 4_000_000  # ticks and elements of quantifiers that the inputs of a larger space may take, all together
WORK = 400_000  # ticks and elements of quantifiers that the drawn inputs of one width may take, all together
WIDEST = 32
# Width, how many inputs are drawn, and how long their arrays are at most.
SAMPLED = (
    (1, 60, 2),
    (2, 200, 4),
    (3, 400, 8),
    (4, 400, 16),
    (5, 250, 32),
    (6, 150, 40),
    (8, 300, 24),
    (16, 200, 16),
    (32, 120, 12),
)
MORE = 4  # times as many are drawn where there are no arrays
SHORT = 300  # ticks of runs by which wrong implementations are judged: what is wrong shows in short ones
KEPT = 12  # of a width: valid runs by which wrong implementations are judged, for each of so many


@dataclass(frozen=True)
class Found:
    """An input with what it breaks."""

    function: Function
    arguments: Arguments
    sizes: Sizes
    breach: Breach


@dataclass(frozen=True)
class Runs:
    """Of one function at one width: how many ended how, the longest array; `space` where they are all of one."""

    function: str
    width: int
    ended: Counter[str]
    longest: int
    space: Space | None = None

    @property
    def count(self) -> int:
        return self.ended.total()

    @property
    def valid(self) -> int:
        """They met `requires` and came to their end."""
        return self.ended["kept"]

    @property
    def stopped(self) -> str:
        """What ended runs that would have gone on, each with its number."""
        told = {
            "budget": f"after {BUDGET} ticks", "memory": "by memory", "stack": "by the depth of calls",
            "contract": "by the size of a quantifier",
        }  # fmt: skip
        return ", ".join(f"{self.ended[kind]} stopped {text}" for kind, text in told.items() if self.ended[kind])


@dataclass
class Search:
    """`found` breaks a contract. `reached` are the contracts that valid runs came to, `samples` some of these runs."""

    found: Found | None = None
    runs: list[Runs] = field(default_factory=list)
    reached: set[Mark] = field(default_factory=set)
    samples: list[tuple[Sizes, Arguments, Result]] = field(default_factory=list)
    lost: str = ""  # an input on which the fast checker and the reference part

    @property
    def space(self) -> Space | None:
        """What was enumerated of the program itself."""
        return self._whole.space if self._whole else None

    @property
    def _whole(self) -> Runs | None:
        return next((runs for runs in self.runs if runs.space and runs.function == self.runs[0].function), None)

    @property
    def valid(self) -> int:
        """Of the program itself."""
        return sum(runs.valid for runs in self.runs if self.runs and runs.function == self.runs[0].function)

    @property
    def count(self) -> int:
        return sum(runs.count for runs in self.runs)

    @property
    def bound(self) -> str:
        """What was enumerated."""
        runs = self._whole
        if runs is None or runs.space is None:
            return ""
        length = f" and every length ≤ {runs.space.length}" if runs.space.length else ""
        cut = f", {runs.stopped}" if runs.stopped else ""
        return f"every word{length} at W = {runs.width}: {runs.count} inputs{cut}"

    @property
    def description(self) -> str:
        """All runs together: how many, at which widths, with which arrays, and how they ended."""
        ended = sum((runs.ended for runs in self.runs), Counter[str]())
        whole = Runs("", 0, ended, max((runs.longest for runs in self.runs), default=0))
        widths = ", ".join(str(w) for w in sorted({runs.width for runs in self.runs}))
        length = f" and lengths ≤ {whole.longest}" if whole.longest else ""
        parts = [f"{whole.count} runs at W = {widths}{length}", f"{whole.valid} keep it"]
        if ended["unmet"]:
            parts.append(f"{ended['unmet']} do not meet `requires`")
        return ", ".join([*parts, whole.stopped] if whole.stopped else parts)


def search(function: Function, seed: int) -> Search:
    """Up to the first breach, made small: of the program itself, then of what it calls."""
    tried = Search()
    for one in entries(function):
        _enumerated(one, tried)
        for width, count, longest in () if tried.found else _drawn(one):
            given = Inputs(one, sizes_at(width), longest, seed).stream(count)
            look(tried, one, sizes_at(width), given)
            if tried.found or tried.lost:
                return tried
        if tried.found or tried.lost:
            return tried
    return tried


def entries(function: Function) -> Iterator[Function]:
    """The program, and each function that it calls and that has a contract, as the first of the same program."""
    yield function
    for name, other in function.program.items():
        if name != function.name and other.contract:
            yield as_entry(function, name)


def as_entry(function: Function, name: str) -> Function:
    """A function of a program as the one that the program begins with."""
    from dataclasses import replace

    from ncl.verify.contracts.effects import reach

    program = function.program
    below = sorted(reach(program[name], program) - {name})
    return replace(program[name], others=tuple(replace(program[other], others=()) for other in below))


def _drawn(function: Function) -> Iterator[tuple[int, int, int]]:
    """The rows of `SAMPLED` whose words can hold the program's literals; one more row where a contract's need it."""
    if not function.signature.parameters:
        yield from ((width, 1, 0) for width, _, _ in SAMPLED if fits(function, sizes_at(width)))
        return
    needed = bits(function)
    widths = [width for width, _, _ in SAMPLED]
    more = 1 if has_arrays(function.signature) else MORE
    rows = [(width, more * count, longest) for width, count, longest in SAMPLED]
    if 8 < needed <= WIDEST and needed not in widths:
        rows.append((needed, more * 200, 16))
    least = required_length(function)
    for width, count, longest in rows:
        if fits(function, sizes_at(width)):
            yield width, count, max(longest, least)


def look(
    tried: Search, function: Function, sizes: Sizes, given: Iterable[Arguments], space: Space | None = None
) -> None:
    """Run inputs of one size; adds what came of them to `tried`, and stops at the first that breaks a contract."""
    checker, longest, work = Checker(_text(function), sizes, BUDGET), 0, 0
    ended = Counter[str]()
    own = not tried.runs or tried.runs[0].function == function.name
    for arguments in given:
        end = checker.run(arguments)
        ended[end.kind] += 1
        longest = max([longest, *(len(v) for v in arguments if isinstance(v, list))])
        work += end.ticks + end.elements
        if end.kind == "broken":
            _confirm(tried, function, arguments, sizes)
            break
        if own and end.kind == "kept" and end.ticks <= SHORT and (ended["kept"] <= KEPT or not ended["kept"] % KEPT):
            tried.samples.append((sizes, arguments, Result(end.result, end.ticks, None)))
        if work > (ALL_WORK if space and space.count > FEW else WORK if space is None else math.inf):
            space = None
            break
    tried.reached |= checker.reached
    tried.runs.append(Runs(function.name, sizes.width, ended, longest, space))


_TEXTS: dict[int, Text] = {}


def _text(function: Function) -> Text:
    """Compiled once; the function is kept alive by its text, so its id stays its own."""
    if id(function) not in _TEXTS or _TEXTS[id(function)].function is not function:
        if len(_TEXTS) > 64:
            _TEXTS.clear()
        _TEXTS[id(function)] = Text(function)
    return _TEXTS[id(function)]


def _confirm(tried: Search, function: Function, arguments: Arguments, sizes: Sizes) -> None:
    breach = attempt(function, arguments, sizes)[1]
    if breach is None or breach.kind == "requires":
        shown = ", ".join(map(str, arguments))
        tried.lost = f"{function.name}({shown}) at width {sizes.width}"
        return
    tried.found = _smallest(function, arguments, sizes, breach)


def _enumerated(function: Function, tried: Search) -> None:
    """All inputs of a space; of a smaller one where most runs of the first would not end."""
    for most in (MOST, FEW):
        space = small_space(function, most)
        if space is None:
            return
        look(tried, function, sizes_at(space.width), inputs(function.signature, space), space)
        if tried.found or tried.lost or tried.runs[-1].space:
            return


def small_space(function: Function, most: int = MOST) -> Space | None:
    """The most telling space of so many inputs, of those in whose memory the function finds room if any has it."""
    few = [space for space in spaces(function.signature) if space.count <= most and _holds(function, space)]
    needed = bits(function)
    if not has_arrays(function.signature) and function.signature.parameters and 8 < needed <= 16:
        wide = Space(needed, 0, 1 << needed * len(function.signature.parameters))
        few[:0] = [wide] if wide.count <= most else []
    able = [space for space in few if fits(function, sizes_at(space.width))]
    return next((space for space in able if _has_room(function, space)), able[0] if able else None)


def bits(function: Function) -> int:
    """As many as the largest literal of program and contracts has."""
    return max((n.bit_length() for n in literals(function)), default=0)


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


def fits(function: Function, sizes: Sizes) -> bool:
    """Whether all literals are words of this width."""
    try:
        for one in function.program.values():
            check_width(one, sizes.width)
    except LanguageError:
        return False
    return True


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
    return Found(function, small, sizes, again or breach)
