"""From a failed proof to a concrete input on which source and machine code part, where there is one.

A solver's model is a state that perhaps no run reaches, so it is only a seed: the words in it are tried as arguments,
then small arguments in order, then random ones. Called by `check`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import z3

from ncl.errors import NclError
from ncl.language.program import Program
from ncl.language.syntax import Function
from ncl.verify.runs.divergence import Divergence, first_divergence
from ncl.verify.runs.input_spaces import Arguments, Space, inputs, random_inputs, spaces

SMALL, RANDOM, SEEDED = 1_500, 600, 200
CHUNK = 150
# A wrong jump may make a run endless, and the source's ticks are counted wherever both stop.
BUDGETS = (600, 0, 1, 2, 3, 5, 8, 20_000)
EXECUTORS = ("source", "integer")


def failing_input(function: Function, program: Program, model: Any) -> Divergence | None:
    """The first input found on which the two differ; None when none was."""
    candidates = list(_candidates(function, program, model))
    for budget in BUDGETS:
        few = candidates if budget == BUDGETS[0] else candidates[: 2 * CHUNK]
        for begin in range(0, len(few), CHUNK):
            try:
                found = first_divergence(EXECUTORS, program, function, few[begin : begin + CHUNK], budget)
            except NclError:
                return None  # machine code that no executor takes: the static rules say why
            if found:
                return found
    return None


def _candidates(function: Function, program: Program, model: Any) -> Iterator[Arguments]:
    words = _words(model, program.sizes.width)
    yield from _seeded(program, words)
    sizes = program.sizes
    space = next(spaces(function.signature, memory=sizes.memory), None)
    if space is not None:
        length = min(space.length, 3, (1 << sizes.width) - 1)
        narrow = Space(min(space.width, sizes.width, 2 if space.length else 8), length, 0, sizes.memory)
        small = islice(inputs(function.signature, narrow), 20 * SMALL)
        yield from (a for n, a in enumerate(small) if n < SMALL // 2 or n % 17 == 0)
    yield from random_inputs(program, RANDOM, seed=1, longest=12)


def _words(model: Any, width: int) -> list[int]:
    """The words that the model speaks of."""
    if model is None:
        return []
    values = (model[name] for name in model.decls() if name.arity() == 0)
    found = [v.as_long() for v in values if z3.is_bv_value(v) and v.size() == width]
    return sorted(set(found))[:16]


def _seeded(program: Program, words: list[int]) -> Iterator[Arguments]:
    """Random arguments whose words are the model's own."""
    if not words:
        return
    for arguments in random_inputs(program, SEEDED, seed=2, longest=6, top=len(words) - 1):
        yield [
            [words[cell % len(words)] for cell in value] if isinstance(value, list) else words[value % len(words)]
            for value in arguments
        ]
