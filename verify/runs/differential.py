"""Runs of programs: source against machine code, and executors against each other.

That machine code is its source is proved by `translation.validate`; the runs here cross-check that proof through the
code that users run. Nothing here is shown for all inputs: a verdict's bound says which words and lengths were all
tried, at which width, how many random runs were added at the program's own, and which of them the budget stopped. How
much is tried is a matter of work, which is counted (`cost`). Every trap, budget included, counts as a result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from ncl.compiler.compile import compile_function
from ncl.errors import CapacityError
from ncl.language.program import Program, Signature, Sizes
from ncl.language.syntax import Function
from ncl.machine.executors import integer
from ncl.verify.engine import executors
from ncl.verify.engine.obligation import Outcome
from ncl.verify.runs import cost as runs_cost
from ncl.verify.runs import plans
from ncl.verify.runs.cost import Work
from ncl.verify.runs.divergence import Divergence, cut_short, divergence, refuted
from ncl.verify.runs.input_spaces import LENGTH, Arguments, Space, has_arrays, inputs, is_cut

MOST_RANDOM = 1_200_000
LARGE_BUDGETS = (50_000, 2_000, 300, 50)  # of random runs
LENGTHS = (64, 32, 16, 8)
# A few runs stopped early, so that the place of the budget trap is compared too.
TIGHT_BUDGETS = (0, 1, 2, 5)
# Of the random runs, those that the slow machines make too.
SLOW_RUNS, SLOW_CELLS = 40, 8


def prepare() -> None:
    """Compile the bytecode loop, seconds of work that workers share; called once, before the first obligation."""
    from ncl.language.parse import parse_text

    function = parse_text("def f(n: Word) -> Word:\n    return n\n", "prepare.py", "f")[0]
    integer.run(compile_function(function, Sizes(width=1, memory=1))[0], [[0]])


# --- obligations' own functions --------------------------------------------------------------------------------------


def check_compiled(function: Function, program: Program) -> Outcome:
    """Source → machine code: the current compiler makes exactly this program from this source."""
    method = "compiled again"
    again, _ = compile_function(function, program.sizes)
    if again.canonical() != program.canonical():
        what = "source digest" if again.source != program.source else "machine code"
        return Outcome("refuted", method, detail=f"the artefact's {what} is not what {function.name} compiles to now")
    # Nothing is left open: there is this source and this machine code, and they were compared whole.
    return Outcome("proved", method, detail="byte for byte")


def check_runs(function: Function, program: Program, samples: int, seed: int) -> Outcome:
    """`cross-check/PROGRAM`: all small inputs at a small width, random ones at the program's own."""
    method = "enumeration and random runs against the source interpreter"
    plan = plans.plan(function, program.sizes)
    told = "no input enumerated"
    limits: dict[str, int] = {}
    if plan is not None:
        tried = _enumerate(function, plan)
        if tried.divergence:
            return refuted(method, plan.program, function, tried.divergence)
        told = _described(function.signature, plan, tried)
        limits = {"enumerated_width": plan.space.width, "enumerated": tried.count, "cut": tried.cut}
        limits["length"] = _reach(function.signature, plan.space)
    beyond = check_beyond(function, program, samples, seed)
    if not beyond.green:
        return beyond
    limits |= beyond.limits
    bound = f"{told}; {beyond.bound}"
    return Outcome("proved-bounded" if plan else "tested", method, bound=bound, limits=limits)


def check_beyond(function: Function, program: Program, samples: int, seed: int) -> Outcome:
    """The random runs of `check_runs`: this very machine code, at its own width."""
    method = "random runs against the source interpreter"
    draw = runs_cost.affordable(program, samples, seed, LENGTHS, LARGE_BUDGETS, _source_cost, MOST_RANDOM)
    many = _compared(("source", "integer"), program, function, draw.batch, draw.budget)
    slow = [a for a in draw.batch if sum(len(v) for v in a if isinstance(v, list)) <= SLOW_CELLS][:SLOW_RUNS]
    few = _everywhere(program, function, slow, _slow_budget(program, slow, draw.budget))
    tight = Tight(slow[:10], partial(_everywhere, program, function))
    if found := many.divergence or few.divergence or tight.divergence:
        return refuted(method, program, function, found)
    bound = (
        f"{_random(draw.batch)} at W = {program.sizes.width}{_lengths(draw.batch)}, through source and bytecode"
        f"{many.stopped}, {len(slow)} short ones through {few.way}{few.stopped}{tight.description}"
    )
    return Outcome("tested", method, bound, limits={"samples": samples, "slow_samples": few.stepped})


def _source_cost(_: Program, taken: Work) -> float:
    return runs_cost.SOURCE * taken.steps


def _reach(signature: Signature, space: Space) -> int:
    """The largest array length of which every input that memory holds was enumerated; without an array, there is none
    beyond it."""
    return space.length if has_arrays(signature) else LENGTH


