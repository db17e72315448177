"""The side module: reads a prompt once and says what is data, what is an argument, and which program is meant.

Its features are free of position and of length: every literal becomes one learned vector (its value does not matter),
gates and pointers see a few neighbours through a non-causal convolution, and the selection takes the largest response
over the prompt's text units, which a longer list does not dilute. Kept in float32 whatever the backbone's dtype.

Legend: B prompts, T tokens, C channels, P programs.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

GATE_BIAS = 2.0  # at first most numbers are taken for data, so that whole lists are tried from the start
WINDOW = 5


@dataclass(frozen=True)
class Reading:
    """Log-odds and log-probabilities; entries at tokens that are no literals are -inf or meaningless."""

    gate_BT: Tensor  # log-odds that this literal is data
    pointer_BT: Tensor  # log-probability that this literal is the argument; log-sum-exp 0 over literals
    selection_BP: Tensor  # log-probability of "no call" (0) and of each program


class SideModule(nn.Module):
    """See the module. `hidden`: size of what it reads; `programs`: without "no call"."""

    def __init__(self, hidden: int, channels: int, programs: int) -> None:
        super().__init__()
        self.literal_H = nn.Parameter(torch.zeros(hidden))
        self.enter = nn.Linear(hidden, channels)
        self.near = nn.Conv1d(channels, channels, WINDOW, padding=WINDOW // 2)
        self.gate = nn.Linear(channels, 1)
        self.pointer = nn.Linear(channels, 1)
        self.text = nn.Conv1d(channels, channels, WINDOW, padding=WINDOW // 2)
        self.select = nn.Linear(channels, programs + 1)

    def start(self) -> None:
        """Initial values; called by the model's `_init_weights`, after those of the layers inside."""
        # transformers marks what it has loaded; that is not to be started anew.
        if any(getattr(parameter, "_is_hf_initialized", False) for parameter in self.parameters()):
            return
        with torch.no_grad():
            nn.init.normal_(self.literal_H, std=0.02)
            for layer in (self.enter, self.near, self.gate, self.pointer, self.text, self.select):
                layer.reset_parameters()
            self.gate.bias.fill_(GATE_BIAS)

    def forward(self, hidden_BTH: Tensor, literal_BT: Tensor, prompt_BT: Tensor) -> Reading:
        """hidden_BTH: position-free features; literal_BT, prompt_BT: which tokens are literals, which the prompt's."""
        with torch.autocast(hidden_BTH.device.type, enabled=False):
            units_BTH = torch.where(literal_BT[..., None], self.literal_H.float(), hidden_BTH.float())
            # Scale-free, since token embeddings start small and grow.
            units_BTH = nn.functional.layer_norm(units_BTH, units_BTH.shape[-1:])
            units_BTC = self.enter(units_BTH) * prompt_BT[..., None]
            near_BTC = torch.relu(self.near(units_BTC.transpose(1, 2))).transpose(1, 2)
            gate_BT = self.gate(near_BTC).squeeze(-1)
            free_BT = nn.functional.logsigmoid(-gate_BT)  # what is data is no argument
            pointer_BT = self.pointer(near_BTC).squeeze(-1) + free_BT
            pointer_BT = pointer_BT.masked_fill(~literal_BT, -torch.inf)
            some_B1 = literal_BT.any(1, keepdim=True)
            pointer_BT = torch.where(some_B1, pointer_BT, 0).log_softmax(1)
            text_BTC = torch.relu(self.text(units_BTC.transpose(1, 2))).transpose(1, 2)
            speaks_BT1 = (prompt_BT & ~literal_BT)[..., None]
            pooled_BC = text_BTC.masked_fill(~speaks_BT1, 0).amax(1)
            return Reading(gate_BT, pointer_BT, self.select(pooled_BC).log_softmax(-1))
