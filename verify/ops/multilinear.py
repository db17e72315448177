"""One-hot circuits are multilinear with coefficients ≥ 0, read off the torch operations that they really make.

A circuit is run on tensors that carry a *degree*: how often each operand enters every term of each entry as a factor.
Each operation on such a tensor needs a rule here; one without a rule, or a look at the numbers (a branch, `item`),
makes whoever asked say `unknown`. No rule subtracts. So a circuit of degree (1, 1) is a sum of c·x_i·y_j with c ≥ 0:
what it does to one-hot operands is what it does to all distributions, and rounding makes no exact 0 anything else.
Called by `pushforward`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Degree = tuple[int, ...]
Arguments = list[Any]


class NotMultilinear(Exception):
    """An operation that is no sum of products, or that no rule knows."""


class Marked(torch.Tensor):
    """A tensor with its degree. It has no storage of its own, so its numbers cannot be read past the rules."""

    inner: Tensor
    degree: Degree

    @staticmethod
    def __new__(cls, inner: Tensor, degree: Degree) -> Marked:
        made: Marked = torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype, device=inner.device)
        made.inner, made.degree = inner, degree
        return made

    def __repr__(self) -> str:
        return f"Marked({tuple(self.shape)}, {self.degree})"

    @classmethod
    def __torch_dispatch__(cls, operation: Any, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
        name = str(operation).removeprefix("aten.").rpartition(".")[0]
        rule = RULES.get(name)
        if rule is None:
            raise NotMultilinear(f"no rule for {operation}")
        degree = rule(list(arguments), dict(keywords or {}))
        result = operation(*_inner(arguments), **_inner(keywords or {}))
        return result if degree is None else Marked(result, degree)


def degree_of(circuit: Callable[..., Tensor], *operands: Tensor) -> Degree:
    """The degree of what a circuit gives, in each of its operands. Raises NotMultilinear."""
    marked = [
        Marked(operand, tuple(int(place == other) for other in range(len(operands))))
        for place, operand in enumerate(operands)
    ]
    found = circuit(*marked)
    if not isinstance(found, Marked):
        raise NotMultilinear("the result does not depend on the operands")
    return found.degree


def _inner(value: Any) -> Any:
    if isinstance(value, Marked):
        return value.inner
    if isinstance(value, list | tuple):
        return type(value)(_inner(part) for part in value)
    return {name: _inner(part) for name, part in value.items()} if isinstance(value, dict) else value


# --- rules: (arguments, keywords) → the result's degree, None for a constant -----------------------------------------

Rule = Callable[[Arguments, dict[str, Any]], Degree | None]


def _plain(value: Any) -> bool:
    """No marked tensor in it."""
    return not (isinstance(value, Marked) or (isinstance(value, list | tuple) and not all(map(_plain, value))))


def _same(parts: Sequence[Any]) -> Degree:
    """The degree that all marked parts share; what is not marked must be 0, which has every degree."""
    degrees = {part.degree for part in parts if isinstance(part, Marked)}
    if len(degrees) != 1:
        raise NotMultilinear(f"a sum of terms of degrees {sorted(degrees)}")
    for part in parts:
        if not isinstance(part, Marked) and (torch.as_tensor(part) != 0).any():
            raise NotMultilinear("a sum with a constant that is not 0")
    return degrees.pop()


def _moved(arguments: Arguments, keywords: dict[str, Any]) -> Degree:
    """The first argument's entries, moved, repeated, left out or summed up."""
    first, *rest = arguments
    if not isinstance(first, Marked) or not _plain(rest) or not _plain(list(keywords.values())):
        raise NotMultilinear("an index or size that depends on an operand")
    return first.degree


def _padded(arguments: Arguments, keywords: dict[str, Any]) -> Degree:
    if any([*arguments[2:], *keywords.values()]):
        raise NotMultilinear("padding with something else than 0")
    return _moved(arguments[:2], {})


def _sum(arguments: Arguments, keywords: dict[str, Any]) -> Degree:
    if keywords:
        raise NotMultilinear(f"a sum with {', '.join(keywords)}")
    return _same(arguments)


def _product(arguments: Arguments, keywords: dict[str, Any]) -> Degree:
    first, second = arguments
    if isinstance(first, Marked) and isinstance(second, Marked):
        return tuple(one + other for one, other in zip(first.degree, second.degree, strict=True))
    marked, constant = (first, second) if isinstance(first, Marked) else (second, first)
    factor = torch.as_tensor(constant)
    if not bool(((factor >= 0) & factor.isfinite()).all()):
        raise NotMultilinear("a constant factor that is negative or not finite")
    return tuple(marked.degree)


def _together(arguments: Arguments, keywords: dict[str, Any]) -> Degree:
    if not _plain(arguments[1:]) or not _plain(list(keywords.values())):
        raise NotMultilinear("a place that depends on an operand")
    return _same(arguments[0])


def _added_at(arguments: Arguments, keywords: dict[str, Any]) -> Degree:
    """target, dimension, places, source."""
    target, _, places, source = arguments
    if keywords or not _plain(places):
        raise NotMultilinear("places that depend on an operand")
    return _same([target, source])


def _zero(arguments: Arguments, keywords: dict[str, Any]) -> None:
    return None


RULES: dict[str, Rule] = {
    **dict.fromkeys(
        ("alias", "clone", "cumsum", "detach", "expand", "flip", "index_select", "permute", "select", "slice",
         "squeeze", "sum", "transpose", "unsqueeze", "view", "_unsafe_view"),
        _moved,
    ),
    "constant_pad_nd": _padded,
    "add": _sum,
    "mul": _product,
    "cat": _together,
    "stack": _together,
    "index_add": _added_at,
    "scatter_add": _added_at,
    "zeros_like": _zero,
    "new_zeros": _zero,
}  # fmt: skip
