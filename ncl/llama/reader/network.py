"""The reader: from the hidden states of two middle layers, once a prompt, what is to be called on what.

Per run of numbers: is it data (gate). Per number: is it the argument (pointer). Per piece of text: does it write a
symbol of the program's alphabet (a pop), does another call begin here (a boundary). Per segment between them: which
program, or none. All of it is local (short non-causal convolutions) or pooled by the maximum, so a longer list dilutes
nothing.

Kept in float32 whatever the backbone's dtype. The layers read, the widths and the pooling are those that
docs/decisions/readers.md measures.

The units of all prompts of a batch are worked on in one row, for prompts are unequal, and most of a padded batch would
be padding; only what leaves the reader is padded.

Legend: B prompts, U units, X units of all prompts in a row, H hidden size, C channels, P programs ("none" is 0).
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ncl.llama.reader.quantised_weights import quantised

MATCHES, MATCH_SIZE = 4, 8  # in how many ways a list's label may match other words, and the size of what is compared
AT_ONCE = 256  # units whose matches are held at once
GATE_BIAS = 2.0  # at first most numbers are taken for data, so that whole lists are tried from the start
SYMBOL_BIAS = -3.0  # at first a piece of text rarely writes a symbol
BOUNDARY_BIAS = -2.5  # … or a clause begins another call
RIVAL_BIAS = -2.0  # at first lists hardly compete
INSIDE = -3.0  # log-odds less for a call that begins inside a clause, and for a symbol written there

FORMER_LAYERS = {"border": "boundary"}  # as saved readers of earlier versions have them


@dataclass(frozen=True)
class Units:
    """The units of a batch of prompts: their hidden states, and padded what each of them is."""

    near_XH: Tensor  # of the layer that gates and pointers read
    deep_XH: Tensor  # of the layer that the selection reads
    number_BU: Tensor  # bool
    text_BU: Tensor  # bool; padding is neither
    lead_BU: Tensor  # of a number, the first unit of its run; else the unit itself
    begins_BU: Tensor  # bool: text that begins a clause
    ends_BU: Tensor  # bool: text that ends one; there a symbol is written, elsewhere with much less chance
    same_BU: Tensor  # for text the unit that says it first, at this place of the same clause; else itself


@dataclass(frozen=True)
class Reading:
    """Log-odds; those at units of the other kind mean nothing."""

    gate_BU: Tensor  # one for all numbers of a run
    pointer_BU: Tensor  # unnormalised: the softmax is over the numbers of a segment
    symbol_BU: Tensor  # in use, one for all text that says the same
    boundary_BU: Tensor
    channels_BUC: Tensor  # what selection pools over; 0 or more at text, 0 elsewhere


class Reader(nn.Module):
    """See the module. `near`, `far`: how many units the convolutions see, for gates and for the selection."""

    def __init__(
        self, hidden: int, channels: int, programs: int, dropout: float = 0.3, near: int = 3, far: int = 5
    ) -> None:
        super().__init__()
        self.near_enter, self.deep_enter = nn.Linear(hidden, channels), nn.Linear(hidden, channels)
        self.kind = nn.Embedding(2, channels)
        self.dropout = nn.Dropout(dropout)
        self.near = nn.Conv1d(channels, channels, near, padding=near // 2)
        self.far = nn.Conv1d(channels, channels, far, padding=far // 2)
        # What the whole prompt asks for: the backbone is causal, and the request may stand behind the lists.
        self.mix = nn.Linear(2 * channels + MATCHES, channels)
        # Which of several lists is meant: whether the text says somewhere what stands at this list.
        self.label, self.mention = (nn.Linear(channels, MATCHES * MATCH_SIZE) for _ in range(2))
        self.gate, self.pointer = nn.Linear(channels, 1), nn.Linear(channels, 1)
        # Whether one list is meant or all of them (the pushes of a stack): how far they compete.
        self.rival = nn.Linear(channels, 1)
        self.symbol, self.boundary, self.inside = nn.Linear(channels, 1), nn.Linear(channels, 1), nn.Linear(channels, 1)
        self.select = nn.Linear(channels, programs + 1)

    def start(self) -> None:
        """Initial values."""
        with torch.no_grad():
            for layer in self.children():
                if hasattr(layer, "reset_parameters"):
                    layer.reset_parameters()
            self.gate.bias.fill_(GATE_BIAS)
            self.rival.bias.fill_(RIVAL_BIAS)
            self.symbol.bias.fill_(SYMBOL_BIAS)
            self.boundary.bias.fill_(BOUNDARY_BIAS)
            self.inside.bias.fill_(BOUNDARY_BIAS)

    @torch.no_grad()
    def quantise(self) -> Reader:
        """Weights that few bytes hold exactly, so that a saved reader is small and still the same."""
        for weight in self.parameters():
            weight.copy_(quantised(weight))
        return self

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        """As in torch; layers may bear their former names."""
        for name in [name for name in state_dict if name.startswith(prefix)]:
            layer, dot, weight = name.removeprefix(prefix).partition(".")
            if layer in FORMER_LAYERS:
                state_dict[f"{prefix}{FORMER_LAYERS[layer]}{dot}{weight}"] = state_dict.pop(name)
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        """A model that is cast takes its readers along to a device, but not to another dtype."""

        def moved(tensor: Tensor) -> Tensor:
            cast: Tensor = fn(tensor)
            return tensor.to(cast.device) if tensor.is_floating_point() and cast.dtype != tensor.dtype else cast

        return super()._apply(moved, recurse)

    def forward(self, units: Units) -> Reading:
        """What is read of a batch; shapes as in `Units` and `Reading`."""
        with torch.autocast(units.near_XH.device.type, enabled=False):
            row = _Row.of(units)
            near_XC = self._seen(units.near_XH, self.near_enter, row, self.near)
            deep_XC = self._seen(units.deep_XH, self.deep_enter, row, self.far) * row.text_X[:, None]
            request_BC = _most(deep_XC, row.prompt_X, len(units.text_BU))
            match_XM = self._matched(near_XC, deep_XC, row, units)
            query_XC = torch.relu(self.mix(torch.cat([near_XC, request_BC[row.prompt_X], match_XM], 1)))
            alone_BU = _mean(row.odds(self.gate(query_XC)), units.number_BU, units.lead_BU)
            rival_BU = _mean(row.odds(self.rival(query_XC)), units.number_BU, units.lead_BU)
            gate_BU = alone_BU - rival_BU.sigmoid() * _best_other(alone_BU, units)
            free_BU = nn.functional.logsigmoid(-gate_BU)  # what is data is no argument
            symbol_BU = row.odds(self.symbol(near_XC))
            if not self.training:  # a thousand steps are as many chances to misread one that is said again and again
                symbol_BU = _mean(symbol_BU, units.text_BU, units.same_BU)
            # Whether a clause asks for anything: the maximum over it.
            clause_XC = _most(deep_XC, row.clause_X, len(row.clause_X) + 1)[row.clause_X]
            return Reading(
                gate_BU,
                row.odds(self.pointer(query_XC)) + free_BU,
                symbol_BU + torch.where(units.ends_BU, 0.0, INSIDE),
                torch.where(
                    units.begins_BU, row.odds(self.boundary(clause_XC)), row.odds(self.inside(near_XC)) + INSIDE
                ),
                row.padded(deep_XC),
            )

    def _seen(self, hidden_XH: Tensor, enter: nn.Linear, row: _Row, look: nn.Conv1d) -> Tensor:
        """Each unit with its neighbours, X×C."""
        plain_XH = nn.functional.layer_norm(hidden_XH.float(), hidden_XH.shape[-1:])
        real_XC = self.dropout(enter(plain_XH) + self.kind((~row.text_X).long()))
        # Between two prompts there is as much room as one sees.
        room = look.kernel_size[0] // 2
        place_X = torch.arange(len(real_XC), device=real_XC.device) + row.prompt_X * room
        size = len(real_XC) + len(row.there_BU) * room
        line_LC = real_XC.new_zeros(size, real_XC.shape[1]).index_copy(0, place_X, real_XC)
        return torch.relu(look(line_LC.T[None])[0].T[place_X])

    def _matched(self, near_XC: Tensor, deep_XC: Tensor, row: _Row, units: Units) -> Tensor:
        """Each number's best match with any text, 0 or more, which a longer prompt does not dilute; X×MATCHES."""
        label_BNC, number_BN1 = row.apart(near_XC, units.number_BU)
        mention_BTC, text_BT1 = row.apart(deep_XC, units.text_BU)
        there_BTC = units.text_BU.gather(1, text_BT1.squeeze(2))[..., None]
        # What is no text matches with 0, which is the least that counts.
        mention_BMDT = (
            self.mention(mention_BTC).masked_fill(~there_BTC, 0).unflatten(2, (MATCHES, -1)).permute(0, 2, 3, 1)
        )
        label_BMND = self.label(label_BNC).unflatten(2, (MATCHES, -1)).transpose(1, 2) / MATCH_SIZE**0.5
        found = [(part_BMND @ mention_BMDT).amax(3) for part_BMND in label_BMND.split(AT_ONCE, 2)]
        found_BNM = torch.cat(found, 2).transpose(1, 2).clamp(min=0)
        nothing_BUM = found_BNM.new_zeros(*units.number_BU.shape, MATCHES)
        match_BUM = nothing_BUM.scatter(1, number_BN1.expand_as(found_BNM), found_BNM)
        return match_BUM[row.there_BU] * ~row.text_X[:, None]

    @staticmethod
    def pool(channels_XUC: Tensor, inside_XU: Tensor) -> Tensor:
        """What a set of text units asks for, X×C: the largest of each channel, which a longer list does not dilute.

        channels_XUC: (…, U, C), inside_XU: (…, U); the result: (…, C).
        """
        return (channels_XUC * inside_XU[..., None]).amax(-2)


