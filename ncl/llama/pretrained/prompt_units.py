"""From a prompt's tokens to the units that the reader sees: the user's last message, and long ones made short.

What was said before the last message is not read: it reads as it would alone, at the positions that the model knows.
Only where it names no list of its own is the list looked up that was there last (`earlier_list`).
The middle of a long run of numbers is left out of what the language model reads (a list is a list: its inner numbers
are read as the one before them), and what is still long is read in windows, each behind the prompt's own beginning. So
a prompt of thousands of numbers is read as one of a dozen, at positions that the model knows.

Legend: T tokens, U units, H hidden size.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from ncl.llama.pretrained.chat_format import Markers
from ncl.llama.pretrained.number_lexer import COMMA, LINE, SEMICOLON, SIGN, NumberLexer, Unit
from ncl.llama.pretrained.number_spelling import ONES

EDGE = 6  # numbers kept at each end of a run
WINDOW, OVERLAP, HEAD = 256, 64, 24  # tokens: of a window, shared with the one before, of the message's own beginning
WHOLE = 384  # up to which a message is read in one piece
_EMPTY = re.compile(r"\[\s*\]|\{\s*\}|(?<![A-Za-z0-9_])\(\s*\)|\bempty (?:list|array)\b", re.IGNORECASE)
# What a message brings along itself: numbers in words, or something behind a colon.
_BROUGHT = re.compile(rf"\b(?!(?:zero|one)\b)(?:{ONES})\b|:[ \t]*\w", re.IGNORECASE)


@dataclass(frozen=True)
class Message:
    """What is read. `words`, `faults`: of all numbers that a unit stands for; `place`: its token in `tokens`.

    `lead`: for a number, the first unit of its run, with which it is data or not; for text, itself.
    `same`: for text, the unit that says it first, at the same place of a clause in the same words; for others, itself.
    """

    prefix: tuple[int, ...]  # tokens before the first message
    given: tuple[int, ...]  # of the answer that was begun
    tokens: tuple[int, ...]  # of the message, shortened
    number: tuple[bool, ...]
    place: tuple[int, ...]
    lead: tuple[int, ...]
    begins: tuple[bool, ...]  # text that begins a clause: behind a mark, a number, or nothing
    ends: tuple[bool, ...]  # text that ends a clause: before a mark, a number, or nothing
    same: tuple[int, ...]
    words: tuple[tuple[int, ...], ...]
    faults: tuple[tuple[str, ...], ...]
    shortened: bool  # what is read is not all that stands there
    said: tuple[int, ...] = ()  # tokens of earlier turns
    empty: bool = False  # the text writes a list without numbers: []
    brings: bool = False  # something of its own, which is not written in digits


def last_user_message(ids: Sequence[int], markers: Markers) -> tuple[int, int] | None:
    """First and one past the last token of the last user message; None when there is none."""
    before, after = markers.before, markers.after
    if not after:
        return (0, len(ids)) if ids else None
    end = None
    for at in range(len(ids), -1, -1):
        if _stands(ids, after, at):
            end = at
        if end is not None and at <= end and _stands(ids, before, at - len(before)):
            return at, end
    return None


def message(ids: Sequence[int], markers: Markers, lexer: NumberLexer, largest: int) -> Message | None:
    """The last user message of a prompt, without those before it, its long runs shortened."""
    found = last_user_message(ids, markers)
    if found is None:
        return None
    first, end = found
    opening = next(at for at in range(first + 1) if _stands(ids, markers.before, at - len(markers.before)))
    tokens = list(ids[first:end])
    given = tuple(ids[end + len(markers.after) :])
    made = _shortened(tuple(ids[:opening]), given, tokens, lexer.units(tokens, largest), opening < first)
    text = lexer.spelled(tokens).text
    empty, brings = _EMPTY.search(text) is not None, _BROUGHT.search(text) is not None
    said = ids[max(0, opening - len(markers.before)) : first] if opening < first else ()
    return replace(made, said=tuple(said), empty=empty, brings=brings)


@dataclass(frozen=True)
class Earlier:
    """The list that an earlier turn left: its numbers, and those of them that no word holds as they were written."""

    words: tuple[int, ...]
    faults: tuple[str, ...] = ()


def earlier_list(found: Message, markers: Markers, lexer: NumberLexer, largest: int) -> Earlier | None:
    """What "it" is in a later turn: the list in the last answer that is one, or else in the last message with one.

    None where there is no such list, or doubt: the message has several, numbers that are none, or writes an empty one.
    """
    said = list(found.said)
    while said and markers.before and tuple(said[-len(markers.before) :]) == markers.before:
        said = said[: -len(markers.before)]
        turn = last_user_message(said, markers)
        if turn is None:
            return None
        first, end = turn
        tokens = said[end + len(markers.after) :]
        if markers.after[0] in tokens:  # what ends a message ends an answer
            tokens = tokens[: tokens.index(markers.after[0])]
        answer, message = lexer.units(tokens, largest), lexer.units(said[first:end], largest)
        numbers = [at for at, unit in enumerate(answer) if unit.value is not None]
        if numbers and all(unit.value is not None or unit.separator for unit in answer):
            return _list_of(answer, numbers)
        lists = [run for run in number_runs(message) if len(run) > 1]  # a number alone is hardly a list
        if lists:
            return _list_of(message, lists[0]) if len(lists) == 1 else None
        if number_runs(message) or _EMPTY.search(lexer.spelled(said[first:end]).text):
            return None
        said = said[:first]
    return None


def _list_of(units: Sequence[Unit], places: Sequence[int]) -> Earlier:
    numbers = [units[place] for place in places]
    return Earlier(
        tuple(unit.value or 0 for unit in numbers), tuple(dict.fromkeys(unit.fault for unit in numbers if unit.fault))
    )


def _stands(ids: Sequence[int], wanted: Sequence[int], at: int) -> bool:
    return at >= 0 and tuple(ids[at : at + len(wanted)]) == tuple(wanted)


def _shortened(
    prefix: tuple[int, ...], given: tuple[int, ...], tokens: list[int], units: list[Unit], later: bool
) -> Message:
    stands: list[list[Unit]] = [[unit] for unit in units]
    dropped: set[int] = set()  # units
    gone: set[int] = set()  # tokens
    lead = list(range(len(units)))
    for run in number_runs(units):
        for place in run:
            lead[place] = run[0]
        if len(run) <= 2 * EDGE:
            continue
        keeper, last = run[EDGE - 1], run[-EDGE - 1]
        dropped.update(range(keeper + 1, last + 1))
        gone.update(range(units[keeper].token + 1, units[last].token + 1))
        stands[keeper] += [units[u] for u in run[EDGE:-EDGE]]
    kept = [u for u in range(len(units)) if u not in dropped]
    new_unit = {u: at for at, u in enumerate(kept)}
    new_place, count = {}, 0
    for place in range(len(tokens)):
        if place not in gone:
            new_place[place] = count
            count += 1
    numbers = [[unit for unit in stands[u] if unit.value is not None] for u in kept]
    begins, ends = _clauses([units[u] for u in kept])
    return Message(
        prefix,
        given,
        tuple(t for place, t in enumerate(tokens) if place not in gone),
        tuple(units[u].value is not None for u in kept),
        tuple(new_place[units[u].token] for u in kept),
        tuple(new_unit[lead[u]] for u in kept),
        begins,
        ends,
        _said_first([tokens[units[u].token] for u in kept], begins, ends),
        tuple(tuple(unit.value or 0 for unit in group) for group in numbers),
        tuple(tuple(unit.fault for unit in group if unit.fault) for group in numbers),
        later or bool(gone),
    )


def _clauses(units: Sequence[Unit]) -> tuple[tuple[bool, ...], tuple[bool, ...]]:
    """Which units begin, and which end, a passage of text without marks and numbers."""
    text = [False, *(unit.value is None and not unit.mark for unit in units), False]
    places = range(1, len(units) + 1)
    return (
        tuple(text[i] and not text[i - 1] for i in places),
        tuple(text[i] and not text[i + 1] for i in places),
    )


def _said_first(tokens: Sequence[int], begins: Sequence[bool], ends: Sequence[bool]) -> tuple[int, ...]:
    """Of each unit the one at the same place of the first clause that has the same tokens."""
    found, first = list(range(len(tokens))), dict[tuple[int, ...], int]()
    starts, stops = ([u for u, here in enumerate(edges) if here] for edges in (begins, ends))
    for start, stop in zip(starts, stops, strict=True):
        shift = first.setdefault(tuple(tokens[start : stop + 1]), start) - start
        found[start : stop + 1] = range(start + shift, stop + 1 + shift)
    return tuple(found)


def number_runs(units: Sequence[Unit]) -> list[list[int]]:
    """Lists of numbers, as places in `units`: with nothing but separators of one kind between them.

    "1, 2; 3, 4" are two lists, and so are two lines of such.
    """
    found: list[list[int]] = []
    open_run = False
    for place, unit in enumerate(units):
        if unit.value is not None:
            if open_run:
                found[-1].append(place)
            else:
                found.append([place])
            open_run = True
        elif not unit.separator:
            open_run = False
    return [part for run in found for part in _lists(units, run)]


def _lists(units: Sequence[Unit], run: list[int]) -> list[list[int]]:
    """A run in parts, where some of its separators are stronger than others."""
    kinds = [_separator_strength(units[one + 1 : other]) for one, other in pairwise(run)]
    if kinds and kinds[-1] == LINE and _counts(units, run[-1]):
        return [*_lists(units, run[:-1]), run[-1:]]
    strongest = max(kinds, default=0)
    if strongest < SEMICOLON or min(kinds) == strongest:
        return [run]
    cuts = [0, *(at for at, kind in enumerate(kinds, 1) if kind == strongest), len(run)]
    return [part for begin, end in pairwise(cuts) for part in _lists(units, run[begin:end])]


def _separator_strength(between: Sequence[Unit]) -> int:
    """How strongly two numbers are parted. A line that ends in a comma goes on in the next one."""
    kinds = {unit.separator for unit in between} - {SIGN}
    return max(kinds - {LINE} if kinds & {COMMA, SEMICOLON} else kinds, default=0)


def _counts(units: Sequence[Unit], place: int) -> bool:
    """Whether the number there, first of its line, counts the lines: "2) 30 40"."""
    mark, number = (*units[place + 1 : place + 3], Unit(0), Unit(0))[:2]
    return mark.mark and not mark.separator and number.value is not None


@dataclass(frozen=True)
class Window:
    """Tokens to be read, and for the units in it: which unit, at which place of `tokens`."""

    tokens: tuple[int, ...]
    units: tuple[int, ...]
    places: tuple[int, ...]


def windows(found: Message) -> list[Window]:
    """The message in one window, or several that overlap, each behind the prompt's and the message's beginning."""
    start = len(found.prefix)
    if len(found.tokens) <= WHOLE:
        places = tuple(start + place for place in found.place)
        return [Window(found.prefix + found.tokens, tuple(range(len(places))), places)]
    made = []
    for begin in range(0, len(found.tokens), WINDOW):
        end = min(begin + WINDOW, len(found.tokens))
        left = max(0, begin - OVERLAP)
        head = found.tokens[: min(HEAD, left)]
        tokens = found.prefix + head + found.tokens[left:end]
        shift = start + len(head) - left
        inside = [u for u, place in enumerate(found.place) if begin <= place < end]
        made.append(Window(tokens, tuple(inside), tuple(found.place[u] + shift for u in inside)))
    return made