# --- enumeration -----------------------------------------------------------------------------------------------------


def _enumerate(function: Function, plan: plans.Plan) -> Compared:
    """Every input of the plan everywhere, then a few under tight budgets."""
    program, whole = plan.program, Compared(None, 0, plan.budget)
    every = inputs(function.signature, plan.space)
    while batch := list(islice(every, plans.chunk(program))):
        whole += _everywhere(program, function, batch, plan.budget, plan.share)
        if whole.divergence:
            return whole
    few = list(islice(inputs(function.signature, replace(plan.space, length=min(2, plan.space.length))), 0, None, 7))
    tight = Tight(few[:200], partial(_everywhere, program, function))
    return replace(whole, divergence=tight.divergence, after=tight.description)


def _described(signature: Signature, plan: plans.Plan, tried: Compared) -> str:
    space = plan.space
    lengths = f" and every length ≤ {space.length}" if has_arrays(signature) else ""
    cells = f", {space.cells} cells in all" if is_cut(signature, space) else ""
    depth = f", with at most {plan.program.sizes.depth} calls open" if plans.calls(plan.program) else ""
    every = f"every word{lengths}{cells} at W = {space.width}: {tried.count} inputs"
    return f"{every} through {tried.way}{tried.stopped}{depth}{tried.after}"


# --- comparing -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Compared:
    """What came of comparing runs under one budget: the first divergence, and of `count` runs how many the reference
    machine and the proved step made too (where they were asked), and how many the budget stopped. `after` tells of
    other runs.
    """

    divergence: Divergence | None
    count: int
    budget: int
    referred: int = 0
    stepped: int = 0
    cut: int = 0
    after: str = ""

    def __add__(self, other: Compared) -> Compared:
        """Raises ValueError for runs under another budget: their numbers do not add."""
        if self.budget != other.budget:
            raise ValueError(f"runs of {self.budget} ticks and of {other.budget} are counted apart")
        referred, stepped = self.referred + other.referred, self.stepped + other.stepped
        counts = self.count + other.count, self.budget, referred, stepped, self.cut + other.cut
        return Compared(self.divergence or other.divergence, *counts)

    @property
    def way(self) -> str:
        if self.stepped == self.count:
            return "source, proved step, bytecode and the reference machine"
        if self.referred == self.count:
            return f"source, bytecode and the reference machine, {self.stepped} of them through the proved step"
        part = f"{self.referred} of them through the reference machine, {self.stepped} through the proved step"
        return f"source and bytecode, {part}"

    @property
    def stopped(self) -> str:
        return f" ({self.cut} stopped after {self.budget} ticks)" if self.cut else ""


class Tight:
    """Some runs once more under each of the tight budgets, to compare where the budget traps; counted for each."""

    def __init__(self, batch: Sequence[Arguments], compare: Callable[[Sequence[Arguments], int], Compared]) -> None:
        self._runs: list[Compared] = []
        self.divergence: Divergence | None = None
        for budget in TIGHT_BUDGETS if batch else ():
            self._runs.append(compare(batch, budget))
            self.divergence = self.divergence or self._runs[-1].divergence

    @property
    def description(self) -> str:
        if not self._runs:
            return ""
        budgets, cuts = (_series([getattr(r, name) for r in self._runs]) for name in ("budget", "cut"))
        return f", {self._runs[0].count} of them again after {budgets} ticks ({cuts} stopped)"


def _series(numbers: Sequence[int]) -> str:
    return " / ".join(map(str, numbers))


def _random(batch: Sequence[Arguments]) -> str:
    """How many random runs, and of how many inputs where some came twice."""
    different = len({repr(arguments) for arguments in batch})
    return f"{len(batch)} random runs" + (f" of {different} inputs" if different < len(batch) else "")


def _lengths(batch: Sequence[Arguments]) -> str:
    """The longest array that was among them."""
    sizes = [len(value) for arguments in batch for value in arguments if isinstance(value, list)]
    return f", lengths ≤ {max(sizes)}" if sizes else ""


def _compared(
    names: Sequence[str], program: Program, function: Function | None, batch: Sequence[Arguments], budget: int
) -> Compared:
    results = {name: executors.run(name, program, function, batch, budget) for name in names}
    cut = cut_short(results[names[0]])
    return Compared(divergence(results, batch, budget), len(batch), budget, cut=cut)


def _everywhere(
    program: Program, function: Function, batch: Sequence[Arguments], budget: int, share: int = 1
) -> Compared:
    """Source and bytecode on all of the batch, the reference machine on one in `share`, the proved step on what of that
    is not too long for it.
    """
    results = {name: executors.run(name, program, function, batch, budget) for name in ("source", "integer")}
    found = divergence(results, batch, budget)
    part = batch[::share]
    referred = executors.run("reference", program, None, part, budget)
    short = [n for n, result in enumerate(referred) if (result.steps or 0) <= plans.LONG]
    some = [part[n] for n in short]
    stepped = executors.run("step", program, None, some, budget)
    found = found or divergence({"reference": referred, "integer": results["integer"][::share]}, part, budget)
    found = found or divergence({"reference": [referred[n] for n in short], "step": stepped}, some, budget)
    return Compared(found, len(batch), budget, len(part), len(some), cut_short(results["source"]))


