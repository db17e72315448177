"""What the reader is given: hidden states of two layers at the units of prompts.

`from_forward_pass` takes them out of a forward pass that happens anyway (short prompts); `extract` makes a pass of its
own through the lower layers only, over windows of shortened messages.

Legend: B prompts, T tokens, U units, H hidden size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from ncl.llama.pretrained.layer_hooks import capture_outputs, truncated_backbone
from ncl.llama.pretrained.prefix_cache import cached_prefix, common_prefix, repeated
from ncl.llama.pretrained.prompt_units import Message, Window, windows
from ncl.llama.reader.network import Units

TOKENS_AT_ONCE = {"cpu": 1024}  # what fits in a core's cache runs half as fast again as 4096
MANY = 16_384  # on other devices

Result = TypeVar("Result")


@dataclass(frozen=True)
class PromptStates:
    """One prompt's units: near_UH and deep_UH, the rest as in `Message`."""

    near_UH: Tensor
    deep_UH: Tensor
    number: tuple[bool, ...]
    lead: tuple[int, ...]
    begins: tuple[bool, ...]
    ends: tuple[bool, ...]
    same: tuple[int, ...]

    @classmethod
    def of(cls, found: Message, near_UH: Tensor, deep_UH: Tensor) -> PromptStates:
        """Of a message, with its units' states: near_UH, deep_UH: (U, H)."""
        return cls(near_UH, deep_UH, found.number, found.lead, found.begins, found.ends, found.same)

    @cached_property
    def facts_5U(self) -> Tensor:
        """What each unit is, as one tensor: the same prompt comes into many batches.

        (5, U): number, begins, ends, lead, same.
        """
        return torch.tensor([self.number, self.begins, self.ends, self.lead, self.same], dtype=torch.int64)

    def to(self, device: torch.device) -> PromptStates:
        """The same on a device."""
        return replace(self, near_UH=self.near_UH.to(device), deep_UH=self.deep_UH.to(device))


def from_forward_pass(
    found: Message, states: Mapping[int, Tensor], row: int, mask_T: Tensor, layers: tuple[int, int]
) -> PromptStates:
    """Out of a pass over the whole prompt; `mask_T` tells its tokens from padding."""
    device = states[layers[0]].device
    at = torch.tensor([len(found.prefix) + place for place in found.place], dtype=torch.int64, device=device)
    places = mask_T.to(device).nonzero().squeeze(1)[at]
    near, deep = (states[layer][row].index_select(0, places) for layer in layers)
    return PromptStates.of(found, near, deep)


@torch.no_grad()
def extract(backbone: nn.Module, messages: Sequence[Message], layers: tuple[int, int], pad: int) -> list[PromptStates]:
    """A pass through the lower layers for each window of each message, long ones together with long ones.

    What stands before every message (a system prompt) goes through once, and its keys and values serve all.
    """
    device = next(backbone.parameters()).device
    room = TOKENS_AT_ONCE.get(device.type, MANY)
    lower = truncated_backbone(backbone, max(layers))
    jobs = [(m, w) for m, found in enumerate(messages) for w in windows(found) if w.units]
    parts: list[dict[int, tuple[Tensor, Tensor]]] = [{} for _ in messages]
    before = common_prefix([window.tokens[: len(messages[m].prefix)] for m, window in jobs])
    opening = cached_prefix(lower, before, device)

    @torch.no_grad()
    def looked(batch: Sequence[int]) -> list[tuple[Tensor, Tensor]]:
        cache = None if opening is None else repeated(opening, len(batch))
        return extract_windows(lower, [jobs[job][1] for job in batch], layers, pad, len(before), cache)

    batches = _batches([len(window.tokens) - len(before) for _, window in jobs], room)
    for batch, states in zip(batches, map_in_threads(looked, batches, device), strict=True):
        for job, (near, deep) in zip(batch, states, strict=True):
            owner, window = jobs[job]
            parts[owner] |= {unit: (near[at], deep[at]) for at, unit in enumerate(window.units)}
    return [_joined(found, part, backbone) for found, part in zip(messages, parts)]


