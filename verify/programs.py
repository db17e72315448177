"""Runs of programs: source against machine code, and executors against each other.

That machine code is its source is proved by `translate`; the runs here cross-check that proof through the code that
users run. Nothing here is shown for all inputs: a verdict's bound says which words and lengths were all tried, at which
width, and how many random runs were added at the program's own. Every trap, budget included, counts as a result.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice, product
from math import prod

from ncl.compiler.compile import compile_function
from ncl.errors import CapacityError, NclError
from ncl.language.opcodes import Opcode
from ncl.language.program import Program, Signature, Sizes, Value
from ncl.language.syntax import Function
from ncl.language.trace import Result
from verify import executors
from verify.counterexample import minimise, program_case
from verify.obligation import Outcome

Arguments = list[Value]

WIDTH = 3  # at which every word is tried
LENGTH = 4  # up to which every array is tried
MOST = 70_000  # inputs; with more, lengths are cut first, and the bound says so
MOST_CALLING = 10_000  # of programs that call, whose runs are longer
SMALL_BUDGET = 1024  # ticks; every loop over ≤ 4 cells or 8 words, nested twice, ends within
LARGE_BUDGET = 50_000
# Recursion on random words goes on until its budget, whatever the lengths; and most of it is the same once more.
CALLING_BUDGET = 2_000
SLOW_BUDGET = 300  # of slow machines on programs that call
CALLING_DEPTH = 6  # of machines for enumeration and distributions, which copy call stack and frames all the time
# A few runs stopped early, so that the place of the budget trap is compared too.
TIGHT_BUDGETS = (0, 1, 2, 5)
# Of the random runs, those that the slow machines make too: a step over thousands of cells costs milliseconds.
SLOW_RUNS, SLOW_CELLS = 40, 8
CHUNK = 4096


@dataclass(frozen=True)
class Space:
    """All inputs with every word of this width and arrays up to this length, `count` of them."""

    width: int
    length: int
    count: int


def spaces(signature: Signature) -> Iterator[Space]:
    """What could be enumerated, the most telling first: three-bit words and long arrays, or wide words alone.

    Wider ones follow for sources whose literals need them, narrower ones for long signatures.
    """
    if any(p.sort == "array" for p in signature.parameters):
        wanted = [(w, n) for least in (2, 1) for w in (WIDTH, 2, *range(4, 9)) for n in range(LENGTH, least - 1, -1)]
        wanted.append((1, 1))
    else:
        wanted = [(w, 0) for w in range(8, 0, -1)]
    for width, length in wanted:
        space = Space(width, length, _count(signature, width, length))
        if space.count <= MOST:
            yield space


def _count(signature: Signature, width: int, length: int) -> int:
    words = 1 << width
    arrays: int = sum(words**n for n in range(length + 1))
    return prod(arrays if p.sort == "array" else words for p in signature.parameters)


def inputs(signature: Signature, space: Space) -> Iterator[Arguments]:
    """Every input of the space, the shortest arrays first."""
    words = range(1 << space.width)

    def choices(sort: str) -> Iterable[Value]:
        if sort == "word":
            return words
        return (list(cells) for n in range(space.length + 1) for cells in product(words, repeat=n))

    for row in product(*(choices(p.sort) for p in signature.parameters)):
        yield [list(v) if isinstance(v, list) else v for v in row]


def random_inputs(
    program: Program, count: int, seed: int, longest: int = 64, top: int | None = None
) -> list[Arguments]:
    """Lengths from 0 to `longest` as far as memory allows; words over the whole range, near its ends, and small.

    `top`: the largest word, when it is not the machine's.
    """
    chance = random.Random(f"{seed}:{program.name}")
    largest = (1 << program.sizes.width) - 1
    top = largest if top is None else min(top, largest)
    arrays = sum(p.sort == "array" for p in program.signature.parameters)
    longest = min(longest, largest, program.sizes.memory // max(1, 2 * arrays))

    def word(style: int) -> int:
        match style:
            case 0:
                return chance.randint(0, top)
            case 1:
                return chance.randint(0, min(3, top))
            case 2:
                return chance.choice((0, 1, top, top - 1 if top > 1 else 0, top // 2, top // 2 + 1))
        return chance.randint(0, min(longest + 2, top))

    def value(sort: str) -> Value:
        style = chance.randrange(5)
        if sort == "word":
            return word(style)
        size = chance.choice((chance.randint(0, longest), chance.randint(0, min(8, longest))))
        return [word(style if style < 4 else chance.randrange(4)) for _ in range(size)]

    return [[value(p.sort) for p in program.signature.parameters] for _ in range(count)]


@dataclass(frozen=True)
class Parting:
    """Two executors that disagree on one input."""

    arguments: Arguments
    budget: int
    trusted: tuple[str, Result]
    suspect: tuple[str, Result]


def first_parting(
    names: Sequence[str], program: Program, function: Function | None, batch: Sequence[Arguments], budget: int
) -> Parting | None:
    """The first input on which some executor parts from the first of `names`, or from another that counts steps."""
    results = {name: executors.run(name, program, function, batch, budget) for name in names}
    for index, arguments in enumerate(batch):
        for place, trusted in enumerate(names[:-1]):
            for suspect in names[place + 1 :]:
                mine, theirs = results[trusted][index], results[suspect][index]
                if not executors.agree(trusted, mine, suspect, theirs):
                    return Parting(arguments, budget, (trusted, mine), (suspect, theirs))
    return None


def refuted(method: str, program: Program, function: Function | None, found: Parting) -> Outcome:
    """The parting made small, as an outcome that can be replayed."""
    trusted, suspect = found.trusted[0], found.suspect[0]

    def pair(arguments: Arguments) -> tuple[Result, Result]:
        mine = executors.run(trusted, program, function, [arguments], found.budget)[0]
        return mine, executors.run(suspect, program, function, [arguments], found.budget)[0]

    def fails(arguments: Arguments) -> bool:
        mine, theirs = pair(arguments)
        return not executors.agree(trusted, mine, suspect, theirs)

    small = minimise(found.arguments, fails, trials=400)
    mine, theirs = pair(small)
    case = program_case(program, function, small, found.budget, (trusted, mine), (suspect, theirs))
    shown = ", ".join(map(str, small))
    detail = f"{program.name}({shown}) at width {program.sizes.width}: {trusted} gives {_told(mine)}, "
    return Outcome("refuted", method, detail=detail + f"{suspect} gives {_told(theirs)}", counterexample=case)


def _told(result: Result) -> str:
    value = str(result.trap) if result.trap else str(result.result)
    steps = "" if result.steps is None else f", {result.steps} steps"
    return f"{value} after {result.ticks} ticks{steps}"


# --- obligations' own functions --------------------------------------------------------------------------------------


def check_compiled(function: Function, program: Program) -> Outcome:
    """Source → machine code: the current compiler makes exactly this program from this source."""
    method = "compiled again"
    again, _ = compile_function(function, program.sizes)
    if again.canonical() != program.canonical():
        what = "source digest" if again.source != program.source else "machine code"
        return Outcome("refuted", method, detail=f"the artefact's {what} is not what {function.name} compiles to now")
    return Outcome("tested", method, bound="1 compilation, byte for byte", limits={"samples": 1})


def check_runs(function: Function, program: Program, samples: int, seed: int) -> Outcome:
    """`cross-check/PROGRAM`: all small inputs at a small width, random ones at the program's own."""
    method = "enumeration and random runs against the source interpreter"
    small = _small(function, program.sizes)
    told = "no input enumerated"
    limits: dict[str, int] = {}
    if small is not None:
        compiled, space = small
        found = _enumerate(function, compiled, space)
        if found:
            return refuted(method, compiled, function, found)
        told = _space_told(function.signature, space)
        if calls(compiled):
            told += f", with at most {compiled.sizes.depth} calls open"
        limits |= {"enumerated_width": space.width, "enumerated": space.count, "length": _reach(function, space)}
    beyond = check_beyond(function, program, samples, seed)
    if not beyond.green:
        return beyond
    limits |= beyond.limits
    bound = f"{told}; {beyond.bound}"
    return Outcome("proved-bounded" if small else "tested", method, bound=bound, limits=limits)


