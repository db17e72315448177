"""The source with its contracts as one Python function: what to use for thousands of checked runs of small inputs.

It says how a run ended and which contracts it came to, several times as fast as `run_checked`, and no more: that a run
is `broken` is a suspicion, for `run_checked` to confirm and to word. The text that Python compiles is made of the typed
tree alone: operators, numbers, and names of its own. Where that text is too deep for Python, `run_checked` runs
instead. Called by `ncl.verify.contracts.search`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from ncl.language.interpret.checked_clauses import Meaningless
from ncl.language.interpret.checked_names import Endless, Overspent, Stopped, Unensured, Unmet, names_for
from ncl.language.interpret.checked_text import text_of
from ncl.language.interpret.endless import LATE
from ncl.language.interpret.source import ROOM, run_marked
from ncl.language.interpret.source_run import Mark
from ncl.language.program import Sizes, Value
from ncl.language.syntax import Function
from ncl.language.typecheck import check_width
from ncl.language.walks import calls

ELEMENTS = 60_000  # elements of quantifiers that one run may ask for


@dataclass(frozen=True)
class End:
    """How a run ended: kept; unmet (`requires` does not hold); broken; or stopped by budget, memory, stack, contract.

    `elements` are those that its quantifiers asked for; "contract" says that these were too many. `clause` is "ensures"
    where such a one was false, "endless" where the run goes round for ever.
    """

    kind: str
    result: Value | None = None
    ticks: int = 0
    elements: int = 0
    clause: str = ""


class Text:
    """A program with its contracts, compiled for all sizes; `code` is None where Python cannot."""

    def __init__(self, function: Function) -> None:
        self.function, self.marks = function, tuple[Mark, ...]()
        self.recurs = bool(function.others) or function.name in calls(function.body)
        self.code: CodeType | None = None
        try:
            text, self.marks = text_of(function)
            self.code = compile(text, f"<checked {function.name}>", "exec")
        except (SyntaxError, RecursionError, MemoryError):
            pass


@dataclass
class Checker:
    """A program on machines of one size. `reached` fills up with the contracts that its runs came to.

    `state` is what a run has left: ticks, calls, cells, elements; the open function's number and measure; and, where
    the run is promised to end, how many calls may be open and how few ticks are left when that is checked.
    """

    text: Text
    sizes: Sizes
    budget: int
    reached: set[Mark] = field(default_factory=set)
    state: list[Any] = field(default_factory=list)
    entry: Callable[..., Value] | None = None

    def __post_init__(self) -> None:
        """Raises LanguageError for a literal that is too large for the width."""
        check_width(self.text.function, self.sizes.width)
        if self.text.code is not None:
            seen = [False] * len(self.text.marks)

            def mark(number: int) -> None:
                seen[number] = True
                self.reached.add(self.text.marks[number])

            names = names_for(self.sizes, self.state, seen, mark)
            exec(self.text.code, names)
            self.entry = names["f0"]

    def run(self, arguments: list[Value]) -> End:
        """Run copies of the arguments, which are words and arrays that fit: that is not checked here."""
        given = [list(v) if isinstance(v, list) else v for v in arguments]
        if self.entry is None:
            return self._slowly(given)
        cells = sum([len(v) for v in given if isinstance(v, list)])
        self.state[:] = [self.budget, self.sizes.depth, self.sizes.memory - cells, ELEMENTS, None, *self.ends]
        kind, result, clause = self._ended(given)
        ticks, elements = self.budget - max(0, self.state[0]), ELEMENTS - max(0, self.state[3])
        return End(kind, result, ticks, elements, clause)

    @property
    def ends(self) -> tuple[int, int]:
        """How many calls may be open, and how few ticks left, when it is checked whether a run ends."""
        return (self.sizes.depth, self.budget // LATE) if self.text.function.contract else (0, 0)

    def _ended(self, given: list[Value]) -> tuple[str, Value | None, str]:
        before = sys.getrecursionlimit()
        if self.text.recurs:
            sys.setrecursionlimit(max(before, before + ROOM * (self.sizes.depth + 1)))
        try:
            assert self.entry is not None
            return "kept", self.entry(*given), ""
        except Stopped as stopped:
            return stopped.kind, None, ""
        except Overspent:
            return "contract", None, ""
        except Unmet:
            return "unmet", None, ""
        except Endless:
            return "broken", None, "endless"
        except Unensured:
            return "broken", None, "ensures"
        except (AssertionError, IndexError, ZeroDivisionError, Meaningless):
            return "broken", None, ""
        finally:
            if self.text.recurs:
                sys.setrecursionlimit(before)

    def _slowly(self, arguments: list[Value]) -> End:
        result, breach, reached = run_marked(self.text.function, arguments, self.sizes, self.budget)
        self.reached |= reached
        if breach is not None:
            return End("unmet" if breach.kind == "requires" else "broken", clause=breach.kind)
        assert result is not None
        return End(result.trap.kind.label if result.trap else "kept", result.result, result.ticks)
