"""How numbers may be written: whole numbers in plain digits are read, and whatever else digits may mean is reported.

A digit is plain where nothing touches it but what closes or parts text (`BEFORE`, `BEHIND`), and where it cannot be
part of a longer number (a sign, a group of thousands, a fraction, a range, a date, a word such as "thousand"). All
others are faults: the user gets them as they were written, and nothing is computed on them. docs/natural.md has the
rule as a table.

Called by the lexer of natural prompts (`number_lexer`). Standard library only.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

MAX_TEXT = 24  # characters of a number that a message quotes
BLANKS = " \t\n\r\f\v"
OPENING, CLOSING, QUOTES, EMPHASIS, PARTING = "([{", ")]}", "\"'“”„‘’‚«»‹›`", "*_", ",;|"
DASHES = "-–—−‐‑‒―﹣－⁻₋˗⁃➖─━⎯¯‾⸺⸻"
OTHERS = "+±∓＋⁺₊➕~∼≈≃≅≠≤≥≦≧<>√∛∜¬#№§°$¢£¥₠-⃀￠￡￥￦﷼"  # marks of a number, with a blank between too
NEAR = 24  # characters before a number that are looked at
NEGATIVE = re.compile(
    rf"(?:[{DASHES}][ \t]*|\b(?:minus|negative|neg)\b(?:[ \t]+of\b)?[^\w]{{0,3}}(?:\bthe[ \t]+)?)\Z", re.IGNORECASE
)
# A mark that stands by itself before a number, and is no arrow; or a command of LaTeX, or the name of a character.
MARKED = re.compile(
    rf"(?<![-=<>~])(?:[{OTHERS}]|[<>≤≥]=)[ \t]+\Z|\\[A-Za-z]+[ \t]*\{{?\Z|[\^_}}]\{{\Z|&[A-Za-z]{{2,8}};[ \t]*\Z"
)
# What quotes, brackets or emphasis around a number do not part from it: -"5", -[5], - **5**
OUTSIDE = re.compile(rf"(?:[{DASHES}+±~$€£√^]|[{DASHES}][ \t]+(?![(\[{{]))[\"'“”„‘’‚«»‹›`*_(\[{{|]+\Z")
BULLET = re.compile(r"(?:\A|\n)[ \t]*- \Z")  # of a line that goes on in words
_NOUNS = (
    "lists?|rows?|arrays?|sequences?|series|tuples?|columns?|values?|numbers?|items?|entries|steps|brackets|parentheses"
)
LISTING = re.compile(rf"(?:=|\b(?:{_NOUNS}),?)[ \t]*\(\Z", re.IGNORECASE)  # what stands in brackets is a list
CLOSED = re.compile(r"[ \t]*\)")
LARGER = re.compile(
    r"[ \t]+(?:hundreds?|thousands?|(?:m|b|tr|quadr|quint)illions?|dozens?|lakhs?|crores?|grand|thou"
    r"|bn|mn|mln|mill?|mio|mrd"
    r"|(?-i:[kKM])|percent|per cent|squared|cubed|factorial|and a half|and a quarter|point[ \t]+\w+"
    r"|(?:dot|comma)[ \t]+[0-9]+"
    r"|hal(?:f|ves)|thirds?|quarters?|tenths?|hundredths?|thousandths?|below zero|pi|π|(?:st|nd|rd|th))(?!\w)"
    r"|[,;][ \t]*(?:\.{3,}|…)|[ \t]+(?:[°‰‱٪％℃℉$¢£¥₠-⃀￠￡￥￦﷼]|%(?![ \t]*[0-9]))",
    re.IGNORECASE,
)
# Between two numbers on one line: what makes them one, or a span of many.
BETWEEN = re.compile(
    rf"[{DASHES}]|[{DASHES}][ \t]+|[ \t]+[{DASHES}][ \t]+"
    r"|[ \t]*(?:[+×·÷/^±~≈<>≤≥…‥]|\*+|//|\.\.+)[ \t]*"
    r"|[ \t]+(?:to|through|thru|till|until|up[ \t]?to|times|plus|over|less|x|per|out of|multiplied by"
    r"|choose|raised to(?: the)?(?: power(?: of)?)?|to the(?: power(?: of)?)?)[ \t]+"
    r"|[ \t]*(?:[-=~]+>|\\[A-Za-z]+)[ \t]*"
    r"|[ \t]+[^\w\s,;|()\[\]{}\"'“”„‘’‚«»‹›`*&/:]+[ \t]*"
    r"|[ \t]*[,;]?[ \t]*(?:\.\.\.+|…)[ \t]*[,;]?[ \t]*",
    re.IGNORECASE,
)
_RUN = re.compile(r"[0-9]+")
ONES = (
    "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    "|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million"
)
_MORE = r"infinity|inf|nan|half|dozen|billion|trillion|pi"
_WORD = (
    rf"(?:(?:(?:minus|negative|plus|an?)[ \t]+|[{DASHES}+][ \t]*)?(?:{ONES}|{_MORE})"
    rf"(?:[ -](?:and[ -])?(?:{ONES}|half))*"
    r"|(?-i:[IVXLCDM]{2,}|[IVX])|[零〇一二三四五六七八九十百千万]+|[π∞])"
)
# A number in words among numbers: "3, five, 1", "3, 1 and five", "3 five 1", "two hundred 5".
WORDED = re.compile(
    rf"(?<=[0-9])[ \t]*(?:[,;|]|[,;]?[ \t]+(?:and|or)\b)[ \t]*(?:(?:and|or)[ \t]+)?(?P<behind>{_WORD})"
    r"(?=[ \t]*(?:[,;|.!?)\]}\n]|$|(?:and|or)\b))"
    rf"|(?<=[0-9])\s+(?P<amid>{_WORD})(?=\s+[0-9])"
    r"|\b(?P<larger>hundred|thousand|million|billion)(?:[ \t]+and)?[ \t]+(?=[0-9])"
    rf"|(?<!\w)(?P<before>{_WORD})[ \t]*(?:[,;|]|[ \t](?:and|or)\b)[ \t]*(?:(?:and|or)[ \t]+)?(?=[0-9])",
    re.IGNORECASE,
)

# Behind these, such a word counts lists: "the last two, 3 1 and 5 2"; "one" does so behind any but a request.
COUNTING = re.compile(
    r"\b(?:the|these|those|this|that|which|first|last|second|third|other|of|all|list|no|any)[ \t]+\Z", re.IGNORECASE
)
ASKING = re.compile(r"(?:\A|[^\w \t]|\b(?:sort|order|reverse|count|sum|add|and|of)\b)[ \t]*\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Fault:
    """What no word holds: its places, and its text as a message quotes it; `digits`: among them are ASCII digits."""

    begin: int
    end: int
    text: str
    digits: bool = True


def faults(text: str) -> list[Fault]:
    """Every run of digits that is no plain whole number, and every other numeral; in order, none inside another."""
    runs = [(found.start(), found.end()) for found in _RUN.finditer(text)]
    quoted: dict[tuple[int, int], str] = {}
    for group in (*_spans(text, runs), *_chains(text, runs), *_grouped(text, runs)):
        what = _short(_quoted(text, group[0][0], group[-1][1]))
        for run in group:
            quoted.setdefault(run, what)
    for run in runs:
        if run not in quoted and (span := _touched(text, *run)):
            quoted[run] = _short(_quoted(text, *span))
    for word, run in _worded(text, runs):
        quoted.setdefault(run, _short(word))
    found = [Fault(*run, what) for run, what in quoted.items()]
    return sorted([*found, *_numerals(text)], key=lambda fault: fault.begin)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


def _quoted(text: str, begin: int, end: int) -> str:
    """The number with all that touches it, without the marks of the sentence around it."""
    while begin and text[begin - 1] not in BLANKS + PARTING + OPENING + QUOTES:
        begin -= 1
    while end < len(text) and text[end] not in BLANKS + PARTING + CLOSING + QUOTES:
        end += 1
    return text[begin:end].strip(BLANKS).rstrip(".:!?")


def _touched(text: str, begin: int, end: int) -> tuple[int, int] | None:
    """The stretch that makes a run of digits more than a whole number; None where it is plain."""
    near = max(0, begin - NEAR)
    if signed := NEGATIVE.search(text, near, begin):
        listed = BULLET.search(text, near, begin) and re.match(r"[ \t]+[^\W\d]", text[end : end + 9])
        if not listed:
            return signed.start(), end
    marked = MARKED.search(text, near, begin)
    if marked and not (marked.group().startswith("<") and _angled(text, begin)):
        return marked.start(), end
    if outside := OUTSIDE.search(text, near, begin):
        return outside.start(), end
    if larger := LARGER.match(text, end):
        return begin, larger.end()
    if booked := _booked(text, begin, end):
        return booked
    if not _plain_before(text, begin) or not _plain_behind(text, begin, end):
        return begin, end
    return None


def _booked(text: str, begin: int, end: int) -> tuple[int, int] | None:
    """A number alone in round brackets, as book-keepers write what is negative: not f(5), nor the list (5)."""
    opened, closed = re.search(r"\([ \t]*\Z", text[max(0, begin - NEAR) : begin]), CLOSED.match(text, end)
    if not opened or not closed:
        return None
    first = max(0, begin - NEAR) + opened.start()
    if text[first - 1 : first].isalnum() or LISTING.search(text, max(0, first - NEAR), first + 1):
        return None
    return first, closed.end()


def _plain_before(text: str, begin: int) -> bool:
    before, further = text[begin - 1 : begin], text[begin - 2 : begin - 1] if begin > 1 else ""
    if before and before in "'’":
        return re.search(rf"{before}(?!\w)", text[begin:]) is not None  # else it may be a year: '24
    if not before or before in BLANKS + OPENING + PARTING + QUOTES:
        return True
    match before:
        case ".":
            return further.isalpha() and not re.search(r"\bRs\.\Z", text[max(0, begin - NEAR) : begin])  # No.5
        case ":":
            inside = re.search(r"[.:/@\[]\S*:\Z", text[max(0, begin - NEAR) : begin])  # an address, a slice
            return not inside and not further.isdigit()
        case "=":
            known = re.search(r"[?&]\w+=\Z", text[max(0, begin - NEAR) : begin])
            return not known and further not in [*"=<>!~≤≥]"] and not further.isdigit()
        case "<":
            return _angled(text, begin)
        case "*" | "_":
            return not text[:begin].rstrip(EMPHASIS)[-1:].isalnum() and _again(text, before, begin)
    return before == "\u3001"


def _plain_behind(text: str, begin: int, end: int) -> bool:
    behind, rest = text[end : end + 1], text[end + 1 : end + 2]
    if text[begin - 1 : begin] + behind in ("[]", "()"):
        return re.match(r"\(|[ \t]*=(?!>)", text[end + 1 : end + 9]) is None  # a link, an index, a value of a function
    if behind and behind in ",.:" and rest and rest in DASHES and not text[end + 2 : end + 3].isdigit():
        return False  # as a price: 5,-
    if not behind or behind in BLANKS + CLOSING + PARTING:
        return True
    match behind:
        case ".":
            return not rest.isalnum() and rest not in (".", "*")
        case ":":
            return not rest.isalnum() and rest not in (":", "]")
        case "!":
            return re.match(r"[!?]+(?:\Z|[)\]}\"'”’*_`]|\s+(?![0-9]))", text[end : end + 16]) is not None
        case "?":
            return not rest.isalnum()
        case "s":
            return not (rest.isalnum() or rest == "'")  # how many 5s
        case "'" | "’":
            return re.match(r".s(?!\w)", text[end:]) is not None or _open(text[:begin], behind, rest)
        case '"' | "”" | "“" | "»" | "«" | "›" | "‹" | "‘" | "`":
            return _open(text[:begin], behind, rest)
        case ">":
            return _angled(text, begin)
        case "*" | "_":
            return not text[end:].lstrip(EMPHASIS)[:1].isalnum() and behind in text[_line(text, begin) : begin]
    return behind == "\u3001"


def _open(before: str, quote: str, rest: str) -> bool:
    """Whether a quotation that this mark closes was begun: else it may be feet, inches, minutes or seconds."""
    if rest.isalnum():
        return False
    opens = {"”": "“„", "’": "‘", "»": "«", "«": "»", "›": "‹", "‹": "›", "“": "„", "‘": "‚"}.get(quote, quote)
    if quote == "'":
        return re.search(r"(?<![A-Za-z0-9])'", before) is not None
    return before.count(quote) % 2 == 1 if opens == quote else any(mark in before for mark in opens)


def _angled(text: str, begin: int) -> bool:
    """Whether a list stands here in angle brackets."""
    left, right = text.rfind("<", 0, begin), text.find(">", begin)
    return left >= 0 and right >= 0 and re.fullmatch(r"[ \t]*[0-9][0-9,; \t]*", text[left + 1 : right]) is not None


def _again(text: str, mark: str, at: int) -> bool:
    """Whether what emphasis opened is closed on the same line."""
    end = text.find("\n", at)
    return mark in text[at : end if end >= 0 else len(text)]


def _line(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


Runs = Sequence[tuple[int, int]]


def _chains(text: str, runs: Runs) -> Iterator[Runs]:
    """Numbers with bare commas between, that may be one number: 1,5 or 1,234, but not 3,17,5."""
    for chain in _joined(text, runs, re.compile(r",[-−+]?")):
        sizes = [end - begin for begin, end in chain]
        listed = text[chain[0][0] - 1 : chain[0][0]] == "[" and text[chain[-1][1] : chain[-1][1] + 1] == "]"
        thousands = sizes[0] <= 3 and all(size == 3 for size in sizes[1:])
        lakhs = sizes[0] <= 2 and sizes[-1] == 3 and all(size == 2 for size in sizes[1:-1])
        padded = any(text[begin] == "0" and end - begin > 1 for begin, end in chain[1:])
        if thousands or lakhs or padded or (len(chain) == 2 and not listed):
            yield chain


def _spans(text: str, runs: Runs) -> Iterator[Runs]:
    """Ranges, dates, times, sums: 1-5, 2024-01-15, 10:30, 1/2, 1..5. Several slashes between blanks part lists."""
    for chain in _joined(text, runs, re.compile(rf"{BETWEEN.pattern}|:", re.IGNORECASE)):
        begin, end = _line(text, chain[0][0]), text.find("\n", chain[-1][1])
        rows = text.count(" / ", begin, end if end >= 0 else len(text)) > 1
        if not (rows and all(text[one[1] : other[0]] == " / " for one, other in pairwise(chain))):
            yield chain
    for chain in _joined(text, runs, re.compile(r"[ \t]+and[ \t]+|[ \t]+:[ \t]+", re.IGNORECASE)):
        for one, other in pairwise(chain):
            ratio = ":" in text[one[1] : other[0]]
            listed = re.match(r"[ \t]*[,;|]?[ \t]*(?:and[ \t]+)?[0-9]", text[other[1] : other[1] + NEAR])
            before = text[max(0, one[0] - NEAR) : one[0]]
            if re.search(r"\bbetween[ \t]+\Z", before, re.IGNORECASE) if not ratio else not listed:
                yield one, other


def _grouped(text: str, runs: Runs) -> Iterator[Runs]:
    """Thousands parted by blanks, where no list would be written so: 12 000."""
    for chain in _joined(text, runs, re.compile(" ")):
        for at in range(1, len(chain)):
            begin, end = chain[at]
            head = at - 1
            if end - begin != 3 or text[begin] != "0":
                continue
            while head and chain[head][1] - chain[head][0] == 3 and text[chain[head][0]] == "0":
                head -= 1
            if chain[head][1] - chain[head][0] <= 3 and text[chain[head][0]] != "0":
                yield chain[head : at + 1]


def _joined(text: str, runs: Runs, gap: re.Pattern[str]) -> Iterator[list[tuple[int, int]]]:
    """Neighbours with nothing but such a gap between, two or more."""
    chain: list[tuple[int, int]] = []
    for one, other in pairwise(runs):
        if gap.fullmatch(text, one[1], other[0]):
            chain = [*(chain or [one]), other]
        else:
            if chain:
                yield chain
            chain = []
    if chain:
        yield chain


def _worded(text: str, runs: Runs) -> Iterator[tuple[str, tuple[int, int]]]:
    """Numbers in words that stand among digits, each with the run of digits beside it."""
    for found in WORDED.finditer(text):
        side = next(name for name, word in found.groupdict().items() if word)
        if side == "before" and _counting(text[: found.start(side)], found[side]):
            continue
        # The run of digits that the word stands behind, or the one that follows.
        place = found.start() if side in ("behind", "amid") else found.end()
        yield found[side], runs[bisect_right(runs, place, key=lambda run: run[0]) - 1]


def _counting(before: str, word: str) -> bool:
    """Whether a word in front of numbers says how many there are, or which."""
    return COUNTING.search(before) is not None or (word.lower() == "one" and ASKING.search(before) is None)


def _numerals(text: str) -> Iterator[Fault]:
    """Digits of other scripts, fractions, raised and Roman numerals, ∞, that stand without ASCII digits."""
    at = 0
    while not text.isascii() and at < len(text):
        end = at
        while end < len(text) and _numeral(text[end]):
            end += 1
        alone = end > at and not text[at - 1 : at].isdecimal() and not re.match("[0-9]", text[end : end + 1])
        if alone:
            yield Fault(at, end, _short(_quoted(text, at, end)), digits=False)
        at = max(end, at + 1)


def _numeral(char: str) -> bool:
    return not char.isascii() and (char == "∞" or unicodedata.category(char) in ("Nd", "Nl", "No"))
