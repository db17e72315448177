"""Readings of one prompt, said place by place, and a reader that always reads the same."""

import torch

from ncl.llama.reader.network import Reader, Reading, Units

KINDS, RUNS = "TNNTN", [(2, 1)]  # such as: sort 3 1 count 2
ODDS = {
    "gate": {1: 0.5, 2: 0.5, 4: -1.0}, "pointer": {1: 0.3, 2: -0.2, 4: 1.0}, "symbol": {0: -0.5, 3: 0.25},
    "boundary": {3: 0.4},
}  # fmt: skip


def units_of(kinds, runs=(), again=()):
    """Units of one prompt from a string of N (number) and T (text).

    runs: numbers that lead to another place. again: text that says the same as text at another place.
    """
    number = torch.tensor([[kind == "N" for kind in kinds]])
    lead, same = torch.arange(len(kinds))[None].clone(), torch.arange(len(kinds))[None].clone()
    for to, pairs in ((lead, runs), (same, again)):
        for place, first in pairs:
            to[0, place] = first
    nothing = torch.zeros(1, len(kinds), 1)
    return Units(nothing, nothing, number, ~number, lead, ~number, ~number, same)


def reading_of(kinds, gate=None, pointer=None, symbol=None, boundary=None, channels=None):
    """Odds by place, -9 where nothing is said."""
    rows = [
        [(given or {}).get(place, -9.0) for place in range(len(kinds))] for given in (gate, pointer, symbol, boundary)
    ]
    chosen = torch.zeros(1, len(kinds), 5)
    for place, program in (channels or {}).items():
        chosen[0, place, program - 1] = 1.0
    return Reading(*(torch.tensor([row]) for row in rows), chosen)


class Sure:
    """A reader that always reads the same, and takes the program whose channel is set, or none."""

    def __init__(self, reading, weight=9.0):
        self.reading, self.weight = reading, weight

    def __call__(self, units):
        return self.reading

    pool = staticmethod(Reader.pool)

    def select(self, pooled):
        return torch.cat([torch.full((*pooled.shape[:-1], 1), self.weight / 2), pooled * self.weight], -1)
