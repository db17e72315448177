"""Looks at what middle layers of a backbone put out, and runs its lower layers alone.

Called by `hidden_states` and the model. Passes of several threads over one model do not see each other's states.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn
from transformers import LlamaConfig

# Of the layers that are looked at, by identity, which they are, and what they put out.
_LOOKING: ContextVar[tuple[dict[int, int], dict[int, Tensor]] | None] = ContextVar("ncl_looking", default=None)
_TAPPING = Lock()


@contextmanager
def capture_outputs(backbone: nn.Module, layers: tuple[int, ...]) -> Iterator[dict[int, Tensor]]:
    """Within, a forward pass of this context leaves what the given layers (counted from 1) put out.

    Passes of other threads leave nothing here. A layer is tapped once and for all: hooks that come and go get in each
    other's way when several threads share a model. By layer (B, T, H).
    """
    for number in set(layers):
        _register_hook(backbone.layers[number - 1])
    seen: dict[int, Tensor] = {}
    token = _LOOKING.set(({id(backbone.layers[number - 1]): number for number in set(layers)}, seen))
    try:
        yield seen
    finally:
        _LOOKING.reset(token)


def _register_hook(layer: nn.Module) -> None:
    with _TAPPING:
        if not any(hook is _hook for hook in layer._forward_hooks.values()):
            layer.register_forward_hook(_hook)


def _hook(layer: nn.Module, _given: Any, output: Any) -> None:
    if torch.compiler.is_compiling():
        return
    looking = _LOOKING.get()
    if looking is not None and id(layer) in looking[0]:
        looking[1][looking[0][id(layer)]] = output[0] if isinstance(output, tuple) else output


def truncated_backbone(backbone: nn.Module, depth: int) -> nn.Module:
    """The same layers, but only the first `depth` of them and no norm behind; shares all weights."""
    view = copy(backbone)
    view._modules = dict(backbone._modules)
    view._modules["layers"] = nn.ModuleList(list(backbone.layers)[:depth])
    view._modules["norm"] = nn.Identity()
    return view


def layers_to_read(config: LlamaConfig) -> tuple[int, int]:
    """Which layers are read: about half of the depth for gates, two thirds for the selection (16 and 20 of 30)."""
    count = int(config.num_hidden_layers)
    return max(1, round(count * 16 / 30)), max(1, round(count * 2 / 3))
