"""Programs against their source, and executors against each other: enumeration where it fits, random runs beyond.

Nothing here is proved for all inputs: a verdict's bound says which words and lengths were all tried, at which width,
and how many random runs were added at the program's own. Every budget trap and every other trap counts as a result.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice, product
from math import prod

from ncl.compiler.compile import compile_function
from ncl.errors import NclError
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
SMALL_BUDGET = 1024  # ticks; every loop over ≤ 4 cells or 8 words, nested twice, ends within
LARGE_BUDGET = 50_000
# A few runs stopped early, so that the place of the budget trap is compared too.
TIGHT_BUDGETS = (0, 1, 2, 5)
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


def random_inputs(program: Program, count: int, seed: int, longest: int = 64) -> list[Arguments]:
    """Lengths from 0 to `longest` as far as memory allows; words over the whole range, near its ends, and small."""
    chance = random.Random(f"{seed}:{program.name}")
    top = (1 << program.sizes.width) - 1
    arrays = sum(p.sort == "array" for p in program.signature.parameters)
    longest = min(longest, top, program.sizes.memory // max(1, 2 * arrays))

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


def _refuted(method: str, program: Program, function: Function | None, found: Parting) -> Outcome:
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


def check_source(function: Function, program: Program, samples: int, seed: int) -> Outcome:
    """Machine code = source: all small inputs at a small width, random ones at the program's own."""
    method = "enumeration and random runs against the source interpreter"
    small = _small(function, program.sizes)
    told = "no input enumerated"
    limits: dict[str, int] = {"samples": samples}
    if small is not None:
        compiled, space = small
        found = _enumerate(function, compiled, space)
        if found:
            return _refuted(method, compiled, function, found)
        told = _space_told(function.signature, space)
        limits |= {"enumerated_width": space.width, "enumerated": space.count, "length": _reach(function, space)}
    beyond = check_beyond(function, program, samples, seed)
    if not beyond.green:
        return beyond
    bound = f"{told}; {beyond.bound}"
    return Outcome("proved-bounded" if small else "tested", method, bound=bound, limits=limits)


def check_beyond(function: Function, program: Program, samples: int, seed: int) -> Outcome:
    """The random runs of `check_source`: this very machine code, at its own width."""
    method = "random runs against the source interpreter"
    found = _at_random(("source", "reference", "step", "integer"), function, program, samples, seed)
    if found:
        return _refuted(method, program, function, found)
    bound = f"{samples} random runs at W = {program.sizes.width}, lengths ≤ 64"
    return Outcome("tested", method, bound, limits={"samples": samples})


def _reach(function: Function, space: Space) -> int:
    """The largest array length that was enumerated in full; without an array, there is none beyond it."""
    has_array = any(p.sort == "array" for p in function.signature.parameters)
    return space.length if has_array else LENGTH


def _space_told(signature: Signature, space: Space) -> str:
    arrays = any(p.sort == "array" for p in signature.parameters)
    lengths = f" and every length ≤ {space.length}" if arrays else ""
    return (
        f"every word{lengths} at W = {space.width}: {space.count} inputs through source, proved step and bytecode, "
        f"{len(range(0, space.count, _stride(space.count)))} of them through the reference machine"
    )


REFERENCE_RUNS = 40_000


def _stride(count: int) -> int:
    """Every how manieth input the slow reference machine runs too; it never divides a power of two's pattern."""
    stride = -(-count // REFERENCE_RUNS)
    return stride if stride == 1 else stride | 1


def _small(function: Function, sizes: Sizes) -> tuple[Program, Space] | None:
    """The same source compiled for the smallest machine that takes its literals, and the inputs to enumerate there."""
    refused: set[int] = set()
    for space in spaces(function.signature):
        if space.width in refused or space.width > sizes.width:
            continue
        memory = min(sizes.memory, 1 << space.width)
        try:
            program, _ = compile_function(function, replace(sizes, width=space.width, memory=memory))
            return program, space
        except NclError:
            refused.add(space.width)  # a literal of the source does not fit there
    return None


def _enumerate(function: Function, program: Program, space: Space) -> Parting | None:
    every = inputs(function.signature, space)
    stride = _stride(space.count)
    index = 0
    while batch := list(islice(every, CHUNK)):
        found = first_parting(("source", "step", "integer"), program, function, batch, SMALL_BUDGET)
        slow = [a for number, a in enumerate(batch, index) if number % stride == 0]
        found = found or first_parting(("integer", "reference"), program, function, slow, SMALL_BUDGET)
        if found:
            return found
        index += len(batch)
    few = list(islice(inputs(function.signature, replace(space, length=min(2, space.length))), 0, None, 7))[:200]
    for budget in TIGHT_BUDGETS:
        if found := first_parting(("source", "reference", "step", "integer"), program, function, few, budget):
            return found
    return None


def _at_random(
    names: Sequence[str], function: Function | None, program: Program, samples: int, seed: int
) -> Parting | None:
    batch = random_inputs(program, samples, seed)
    found = first_parting(names, program, function, batch, LARGE_BUDGET)
    for budget in TIGHT_BUDGETS:
        found = found or first_parting(names, program, function, batch[:10], budget)
    return found


# Dense superposition costs N per cell, so it is compared on the narrowest machine that takes the source's literals.
_DENSE_WIDTHS = range(3, 11)
_DENSE_MEMORY = 8


def check_executor(executor: str, function: Function | None, program: Program, samples: int, seed: int) -> Outcome:
    """One executor = the reference machine, on random runs (`dense`: at a small width, and only with the source)."""
    method = "random runs against the reference machine"
    if executor == "dense":
        if function is None:
            return Outcome("unknown", method, detail="without its source it cannot be compiled for a dense machine")
        return _check_dense(method, function, program, samples, seed)
    found = _at_random(("reference", executor), function, program, samples, seed)
    if found:
        return _refuted(method, program, None, found)
    bound = f"{samples} random runs at W = {program.sizes.width}, lengths ≤ 64"
    return Outcome("tested", method, bound=bound, limits={"samples": samples})


def _check_dense(method: str, function: Function, program: Program, samples: int, seed: int) -> Outcome:
    small = _narrow(function, program.sizes)
    if small is None:
        return Outcome("unknown", method, detail=f"it does not compile at any width in {_DENSE_WIDTHS}")
    batch = random_inputs(small, samples, seed, longest=3)
    found = first_parting(("reference", "dense"), small, None, batch, SMALL_BUDGET)
    if found:
        return _refuted(method, small, None, found)
    bound = f"{samples} random runs at W = {small.sizes.width}, lengths ≤ 3"
    return Outcome("tested", method, bound=bound, limits={"samples": samples})


def _narrow(function: Function, sizes: Sizes) -> Program | None:
    for width in _DENSE_WIDTHS:
        with suppress(NclError):
            memory = min(sizes.memory, _DENSE_MEMORY)
            return compile_function(function, replace(sizes, width=width, memory=memory))[0]
    return None


def source_of(name: str, digest: str) -> Function | None:
    """The shipped function of this name, when it is the very source that a program was compiled from."""
    from ncl import library

    if name not in library.names():
        return None
    function = library.get(name)
    return function if function.digest == digest else None


__all__ = ["check_compiled", "check_executor", "check_source", "random_inputs", "source_of"]