def check_beyond(function: Function, program: Program, samples: int, seed: int) -> Outcome:
    """The random runs of `check_runs`: this very machine code, at its own width."""
    method = "random runs against the source interpreter"
    batch = random_inputs(program, samples, seed)
    slow = [a for a in batch if sum(len(v) for v in a if isinstance(v, list)) <= SLOW_CELLS][:SLOW_RUNS]
    large, some = (CALLING_BUDGET, SLOW_BUDGET) if calls(program) else (LARGE_BUDGET, LARGE_BUDGET)
    found = first_parting(("source", "integer"), program, function, batch, large)
    for budget in (some, *TIGHT_BUDGETS):
        chosen = slow if budget == some else slow[:10]
        found = found or first_parting(("source", "reference", "step", "integer"), program, function, chosen, budget)
    if found:
        return refuted(method, program, function, found)
    bound = (
        f"{samples} random runs at W = {program.sizes.width}, lengths ≤ 64, through bytecode, "
        f"{len(slow)} short ones through the proved step and the reference machine"
    )
    return Outcome("tested", method, bound, limits={"samples": samples, "slow_samples": len(slow)})


def _reach(function: Function, space: Space) -> int:
    """The largest array length that was enumerated in full; without an array, there is none beyond it."""
    has_array = any(p.sort == "array" for p in function.signature.parameters)
    return space.length if has_array else LENGTH


