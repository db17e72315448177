"""The lift's rules against torch: the same arguments through both, on random and edge tensors.

A rule that was never compared is as bad as a wrong one, so each outcome says how many entries got past the rule's own
side conditions, and none is a failure. Called by `step.check` for the rules that a graph uses, and by the tests for
all.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import torch
import z3
from torch import Tensor

from ncl.verify.engine.obligation import Outcome
from ncl.verify.smt.lift_rules import RULES, Rule
from ncl.verify.smt.lifted import Context, Lifted, NoRule, Term, number

ROUNDS = 12
LEAST = 10  # entries compared for each rule
_EDGES = (
    0,
    1,
    2,
    -1,
    -2,
    7,
    31,
    32,
    63,
    64,
    65535,
    65536,
    (1 << 32) - 1,
    1 << 32,
    (1 << 62),
    (1 << 63) - 1,
    -(1 << 63),
)
_SMALL = (0, 1, 2, 3, 5, 16, 31, 40, 63, 64, -1)

Arguments = tuple[list[Any], dict[str, Any]]


@dataclass(frozen=True)
class Compared:
    """Entries that were compared, entries that a side condition ruled out, and the first disagreement."""

    rule: str
    compared: int
    ruled_out: int
    fault: str = ""

    @property
    def ok(self) -> bool:
        return not self.fault and self.compared >= LEAST


def _ints(rng: random.Random, shape: Sequence[int], pool: Sequence[int] = _EDGES) -> Tensor:
    def one() -> int:
        return rng.choice(
            (rng.choice(pool), rng.choice(pool), rng.randrange(1 << 32), rng.randrange(-(1 << 62), 1 << 62))
        )

    cells = [one() if pool is _EDGES else rng.choice(pool) for _ in range(int(torch.Size(shape).numel()))]
    return torch.tensor(cells, dtype=torch.int64).reshape(shape)


def _bools(rng: random.Random, shape: Sequence[int]) -> Tensor:
    return torch.tensor([rng.random() < 0.5 for _ in range(int(torch.Size(shape).numel()))]).reshape(shape)


def _pair(rng: random.Random) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return rng.choice((((3,), (3,)), ((2, 3), (2, 3)), ((2, 1), (2, 3)), ((3,), ()), ((2, 3), (3,)), ((), (4,))))


def _two(left: str, right: str) -> Callable[[random.Random], Arguments]:
    """Two tensors; "i" int64, "s" small int64, "b" bool, "n" a Python int."""

    def make(rng: random.Random) -> Arguments:
        shapes = _pair(rng)
        return [_one(rng, kind, shape) for kind, shape in zip((left, right), shapes)], {}

    return make


def _one(rng: random.Random, kind: str, shape: tuple[int, ...]) -> Any:
    match kind:
        case "b":
            return _bools(rng, shape)
        case "n":
            return rng.choice(_EDGES)
        case "k":
            return rng.choice(_SMALL)
        case "s":
            return _ints(rng, shape, _SMALL)
    return _ints(rng, shape)


def _alone(kind: str) -> Callable[[random.Random], Arguments]:
    return lambda rng: ([_one(rng, kind, rng.choice(((4,), (2, 3), ())))], {})


def _where(kind: str) -> Callable[[random.Random], Arguments]:
    def make(rng: random.Random) -> Arguments:
        left, right = _pair(rng)
        return [_bools(rng, rng.choice((left, ()))), _one(rng, kind, left), _one(rng, kind, right)], {}

    return make


def _gather(rng: random.Random) -> Arguments:
    if rng.random() < 0.3:
        return [_ints(rng, (5,)), 0, _ints(rng, (7,), range(5))], {}
    return [_ints(rng, (3, 4)), rng.choice((1, -1)), _ints(rng, (3, rng.choice((1, 2))), range(4))], {}


def _scatter(rng: random.Random) -> Arguments:
    return [_ints(rng, (3, 4)), rng.choice((1, -1)), _ints(rng, (3, 1), range(4)), _ints(rng, (3, 1))], {}


def _unsqueeze(rng: random.Random) -> Arguments:
    return [_ints(rng, (2, 3)), rng.choice((0, 1, 2, -1, -3))], {}


def _squeeze(rng: random.Random) -> Arguments:
    place = rng.randrange(3)
    shape = [2, 3]
    shape.insert(place, 1)
    return [_ints(rng, shape), rng.choice((place, place - 3))], {}


def _scalar(rng: random.Random) -> Arguments:
    return [rng.choice(_EDGES)], {"dtype": torch.int64, "layout": torch.strided, "device": torch.device("cpu")}


def _size(rng: random.Random) -> Arguments:
    return [_ints(rng, (2, 3)), rng.choice((0, 1, -1))], {}


_II, _IN = [_two("i", "i"), _two("s", "s")], [_two("i", "n"), _two("s", "k")]
_MAKERS: dict[str, Sequence[Callable[[random.Random], Arguments]]] = {
    **{f"aten.{n}.Tensor": _II for n in ("eq", "ne", "lt", "le", "gt", "ge")},
    **{f"aten.{n}.Scalar": _IN for n in ("eq", "ne", "lt", "le", "gt", "ge")},
    "aten.add.Tensor": [*_II, *_IN],
    "aten.sub.Tensor": [*_II, *_IN],
    "aten.mul.Tensor": [*_II, *_IN, _two("b", "i"), _two("b", "n"), _two("s", "i")],
    "aten.floor_divide.default": [*_II, _two("i", "s"), _two("s", "i")],
    "aten.remainder.Tensor": [*_II, _two("i", "s"), _two("s", "i")],
    "aten.__lshift__.Tensor": [_two("s", "s"), _two("i", "s")],
    "aten.__lshift__.Scalar": [_two("s", "k"), _two("i", "k")],
    "aten.__rshift__.Tensor": [_two("s", "s"), _two("i", "s")],
    "aten.__rshift__.Scalar": [_two("s", "k"), _two("i", "k")],
    "aten.bitwise_and.Tensor": [*_II, _two("b", "b")],
    "aten.bitwise_and.Scalar": _IN,
    "aten.bitwise_or.Tensor": [*_II, _two("b", "b")],
    "aten.bitwise_xor.Tensor": [*_II, _two("b", "b")],
    "aten.bitwise_xor.Scalar": _IN,
    "aten.bitwise_not.default": [_alone("i"), _alone("b")],
    "aten.where.self": [_where("i"), _where("b")],
    "aten.gather.default": [_gather],
    "aten.scatter.src": [_scatter],
    "aten.unsqueeze.default": [_unsqueeze],
    "aten.squeeze.dim": [_squeeze],
    "aten.scalar_tensor.default": [_scalar],
    "aten.sym_size.int": [_size],
}


def makers() -> Mapping[str, object]:
    """Rules that there are arguments for; a test holds it to the rules that there are."""
    return _MAKERS


def compare(name: str, rule: Rule | None = None, seed: int = 0, device: str = "cpu") -> Compared:
    """One rule against its torch operation."""
    rng = random.Random(f"{name}/{seed}")
    compared = ruled_out = 0
    for make in _MAKERS[name]:
        here = 0
        for _ in range(ROUNDS):
            arguments, keywords = make(rng)
            more, less, fault = _compare_once(name, rule or RULES[name], arguments, keywords, device)
            compared, ruled_out, here = compared + more, ruled_out + less, here + more
            if fault:
                return Compared(name, compared, ruled_out, fault)
        if not here:
            return Compared(name, compared, ruled_out, "one sort of arguments never got past the side conditions")
    return Compared(name, compared, ruled_out)


def _compare_once(
    name: str, rule: Rule, arguments: list[Any], keywords: dict[str, Any], device: str
) -> tuple[int, int, str]:
    context = Context({})
    lifted = rule(context, [_closed(a) for a in arguments], keywords)
    if name == "aten.sym_size.int":
        return 1, 0, "" if _value(lifted) == arguments[0].shape[arguments[1]] else "another size"
    context.conditions.clear()
    shape, entries = _entries(lifted, context)
    fine = [f for _, f in entries]
    past = [cell for cell, f in entries if f]
    here = [a.to(device) if isinstance(a, Tensor) else a for a in arguments]
    if not all(fine):
        # What a side condition rules out torch may refuse, so only the entries that got past are put to it.
        here, shape = _only(here, shape, fine), (len(past),)
    if not past:
        return 0, len(entries), ""
    expected = _operation(name)(*here, **keywords).cpu()
    if tuple(expected.shape) != shape or str(expected.dtype) != f"torch.{lifted.dtype}":
        told = f"torch {expected.dtype}{tuple(expected.shape)}, rule {lifted.dtype}{shape}"
        return 0, 0, told
    if expected.reshape(-1).tolist() != past:
        return 0, 0, f"{name} of {arguments}: torch {expected.tolist()}, rule {past}"
    return len(past), len(entries) - len(past), ""


def _only(arguments: list[Any], shape: tuple[int, ...], fine: list[bool]) -> list[Any]:
    """The tensors of an operation that works entry by entry, cut to some entries."""
    mask = torch.tensor(fine).reshape(shape)
    return [a.expand(shape)[mask.to(a.device)] if isinstance(a, Tensor) else a for a in arguments]


def _operation(name: str) -> Any:
    _, operation, overload = name.split(".")
    return getattr(getattr(torch.ops.aten, operation), overload)


def _closed(argument: Any) -> Any:
    if not isinstance(argument, Tensor):
        return argument

    def entry(index: tuple[Term, ...]) -> Term:
        cell = argument[tuple(_value(i) for i in index)].item() if index else argument.item()
        return z3.BoolVal(cell) if isinstance(cell, bool) else number(int(cell))

    return Lifted(tuple(argument.shape), str(argument.dtype).removeprefix("torch."), entry)


def _value(term: Term) -> int:
    got = z3.simplify(term)
    return bool(z3.is_true(got)) if z3.is_bool(got) else int(got.as_signed_long())


def _entries(lifted: Lifted, context: Context) -> tuple[tuple[int, ...], list[tuple[int, bool]]]:
    shape = tuple(int(size) for size in lifted.shape)
    found = []
    for index in product(*map(range, shape)):
        context.conditions.clear()
        cell = _value(lifted.at(*map(number, index)))
        found.append((cell, all(z3.is_true(z3.simplify(c)) for _, c in context.conditions)))
    return shape, found


@cache
def _once(name: str) -> Compared:
    return compare(name)


def check_used(graph: Any) -> Outcome:
    """Every rule that a graph uses, compared with torch here and now."""
    names = sorted({str(node.target) for node in graph.graph.nodes if node.op == "call_function"})
    if unknown := [name for name in names if name not in _MAKERS]:
        raise NoRule(f"no test of the rule for {', '.join(unknown)}")
    found = [_once(name) for name in names]
    method = "each rule of the lift against torch on random and edge tensors"
    if bad := [c for c in found if not c.ok]:
        return Outcome("refuted", method, detail="; ".join(f"{c.rule}: {c.fault or 'hardly compared'}" for c in bad))
    count = sum(c.compared for c in found)
    bound = f"{count} entries over {len(found)} rules"
    return Outcome("tested", method, bound, limits={"samples": count, "rules": len(found)})
