"""Readers' weights in few bytes, which come back to the bit.

`quantised` moves a matrix to where each row is whole numbers from -127 to 127 times a scale of its own, and a vector to
half precision; `to_stored` then stores them so. A scale has 11 bits, so its multiples are exact in float32, and 127 of
it are the largest of its row, by which it is found again. What was not quantised is stored as is.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

MAX_LEVEL = 127
SCALE = ".scale"  # behind the name of a matrix of whole numbers
BITS = 11  # of a scale


def quantised(weight: Tensor) -> Tensor:
    """The nearest weights that few bytes hold exactly. (R,) or (R, …, X), and so is the result."""
    if weight.dim() < 2:
        return weight.half().to(weight.dtype)
    rows_RX = weight.flatten(1)
    fraction_R1, power_R1 = torch.frexp(rows_RX.abs().amax(1, keepdim=True) / MAX_LEVEL)
    scale_R1 = torch.ldexp((fraction_R1 * 2**BITS).round() / 2**BITS, power_R1)
    scale_R1 = torch.where(scale_R1 > 0, scale_R1, 1)
    # Whole numbers have one zero, weights two.
    return ((rows_RX / scale_R1).round().clamp(-MAX_LEVEL, MAX_LEVEL) * scale_R1 + 0.0).view_as(weight)


def to_stored(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """To be stored: matrices as whole numbers and scales, vectors in half precision, each where that loses nothing.

    Whole numbers have the weight's shape, their scales (R,).
    """
    found = {}
    for name, weight in weights.items():
        if weight.dim() < 2:
            half = weight.half()
            found[name] = (half if _same(half.to(weight.dtype), weight) else weight).contiguous()
            continue
        scale_R1 = weight.flatten(1).abs().amax(1, keepdim=True) / MAX_LEVEL
        scale_R1 = torch.where(scale_R1 > 0, scale_R1, 1)
        whole_RX = (weight.flatten(1) / scale_R1).round().to(torch.int8)
        if _same((whole_RX * scale_R1).view_as(weight), weight):
            found[name] = whole_RX.view_as(weight).contiguous()
            found[name + SCALE] = scale_R1.squeeze(1).contiguous()
        else:
            found[name] = weight.contiguous()
    return found


def _same(one: Tensor, other: Tensor) -> bool:
    """To the bit: a digest tells zeros apart."""
    return torch.equal(one.contiguous().view(torch.uint8), other.contiguous().view(torch.uint8))


def from_stored(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights again, in float32. Raises ValueError for whole numbers without their scales, or the other way.

    The shapes are those of the whole numbers; scales are (R,).
    """
    whole = {name for name, tensor in stored.items() if tensor.dtype == torch.int8}
    if stray := sorted(name for name in stored if name.endswith(SCALE) and name.removesuffix(SCALE) not in whole):
        raise ValueError(f"{stray[0]} is the scale of nothing")
    found = {}
    for name, tensor in stored.items():
        if name.endswith(SCALE):
            continue
        if name not in whole:
            found[name] = tensor.float()
            continue
        scale_R = stored.get(name + SCALE)
        if scale_R is None or tensor.dim() < 2 or scale_R.shape != tensor.shape[:1]:
            raise ValueError(f"{name} has no scale for each of its rows")
        found[name] = (tensor.flatten(1).float() * scale_R.float()[:, None]).view(tensor.shape)
    return found
