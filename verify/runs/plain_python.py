"""Source against plain Python, run: the obligation `python/PROGRAM`.

A program is legal Python, so where no number leaves 0 … N-1 Python gives what the source interpreter gives: a witness
that shares no code with it. Runs that wrap are counted apart: they are compared with Python that takes its results
modulo N. Runs that trap `memory`, which Python does not, are not compared. Nothing compared is `unknown`. Called by
`prove`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from ncl.language.interpret.plain import Agreement, compared
from ncl.language.program import Program, Sizes
from ncl.language.syntax import Function
from ncl.properties.minimise import minimise
from ncl.properties.strategies import Batch
from ncl.verify.engine.obligation import Outcome
from ncl.verify.runs import cost, plans
from ncl.verify.runs.cost import Work
from ncl.verify.runs.input_spaces import Arguments, has_arrays, inputs, is_cut, is_telling, spaces

METHOD = "enumeration and random runs of plain Python"
MOST = 20_000  # inputs that are enumerated
COST = 1_500_000  # of all of them, and of all random ones: machine steps of the same runs
BOTH = 2 * cost.SOURCE  # the source interpreter and Python
SMALL_BUDGETS, LARGE_BUDGETS, LENGTHS = (1024, 256, 64), (20_000, 2_000, 300, 50), (64, 32, 16, 8)


@dataclass(frozen=True)
class Tried:
    """What came of some runs: how many of each kind, how many the budget ended, and the first that differs."""

    kinds: Counter[str]
    stopped: int
    divergence: tuple[Arguments, Agreement] | None = None

    def description(self, budget: int) -> str:
        """Behind how many were tried: what of them was compared."""
        cut = f" ({self.stopped} stopped after {budget} ticks)" if self.stopped else ""
        apart = [
            f"{self.kinds[kind]} {what}"
            for kind, what in (
                ("modulo", "compared modulo N"),
                ("wrapped", "wrapped"),
                ("beyond", "had no memory left"),
            )
            if self.kinds[kind]
        ]
        return f"{self.kinds['agree']} compared{cut}" + "".join(f", {part}" for part in apart)


def check_python(function: Function, program: Program, samples: int, seed: int) -> Outcome:
    """`python/PROGRAM`: small inputs at a small width, random ones at the program's own."""
    told: list[str] = []
    limits = {"tried": 0, "samples": 0, "wrapped": 0}
    for machine, batch, budget, what in (*_enumerated(function, program), _random(program, samples, seed)):
        tried = _tried(function, batch, machine.sizes, budget)
        if tried.divergence:
            return _refuted(function, machine, budget, *tried.divergence)
        told.append(f"{what}: {tried.description(budget)}")
        limits["tried"] += sum(tried.kinds.values())
        limits["samples"] += tried.kinds["agree"] + tried.kinds["modulo"]
        limits["wrapped"] += tried.kinds["modulo"] + tried.kinds["wrapped"]
    if not limits["samples"]:
        return Outcome("unknown", METHOD, detail=f"no run to compare: {'; '.join(told)}", limits=limits)
    return Outcome("tested", METHOD, bound="; ".join(told), limits=limits)


Trial = tuple[Program, Iterable[Arguments], int, str]


def _enumerated(function: Function, program: Program) -> list[Trial]:
    """The most telling space that costs no more than it may; none when all cost more."""
    signature, sizes = function.signature, program.sizes
    for telling in (True, False):
        for budget in SMALL_BUDGETS:
            for space in spaces(signature, MOST, sizes.memory):
                if space.width > sizes.width or (telling and not is_telling(signature, space)):
                    continue
                machine = plans.machine_of(function, sizes, space.width)
                if machine is None or BOTH * cost.of_space(machine, space, budget).steps > COST:
                    continue
                machine = replace(machine, sizes=replace(machine.sizes, depth=min(sizes.depth, plans.CALLING_DEPTH)))
                lengths = f" and every length ≤ {space.length}" if has_arrays(signature) else ""
                cells = f", {space.cells} cells in all" if is_cut(signature, space) else ""
                what = f"every word{lengths}{cells} at W = {space.width}, {space.count} inputs"
                return [(machine, inputs(signature, space), budget, what)]
    return []


def _random(program: Program, samples: int, seed: int) -> Trial:
    draw = cost.affordable(program, samples, seed, LENGTHS, LARGE_BUDGETS, _cost, COST)
    lengths = f", lengths ≤ {draw.longest}" if has_arrays(program.signature) else ""
    what = f"{samples} random runs at W = {program.sizes.width}{lengths}"
    return program, draw.batch, draw.budget, what


def _cost(_: Program, taken: Work) -> float:
    return BOTH * taken.steps


def _tried(function: Function, batch: Iterable[Arguments], sizes: Sizes, budget: int) -> Tried:
    kinds, stopped = Counter[str](), 0
    for arguments in batch:
        found = compared(function, arguments, sizes, budget)
        kinds["modulo" if found.kind == "wrapped" and found.python else found.kind] += 1
        if found.kind == "differ":
            return Tried(kinds, stopped, (arguments, found))
        trap = found.source.result and found.source.result.trap
        stopped += bool(found.kind == "agree" and trap and trap.kind.label == "budget")
    return Tried(kinds, stopped)


def _refuted(function: Function, program: Program, budget: int, arguments: Arguments, found: Agreement) -> Outcome:
    """The input made small, and a counterexample that the property `source = python` replays."""
    sizes = program.sizes

    def differs(tried: Arguments) -> bool:
        return compared(function, tried, sizes, budget).kind == "differ"

    small = minimise(arguments, differs, trials=400)
    again = compared(function, small, sizes, budget)
    place = {"file": function.file, "line": function.position.line, "column": function.position.column}
    case = {
        "schema": 1,
        "kind": "check",
        "check": "python",
        "source": {"file": function.file, "name": function.name, "text": function.whole},
        "sizes": asdict(sizes),
        "input": Batch([small], budget).to_json(),
        "expected": "plain Python to agree",
        "got": again.difference,
        "place": place,
    }
    shown = ", ".join(map(str, small))
    detail = f"{function.name}({shown}) at width {sizes.width}: {again.difference}"
    return Outcome("refuted", METHOD, detail=detail, counterexample=case)


__all__: Sequence[str] = ["check_python"]
