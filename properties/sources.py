"""Source programs of the language, written out as text and read back by the parser.

Each is a whole readable file: words, array parameters and locals, if/elif/else, counted while and for loops, break,
continue and early returns, tuple and augmented assignments, asserts, short circuits, chains, conditional expressions;
functions that call others, give arrays, and call themselves or each other as deep as their first argument says. Every
one is inside the language by construction. They may trap, and a budget of ticks ends those that would run for long.
They shrink to what a person would have written.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cached_property

from hypothesis import strategies as st

from ncl.language.builtins import IMPORTED
from ncl.language.parse import parse_text
from ncl.language.program import Parameter
from ncl.language.syntax import Function
from ncl.properties.source_writer import Callee, Draw, Scope, Writer

FILE = "generated.py"
BUDGET = 300  # ticks; enough for two nested loops over four-bit words


class Source:
    """The text of a file with one decorated function, shown as it is."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def function(self) -> Function:
        return parse_text(self.text, FILE)[0]

    def __repr__(self) -> str:
        return f"\n{self.text}"


@st.composite
def sources(draw: Draw, width: int = 4, statements: int = 4, most: int = 2) -> Source:
    """A program whose literals are words of `width`; at most `statements` in the outermost block of a function, fewer
    inside, and at most `most` functions besides the first."""
    count = draw(st.sampled_from([n for n in (0, 1, 1, 2) if n <= most]))
    known: tuple[Callee, ...] = ()
    written: dict[str, list[str]] = {}
    heads = [draw(_heads(name)) for name in "gh"[:count]]
    mutual = count == 2 and all(head.bounded for head in heads) and draw(st.booleans())
    for head in heads:
        inside = [replace(other, first="n - 1") for other in (heads if mutual else [head]) if other.bounded]
        callees = (*(c for c in known if not mutual), *inside)
        written[head.name] = [str(head), *draw(_bodies(head, callees, width, max(1, statements - 1)))]
        known = (*known, head)
    entry = draw(_heads("f", first=True))
    written["f"] = ["@program", str(entry), *draw(_bodies(entry, known, width, statements))]
    return Source(_file(written))


@st.composite
def _heads(draw: Draw, name: str, first: bool = False) -> Callee:
    """Name, parameters and result. A function that the first one calls may go down a bounded number of calls."""
    bounded = not first and draw(st.booleans())
    sorts = draw(st.lists(st.sampled_from(["word", "array"]), min_size=0 if bounded else 1, max_size=3 - bounded))
    names = {"word": iter("abc"), "array": iter(("xs", "ys", "zs"))}
    parameters = tuple(Parameter(next(names[sort]), sort) for sort in sorts)
    gives = ["word", "array"] if first else ["word", "new", *(p.name for p in parameters if p.sort == "array")]
    own = (Parameter("n", "word"),) if bounded else ()
    return Callee(name, own + parameters, draw(st.sampled_from(gives)), bounded)


@st.composite
def _bodies(draw: Draw, head: Callee, callees: tuple[Callee, ...], width: int, statements: int) -> list[str]:
    """The lines of a function behind its head. One that is bounded ends where its first argument has come to 0."""
    writer = Writer(draw, width, head.gives, callees)
    words = tuple(p.name for p in head.parameters if p.sort == "word")
    arrays = tuple(p.name for p in head.parameters if p.sort == "array")
    scope = Scope(words, arrays, ("n",) if head.bounded else ())
    end: list[str] = []
    if head.bounded:
        made = [f"ws = [{writer.number()}] * {writer.number(3)}"] if head.gives == "new" else []
        last = Writer(draw, width, head.gives).returned(scope.with_array("ws") if made else scope)
        end = ["if n == 0:", *(f"    {line}" for line in [*made, last])]
    return [f"    {line}" for line in [*end, *writer.function(scope, statements)]]


def _file(written: dict[str, list[str]]) -> str:
    """The functions that are reached, with the imports that they need."""
    texts = {name: "\n".join(lines) for name, lines in written.items()}
    used, waiting = set[str](), ["f"]
    while waiting:
        name = waiting.pop()
        if name not in used:
            used.add(name)
            waiting += re.findall(r"\b([gh])\(", texts[name].split(":\n", 1)[1])
    body = "\n\n\n".join(text for name, text in texts.items() if name in used)
    names = ["Array", "Word", *sorted(name for name in IMPORTED if f"{name}(" in body), "program"]
    return f"from ncl import {', '.join(sorted(names, key=lambda n: (n.islower(), n)))}\n\n\n{body}\n"
