"""Features of prompts, kept on disk by content: a fit that is begun again reads what was seen before.

A file holds the units' hidden states of a chunk of prompts in bfloat16; its name digests the base model, its dtype, the
layers and the tokens. What was just seen is handed out as it would be read again, so that a fit does not depend on what
the cache held. Written whole or not at all; a file that does not read back is made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ncl import atomic
from ncl.llama.pretrained.hidden_states import PromptStates, extract
from ncl.llama.pretrained.prompt_units import Message
from ncl.training.data.ranks import ALONE, Ranks

CHUNK = 256


def features(
    backbone: nn.Module,
    digest: str,
    messages: Sequence[Message],
    layers: tuple[int, int],
    pad: int,
    folder: Path,
    advance: Callable[[int], None] = lambda count: None,
    ranks: Ranks = ALONE,
) -> list[PromptStates]:
    """What the reader sees of each message. `digest` is the base model's; `advance` is given how many are done.

    With several `ranks` each reads its part, and finds the others' in the folder.
    """
    # Neighbours in length share a batch, and so do not pad each other.
    order = sorted(range(len(messages)), key=lambda i: len(messages[i].tokens))
    found: list[PromptStates | None] = [None] * len(messages)
    dtype = next(backbone.parameters()).dtype

    def seen_of(part: Sequence[int]) -> list[PromptStates]:
        chunk = [messages[i] for i in part]
        path = folder / f"{_key(f'{digest}:{dtype}', layers, chunk)}.safetensors"
        seen = _read(path, chunk)
        if seen is None:
            tensors = _packed(extract(backbone, chunk, layers, pad))
            _write(path, tensors)
            seen = _parted(tensors, chunk)
        return seen

    parts = [order[begin : begin + CHUNK] for begin in range(0, len(order), CHUNK)]
    if ranks.world > 1:
        for part in ranks.mine(parts):
            seen_of(part)
        ranks.wait()
    for part in parts:
        for place, one in zip(part, seen_of(part), strict=True):
            found[place] = one
        advance(len(part))
    return [one for one in found if one is not None]


def _key(digest: str, layers: tuple[int, int], chunk: Sequence[Message]) -> str:
    whole = hashlib.sha256(f"{digest}:{layers}:".encode())
    for one in chunk:
        whole.update(repr((one.prefix, one.tokens, one.place)).encode())
    return whole.hexdigest()


def _packed(seen: Sequence[PromptStates]) -> dict[str, Tensor]:
    parts = {"near": [s.near_UH for s in seen], "deep": [s.deep_UH for s in seen]}
    return {name: torch.cat(states).to("cpu", torch.bfloat16).contiguous() for name, states in parts.items()}


def _parted(tensors: Mapping[str, Tensor], chunk: Sequence[Message]) -> list[PromptStates]:
    counts = [len(one.place) for one in chunk]
    parts = zip(chunk, tensors["near"].split(counts), tensors["deep"].split(counts), strict=True)
    # Copies: a part of a tensor goes to another process with all of it.
    return [PromptStates.of(one, n.clone(), d.clone()) for one, n, d in parts]


def _write(path: Path, tensors: dict[str, Tensor]) -> None:
    with atomic.file(path) as fresh:
        save_file(tensors, fresh)


def _read(path: Path, chunk: Sequence[Message]) -> list[PromptStates] | None:
    try:
        tensors = load_file(path)
        shapes = {tensors[name].shape for name in ("near", "deep")}
    except (OSError, SafetensorError, KeyError):
        return None
    count = sum(len(one.place) for one in chunk)
    if len(shapes) > 1 or any(len(shape) != 2 or shape[0] != count for shape in shapes):
        return None
    return _parted(tensors, chunk)
