"""Runs programs of the certified library on tapes.

The programs that run here are the artefact's, on the integer executor, and nothing else knows how to answer.

Legend: S tapes, M cells of a tape, A words of an answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ncl.errors import ConfigurationError
from ncl.language.program import Program
from ncl.machine.executors import integer

BUDGET = 10_000_000  # ticks: sorting the longest tape backwards takes 2 million


@dataclass(frozen=True)
class Outcome:
    """Of one program on S tapes: the words it answers with, how many, whether it trapped, steps taken."""

    values_SA: Tensor
    lengths_S: Tensor
    trapped_S: Tensor
    steps_S: Tensor


def runnable(program: Program) -> None:
    """Raise ConfigurationError unless a tape can feed the program: one array, and at most one word after it."""
    sorts = [p.sort for p in program.signature.parameters]
    if sorts not in (["array"], ["array", "word"]):
        raise ConfigurationError(
            f"{program.name}{program.signature}: a tape feeds programs of one array and at most one word",
            remedy="leave it out of the model's library",
        )


def takes_argument(program: Program) -> bool:
    """Whether the program takes a word besides its array."""
    return len(program.signature.parameters) == 2


def run(program: Program, values_SM: Tensor, lengths_S: Tensor, argument_S: Tensor) -> Outcome:
    """Run one program on every tape, on the CPU. A tape longer than the machine's memory counts as a trap.

    values_SM: (S, M); lengths_S and argument_S: (S,).
    """
    values_SM, lengths_S, argument_S = values_SM.cpu(), lengths_S.cpu(), argument_S.cpu()
    most = min(program.sizes.memory, (1 << program.sizes.width) - 1)
    fits_S = lengths_S <= most
    lengths_S = torch.where(fits_S, lengths_S, 0)
    words = [argument_S] if takes_argument(program) else []
    answers_SA, answered_S, trap_S, _, steps_S = integer.run_tensors(program, values_SM, lengths_S, words, BUDGET)
    return Outcome(answers_SA, answered_S, (trap_S != 0) | ~fits_S, steps_S)
