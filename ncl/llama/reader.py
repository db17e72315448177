"""The reader: from the hidden states of two middle layers, once a prompt, what is to be called on what.

Per run of numbers: is it data (gate). Per number: is it the argument (pointer). Per piece of text: does it write a
symbol of the program's alphabet (a pop), does another call begin here (a border). Per stretch between borders: which
program, or none. All of it is local (short non-causal convolutions) or pooled by the maximum, so a longer list dilutes
nothing.

Kept in float32 whatever the backbone's dtype. The layers read, the widths and the pooling are those that
docs/decisions.md measures.

Legend: B prompts, U units, H hidden size, C channels, P programs ("none" is 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

MATCHES, MATCH_SIZE = 4, 8  # in how many ways a list's label may match other words, and the size of what is compared
AT_ONCE = 256  # units whose matches are held at once
GATE_BIAS = 2.0  # at first most numbers are taken for data, so that whole lists are tried from the start
SYMBOL_BIAS = -3.0  # at first a piece of text rarely writes a symbol
BORDER_BIAS = -2.5  # … or a clause begins another call
RIVAL_BIAS = -2.0  # at first lists hardly compete
INSIDE = -3.0  # log-odds less for a call that begins inside a clause, and for a symbol written there


@dataclass(frozen=True)
class Units:
    """The units of a batch of prompts, padded: hidden states and what each unit is."""

    near_BUH: Tensor  # of the layer that gates and pointers read
    deep_BUH: Tensor  # of the layer that the selection reads
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
    pointer_BU: Tensor  # unnormalised: the softmax is over the numbers of a stretch
    symbol_BU: Tensor  # in use, one for all text that says the same
    border_BU: Tensor
    channels_BUC: Tensor  # what selection pools over; 0 or more at text, 0 elsewhere


class Reader(nn.Module):
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
        self.symbol, self.border, self.inside = nn.Linear(channels, 1), nn.Linear(channels, 1), nn.Linear(channels, 1)
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
            self.border.bias.fill_(BORDER_BIAS)
            self.inside.bias.fill_(BORDER_BIAS)

    @torch.no_grad()
    def settle(self) -> Reader:
        """Weights that half the bytes hold exactly, so that a saved reader is small and still the same."""
        for weight in self.parameters():
            weight.copy_(weight.half())
        return self

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        """A model that is cast takes its readers along to a device, but not to another dtype."""

        def moved(tensor: Tensor) -> Tensor:
            cast: Tensor = fn(tensor)
            return tensor.to(cast.device) if tensor.is_floating_point() and cast.dtype != tensor.dtype else cast

        return super()._apply(moved, recurse)

    def forward(self, units: Units) -> Reading:
        with torch.autocast(units.near_BUH.device.type, enabled=False):
            near_BUC = self._seen(units.near_BUH, self.near_enter, units, self.near)
            deep_BUC = self._seen(units.deep_BUH, self.deep_enter, units, self.far)
            deep_BUC = deep_BUC.masked_fill(~units.text_BU[..., None], 0)
            asked_BUC = self.pool(deep_BUC, units.text_BU)[:, None].expand_as(near_BUC)
            match_BUM = self._matched(near_BUC, deep_BUC, units)
            meant_BUC = torch.relu(self.mix(torch.cat([near_BUC, asked_BUC, match_BUM], 2)))
            alone_BU = _mean(self.gate(meant_BUC).squeeze(-1), units.number_BU, units.lead_BU)
            rival_BU = _mean(self.rival(meant_BUC).squeeze(-1), units.number_BU, units.lead_BU)
            gate_BU = alone_BU - rival_BU.sigmoid() * _best_other(alone_BU, units)
            free_BU = nn.functional.logsigmoid(-gate_BU)  # what is data is no argument
            symbol_BU = self.symbol(near_BUC).squeeze(-1)
            if not self.training:  # a thousand steps are as many chances to misread one that is said again and again
                symbol_BU = _mean(symbol_BU, units.text_BU, units.same_BU)
            return Reading(
                gate_BU,
                self.pointer(meant_BUC).squeeze(-1) + free_BU,
                symbol_BU + torch.where(units.ends_BU, 0.0, INSIDE),
                torch.where(
                    units.begins_BU,
                    self.border(_clauses(deep_BUC, units)).squeeze(-1),
                    self.inside(near_BUC).squeeze(-1) + INSIDE,
                ),
                deep_BUC,
            )

    def _seen(self, hidden_BUH: Tensor, enter: nn.Linear, units: Units, look: nn.Conv1d) -> Tensor:
        """Each unit with its neighbours. Padding, which is most of a batch of unequal prompts, is not worked on."""
        there_BU = units.number_BU | units.text_BU
        plain_XH = nn.functional.layer_norm(hidden_BUH[there_BU].float(), hidden_BUH.shape[-1:])
        real_XC = self.dropout(enter(plain_XH) + self.kind(units.number_BU[there_BU].long()))
        units_BUC = real_XC.new_zeros(*there_BU.shape, real_XC.shape[1])
        units_BUC = units_BUC.masked_scatter(there_BU[..., None], real_XC)
        return torch.relu(look(units_BUC.transpose(1, 2))).transpose(1, 2)

    def _matched(self, near_BUC: Tensor, deep_BUC: Tensor, units: Units) -> Tensor:
        """Each number's best match with any text, 0 or more, which a longer prompt does not dilute; B×U×MATCHES."""
        label_BXC, number_BX1 = _packed(near_BUC, units.number_BU)
        mention_BTC, text_BT1 = _packed(deep_BUC, units.text_BU)
        there_BTC = units.text_BU.gather(1, text_BT1.squeeze(2))[..., None]
        # What is no text matches with 0, which is the least that counts.
        mention_BMDT = (
            self.mention(mention_BTC).masked_fill(~there_BTC, 0).unflatten(2, (MATCHES, -1)).permute(0, 2, 3, 1)
        )
        label_BMXD = self.label(label_BXC).unflatten(2, (MATCHES, -1)).transpose(1, 2) / MATCH_SIZE**0.5
        found = [(part_BMXD @ mention_BMDT).amax(3) for part_BMXD in label_BMXD.split(AT_ONCE, 2)]
        found_BXM = torch.cat(found, 2).transpose(1, 2).clamp(min=0)
        nothing_BUM = found_BXM.new_zeros(*units.number_BU.shape, MATCHES)
        match_BUM = nothing_BUM.scatter(1, number_BX1.expand_as(found_BXM), found_BXM)
        return match_BUM.masked_fill(~units.number_BU[..., None], 0)

    @staticmethod
    def pool(channels_XUC: Tensor, inside_XU: Tensor) -> Tensor:
        """What a set of text units asks for, X×C: the largest of each channel, which a longer list does not dilute."""
        return (channels_XUC * inside_XU[..., None]).amax(-2)


def _packed(states_BUC: Tensor, there_BU: Tensor) -> tuple[Tensor, Tensor]:
    """The units that are there, in their order and padded with others, and which units those are."""
    most = max(1, int(there_BU.sum(1).max()))
    at_BX1 = there_BU.long().argsort(dim=1, descending=True, stable=True)[:, :most, None]
    return states_BUC.gather(1, at_BX1.expand(-1, -1, states_BUC.shape[2])), at_BX1


def _clauses(channels_BUC: Tensor, units: Units) -> Tensor:
    """The maximum over each clause, at each of its units: whether it asks for anything."""
    clause_BUC = units.begins_BU.long().cumsum(1)[..., None].expand_as(channels_BUC)
    most_BUC = torch.zeros_like(channels_BUC[:, :1]).expand(-1, channels_BUC.shape[1] + 1, -1)
    return most_BUC.scatter_reduce(1, clause_BUC, channels_BUC, "amax").gather(1, clause_BUC)


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
