"""Features of prompts, kept on disk by content: a fit that is begun again reads what was seen before.

A file holds the units' hidden states of a chunk of prompts; its name digests the base model, the layers and the tokens.
Written whole or not at all; a file that does not read back is made anew.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from ncl.llama.message import Message
from ncl.llama.perceive import Seen, perceive

CHUNK = 64


def features(
    backbone: nn.Module,
    digest: str,
    messages: Sequence[Message],
    layers: tuple[int, int],
    pad: int,
    folder: Path,
    advance: Callable[[int], None] = lambda count: None,
) -> list[Seen]:
    """What the reader sees of each message. `digest` is the base model's; `advance` is told how many are done."""
    # Neighbours in length share a batch, and so do not pad each other.
    order = sorted(range(len(messages)), key=lambda i: len(messages[i].tokens))
    found: list[Seen | None] = [None] * len(messages)
    for begin in range(0, len(order), CHUNK):
        part = order[begin : begin + CHUNK]
        chunk = [messages[i] for i in part]
        path = folder / f"{_key(digest, layers, chunk)}.safetensors"
        seen = _read(path, chunk)
        if seen is None:
            seen = perceive(backbone, chunk, layers, pad)
            _write(path, seen)
        for place, one in zip(part, seen, strict=True):
            found[place] = one
        advance(len(part))
    return [one for one in found if one is not None]


def _key(digest: str, layers: tuple[int, int], chunk: Sequence[Message]) -> str:
    whole = hashlib.sha256(f"{digest}:{layers}:".encode())
    for one in chunk:
        whole.update(repr((one.prefix, one.tokens, one.place)).encode())
    return whole.hexdigest()


def _write(path: Path, seen: Sequence[Seen]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {
        "near": torch.cat([s.near_UH for s in seen]).to("cpu", torch.bfloat16).contiguous(),
        "deep": torch.cat([s.deep_UH for s in seen]).to("cpu", torch.bfloat16).contiguous(),
    }
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".features.")
    os.close(handle)
    save_file(tensors, name)
    os.replace(name, path)


def _read(path: Path, chunk: Sequence[Message]) -> list[Seen] | None:
    try:
        tensors = load_file(path)
        near, deep = tensors["near"], tensors["deep"]
    except (OSError, SafetensorError, KeyError):
        return None
    counts = [len(one.place) for one in chunk]
    if near.shape[0] != sum(counts) or near.shape != deep.shape:
        return None
    parts = zip(chunk, near.split(counts), deep.split(counts), strict=True)
    return [Seen(n, d, one.number, one.lead, one.begins, one.ends) for one, n, d in parts]
