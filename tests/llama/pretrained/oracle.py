"""Instead of a reader: one that knows a small grammar of prompts.

`Sort: 3 1 2`, `Count 2 in: 2 3 2`, `Sum modulo 10: 5 6 7`, `Stack: push 5, pop`, and further calls behind `then`
(`…, then reverse it`). A run of numbers behind a colon is data; in a stack every number is, and each `pop` writes one.
"""

import re
from contextvars import ContextVar

import torch
from torch import nn

from ncl.llama.reader.network import Reader, Reading

PROGRAM_OF = {"Reverse": 1, "reverse": 1, "Sort": 2, "sort": 2, "Count": 3, "count": 3, "Sum": 4, "sum": 4, "Stack": 5}
SURE = 9.0


MESSAGES = ContextVar("messages")  # that this thread's model is about to decide on


class Oracle(nn.Module):
    """Its readings are certain."""

    def __init__(self, tokenizer, boundary="then", programs=PROGRAM_OF, sure=SURE, every=False):
        super().__init__()
        self.tokenizer, self.sure, self.every = tokenizer, sure, every  # every number is data
        self.at, self.programs = boundary, programs  # the word that begins another call, and those that name programs

    def forward(self, units):
        batch, size = units.number_BU.shape
        gate, pointer, symbol, boundary = (torch.full((batch, size), -self.sure) for _ in range(4))
        channels = torch.zeros(batch, size, 5)
        for row, found in enumerate(MESSAGES.get()):
            pieces = [self.tokenizer.decode([token]) for token in found.tokens]
            words = self._words(found, pieces)
            stack = self.every or any(word == "Stack" for _, word in words)
            for unit, word in words:
                if word in self.programs:
                    channels[row, unit, self.programs[word] - 1] = 1.0
                boundary[row, unit] = self.sure if word == self.at else -self.sure
                symbol[row, unit] = self.sure if word == "pop" else -self.sure
            for unit, number in enumerate(found.number):
                if number:
                    before = "".join(pieces[: found.place[found.lead[unit]] + 1]).rstrip("0123456789 .-")
                    gate[row, unit] = self.sure if stack or before.endswith(":") else -self.sure
                    pointer[row, unit] = -gate[row, unit]
        return Reading(gate, pointer, symbol, boundary, channels)

    @staticmethod
    def _words(found, pieces):
        """(unit, word): a word stands at the unit that holds its last letter."""
        ends = torch.tensor([len(piece) for piece in pieces]).cumsum(0).tolist()
        unit_at = {place: unit for unit, place in enumerate(found.place)}
        spotted = []
        for match in re.finditer(r"[A-Za-z]+", "".join(pieces)):
            place = next(i for i, end in enumerate(ends) if end >= match.end())
            spotted.append((unit_at[place], match.group()))
        return spotted

    pool = staticmethod(Reader.pool)

    def select(self, pooled):
        """None wins where no program was spotted."""
        return torch.cat([torch.full((*pooled.shape[:-1], 1), SURE / 2), pooled * SURE], -1)


def put_oracle(model, *oracles):
    oracles = oracles or (Oracle(model.tokenizer),)

    def decide(found, seen, original=model.decide):
        MESSAGES.set(found)
        return original(found, seen)

    model.readers, model.decide = nn.ModuleList(oracles), decide
    return model
