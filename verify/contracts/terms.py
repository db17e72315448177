"""What the prover of contracts reasons with: integers with a symbolic N, versions of arrays, counts, sums, quotients.

A word is an integer in 0 … N-1, N = 2·H. An array is a solver array of its own; each store gives a fresh constant, so
that a quantifier's pattern `m[i]` finds it, and elements past the end are words too, of which nothing else is known.
What is not expressed exactly (products that wrap, bit operations) is any word: sound, but then little is known of it.

Everything added to `axioms` is true whatever the program does, on every path and for every value of every constant:
what a term is known to be only where it is evaluated (`x + y` is a word where nothing wraps) is said in the state, and
no axiom may follow from it. Axioms are definitions of fresh constants, of ground terms alone (a constant that named a
quantifier's variable would be one for all its values), and these lemmas, each by induction or by the definition of
division, where quotients and remainders by what is not above 0 are taken for 0:

    count(a, k, v), how often v stands in a[:k]:  count(a, k, v) = 0 if k ≤ 0 else count(a, k-1, v) + [a[k-1] = v], and
        a store of x at i adds [x = v] - [a[i] = v] when i < k
    sum(f, k) of f(lo) … f(k-1):  the same with f; it is monotone in k when no f is below 0
    x mod m = x' mod m  where x' is x with some terms (t mod m) in sums, differences and products replaced by t
    d | b implies (d | a mod b  if and only if  d | a)
    m | x implies (x div m) | x, for x > 0;  x | x·y;  0 < m ≤ n implies x div n ≤ x div m

Used by `clauses` and `goals`; one `World` for each function that is proved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import z3

Term = Any
# Questions are limited in the solver's own steps, so that an answer does not depend on how busy the machine is. A
# million of them take about 0.4 s.
QUICK = 300_000  # for the question whether something wraps or can be reached


class Unprovable(Exception):
    """Something that the prover does not express; says what and where."""


@dataclass(frozen=True, eq=False)
class Version:
    """One state of an array. `before`, `index`, `value` where it came of a store; `fill` where all elements are one."""

    cells: Term
    size: Term
    before: Version | None = None
    index: Term = None
    value: Term = None
    fill: Term = None


@dataclass
class World:
    """All constants and facts of one proof."""

    axioms: list[Term] = field(default_factory=list)
    number: int = 0
    kept: list[Term] = field(default_factory=list)  # terms whose ids are keys stay alive
    sums: dict[Any, Any] = field(default_factory=dict)
    stops: dict[Any, list[Term]] = field(default_factory=dict)
    counted: set[Any] = field(default_factory=set)
    divided: set[Any] = field(default_factory=set)
    seen_plain: dict[int, bool] = field(default_factory=dict)
    chosen: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)  # names of constants that are words on every path
    named: dict[int, Term] = field(default_factory=dict)
    top: int = 1  # the largest number of which an axiom says that it is a word
    seen_choices: dict[int, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.half = z3.Int("half!")
        self.size = 2 * self.half  # N
        self.axioms.append(self.half >= 1)
        self.quotient = z3.Function("quotient!", z3.IntSort(), z3.IntSort(), z3.IntSort())
        self.remainder = z3.Function("remainder!", z3.IntSort(), z3.IntSort(), z3.IntSort())

    def fresh(self, name: str, sort: Any = None) -> Term:
        """A new constant. The number and `!` keep it apart from every name of the source."""
        self.number += 1
        return z3.Const(f"{name}!{self.number}", z3.IntSort() if sort is None else sort)

    def choice(self, name: str) -> Term:
        """A constant that stands for all values, in one claim and nowhere else."""
        term = self.fresh(name)
        self.chosen.add(term.decl().name())
        return term

    def about(self, terms: Sequence[Term]) -> list[Term]:
        """The axioms that speak of no other claim's choices: what they say of those is of no use here."""
        mine = frozenset[str]().union(*map(self.choices, terms))
        return [axiom for axiom in self.axioms if self.choices(axiom) <= mine]

    def choices(self, term: Term) -> frozenset[str]:
        """The names of the chosen constants in a term."""
        key = term.get_id()
        if key not in self.seen_choices:
            self.kept.append(term)
            found, waiting, seen = set(), [term], {key}
            while waiting:
                node = waiting.pop()
                if z3.is_const(node) and node.decl().name() in self.chosen:
                    found.add(node.decl().name())
                for child in node.children():
                    if child.get_id() not in seen:
                        seen.add(child.get_id())
                        waiting.append(child)
            self.seen_choices[key] = frozenset(found)
        return self.seen_choices[key]

    def word(self, name: str) -> Term:
        term = self.fresh(name)
        self.words.add(term.decl().name())
        self.axioms += [term >= 0, term < self.size]
        return term

    def literal(self, value: int) -> None:
        """It stands in the program, so that every width which the program has takes it."""
        self.top = max(self.top, value)
        self.axioms.append(self.size > value)

    def is_word(self, term: Term) -> bool:
        """Whether a term can be seen to be a word on every path, and not only on the one where it is evaluated."""
        if z3.is_int_value(term):
            return 0 <= term.as_long() <= self.top
        if z3.is_const(term):
            return term.decl().name() in self.words
        if term.decl().kind() == z3.Z3_OP_ITE:
            return self.is_word(term.arg(1)) and self.is_word(term.arg(2))
        if term.decl().eq(self.quotient) or term.decl().eq(self.remainder) or z3.is_idiv(term) or z3.is_mod(term):
            return self.is_word(term.arg(0))
        return z3.is_select(term)

    def plain(self, term: Term) -> bool:
        """Without quantifiers."""
        key = term.get_id()
        if key not in self.seen_plain:
            self.kept.append(term)
            waiting, seen = [term], {key}
            while waiting and not z3.is_quantifier(waiting[-1]):
                for child in waiting.pop().children():
                    if child.get_id() not in seen:
                        seen.add(child.get_id())
                        waiting.append(child)
            self.seen_plain[key] = not waiting
        return self.seen_plain[key]

    # --- arrays

    def array(self, name: str, size: Term = None, fill: Term = None) -> Version:
        """Any array, of any length where none is given. `fill` is a word on every path, as what is stored is."""
        cells = self.fresh(name, z3.ArraySort(z3.IntSort(), z3.IntSort()))
        if size is None:
            size = self.word(f"len.{name}")
        i = z3.Int("i!")
        if fill is None:
            inside = z3.And(cells[i] >= 0, cells[i] < self.size)
        else:
            inside = cells[i] == fill
        self.axioms.append(z3.ForAll([i], inside, patterns=[cells[i]]))
        return Version(cells, size, fill=fill)

    def store(self, array: Version, index: Term, value: Term, name: str) -> Version:
        assert self.is_word(value), "elements are words on every path"
        cells = self.fresh(name, array.cells.sort())
        self.axioms.append(cells == z3.Store(array.cells, index, value))
        return Version(cells, array.size, array, index, value)

    def load(self, array: Version, index: Term) -> Term:
        term = array.cells[index]
        self.axioms += [term >= 0, term < self.size]
        return term

    def count(self, array: Version, stop: Term, value: Term, ground: bool) -> Term:
        """How often `value` stands in `array[:stop]`."""
        if array.before is not None:
            change = z3.If(array.value == value, 1, 0) - z3.If(array.before.cells[array.index] == value, 1, 0)
            before = self.count(array.before, stop, value, ground)
            return before + z3.If(array.index < stop, change, 0)
        if array.fill is not None:
            return z3.If(z3.And(array.fill == value, stop > 0), stop, 0)
        function = z3.Function(f"count.{array.cells}", z3.IntSort(), z3.IntSort(), z3.IntSort())
        if ground:
            stop = self._simple(stop)
        short = z3.simplify(stop)
        key = (array.cells.get_id(), short.get_id())
        if ground and key not in self.counted:
            self.counted.add(key)
            self.kept += [array.cells, short]
            v = z3.Int("v!")
            step = function(stop - 1, v) + z3.If(array.cells[stop - 1] == v, 1, 0)
            unfolded = function(stop, v) == z3.If(stop <= 0, 0, step)
            self.axioms.append(z3.ForAll([v], unfolded, patterns=[function(stop, v)]))
        return function(stop, value)

    # --- sums

    def sum(
        self, body: Term, place: Term, start: Term, stop: Term, arrays: list[Version], signs: str, ground: bool
    ) -> Term:
        """The sum of `body` with `place` = start … stop-1. `signs`: "any", "natural" or "truth", of the bodies."""
        key = (body.get_id(), start.get_id())
        if key not in self.sums:
            self.number += 1
            self.kept += [body, start]
            self.sums[key] = z3.Function(f"sum!{self.number}", z3.IntSort(), z3.IntSort())
            self.stops[key] = []
        function = self.sums[key]
        if ground and not any(stop.eq(other) for other in self.stops[key]):
            self._unfold(key, function, body, place, start, stop, signs)
            for array in arrays:
                self._framed(function, body, place, start, stop, array, arrays, signs)
        return function(stop)

    def _unfold(self, key: Any, function: Any, body: Term, place: Term, start: Term, stop: Term, signs: str) -> None:
        last = z3.substitute(body, (place, stop - 1))
        self.axioms.append(function(stop) == z3.If(stop <= start, 0, function(stop - 1) + last))
        self.axioms.append(z3.Implies(stop - 1 <= start, function(stop - 1) == 0))
        if signs != "any":
            self.axioms += [function(stop) >= 0, function(stop - 1) >= 0]
            for other in self.stops[key]:
                self.axioms += [
                    z3.Implies(other <= stop, function(other) <= function(stop)),
                    z3.Implies(stop <= other, function(stop) <= function(other)),
                ]
        if signs == "truth":
            self.axioms.append(function(stop) <= z3.If(stop <= start, 0, stop - start))
        self.stops[key].append(stop)

    def _framed(
        self, function: Any, body: Term, place: Term, start: Term, stop: Term, array: Version, arrays: list[Version],
        signs: str,
    ) -> None:  # fmt: skip
        """A store changes the sum by one body, where the body asks for no other element than its own."""
        if array.before is None:
            return
        earlier = array.before
        before = z3.substitute(body, (array.cells, earlier.cells))
        others = [earlier if a is array else a for a in arrays]
        old = self.sum(before, place, start, stop, others, signs, True)
        inside = z3.And(start <= array.index, array.index < stop)
        if _only_at(body, array.cells, place):
            here = (place, array.index)
            change = z3.substitute(body, here) - z3.substitute(before, here)
            self.axioms.append(function(stop) == old + z3.If(inside, change, 0))

    # --- quotients

    def divide(self, x: Term, m: Term, ground: bool) -> tuple[Term, Term]:
        """(quotient, remainder) for m > 0; of anything else nothing is known."""
        if z3.is_int_value(m) and m.as_long() > 0:
            return x / m, x % m
        if not self.divided:
            self._division()
        if ground:
            x, m = self._simple(x), self._simple(m)
        quotient, remainder = self.quotient(x, m), self.remainder(x, m)
        key = (x.get_id(), m.get_id())
        if key not in self.divided and ground:
            self.kept += [x, m]
            d = z3.Int("d!")
            divides = self.remainder(m, d) == 0
            same = (self.remainder(remainder, d) == 0) == (self.remainder(x, d) == 0)
            self.axioms += [
                z3.Implies(m > 0, x == m * quotient + remainder),
                z3.Implies(z3.And(m > 0, x > 0, remainder == 0),
                           z3.And(quotient > 0, (quotient == 1) == (x == m), self.remainder(x, quotient) == 0)),
                z3.Implies(z3.And(m > 0, x >= 0, x < m), quotient == 0),
                z3.Implies(m > 0, self.remainder(stripped(x, m, self.remainder), m) == remainder),
                z3.ForAll([d], z3.Implies(z3.And(m > 0, d > 0, divides), same),
                          patterns=[self.remainder(remainder, d), self.remainder(x, d), self.remainder(m, d)]),
            ]  # fmt: skip
        self.divided.add(key)
        return quotient, remainder

    def multiple(self, x: Term, y: Term) -> Term:
        """Their product, of which each is a divisor."""
        for m in (x, y):
            if not z3.is_int_value(m):
                self.axioms.append(z3.Implies(m > 0, self.remainder(x * y, m) == 0))
        return x * y

    def _division(self) -> None:
        """What holds of every quotient and remainder; nothing is said of them where there are none."""
        x, m, n = z3.Ints("x! m! n!")
        self.axioms += [
            z3.ForAll([x, m], z3.Implies(m > 0, z3.And(self.remainder(x, m) >= 0, self.remainder(x, m) < m)),
                      patterns=[self.remainder(x, m)]),
            z3.ForAll([x, m], z3.Implies(z3.And(x >= 0, x < m), self.remainder(x, m) == x),
                      patterns=[self.remainder(x, m)]),
            z3.ForAll([x, m], z3.Implies(z3.And(m > 0, x >= 0), z3.And(self.quotient(x, m) >= 0,
                      self.quotient(x, m) <= x)), patterns=[self.quotient(x, m)]),
            z3.ForAll([x, m], z3.Implies(z3.And(m > 1, x > 0), self.quotient(x, m) < x),
                      patterns=[self.quotient(x, m)]),
            z3.ForAll([x, m, n], z3.Implies(z3.And(x >= 0, m > 0, m <= n), self.quotient(x, n) <= self.quotient(x, m)),
                      patterns=[z3.MultiPattern(self.quotient(x, m), self.quotient(x, n))]),
        ]  # fmt: skip

    def _simple(self, term: Term) -> Term:
        """A ground term itself, or a constant equal to it where a pattern could not hold it."""
        if not chooses(term):
            return term
        key = term.get_id()
        if key not in self.named:
            self.kept.append(term)
            self.named[key] = self.fresh("term")
            self.axioms.append(self.named[key] == term)
        return self.named[key]


