"""What it costs to run programs: counted, not timed, so that what is tried depends on programs and inputs alone.

The unit is one step of the reference machine, about a microsecond. Steps are counted by the compiled loop, a hundred
times faster than everything whose cost is asked here. A wrong count makes a check try less or take longer; what it did
try stands in its bound. Called by `differential`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from ncl.language.program import Program
from ncl.machine.executors import integer
from ncl.verify.runs.input_spaces import Arguments, Space, has_arrays, random_inputs, sample

# Measured: the source interpreter makes what is one machine step in a third of a unit; the proved step takes a unit and
# more for the state of a sample that it copies, and as long as 700 units for itself, however few the samples are.
SOURCE, SAMPLE, CELLS, STEP = 0.3, 0.5, 256, 700
INPUT = 25  # an input that is made, run in the source and the compiled loop, and compared, whatever its steps
PATHWISE = 12  # a step whose distributions are followed
DENSE, DENSE_LINE = 500, 12  # a step of a batch, and what each line adds


@dataclass(frozen=True)
class Work:
    """Of a batch: steps of all runs together, and of the longest."""

    steps: int
    longest: int


Cost = Callable[[Program, Work], float]


def measured(program: Program, some: Sequence[Arguments], count: int, budget: int) -> Work:
    """What `count` runs take, judged by some of them."""
    steps = [result.steps or 0 for result in integer.run(program, some, budget)]
    return Work(sum(steps) * count // max(1, len(steps)), max(steps, default=0))


def of_space(program: Program, space: Space, budget: int) -> Work:
    return measured(program, sample(program.signature, space), space.count, budget)


def cells(program: Program) -> int:
    """What the proved step copies for each sample."""
    sizes = program.sizes
    return sizes.registers + sizes.memory + sizes.frame + 3 * sizes.depth


def of_step(program: Program, work: Work, most: int, batches: int = 1) -> float:
    """Through the proved step, runs of more than `most` steps left out."""
    return work.steps * (SAMPLE + cells(program) / CELLS) + STEP * min(work.longest, most) * batches


@dataclass(frozen=True)
class Draw:
    """Random inputs and the budget under which they are run."""

    batch: tuple[Arguments, ...]
    longest: int
    budget: int


FEW = 40  # random inputs by which their number is judged


def affordable(
    program: Program,
    count: int,
    seed: int,
    lengths: Iterable[int],
    budgets: Iterable[int],
    cost: Cost,
    most: float,
    top: int | None = None,
) -> Draw:
    """The longest random inputs under the largest budget that cost at most so much: lengths give way before budgets.

    `lengths` and `budgets` fall; when everything costs too much, the last of each.
    """
    arrays = has_arrays(program.signature)
    found: Draw | None = None
    for budget, longest in product(budgets, lengths):
        if found is not None and budget == found.budget and not arrays:
            continue
        batch = random_inputs(program, count, seed, longest, top)
        found = Draw(tuple(batch), longest, budget)
        if cost(program, measured(program, batch[:FEW], count, budget)) <= most:
            return found
    assert found is not None
    return found
