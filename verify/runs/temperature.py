"""Temperature and sharpening do what their definitions say, on many distributions.

The definitions are written out once more here, in Python's own floats. Hard is equality: exact zeros and one 1, on the
first most probable word. Soft is compared to within rounding. No bound τ* is derived from this: soft runs stay
`soft-uncertified`. Called by `prove`, through obligations.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ncl.machine.temperature import Temperature
from ncl.verify.engine.counterexample import SCHEMA, Replayed
from ncl.verify.engine.obligation import Obligation, Outcome

METHOD = "definitions in Python's floats"
ROUNDING = 1e-12  # of float64, relative: a power, a sum of at most 64 terms and a quotient
TAUS, BETAS = (0.01, 0.25, 1.0, 3.0), (1.0, 2.0, 7.0)
LONGEST = 1 << 12  # words of a row that is replayed
PARTS = ("hard", "straight-through", "soft", "sharpening")


def obligations() -> tuple[Obligation, ...]:
    return tuple(
        Obligation(f"temperature/{part}", part, "temperature", "ncl.verify.runs.temperature:check", (part,))
        for part in PARTS
    )


def check(part: str) -> Outcome:
    """One mode, or sharpening."""
    count = 0
    for row in _rows():
        count += 1
        if fault := _trial(part)(row):
            case = {"schema": SCHEMA, "kind": "temperature", "part": part, "row": row}
            return Outcome("refuted", METHOD, detail=f"{part} of {row}: {fault}", counterexample=case)
    return Outcome("tested", METHOD, f"{count} rows of 2 to 64 words", limits={"samples": count})


def _trial(part: str) -> Callable[[list[float]], str]:
    return {"hard": _hard, "straight-through": _straight_through, "soft": _soft, "sharpening": _sharpening}[part]


def replay(case: Mapping[str, Any]) -> Replayed:
    """One row once more."""
    part, row = str(case["part"]), [float(p) for p in case["row"]]
    if len(row) > LONGEST:
        raise ValueError(f"a row of {len(row)} words, at most {LONGEST}")
    fault = _trial(part)(row)
    return Replayed(bool(fault), f"{part} of {row}", "as defined", fault or "as defined")


def _rows() -> list[list[float]]:
    """Distributions, each once."""
    return [list(row) for row in dict.fromkeys(map(tuple, _written()))]


def _written() -> Iterator[list[float]]:
    """Even, with ties, with zeros, nearly and quite one-hot, of several widths."""
    dice = random.Random(0)
    yield [0.5, 0.5]
    yield [0.0, 0.25, 0.25, 0.0, 0.25, 0.25]
    for size in (2, 3, 8, 64):
        for place in {0, size // 2, size - 1}:
            yield [float(n == place) for n in range(size)]
        for style in range(12):
            weights = [dice.random() ** (1 + style) * (dice.random() > 0.3) for _ in range(size)]
            weights[dice.randrange(size)] += 1e-3
            total = sum(weights)
            yield [w / total for w in weights]


def _first_largest(row: list[float]) -> list[float]:
    place = row.index(max(row))
    return [float(n == place) for n in range(len(row))]


def _power(row: list[float], exponent: float) -> list[float]:
    top = max(row)
    raised = [(p / top) ** exponent if p > 0 else 0.0 for p in row]
    return [r / sum(raised) for r in raised]


def _near(got: Tensor, expected: list[float]) -> str:
    values = got.tolist()
    off = [(g, e) for g, e in zip(values, expected, strict=True) if not abs(g - e) <= ROUNDING * e + 1e-300]
    return f"{off[0][0]} for {off[0][1]}" if off else ""


def _double(row: list[float]) -> Tensor:
    return torch.tensor(row, dtype=torch.float64)


def _logits(row: list[float]) -> Tensor:
    """Of which the row is the softmax; what is 0 there is so far below that it underflows."""
    return torch.where(_double(row) > 0, _double(row).clamp(min=1e-300).log(), -2000.0)


def _hard(row: list[float]) -> str:
    expected = _first_largest(row)
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        p_N = _double(row).to(dtype).requires_grad_()
        wanted = expected if dtype == torch.float64 else _first_largest(p_N.tolist())
        for beta in BETAS:
            heat = Temperature("hard", beta=beta)
            found = heat.of_distribution(p_N)
            if found.tolist() != wanted or found.dtype != dtype:
                return f"{found.tolist()} in {dtype}"
            if heat.sharpen(found).tolist() != wanted:
                return "sharpening moves a hard row"
            if found.requires_grad:
                return "a gradient passes"
    found = Temperature("hard").of_logits(_logits(row))
    # Rounding in the softmax may decide between words that are equally probable but for it.
    best = [n for n, p in enumerate(row) if p >= max(row) * (1 - ROUNDING)]
    if sorted(found.tolist()) != [0.0] * (len(row) - 1) + [1.0] or int(found.argmax()) not in best:
        return f"{found.tolist()} of the logits"
    return ""


def _pull(row: list[float]) -> Tensor:
    return torch.arange(1.0, len(row) + 1, dtype=torch.float64).sqrt()


def _gradient(function: Callable[[Tensor], Tensor], given: Tensor, pull: Tensor) -> Tensor:
    leaf = given.clone().requires_grad_()
    (found,) = torch.autograd.grad(function(leaf), leaf, pull, allow_unused=True)
    return torch.zeros_like(leaf) if found is None else found


def _straight_through(row: list[float]) -> str:
    heat, p_N, pull_N = Temperature("straight-through"), _double(row), _pull(row)
    if heat.of_distribution(p_N).tolist() != _first_largest(row):
        return "the values are not hard"
    if not heat.of_distribution(p_N.clone().requires_grad_()).requires_grad:
        return "no gradient passes"
    if not torch.equal(_gradient(heat.of_distribution, p_N, pull_N), pull_N):
        return "the gradient does not pass as it came"
    expected = _gradient(lambda x: x.softmax(-1), _logits(row), pull_N)
    if not torch.equal(_gradient(heat.of_logits, _logits(row), pull_N), expected):
        return "the gradient of logits is not that of their softmax"
    return ""


def _soft(row: list[float]) -> str:
    for tau in TAUS:
        heat = Temperature("soft", tau)
        expected = _power(row, 1 / tau)
        if fault := _near(heat.of_distribution(_double(row)), expected):
            return f"at τ = {tau} {fault}"
        logits = _logits(row).tolist()
        raised = [math.exp((one - max(logits)) / tau) for one in logits]
        if fault := _near(heat.of_logits(_logits(row)), [r / sum(raised) for r in raised]):
            return f"of the logits at τ = {tau} {fault}"
        if fault := _slope(heat.of_distribution, row):
            return f"at τ = {tau} {fault}"
    return "" if Temperature().of_distribution(_double(row)).tolist() == row else "τ = 1 changes it"


def _sharpening(row: list[float]) -> str:
    for beta in BETAS:
        heat = Temperature("soft", 1.0, beta)
        if fault := _near(heat.sharpen(_double(row)), _power(row, beta) if beta != 1 else row):
            return f"with β = {beta} {fault}"
        hard = _first_largest(row)
        if heat.sharpen(_double(hard)).tolist() != hard:
            return f"with β = {beta} a hard row moves"
        if heat.sharpen(torch.zeros(len(row))).any():
            return f"with β = {beta} a row without mass gets some"
        if beta > 1 and (fault := _slope(heat.sharpen, row)):
            return f"with β = {beta} {fault}"
    return ""


def _slope(function: Callable[[Tensor], Tensor], row: list[float]) -> str:
    """The gradient along one direction against a difference, where every entry is well inside."""
    if min(row) < 1e-3:
        return ""
    p_N, pull_N, step = _double(row), _pull(row), 1e-6
    way_N = torch.cos(torch.arange(len(row), dtype=torch.float64)) * p_N
    slope = float((_gradient(function, p_N, pull_N) * way_N).sum())
    ends = [float((function(p_N + sign * step * way_N) * pull_N).sum()) for sign in (1, -1)]
    measured = (ends[0] - ends[1]) / (2 * step)
    return "" if abs(slope - measured) <= 1e-5 * (1 + abs(slope)) else f"slope {slope}, measured {measured}"


__all__ = ["check", "obligations", "replay"]