def stripped(x: Term, m: Term, remainder: Any) -> Term:
    """x with each (t mod m) in a sum, difference or product replaced by t."""
    if z3.is_app(x) and x.decl().eq(remainder) and x.arg(1).eq(m):
        return stripped(x.arg(0), m, remainder)
    if z3.is_add(x) or z3.is_sub(x) or z3.is_mul(x):
        return x.decl()(*(stripped(child, m, remainder) for child in x.children()))
    return x


def chooses(term: Term) -> bool:
    """Whether there is an if-then-else in it, which no pattern can hold."""
    waiting, seen = [term], {term.get_id()}
    while waiting:
        node = waiting.pop()
        if z3.is_app(node) and node.decl().kind() == z3.Z3_OP_ITE:
            return True
        for child in node.children():
            if child.get_id() not in seen:
                seen.add(child.get_id())
                waiting.append(child)
    return False


def _only_at(body: Term, cells: Term, place: Term) -> bool:
    """Whether the array occurs in the body as `cells[place]` alone."""
    rest = z3.substitute(body, (cells[place], z3.Int("gone!")))
    return not occurs(cells, rest)


def occurs(part: Term, whole: Term) -> bool:
    seen: set[int] = set()
    waiting = [whole]
    while waiting:
        node = waiting.pop()
        if node.eq(part):
            return True
        if node.get_id() not in seen:
            seen.add(node.get_id())
            waiting += [node.body()] if z3.is_quantifier(node) else node.children()
    return False