def extract_windows(
    lower: nn.Module,
    batch: Sequence[Window],
    layers: tuple[int, int],
    pad: int,
    before: int = 0,
    cache: DynamicCache | None = None,
) -> list[tuple[Tensor, Tensor]]:
    """Of each window the states of its units, in both layers. `cache` holds the `before` tokens that all begin with.

    Each is two tensors (U, H).
    """
    device = next(lower.parameters()).device
    rows = [window.tokens[before:] for window in batch]
    ids_BT = torch.full((len(rows), max(map(len, rows))), pad)
    mask_BT = torch.zeros(len(rows), before + ids_BT.shape[1], dtype=torch.int64)
    for row, tokens in enumerate(rows):
        ids_BT[row, : len(tokens)] = torch.tensor(tokens)
        mask_BT[row, : before + len(tokens)] = 1
    with capture_outputs(lower, layers) as states:
        lower(
            input_ids=ids_BT.to(device), attention_mask=mask_BT.to(device), past_key_values=cache,
            use_cache=cache is not None,
        )  # fmt: skip
    found = []
    for row, window in enumerate(batch):
        places = torch.tensor(window.places, dtype=torch.int64, device=device) - before
        near, deep = (states[layer][row].index_select(0, places) for layer in layers)
        found.append((near, deep))
    return found


def _batches(sizes: Sequence[int], room: int) -> list[list[int]]:
    """Places in `sizes`, the long ones first; together they have room, or are one."""
    order, found = sorted(range(len(sizes)), key=lambda j: sizes[j]), []
    while order:
        found.append([order.pop() for _ in range(min(len(order), max(1, room // sizes[order[-1]])))])
    return found


def map_in_threads(
    work: Callable[[Sequence[int]], Result], batches: Sequence[Sequence[int]], device: torch.device
) -> list[Result]:
    """What `work` makes of each batch. On the CPU as many go at once as torch has threads, each with one.

    Passes side by side share less than the parts of one pass, which wait for each other at every layer.
    """
    threads = torch.get_num_threads() if device.type == "cpu" else 1
    if min(threads, len(batches)) < 2:
        return [work(batch) for batch in batches]
    try:
        torch.set_num_threads(1)
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(work, batches))
    finally:
        torch.set_num_threads(threads)


def _joined(found: Message, part: dict[int, tuple[Tensor, Tensor]], backbone: nn.Module) -> PromptStates:
    if not found.place:
        empty = next(backbone.parameters()).new_zeros(0, backbone.config.hidden_size)
        return PromptStates.of(found, empty, empty)
    near, deep = (torch.stack([part[u][i] for u in range(len(found.place))]) for i in (0, 1))
    return PromptStates.of(found, near, deep)


def collate(seen: Sequence[PromptStates]) -> Units:
    """What the units are, padded to the longest prompt; their states in a row."""
    size, device = max(1, *(len(s.number) for s in seen)), seen[0].near_UH.device
    facts_B5U = torch.zeros(len(seen), 5, size, dtype=torch.int64)
    facts_B5U[:, 3:] = torch.arange(size)  # what is padding stands for itself
    there_BU = torch.zeros(len(seen), size, dtype=torch.bool)
    for row, one in enumerate(seen):
        count = len(one.number)
        facts_B5U[row, :, :count] = one.facts_5U
        there_BU[row, :count] = True
    number, begins, ends, lead, same = facts_B5U.to(device).unbind(1)
    text_BU = there_BU.to(device) & (number == 0)
    near_XH, deep_XH = torch.cat([s.near_UH for s in seen]), torch.cat([s.deep_UH for s in seen])
    return Units(near_XH, deep_XH, number.bool(), text_BU, lead, begins.bool(), ends.bool(), same)
