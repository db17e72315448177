"""Machine code = source, for every input, length and number of rounds: translation validation.

The validator cuts the source at its loop heads and at the places behind statements for which the witness has a row, and
proves of every segment between two points: from all states that a row relates, whichever way the source takes, the
machine takes it too, to the same kind of end, with the next row established, or equal results, traps and ticks. That
is an induction on segments and on calls, so nothing is bounded. It shares no code with the compiler; of the witness it
believes nothing (a wrong one can only make a proof fail). Called by `check` and `passes`.

After Pnueli, Siegel and Singerman, Translation Validation (TACAS 1998), and Necula (PLDI 2000).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ncl.compiler.witness import FunctionWitness, Row, Witness
from ncl.errors import LanguageError
from ncl.language.program import Program
from ncl.language.syntax import Function
from ncl.language.typecheck import check_width
from ncl.language.walks import all_expressions
from ncl.verify.translation import joins, relation, static
from ncl.verify.translation import points as translation_points
from ncl.verify.translation import segment as translation_segment
from ncl.verify.translation.ends import Spot
from ncl.verify.translation.expressions import Next
from ncl.verify.translation.joins import NOWHERE, Inside
from ncl.verify.translation.machine import Machine
from ncl.verify.translation.relation import Contradiction, Pairs
from ncl.verify.translation.segment import Failure, Rows, Walk, described
from ncl.verify.translation.source import Source


@dataclass(frozen=True)
class Report:
    """What came of one program. Proved when there is no failure; `questions` went to the solver."""

    failures: tuple[str, ...]
    undecided: bool = False
    model: Any = None
    segments: int = 0
    ends: int = 0
    questions: int = 0
    crowded: bool = False  # a segment has more paths than are walked

    @property
    def proved(self) -> bool:
        return not self.failures


def validate(function: Function, program: Program, witness: Witness) -> Report:
    """Prove, or say what is not proved. The first segment that fails ends it."""
    refused = static.refusals(function, program, witness)
    try:
        check_width(function, program.sizes.width)
    except LanguageError as fault:
        refused.append(str(fault).splitlines()[0])
    if refused:
        return Report(tuple(refused))
    # Soundness 8, the induction on calls: each function is proved from every entry, given that calls are.
    callees = {part.entry: function.program[part.function] for part in witness.functions if not part.halts}
    report = Report(())
    with _room(function):
        for part in witness.functions:
            if report.proved:
                report = _sum(report, _of_one(function, program, part, callees))
    return report


def _of_one(whole: Function, program: Program, part: FunctionWitness, callees: Mapping[int, Function]) -> Report:
    """Cut between statements, where most is known; in expressions too when there are many paths through one."""
    points = joins.inside(whole.program[part.function])
    more = joins.rows(part, points)
    known = translation_points.terms(whole.program[part.function]) | joins.terms(points)
    if not more or any(fault for row in more for fault in static.faults(row, program, known)):
        return _Validation(whole, program, part, callees, translation_segment.MOST).run()
    report = _Validation(whole, program, part, callees, translation_segment.FEW).run()
    if not report.crowded:
        return report
    wanted = frozenset(term for row in more for term, _ in row.locations)
    points = replace(points, wanted=wanted)
    report = _Validation(whole, program, part, callees, translation_segment.MOST, points, more).run()
    if report.proved:
        return report
    return _Validation(whole, program, part, callees, translation_segment.MOST).run()


# Python frames that one node of an expression takes while those behind it are evaluated: continuations do not return.
_FRAMES = 12


@contextmanager
def _room(function: Function) -> Iterator[None]:
    """A Python stack deep enough for the largest expression that a function could be."""
    nodes = max(sum(1 for _ in all_expressions(one.body)) for one in function.program.values())
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + _FRAMES * nodes)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _rows(read: Iterable[Row]) -> Rows:
    rows: dict[Spot, dict[int, Pairs]] = {}
    for row in read:
        rows.setdefault((row.kind, row.path), {})[row.line] = row.locations
    return rows


class _Validation:
    """One function of the program, as it stands from one entry on."""

    def __init__(
        self, whole: Function, program: Program, witness: FunctionWitness, callees: Mapping[int, Function], most: int,
        inside: Inside = NOWHERE, more: tuple[Row, ...] = (),
    ) -> None:  # fmt: skip
        self.function, self.entry, self.most = whole.program[witness.function], witness.entry, most
        self.rows = _rows((*translation_points.read(witness), *more))
        self.flow = translation_points.flow(self.function)
        # Loop heads are always cut, wherever they stand; places behind statements where a row serves them.
        loops = {spot for spot in self.flow.spots if spot[0] == "loop"}
        cuts = frozenset(loops | set(self.rows))
        self.source = Source(self.function, whole.program, program.sizes, cuts, witness.halts, inside)
        served = frozenset(line for lines in self.rows.values() for line in lines)
        results = 1 if self.function.signature.result == "word" else 2
        self.machine = Machine(program, served, callees, results)

    def run(self) -> Report:
        report = self.segment(None, self.entry, relation.calling_convention(self.function.signature))
        for spot, lines in self.rows.items():
            for line, pairs in lines.items():
                if report.proved:
                    report = _sum(report, self.segment(spot, line, pairs))
        return report

    def segment(self, spot: Spot | None, line: int, pairs: Pairs) -> Report:
        """From the entry (None) or a row to the next points."""
        where = f"{self.function.name}, " + (f"from {described(spot)} at line {line}" if spot else "from the entry")
        try:
            begin = relation.start(pairs, self.source.fixed, self.source.terms)
        except Contradiction as fault:
            return Report((f"{where}: the row is empty: {fault}",), segments=1)
        walk = Walk(self.rows, self.most)
        if spot is None:
            source = self.source.resolved(Next(self.flow.entry, begin.source))
        elif spot in self.flow.spots:
            source = self.source.run(self.flow.spots[spot], begin.source)
        else:
            # Inside of a statement. It goes on from there, so no point inside of it comes round without a loop's head.
            source = self.source.behind(self.flow.begins[spot[1].partition(":")[0]], spot, begin.source)
        # Soundness 7: from a loop's head the machine must move before it may serve a point.
        moves = spot is not None and spot[0] == "loop"
        failure = walk.run(source, self.machine.run(line, begin.machine, wait=not moves))
        return _report(walk, where, failure)


def _report(walk: Walk, where: str, failure: Failure | None) -> Report:
    counted = Report((), segments=1, ends=walk.ends, questions=walk.questions)
    if failure is None:
        return counted
    told = (f"{where}: {failure.what}",)
    return replace(
        counted, failures=told, undecided=failure.undecided, model=failure.model, crowded=failure.crowded
    )  # fmt: skip


def _sum(one: Report, other: Report) -> Report:
    return replace(
        other,
        segments=one.segments + other.segments,
        ends=one.ends + other.ends,
        questions=one.questions + other.questions,
    )