def _slow_budget(program: Program, batch: Sequence[Arguments], most: int) -> int:
    """The largest under which the runs that all executors make cost no more than they may."""
    budgets = [budget for budget in LARGE_BUDGETS if budget <= most]
    for budget in budgets:
        taken = runs_cost.measured(program, batch, len(batch), budget)
        if (1 + runs_cost.SOURCE) * taken.steps + runs_cost.of_step(program, taken, plans.LONG) <= MOST_RANDOM:
            return budget
    return budgets[-1]


# --- executors -------------------------------------------------------------------------------------------------------

# Distributions cost as many numbers as there are words. So dense is compared on the narrowest machine that takes the
# source's literals; pathwise on this very code over all words where they are few enough, and else on a narrow machine
# over all words and on this very code over words so small that their products fit.
_DENSE_WIDTHS, _DENSE_MEMORY, _DENSE_LENGTHS, _DENSE_BUDGETS = range(3, 11), 8, (3,), (1024, 300, 100, 30, 10)
_PATHWISE_WIDTHS, _PATHWISE_MEMORY, _PATHWISE_LENGTHS = range(8, 11), 128, (32, 16, 8)
_PATHWISE_TOP = 31


def check_executor(executor: str, function: Function | None, program: Program, samples: int, seed: int) -> Outcome:
    """One executor = the reference machine, on random runs; the soft ones only with the source at hand."""
    method = "random runs against the reference machine"
    if executor not in ("dense", "pathwise"):
        return _tested(method, executor, [(program, LENGTHS, None)], samples, seed)
    if function is None:
        return Outcome("unknown", method, detail="without its source it cannot be compiled for a narrow machine")
    if executor == "pathwise" and program.sizes.width <= _PATHWISE_WIDTHS.start:
        return _tested(method, executor, [(program, _PATHWISE_LENGTHS, None)], samples, seed)
    dense = executor == "dense"
    widths = _DENSE_WIDTHS if dense else _PATHWISE_WIDTHS
    small = plans.narrow(function, program.sizes, widths, _DENSE_MEMORY if dense else _PATHWISE_MEMORY)
    if small is None:
        return Outcome("unknown", method, detail=f"it compiles at no width in {widths.start} … {widths.stop - 1}")
    if dense:
        return _tested(method, executor, [(small, _DENSE_LENGTHS, None)], samples, seed)
    runs = [(small, _PATHWISE_LENGTHS, None), (program, _PATHWISE_LENGTHS, _PATHWISE_TOP)]
    return _tested(method, executor, runs, samples, seed)


def _tested(
    method: str,
    executor: str,
    runs: Sequence[tuple[Program, tuple[int, ...], int | None]],
    samples: int,
    seed: int,
) -> Outcome:
    """Random runs of each program against the reference machine: (program, longest arrays, largest word)."""
    told: list[str] = []
    for program, lengths, top in runs:
        budgets = _DENSE_BUDGETS if executor == "dense" else LARGE_BUDGETS
        cost = partial(_executor_cost, executor)
        draw = runs_cost.affordable(program, samples, seed, lengths, budgets, cost, MOST_RANDOM, top)
        try:
            tried = _compared(("reference", executor), program, None, draw.batch, draw.budget)
        except CapacityError:
            if not told:
                raise
            told.append(f"none at W = {program.sizes.width}, where its distributions would be too large")
            continue
        compare = partial(_compared, ("reference", executor), program, None)
        tight = Tight(draw.batch[:10] if executor == "integer" else (), compare)
        if found := tried.divergence or tight.divergence:
            return refuted(method, program, None, found)
        words = "" if top is None else f" of words ≤ {top}"
        where = f"{words} at W = {program.sizes.width}{_lengths(draw.batch)}"
        told.append(f"{_random(draw.batch)}{where}{tried.stopped}{tight.description}")
    return Outcome("tested", method, bound="; ".join(told), limits={"samples": samples})


def _executor_cost(executor: str, program: Program, taken: Work) -> float:
    if executor == "dense":
        return taken.steps + taken.longest * (runs_cost.DENSE + runs_cost.DENSE_LINE * len(program.code))
    return taken.steps * (1 + runs_cost.PATHWISE * (executor == "pathwise"))


def source_of(name: str, digest: str) -> Function | None:
    """The shipped function of this name, when it is the very source that a program was compiled from."""
    from ncl import library

    if name not in library.names():
        return None
    function = library.get(name)
    return function if function.digest == digest else None


__all__ = ["check_compiled", "check_executor", "check_runs", "source_of"]