def _space_told(signature: Signature, space: Space) -> str:
    arrays = any(p.sort == "array" for p in signature.parameters)
    lengths = f" and every length ≤ {space.length}" if arrays else ""
    return (
        f"every word{lengths} at W = {space.width}: {space.count} inputs through source, proved step, bytecode and the "
        "reference machine"
    )


def _small(function: Function, sizes: Sizes) -> tuple[Program, Space] | None:
    """The same source compiled for the smallest machine that takes its literals, and the inputs to enumerate there."""
    refused: set[int] = set()
    for space in spaces(function.signature):
        if space.width in refused or space.width > sizes.width:
            continue
        memory = min(sizes.memory, 1 << space.width)
        try:
            small = replace(sizes, width=space.width, memory=memory, depth=min(sizes.depth, CALLING_DEPTH))
            program = _lean(compile_function(function, small)[0])
            if space.count <= MOST_CALLING or not calls(program):
                return program, space
        except NclError:
            refused.add(space.width)  # a literal of the source does not fit there
    return None


def _lean(program: Program) -> Program:
    """On a machine without the frame cells and call levels that its code cannot reach: a step copies them all."""
    frames = [row.b for row in program.code if row.opcode == Opcode.CALL]
    slots = [row.b + 1 for row in program.code if row.opcode in (Opcode.LOAD_FRAME, Opcode.STORE_FRAME)]
    depth = program.sizes.depth if frames else 0
    cells = depth * max(frames, default=0) + max(slots, default=0)
    return replace(program, sizes=replace(program.sizes, frame=cells, depth=depth))


def calls(program: Program) -> bool:
    """Whether functions of it call functions."""
    return any(row.opcode == Opcode.CALL for row in program.code)


def _enumerate(function: Function, program: Program, space: Space) -> Parting | None:
    every = inputs(function.signature, space)
    while batch := list(islice(every, CHUNK)):
        if found := first_parting(("source", "step", "integer", "reference"), program, function, batch, SMALL_BUDGET):
            return found
    few = list(islice(inputs(function.signature, replace(space, length=min(2, space.length))), 0, None, 7))[:200]
    for budget in TIGHT_BUDGETS:
        if found := first_parting(("source", "reference", "step", "integer"), program, function, few, budget):
            return found
    return None


def _at_random(
    names: Sequence[str], function: Function | None, program: Program, samples: int, seed: int
) -> Parting | None:
    batch = random_inputs(program, samples, seed)
    found = first_parting(names, program, function, batch, CALLING_BUDGET if calls(program) else LARGE_BUDGET)
    for budget in TIGHT_BUDGETS:
        found = found or first_parting(names, program, function, batch[:10], budget)
    return found


