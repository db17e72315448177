"""Several processes at one natural run, as torchrun starts them; without torchrun there is one.

Prompts are read by all and left in the cache of features, which they must share; readers are fitted by turns; of a
trained backbone each process has its own part of every batch. What comes out is what one process makes, but for a
trained backbone, whose batches are then larger. Only the first process writes.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


@dataclass(frozen=True)
class Ranks:
    """This process is number `rank` of `world`."""

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def mine(self, items: Sequence[T]) -> Sequence[T]:
        return items[self.rank :: self.world]

    def wait(self) -> None:
        """Until all are here."""
        if self.world > 1:
            torch.distributed.barrier()

    def gathered(self, own: Sequence[T], count: int) -> list[T]:
        """All of `count` items of which each process has made `mine`, in their order."""
        if self.world == 1:
            return list(own)
        parts: list[Sequence[T]] = [()] * self.world
        torch.distributed.all_gather_object(parts, own)
        return [parts[i % self.world][i // self.world] for i in range(count)]

    def average(self, tensors: Iterable[Tensor | None]) -> None:
        """Each in place, over all processes."""
        for tensor in tensors if self.world > 1 else ():
            if tensor is not None:
                torch.distributed.all_reduce(tensor)
                tensor /= self.world


ALONE = Ranks()


@cache
def ranks() -> Ranks:
    """As the environment says; the first call waits for the other processes."""
    if "RANK" not in os.environ or os.environ.get("WORLD_SIZE", "1") == "1":
        return ALONE
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
        atexit.register(torch.distributed.destroy_process_group)  # else its threads may end the process with an abort
    return Ranks(torch.distributed.get_rank(), torch.distributed.get_world_size())
