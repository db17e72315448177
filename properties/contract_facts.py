"""What holds on runs, and what nearly does: clauses of contracts inferred from states, and changed by a little.

The inference is that of Daikon: templates over the numbers that a place can name (words, elements, lengths, sums,
quotients), kept where they hold in every state seen. A near miss is such a clause with an end moved by one, another
variable, a strict comparison, an `old` left out, a guard dropped; whether it still holds is evaluated on the states.
Called by whoever builds contracts, with the states of `contract_runs`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ncl.properties.contract_runs import State, compiled, holds, value

LARGEST = 9  # constant in a fact
SOME = 160  # states that facts are inferred from; they are checked on all


@dataclass(frozen=True)
class Fact:
    """`left operator right tail`; without an operator, `left` is the whole condition."""

    left: str
    operator: str = ""
    right: str = ""
    tail: str = ""

    @property
    def text(self) -> str:
        return f"{self.left} {self.operator} {self.right}{self.tail}" if self.operator else self.left + self.tail


@dataclass(frozen=True)
class Place:
    """What can be named: words, and arrays with the length that each has at least. `fixed` are of just that."""

    words: tuple[str, ...]
    arrays: dict[str, int]
    fixed: frozenset[str] = frozenset()
    bounds: tuple[str, ...] = ()  # words that may be the end of a range
    divisors: tuple[str, ...] = ()


def terms(place: Place, chance: random.Random) -> list[str]:
    """Numbers to compare: words, elements, lengths, and a few that are calculated."""
    found = list(place.words)
    cells = [f"{a}[{i}]" for a, least in place.arrays.items() for i in range(min(least, 2))]
    found += cells + [f"len({a})" for a in place.arrays if a not in place.fixed]
    if place.arrays and chance.random() < 0.6:
        found += [_calculated(place, cells, chance) for _ in range(2)]
    return list(dict.fromkeys(found))


def _calculated(place: Place, cells: list[str], chance: random.Random) -> str:
    array = chance.choice(list(place.arrays))
    low = chance.choice(("1", "1", "2", *place.words[:2]))
    divisor = chance.choice(("2", "3", *place.divisors * 3))
    cell = chance.choice(cells) if cells and chance.random() < 0.4 else f"{array}[p]"
    chosen = _chosen(cell, low, chance)
    whole = f"range(len({array}))" if not place.bounds else f"range({chance.choice(place.bounds)})"
    if "[p]" not in cell:
        return f"{chosen} {chance.choice(('%', '//'))} {divisor}"
    return chance.choice((
        f"sum({array})", f"sum({array})", f"sum({array}[p] == {low} for p in {whole})",
        f"sum({chosen} {chance.choice(('%', '//'))} {divisor} for p in {whole})",
        f"sum({array}[:{chance.choice(place.bounds or ('1',))}])",
    ))  # fmt: skip


def _chosen(cell: str, low: str, chance: random.Random) -> str:
    return chance.choice((f"max({cell}, {low})", f"min({cell}, {low})", f"({cell} if {cell} > {low} else {low})", cell))


# --- facts that hold -------------------------------------------------------------------------------------------------


def facts(place: Place, states: list[State], chance: random.Random, most: int, spread: int) -> list[Fact]:
    """At most `most` facts of all states; at most `spread` of them are quantified or of whole sequences."""
    few = states if len(states) <= SOME else chance.sample(states, SOME)
    numbers = list(dict.fromkeys(_numeric(place, few, chance)))
    chance.shuffle(numbers)
    whole = list(dict.fromkeys(quantified(place, chance, 2 * spread if place.arrays else 0)))
    kept = [f for f in whole if true_of(f.text, few)]
    chosen = [*kept[:spread], *numbers][:most]
    chance.shuffle(chosen)
    return [f for f in chosen if len(few) == len(states) or true_of(f.text, states)]


def true_of(text: str, states: Iterable[State]) -> bool:
    code = compiled(text)
    return all(holds(code, state) for state in states)


def _numeric(place: Place, states: list[State], chance: random.Random) -> Iterator[Fact]:
    texts = terms(place, chance)
    rows = {}
    for text in texts:
        code = compiled(text)
        values = [value(code, state) for state in states]
        if None not in values:
            rows[text] = np.array(values)
    yield from _bounds(rows)
    yield from _pairs(rows, chance)
    yield from _triples(rows, chance)
    yield from _quotients(rows, place, chance)
    yield from _choices(rows, chance)
    largest = np.array([state["top"] for state in states])
    for text, row in rows.items():
        if int(row.max()) > 1 and (row < largest).all() and chance.random() < 0.5:
            yield Fact(text, "<", "~0")


def _bounds(rows: dict[str, np.ndarray]) -> Iterator[Fact]:
    for text, row in rows.items():
        low, high = int(row.min()), int(row.max())
        if low == high and abs(low) <= LARGEST:
            yield Fact(text, "==", str(low))
            continue
        if 0 < low <= LARGEST:
            yield Fact(text, ">=", str(low))
        if high <= 3:
            yield Fact(text, "<=", str(high))


def _pairs(rows: dict[str, np.ndarray], chance: random.Random) -> Iterator[Fact]:
    """Equal, a step apart, or one never above the other."""
    texts = list(rows)
    for number, left in enumerate(texts):
        for right in texts[:number]:
            apart = rows[left] - rows[right]
            low, high = int(apart.min()), int(apart.max())
            if low == high and abs(low) <= LARGEST:
                yield Fact(left, "==", stepped(right, low))
            elif high in (-1, 0, 1) and chance.random() < 0.7:
                yield Fact(left, "<=", stepped(right, high))
            elif low in (-1, 0, 1) and chance.random() < 0.7:
                yield Fact(left, ">=", stepped(right, low))


def _triples(rows: dict[str, np.ndarray], chance: random.Random) -> Iterator[Fact]:
    moving = [t for t, row in rows.items() if row.min() != row.max()]
    for _ in range(24 if len(moving) > 2 else 0):
        left, one, two = chance.sample(moving, 3)
        apart = rows[left] - rows[one] - rows[two]
        if apart.min() == apart.max() and abs(int(apart.min())) <= LARGEST:
            yield Fact(left, "==", stepped(f"{one} + {two}", int(apart.min())))


def _quotients(rows: dict[str, np.ndarray], place: Place, chance: random.Random) -> Iterator[Fact]:
    texts = list(rows)
    for _ in range(12 if texts else 0):
        left, right, divisor = chance.choice(texts), chance.choice(texts), chance.choice(("2", "3", *place.divisors))
        by = rows.get(divisor, np.array([int(divisor)]) if divisor.isdigit() else None)
        if by is None or by.min() < 1 or left == right:
            continue
        for operator, result in (("//", rows[right] // by), ("%", rows[right] % by)):
            if (rows[left] == result).all():
                yield Fact(left, "==", f"{bracketed(right)} {operator} {divisor}")


def _choices(rows: dict[str, np.ndarray], chance: random.Random) -> Iterator[Fact]:
    """What a number is on both sides of a comparison."""
    texts = list(rows)
    for _ in range(14 if len(texts) > 1 else 0):
        left, one, two = (chance.choice(texts) for _ in range(3))
        bound = chance.choice(("1", "2", "3", two))
        other = rows[bound] if bound in rows else int(bound)
        test = rows[one] < other
        if test.all() or not test.any():
            continue
        yes, no = (_equal(rows, left, side, chance) for side in (test, ~test))
        if yes and no and yes != no:
            yield Fact(left, "==", f"({yes} if {one} < {bound} else {no})")


def _equal(rows: dict[str, np.ndarray], left: str, side: np.ndarray, chance: random.Random) -> str:
    mine = rows[left][side]
    if mine.min() == mine.max():
        return str(int(mine.min())) if 0 <= mine.min() <= LARGEST else ""
    others = [t for t in rows if t != left]
    chance.shuffle(others)
    for other in others:
        apart = mine - rows[other][side]
        if apart.min() == apart.max() and abs(int(apart.min())) <= 2:
            return stepped(other, int(apart.min()))
    return ""


def stepped(text: str, step: int) -> str:
    return text if not step else f"{text} {'+' if step > 0 else '-'} {abs(step)}"


def bracketed(text: str) -> str:
    return f"({text})" if re.search(r" (?![^()\[\]]*[)\]])", text) else text


def quantified(place: Place, chance: random.Random, number: int) -> Iterator[Fact]:
    """Conditions over ranges, sequences and counts, whether they hold or not."""
    arrays = list(place.arrays)
    for _ in range(number):
        a, b = chance.choice(arrays), chance.choice(arrays)
        bound = chance.choice(place.bounds) if place.bounds else f"len({a})"
        reach = chance.choice(
            (f"range(len({a}))", f"range({bound})", f"range(1, len({a}))", f"range({bound}, len({a}))")
        )
        guard = f" if p != {chance.choice(place.bounds or ('0',))}" if chance.random() < 0.2 else ""
        tail = f" for p in {reach}{guard}"
        low, divisor = chance.choice(("0", "1", "2", *place.words)), chance.choice(("2", "3", *place.divisors * 3))
        chosen = _chosen(f"{a}[p]", low, chance)
        match chance.randrange(11):
            case 0 | 1 if a != b:
                yield Fact(f"{a}[p]", "==", stepped(f"{b}[p]", chance.choice((0, 0, 0, 1, -1))), tail)
            case 2:
                yield Fact(f"{a}[p]", chance.choice(("==", "<=", ">=", ">")), low, tail)
            case 3:
                yield Fact(f"{chosen} {chance.choice(('%', '//'))} {divisor}", "==", f"{b}[p]", tail)
            case 4:
                yield Fact(f"{chosen} {chance.choice(('%', '//'))} {divisor}", chance.choice(("==", "<=")), low, tail)
            case 5:
                yield Fact(chance.choice((f"sorted({a})", f"sorted({a}[:{bound}])")))
            case 6 if a != b:
                yield Fact(f"permutation({a}, {b})")
            case 7 if a != b:
                yield Fact(chance.choice((f"{a} == {b}", f"{a}[:{bound}] == {b}[:{bound}]")))
            case 8:
                yield Fact(f"any({a}[p] == {low} for p in range(len({a})))")
            case 9:
                yield Fact(f"{a}[p - 1]", "<=", f"{a}[p]", f" for p in range(1, {bound})")
            case _:
                yield Fact(f"sum({chosen} % {divisor} for p in range({bound}))", "<=", chance.choice(("1", "2", low)))


# --- near misses -----------------------------------------------------------------------------------------------------


def near(fact: Fact, place: Place, chance: random.Random) -> Fact:
    """The fact with one thing changed."""
    ways = [_moved, _moved, _other_variable, _stricter, _old_for_new, _old_for_new, _wider]
    chance.shuffle(ways)
    for way in ways:
        other = way(fact, place, chance)
        if other is not None and other.text != fact.text:
            return other
    return Fact(f"not ({fact.left})") if not fact.operator and not fact.tail else _negated(fact)


def _moved(fact: Fact, place: Place, chance: random.Random) -> Fact | None:
    if not fact.operator:
        return None
    return replace(fact, right=f"{bracketed(fact.right)} {chance.choice(('+', '-'))} 1")


def _other_variable(fact: Fact, place: Place, chance: random.Random) -> Fact | None:
    cells = [f"{a}[{i}]" for a, least in place.arrays.items() for i in range(min(least, 2))]
    others = [*place.words, *cells]
    there = [t for t in others if re.search(rf"(?<![\w(]){re.escape(t)}(?![\w\[])", fact.right)]
    if not fact.operator or not there or len(others) < 2:
        return None
    gone = chance.choice(there)
    new = chance.choice([t for t in others if t != gone])
    return replace(fact, right=re.sub(rf"(?<![\w(]){re.escape(gone)}(?![\w\[])", new, fact.right, count=1))


def _stricter(fact: Fact, place: Place, chance: random.Random) -> Fact | None:
    stronger = {"<=": ("<", "=="), ">=": (">", "=="), "==": ("<", ">"), "<": ("<",), ">": (">",)}
    return replace(fact, operator=chance.choice(stronger[fact.operator])) if fact.operator in stronger else None


def _old_for_new(fact: Fact, place: Place, chance: random.Random) -> Fact | None:
    """Elements as they were passed for elements now, or the other way round."""
    if "old(" in fact.text and chance.random() < 0.5:
        return replace(
            fact, **{side: re.sub(r"old\((\w+)\)", r"\1", getattr(fact, side)) for side in ("left", "right")}
        )
    now = [a for a in place.arrays if f"old({a})" in place.arrays and re.search(rf"(?<!old\()\b{a}\b", fact.text)]
    if not now:
        return None
    array = chance.choice(now)
    side = chance.choice(("left", "right"))
    return replace(fact, **{side: re.sub(rf"(?<!old\()\b{array}\b", f"old({array})", getattr(fact, side))})


def _wider(fact: Fact, place: Place, chance: random.Random) -> Fact | None:
    """A range or a slice that ends one later, or a guard that is gone."""
    if " if " in fact.tail and chance.random() < 0.5:
        return replace(fact, tail=fact.tail.split(" if ")[0])
    if fact.tail:
        return replace(fact, tail=re.sub(r"\)(?= if |$)", " + 1)" if "len" not in fact.tail else ")", fact.tail))
    if found := re.search(r"\[:(\w+)\]", fact.left):
        return replace(fact, left=fact.left.replace(found[0], f"[:{found[1]} + 1]"))
    return None


def _negated(fact: Fact) -> Fact:
    other = {"==": "!=", "<=": ">", ">=": "<", "<": ">=", ">": "<=", "!=": "=="}
    return replace(fact, operator=other.get(fact.operator, "=="))


def impossible(place: Place, chance: random.Random) -> Fact:
    """Two numbers that no relation binds, said to be equal; or what is never so."""
    cells = [f"{a}[{i}]" for a, least in place.arrays.items() for i in range(min(least, 2))]
    numbers = [*place.words, *cells]
    if len(numbers) < 2 or chance.random() < 0.2:
        return Fact("0", "==", "1")
    pairs = [a for a, least in place.arrays.items() if least > 1]
    if pairs and chance.random() < 0.4:
        array = chance.choice(pairs)
        return Fact(f"{array}[0]", "==", f"{array}[1]")
    left, right = chance.sample(numbers, 2)
    return Fact(left, "==", stepped(right, chance.choice((0, 0, 1))))


# --- measures --------------------------------------------------------------------------------------------------------


def measures(place: Place) -> list[str]:
    """What may fall from round to round."""
    cells = [f"{a}[{i}]" for a, least in place.arrays.items() for i in range(min(least, 2)) if "old(" not in a]
    numbers = [*(w for w in place.words if "old(" not in w), *cells]
    return [*numbers, *(f"{bound} - {n}" for n in numbers for bound in ("3", "5", "~0"))]


def falls(text: str, begun: list[list[State]]) -> bool:
    """Whether a measure is at 0 or above wherever a round begins, and smaller at the next arrival."""
    code = compiled(text)
    for states in begun:
        row = [value(code, state) for state in states]
        if None in row:
            return False
        for before, now in pairwise(row):
            if before is None or now is None or before < 0 or now >= before:
                return False
    return True
