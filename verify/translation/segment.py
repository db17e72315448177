"""One segment on both sides at once: from the states that a row relates to every end, and there the ends compared.

The two trees are walked together. A fork of the source splits the walk; a fork of the machine is decided by what is
known, and by the solver where that does not decide it. Ends must be of one kind, at one point, with equal words. Called
by `validate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import z3

from ncl.language.program import Position
from ncl.verify.translation.ends import (
    Arrived,
    Assume,
    Called,
    Fork,
    Node,
    Returned,
    Shared,
    Spot,
    Stuck,
    Trapped,
    Waiting,
)
from ncl.verify.translation.relation import Pairs
from ncl.verify.translation.terms import SECONDS, Term, satisfiable, shared_memory, shared_natural, shared_word

# Rows by the point that they serve: line → what stands where. A point may be served by several lines.
Rows = Mapping[Spot, Mapping[int, Pairs]]
QUICK = 0.5  # seconds for a question that may be put in another way
MOST = 20_000  # pairs of nodes in one segment; with joins, hundreds is much
FEW = 600  # where the segment could be cut in more places


@dataclass(frozen=True)
class Failure:
    """Why a segment is not shown equal. `model` is a state (which a run need not reach); None when undecided."""

    what: str
    model: Any = None
    undecided: bool = False
    crowded: bool = False  # there are more paths than are walked


@dataclass
class Walk:
    """One segment's walk: what is known on the path, and what has been counted."""

    rows: Rows
    most: int
    known: dict[int, tuple[Term, bool]] = field(default_factory=dict)
    path: list[Term] = field(default_factory=list)
    ends: int = 0
    called: int = 0  # calls walked, on whichever path: each gives names of its own
    questions: int = 0

    def run(self, source: Node, machine: Node) -> Failure | None:
        """None when every way out is shown equal. Depth first, on a stack of its own: segments may be long."""
        waiting: list[Callable[[], None]] = []
        failure: list[Failure] = []
        visits = 0

        def visit(source: Node, machine: Node) -> None:
            found = self.meet(source, machine)
            if isinstance(found, Failure):
                failure.append(found)
            elif found:
                for condition, left, right in reversed(found):
                    waiting.append(lambda c=condition, s=left, m=right: enter(c, s, m))  # type: ignore[misc]

        def enter(condition: Term, source: Callable[[], Node], machine: Callable[[], Node]) -> None:
            atom, holds = _atom(condition)
            before = self.known.get(atom.get_id())
            if before is None:
                # Soundness 9: the term stays alive as long as its number is a key.
                self.known[atom.get_id()] = (atom, holds)
                self.path.append(condition)
                waiting.append(lambda: self.forget(atom))
            elif before[1] is not holds:
                return
            visit(source(), machine())

        visit(source, machine)
        while waiting and not failure:
            visits += 1
            if visits > self.most:
                return Failure(
                    f"more than {self.most} pairs of paths between two points; give parts of a long expression, or of "
                    "a long condition, statements of their own", undecided=True, crowded=True,
                )  # fmt: skip
            waiting.pop()()
        return failure[0] if failure else None

    def forget(self, atom: Term) -> None:
        del self.known[atom.get_id()]
        self.path.pop()

    # --- one pair of nodes

    def meet(self, source: Node, machine: Node) -> Failure | list[Way]:
        """What is to be walked next; nothing when the path is shown equal here."""
        while True:
            if isinstance(source, Arrived) and source.spot not in self.rows:
                # Soundness 1: never skipped.
                return self.reached(f"the source comes to {described(source.spot)}, which has no row") or []
            machine = self.advance(machine)
            if isinstance(source, Assume):
                return [(source.condition, source.then, _same(machine))]
            if isinstance(source, Fork):
                decided = self.decided(source.condition)
                if decided is None:
                    return [
                        (source.condition, source.yes, _same(machine)),
                        (z3.Not(source.condition), source.no, _same(machine)),
                    ]
                source = source.yes() if decided else source.no()
            elif isinstance(machine, Fork):
                return self.split(source, machine)
            elif isinstance(machine, Waiting) and not self.serves(machine, source):
                machine = machine.go_on()
            elif isinstance(source, Called) and isinstance(machine, Called):
                if fault := self.calls(source, machine):
                    return fault
                results, shared = self.behind_call(source)
                source, machine = source.then(results, shared), machine.then(results, shared)
            else:
                self.ends += 1
                return self.compare(source, machine) or []

    def advance(self, machine: Node) -> Node:
        while isinstance(machine, Fork) and (decided := self.decided(machine.condition)) is not None:
            machine = machine.yes() if decided else machine.no()
        return machine

    def decided(self, condition: Term) -> bool | None:
        atom, holds = _atom(condition)
        found = self.known.get(atom.get_id())
        return None if found is None else found[1] is holds

    def split(self, source: Node, machine: Fork) -> list[Way]:
        """Soundness 6: a way of the machine is dropped only when the solver says that there is none."""
        ways: list[Way] = []
        for condition, after in ((machine.condition, machine.yes), (z3.Not(machine.condition), machine.no)):
            if self.ask([*self.path, condition]).said != "unsat":
                ways.append((condition, _same(source), after))
        return ways

    def ask(self, terms: list[Term], seconds: float = SECONDS) -> Any:
        self.questions += 1
        return satisfiable(terms, seconds)

    def serves(self, machine: Waiting, source: Node) -> bool:
        return isinstance(source, Arrived) and machine.line in self.rows.get(source.spot, {})

    # --- calls

    def calls(self, source: Called, machine: Called) -> Failure | None:
        """Soundness 8: calls correspond one to one, of the same function with equal arguments and all shared equal."""
        if source.function != machine.function:
            return self.reached(f"the source calls {source.function}, the machine {machine.function}")
        words = [(f"argument {n}", *pair) for n, pair in enumerate(zip(source.words, machine.words, strict=True))]
        return self.equal(f"at the call of {source.function}", [*words, *_shared(source.shared, machine.shared)])

    def behind_call(self, call: Called) -> tuple[tuple[Term, ...], Shared]:
        """Soundness 4: what a call leaves is arbitrary and the same on both sides, by the induction on calls."""
        self.called += 1
        width, name = call.shared.memory.domain().size(), f"after call {self.called}"
        results = tuple(shared_word(f"result {n} {name}", width) for n in range(call.results))
        hp = shared_natural(f"hp {name}") if call.keeps else call.shared.hp
        return results, Shared(shared_memory(f"memory {name}", width), hp, shared_natural(f"ticks {name}"))

    # --- ends

    def compare(self, source: Node, machine: Node) -> Failure | None:
        match source, machine:
            case Arrived(spot=spot), Waiting(line=line):
                pairs = [(t, source.value(t), _located(machine, where)) for t, where in self.rows[spot][line]]
                return self.equal(
                    f"at {described(spot)}, line {line}", [*pairs, *_shared(source.shared, machine.shared)]
                )
            case Trapped(kind=kind, position=place), Trapped(kind=other, position=there):
                if (kind, place) == (other, there):
                    return self.equal("at a trap", [_ticks(source.shared, machine.shared)])
            case Returned(how=how, words=words), Returned(how=other, words=others) if how == other:
                results = [(f"result {n}", *pair) for n, pair in enumerate(zip(words, others, strict=True))]
                # Where the heap pointer is restored, or the run ends, what it was is of no account.
                common = [p for p in _shared(source.shared, machine.shared) if p[0] != "heap pointer" or how == "keep"]
                return self.equal("at the return", [*results, *common])
        return self.reached(f"the source {_what(source)}, the machine {_what(machine)}")

    def reached(self, what: str) -> Failure | None:
        """A failure, unless no state takes this path."""
        answer = self.ask(self.path)
        if answer.said == "unsat":
            return None
        return Failure(what, answer.model, answer.said != "sat")

    def equal(self, where: str, pairs: Iterable[tuple[str, Term, Term]]) -> Failure | None:
        parted = [(name, mine, theirs) for name, mine, theirs in pairs if not mine.eq(theirs)]
        if not parted:
            return None
        answer = self.ask([*self.path, z3.Or(*(mine != theirs for _, mine, theirs in parted))], QUICK)
        if answer.said == "unknown":
            seen: dict[tuple[int, int], bool] = {}
            parted = [pair for pair in parted if not self.alike(pair[1], pair[2], seen)]
            answer = self.ask([*self.path, z3.Or(*(mine != theirs for _, mine, theirs in parted))])
        if answer.said == "unsat":
            return None
        model = answer.model
        names = [n for n, x, y in parted if model is None or not z3.is_true(model.eval(x == y, model_completion=True))]
        return Failure(f"{where}: {', '.join(names)} not shown equal", model, answer.said != "sat")

    def alike(self, mine: Term, theirs: Term, seen: dict[tuple[int, int], bool]) -> bool:
        """Equal, seen part by part: the solver compares only what differs in shape, so products need no meaning.

        On a stack of its own: terms are as deep as a program is long. `seen` is of this path alone. Its keys are parts
        of terms that the caller holds.
        """

        def known(x: Term, y: Term) -> bool | None:
            return True if x.eq(y) else seen.get((x.get_id(), y.get_id()))

        waiting = [(mine, theirs)]
        while waiting:
            x, y = waiting[-1]
            if known(x, y) is None:
                same = x.decl().eq(y.decl()) and x.num_args() > 0
                pairs = list(zip(x.children(), y.children(), strict=True)) if same else []
                parts = [known(*pair) for pair in pairs]
                if same and False not in parts and None in parts:
                    waiting.append(pairs[parts.index(None)])
                    continue
                alike = same and all(parts)
                seen[x.get_id(), y.get_id()] = alike or self.ask([*self.path, x != y], QUICK).said == "unsat"
            waiting.pop()
        return bool(known(mine, theirs))