# Distributions cost as many numbers as there are words. So dense is compared on the narrowest machine that takes the
# source's literals; pathwise on this very code over all words where they are few enough, and else on a narrow machine
# over all words and on this very code over words so small that their products fit.
_DENSE_WIDTHS, _DENSE_MEMORY, _DENSE_LONGEST = range(3, 11), 8, 3
_PATHWISE_WIDTHS, _PATHWISE_MEMORY, _PATHWISE_LONGEST = range(8, 11), 128, 32
_PATHWISE_TOP = 31


def check_executor(executor: str, function: Function | None, program: Program, samples: int, seed: int) -> Outcome:
    """One executor = the reference machine, on random runs; the soft ones only with the source at hand."""
    method = "random runs against the reference machine"
    if executor in ("dense", "pathwise"):
        if function is None:
            return Outcome("unknown", method, detail="without its source it cannot be compiled for a narrow machine")
        return _check_soft(executor, method, function, program, samples, seed)
    found = _at_random(("reference", executor), function, program, samples, seed)
    if found:
        return refuted(method, program, None, found)
    bound = f"{samples} random runs at W = {program.sizes.width}, lengths ≤ 64"
    return Outcome("tested", method, bound=bound, limits={"samples": samples})


def _check_soft(executor: str, method: str, function: Function, program: Program, samples: int, seed: int) -> Outcome:
    if executor == "pathwise" and program.sizes.width <= _PATHWISE_WIDTHS.start:
        return _tested(method, executor, [(program, _PATHWISE_LONGEST, None)], samples, seed)
    dense = executor == "dense"
    widths = _DENSE_WIDTHS if dense else _PATHWISE_WIDTHS
    small = _narrow(function, program.sizes, widths, _DENSE_MEMORY if dense else _PATHWISE_MEMORY)
    if small is None:
        return Outcome("unknown", method, detail=f"it compiles at no width in {widths.start} … {widths.stop - 1}")
    if dense:
        return _tested(method, executor, [(small, _DENSE_LONGEST, None)], samples, seed)
    own = (program, _PATHWISE_LONGEST, _PATHWISE_TOP)
    return _tested(method, executor, [(small, _PATHWISE_LONGEST, None), own], samples, seed)


def _tested(
    method: str, executor: str, runs: Sequence[tuple[Program, int, int | None]], samples: int, seed: int
) -> Outcome:
    """Random runs of each program against the reference machine: (program, longest array, largest word)."""
    told: list[str] = []
    for program, longest, top in runs:
        batch = random_inputs(program, samples, seed, longest, top)
        budget = SMALL_BUDGET if executor == "dense" else LARGE_BUDGET
        if calls(program):
            budget = SLOW_BUDGET if executor == "dense" else CALLING_BUDGET
        try:
            found = first_parting(("reference", executor), program, None, batch, budget)
        except CapacityError:
            if not told:
                raise
            told.append(f"none at W = {program.sizes.width}, where its distributions would be too large")
            continue
        if found:
            return refuted(method, program, None, found)
        words = "" if top is None else f" of words ≤ {top}"
        told.append(f"{samples} random runs{words} at W = {program.sizes.width}, lengths ≤ {longest}")
    return Outcome("tested", method, bound="; ".join(told), limits={"samples": samples})


def _narrow(function: Function, sizes: Sizes, widths: range, memory: int) -> Program | None:
    """The same source on a machine of the first width that takes it, no wider than its own."""
    for width in dict.fromkeys(min(w, sizes.width) for w in widths):
        with suppress(NclError):
            cells = min(sizes.memory, memory, 1 << width)
            small = replace(sizes, width=width, memory=cells, depth=min(sizes.depth, CALLING_DEPTH))
            return _lean(compile_function(function, small)[0])
    return None


def source_of(name: str, digest: str) -> Function | None:
    """The shipped function of this name, when it is the very source that a program was compiled from."""
    from ncl import library

    if name not in library.names():
        return None
    function = library.get(name)
    return function if function.digest == digest else None


__all__ = ["check_compiled", "check_executor", "check_runs", "random_inputs", "source_of"]
