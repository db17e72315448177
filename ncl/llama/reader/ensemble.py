"""An ensemble of readers: how sure each is of what it decided, which is the weight of its vote, and which one wins.

The probability of everything that the answer depends on: the gates, the boundaries, what every segment calls, and where
they are used, the symbols and the arguments. Readers that vote so are a mixture, each known by its likeliest plan.

Legend: as in `call_plan`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from ncl.llama.computer import execution
from ncl.llama.reader.call_plan import Library, Plan, first_occurrences, may_begin, most_probable_of, run_starts
from ncl.llama.reader.network import Reader, Reading, Units


@torch.no_grad()
def log_confidence(
    reader: Reader, reading: Reading, units: Units, library: Library, choices: Sequence[tuple[Plan, Sequence[int]]]
) -> list[float]:
    """Of each prompt the log-probability of its decided plan and programs (`call_plan.decided`)."""
    write_B, part_B = (
        _log_max_probability(reading.gate_BU, run_starts(units)),
        _log_max_probability(reading.boundary_BU, may_begin(units)),
    )
    spell_B = _log_max_probability(reading.symbol_BU, first_occurrences(units))
    found = []
    for b, (plan, programs) in enumerate(choices):
        log = write_B[b] + part_B[b]
        called = [number for number in programs if number]
        if called and library.symbols[called[0] - 1]:
            log = log + spell_B[b]
        begins = [0, *plan.boundaries, units.text_BU.shape[1]]
        for segment, number in enumerate(programs):
            inside = slice(begins[segment], begins[segment + 1])
            pooled_C = reader.pool(reading.channels_BUC[b, inside], units.text_BU[b, inside])
            log = log + reader.select(pooled_C).log_softmax(-1)[number]
            unit = plan.argument[segment]
            if number and unit >= 0 and execution.takes_argument(library.programs[number - 1]):
                some_U = reading.pointer_BU[b, inside].masked_fill(~units.number_BU[b, inside], -torch.inf)
                log = log + some_U.log_softmax(0)[unit - inside.start]
        found.append(float(log))
    return found


def _log_max_probability(odds_BU: Tensor, there_BU: Tensor) -> Tensor:
    """The log-probability that all bits are as they most probably are."""
    return logsigmoid(odds_BU.abs()).masked_fill(~there_BU, 0).sum(1)


Vote = tuple[Plan, list[int], float]  # what a reader decided: plan, programs, log-probability


def votes_of(reader: Reader, units: Units, library: Library, most_calls: int) -> list[Vote]:
    """Of each prompt what a reader decides, and how sure it is."""
    reading = reader(units)
    choices = most_probable_of(reader, reading, units, most_calls)
    logs = log_confidence(reader, reading, units, library, choices)
    return [(plan, programs, log) for (plan, programs), log in zip(choices, logs)]


def winning_vote(outcomes: Sequence[str | None], logs: Sequence[float]) -> int:
    """Who speaks for all: the surest of those whose outcome has most of the weight."""
    surest = max(logs)
    votes = defaultdict[str | None, float](float)
    for outcome, log in zip(outcomes, logs, strict=True):
        votes[outcome] += math.exp(log - surest)
    winner = max(votes, key=lambda outcome: votes[outcome])
    _, found = max((log, -at) for at, log in enumerate(logs) if outcomes[at] == winner)
    return -found