@dataclass(frozen=True)
class _Row:
    """The units of all prompts, one behind the other."""

    there_BU: Tensor  # bool; what is not there is padding
    prompt_X: Tensor  # whose unit it is
    clause_X: Tensor  # in which clause it stands; they are numbered through
    text_X: Tensor  # bool; else it is a number

    @classmethod
    def of(cls, units: Units) -> _Row:
        there_BU = units.number_BU | units.text_BU
        prompt_X = there_BU.nonzero()[:, 0]
        first_X = prompt_X.diff(prepend=prompt_X.new_full((1,), -1)) > 0
        return cls(there_BU, prompt_X, (first_X | units.begins_BU[there_BU]).cumsum(0), units.text_BU[there_BU])

    def padded(self, states_XC: Tensor) -> Tensor:
        """Apart again and padded with 0, B×U×C."""
        apart_BUC = states_XC.new_zeros(*self.there_BU.shape, states_XC.shape[1])
        return apart_BUC.masked_scatter(self.there_BU[..., None], states_XC)

    def odds(self, states_X1: Tensor) -> Tensor:
        """The same of one channel, B×U."""
        return self.padded(states_X1).squeeze(2)

    def apart(self, states_XC: Tensor, some_BU: Tensor) -> tuple[Tensor, Tensor]:
        """Each prompt's units of one kind, in their order and padded with others, and which units those are."""
        most = max(1, int(some_BU.sum(1).max()))
        at_BN1 = some_BU.long().argsort(dim=1, descending=True, stable=True)[:, :most, None]
        return self.padded(states_XC).gather(1, at_BN1.expand(-1, -1, states_XC.shape[1])), at_BN1