Way = tuple[Term, Callable[[], Node], Callable[[], Node]]


def _same(node: Node) -> Callable[[], Node]:
    return lambda: node


def _atom(condition: Term) -> tuple[Term, bool]:
    holds = True
    while z3.is_not(condition):
        condition, holds = condition.arg(0), not holds
    return condition, holds


def _located(machine: Waiting, location: str) -> Term:
    if not location.startswith("c"):
        return machine.value(location)
    return z3.BitVecVal(int(location[1:]), machine.shared.memory.domain().size())


def _ticks(source: Shared, machine: Shared) -> tuple[str, Term, Term]:
    return "ticks", source.ticks, machine.ticks


def _shared(source: Shared, machine: Shared) -> list[tuple[str, Term, Term]]:
    return [
        ("memory", source.memory, machine.memory),
        ("heap pointer", source.hp, machine.hp),
        _ticks(source, machine),
    ]


def described(spot: Spot) -> str:
    kind, path = spot
    return f"the {'head of loop' if kind == 'loop' else 'place behind'} {path}"


def _what(node: Node) -> str:
    match node:
        case Trapped(kind=kind, position=place):
            return f"traps {kind.label} at {_place(place)}"
        case Returned(how=how):
            return {"halt": "halts", "restore": "returns", "keep": "returns and keeps the heap"}[how]
        case Called(function=name):
            return f"calls {name}"
        case Arrived(spot=spot):
            return f"comes to {described(spot)}"
        case Waiting(line=line):
            return f"waits at line {line}"
        case Stuck(why=why):
            return f"is stuck: {why}"
    return "forks"


def _place(place: Position | None) -> str:
    return str(place or "no place")
