"""What a training keeps so that it can go on to the bit: moments, the state of every random source, and its history.

All of it is tensors in one safetensors file, written whole or not at all; nothing in it is executed. Called by the
trainer at its checkpoints, and by the fit of readers, each of which has a file of its own until the run is finished.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ncl import atomic
from ncl.errors import FormatError, InputError


@dataclass(frozen=True)
class SavedState:
    """A file that is of use only to who has the same `key`: a digest of all that decides what comes out."""

    path: Path
    key: str

    def write(self, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
        """`metadata` is what JSON can say of it. Raises InputError where it cannot be written."""
        try:
            with atomic.file(self.path) as fresh:
                whole = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
                save_file(whole, fresh, metadata={"key": self.key, "told": json.dumps(metadata)})
        except OSError as fault:
            raise InputError(f"cannot write: {fault.strerror or fault}", where=str(self.path)) from fault

    def read(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """None where there is none. Raises FormatError for one of another key, or one that cannot be read."""
        if not self.path.is_file():
            return None
        try:
            with safe_open(self.path, "pt") as file:
                about = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = json.loads(about["told"])
        except (OSError, SafetensorError, KeyError, ValueError) as fault:
            raise FormatError(f"not readable: {fault}", where=str(self.path), remedy="leave out --resume") from fault
        if about.get("key") != self.key:
            raise FormatError(
                "what lies here was begun with another configuration, base model or library", where=str(self.path),
                remedy="resume with the same, or leave out --resume to begin anew",
            )  # fmt: skip
        return tensors, metadata


def moments(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's state, by number and name of each."""
    return {
        f"optimizer.{number}.{key}": torch.as_tensor(value).clone()
        for number, own in optimizer.state_dict()["state"].items()
        for key, value in own.items()
    }


def restore_moments(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    found: dict[int, dict[str, Tensor]] = {}
    for name, tensor in without_prefix(tensors, "optimizer").items():
        number, key = name.split(".")
        found.setdefault(int(number), {})[key] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": found})


def random_states(rng: Random, generator: torch.Generator) -> dict[str, Tensor]:
    """The state of these and of torch's own random sources."""
    found = {
        "chance.python": torch.tensor(rng.getstate()[1], dtype=torch.int64),
        "chance.generator": generator.get_state(), "chance.torch": torch.get_rng_state(),
    }  # fmt: skip
    if torch.cuda.is_initialized():
        found["chance.cuda"] = torch.cuda.get_rng_state()
    return found


def restore_random_states(rng: Random, generator: torch.Generator, tensors: Mapping[str, Tensor]) -> None:
    own = without_prefix(tensors, "chance")
    rng.setstate((3, tuple(own["python"].tolist()), None))  # 3: of Python's format of such states
    generator.set_state(own["generator"])
    torch.set_rng_state(own["torch"])
    if "cuda" in own:
        torch.cuda.set_rng_state(own["cuda"])


def history(losses: Sequence[float]) -> Tensor:
    """In float64, in which every loss is what it was."""
    return torch.tensor(losses, dtype=torch.float64)


def without_prefix(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Those under a name, without it."""
    return {key.removeprefix(f"{name}."): tensor for key, tensor in tensors.items() if key.startswith(f"{name}.")}


def with_prefix(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Under a name; the inverse of `without_prefix`."""
    return {f"{name}.{key}": tensor for key, tensor in tensors.items()}