def _most(channels_XC: Tensor, owner_X: Tensor, owners: int) -> Tensor:
    """The maximum over the units of each owner, owners×C; 0 or more, as channels are."""
    nothing_XC, owner_XC = channels_XC.new_zeros(owners, channels_XC.shape[1]), owner_X[:, None].expand_as(channels_XC)
    return nothing_XC.scatter_reduce(0, owner_XC, channels_XC, "amax")


def _mean(odds_BU: Tensor, there_BU: Tensor, first_BU: Tensor) -> Tensor:
    """The mean over all units with the same first one, at each of them: a list is data as a whole or not at all."""
    one_BU = there_BU.to(odds_BU.dtype)
    total_BU = torch.zeros_like(odds_BU).scatter_add(1, first_BU, odds_BU * one_BU)
    count_BU = torch.zeros_like(odds_BU).scatter_add(1, first_BU, one_BU)
    return (total_BU / count_BU.clamp(min=1)).gather(1, first_BU)


def _best_other(odds_BU: Tensor, units: Units) -> Tensor:
    """At each number, the log-odds of the likeliest other run of its prompt; 0 where there is no other."""
    at_BU = torch.arange(odds_BU.shape[1], device=odds_BU.device).expand_as(odds_BU)
    lead_BU = units.number_BU & (units.lead_BU == at_BU)
    ranked_BU = odds_BU.masked_fill(~lead_BU, -torch.inf)
    first_B1 = ranked_BU.argmax(1, keepdim=True)
    best_B1 = odds_BU.gather(1, first_B1)
    next_B1 = odds_BU.gather(1, ranked_BU.scatter(1, first_B1, -torch.inf).argmax(1, keepdim=True))
    several_B1 = lead_BU.sum(1, keepdim=True) > 1
    return torch.where(several_B1, torch.where(units.lead_BU == first_B1, next_B1, best_B1), 0.0)


def in_eval_mode(reader: Any) -> Any:
    """The reader as it reads outside of training: nothing is dropped. Shares all weights; the reader stays as it is."""
    if not getattr(reader, "training", False):
        return reader
    view = copy(reader)
    view._modules = {name: nn.Identity() if isinstance(m, nn.Dropout) else m for name, m in reader._modules.items()}
    view.training = False
    return view
