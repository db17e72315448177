"""The rules of the lift: one row per torch operation, what it computes and what it may assume.

Each is tested against torch on random and edge tensors (tests/verify/smt/test_lift_rules.py). They are trusted, and
few. int64 is read as a 64-bit vector, signed where torch is; every rule that could leave its range files a side
condition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import z3

from ncl.verify.smt.lifted import Context, Lifted, NoRule, Size, Term, number

Rule = Callable[[Context, list[Any], dict[str, Any]], Any]
_SPLITS = (1, 2, 8, 16, 17, 24, 31, 32, 33, 40, 47, 48, 56, 62)


def _plain(name: str, keywords: dict[str, Any]) -> None:
    if keywords:
        raise NoRule(f"{name} with {', '.join(keywords)}")


def _tensor(context: Context, value: Any) -> Lifted:
    """A tensor argument; Python ints and sizes become tensors without dimensions."""
    if isinstance(value, Lifted):
        return value
    if isinstance(value, bool) or not (isinstance(value, int) or z3.is_bv(value)):
        raise NoRule(f"constant {value!r}")
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        raise NoRule(f"constant {value} is no int64")
    term = number(value) if isinstance(value, int) else value
    return Lifted((), "int64", lambda index: term)


def _together(*tensors: Lifted) -> tuple[Size, ...]:
    """The shape that they broadcast to."""
    rank = max(len(t.shape) for t in tensors)
    shape: list[Size] = []
    for place in range(rank):
        sizes = {t.shape[place - rank + len(t.shape)] for t in tensors if place - rank + len(t.shape) >= 0} - {1}
        if len(sizes) > 1:
            raise NoRule(f"sizes {sizes} in one dimension")
        shape.append(sizes.pop() if sizes else 1)
    return tuple(shape)


def _part(tensor: Lifted, index: tuple[Term, ...]) -> Term:
    """The entry that broadcasting puts at an index."""
    own = index[len(index) - len(tensor.shape) :]
    return tensor.at(*(number(0) if size == 1 else i for i, size in zip(own, tensor.shape, strict=True)))


def _pointwise(
    name: str, dtypes: tuple[str, ...], result: str, combine: Callable[..., Term], files: bool = False
) -> Rule:
    """Entry by entry. With `files`, `combine` takes the context first and files side conditions."""

    def rule(context: Context, arguments: list[Any], keywords: dict[str, Any]) -> Lifted:
        _plain(name, keywords)
        tensors = [_tensor(context, argument) for argument in arguments]
        if tuple(t.dtype for t in tensors) != dtypes:
            raise NoRule(f"{name} of {', '.join(t.dtype for t in tensors)}")
        shape = _together(*tensors)

        def entry(index: tuple[Term, ...]) -> Term:
            parts = [_part(t, index) for t in tensors]
            return combine(context, *parts) if files else combine(*parts)

        return Lifted(shape, result, entry)

    return rule


def _either(*rules: Rule) -> Rule:
    """The first rule whose dtypes fit."""

    def rule(context: Context, arguments: list[Any], keywords: dict[str, Any]) -> Any:
        faults = []
        for option in rules:
            try:
                return option(context, arguments, keywords)
            except NoRule as fault:
                faults.append(str(fault))
        raise NoRule(faults[-1])

    return rule


# --- arithmetic, with side conditions --------------------------------------------------------------------------------


def _add(context: Context, x: Term, y: Term) -> Term:
    context.require("add stays in int64", z3.And(z3.BVAddNoOverflow(x, y, True), z3.BVAddNoUnderflow(x, y)))
    return x + y


def _subtract(context: Context, x: Term, y: Term) -> Term:
    context.require("sub stays in int64", z3.And(z3.BVSubNoOverflow(x, y), z3.BVSubNoUnderflow(x, y, True)))
    return x - y


def _flag(term: Term) -> Term | None:
    """c when the term is If(c, 1, 0)."""
    if z3.is_app_of(term, z3.Z3_OP_ITE):
        condition, yes, no = term.children()
        if z3.is_bv_value(yes) and z3.is_bv_value(no) and (yes.as_long(), no.as_long()) == (1, 0):
            return condition
    return None


def _multiply(context: Context, x: Term, y: Term) -> Term:
    for factor, other in ((x, y), (y, x)):
        if (condition := _flag(factor)) is not None:
            return z3.If(condition, other, number(0))
    # Non-negative and short enough together: then the product is below 2^63.
    fits = [z3.And(z3.ULT(x, number(1 << p)), z3.ULT(y, number(1 << (63 - p)))) for p in _SPLITS]
    context.require("mul stays in int64", z3.Or(fits))
    return x * y if z3.is_bv_value(x) or z3.is_bv_value(y) else context.multiply(x, y)


def _floor_divide(context: Context, x: Term, y: Term) -> Term:
    context.require("floor_divide of x ≥ 0 by y > 0", z3.And(x >= 0, y > 0))
    return context.divide(x, y)


def _remainder(context: Context, x: Term, y: Term) -> Term:
    context.require("remainder of x ≥ 0 by y > 0", z3.And(x >= 0, y > 0))
    return context.remain(x, y)


def _left(context: Context, x: Term, y: Term) -> Term:
    context.require(
        "left shift by 0 … 63 that loses nothing",
        z3.And(z3.ULT(y, number(64)), x >= 0, (x << y) >= 0, z3.LShR(x << y, y) == x),
    )
    return x << y


def _right(context: Context, x: Term, y: Term) -> Term:
    context.require("right shift by 0 … 63", z3.ULT(y, number(64)))
    return x >> y  # arithmetic, as torch's


# --- shapes ----------------------------------------------------------------------------------------------------------


def _axis(dim: Any, rank: int) -> int:
    if isinstance(dim, bool) or not isinstance(dim, int) or not -rank <= dim < rank:
        raise NoRule(f"dimension {dim!r} of {rank}")
    return dim % rank


def _unsqueeze(context: Context, arguments: list[Any], keywords: dict[str, Any]) -> Lifted:
    _plain("unsqueeze", keywords)
    tensor, dim = arguments
    place = _axis(dim, len(tensor.shape) + 1)
    shape = (*tensor.shape[:place], 1, *tensor.shape[place:])
    return Lifted(shape, tensor.dtype, lambda index: tensor.at(*index[:place], *index[place + 1 :]))


def _squeeze(context: Context, arguments: list[Any], keywords: dict[str, Any]) -> Lifted:
    _plain("squeeze", keywords)
    tensor, dim = arguments
    place = _axis(dim, len(tensor.shape))
    if tensor.shape[place] != 1:
        raise NoRule(f"squeeze of size {tensor.shape[place]}")
    shape = (*tensor.shape[:place], *tensor.shape[place + 1 :])
    return Lifted(shape, tensor.dtype, lambda index: tensor.at(*index[:place], number(0), *index[place:]))


def _inside(context: Context, what: str, index: Term, size: Size) -> None:
    context.require(f"{what} index in range", z3.And(index >= 0, index < context.size(size)))


def _gather(context: Context, arguments: list[Any], keywords: dict[str, Any]) -> Lifted:
    _plain("gather", keywords)
    tensor, dim, places = arguments
    axis = _axis(dim, len(tensor.shape))
    others = [(s, p) for n, (s, p) in enumerate(zip(tensor.shape, places.shape)) if n != axis]
    if places.dtype != "int64" or len(tensor.shape) != len(places.shape) or any(s != p for s, p in others):
        raise NoRule(f"gather of {tensor.shape} at {places.dtype}{places.shape}")

    def entry(index: tuple[Term, ...]) -> Term:
        at = places.at(*index)
        _inside(context, "gather", at, tensor.shape[axis])
        return tensor.at(*index[:axis], at, *index[axis + 1 :])

    return Lifted(places.shape, tensor.dtype, entry)


def _scatter(context: Context, arguments: list[Any], keywords: dict[str, Any]) -> Lifted:
    _plain("scatter", keywords)
    tensor, dim, places, source = arguments
    axis = _axis(dim, len(tensor.shape))
    expected = tuple(1 if n == axis else size for n, size in enumerate(tensor.shape))
    # More than one index a row could name a cell twice, and torch does not say which one then wins.
    if places.dtype != "int64" or places.shape != expected or source.shape != expected or source.dtype != tensor.dtype:
        raise NoRule(f"scatter into {tensor.shape} of {source.dtype}{source.shape} at {places.dtype}{places.shape}")

    def entry(index: tuple[Term, ...]) -> Term:
        row = (*index[:axis], number(0), *index[axis + 1 :])
        at = places.at(*row)
        _inside(context, "scatter", at, tensor.shape[axis])
        return z3.If(index[axis] == at, source.at(*row), tensor.at(*index))

    return Lifted(tensor.shape, tensor.dtype, entry)


def _scalar_tensor(context: Context, arguments: list[Any], keywords: dict[str, Any]) -> Lifted:
    allowed = {"dtype": "torch.int64", "layout": "torch.strided", "device": "cpu"}
    for name, value in keywords.items():
        if str(value) != allowed.get(name):
            raise NoRule(f"scalar_tensor with {name} = {value}")
    if "dtype" not in keywords:
        raise NoRule("scalar_tensor without a dtype makes floats")
    (value,) = arguments
    return _tensor(context, value)


def _sym_size(context: Context, arguments: list[Any], keywords: dict[str, Any]) -> Term:
    _plain("sym_size", keywords)
    tensor, dim = arguments
    return context.size(tensor.shape[_axis(dim, len(tensor.shape))])


_II, _BB, _I, _B = ("int64", "int64"), ("bool", "bool"), ("int64",), ("bool",)


def _where() -> Rule:
    def choose(p: Term, x: Term, y: Term) -> Term:
        return z3.If(p, x, y)

    return _either(
        _pointwise("where", ("bool", "int64", "int64"), "int64", choose),
        _pointwise("where", ("bool", "bool", "bool"), "bool", choose),
    )


def _logic(name: str, words: Callable[..., Term], truths: Callable[..., Term]) -> Rule:
    return _either(_pointwise(name, _II, "int64", words), _pointwise(name, _BB, "bool", truths))


def _compare(name: str, holds: Callable[[Term, Term], Term]) -> dict[str, Rule]:
    # On 64-bit vectors z3py's comparisons are signed, as int64 is.
    rule = _pointwise(name, _II, "bool", holds)
    return {f"aten.{name}.Tensor": rule, f"aten.{name}.Scalar": rule}


def _truth_times(context: Context, p: Term, factor: Term) -> Term:
    return z3.If(p, factor, number(0))


RULES: dict[str, Rule] = {
    **_compare("eq", lambda x, y: x == y),
    **_compare("ne", lambda x, y: x != y),
    **_compare("lt", lambda x, y: x < y),
    **_compare("le", lambda x, y: x <= y),
    **_compare("gt", lambda x, y: x > y),
    **_compare("ge", lambda x, y: x >= y),
    "aten.add.Tensor": _pointwise("add", _II, "int64", _add, files=True),
    "aten.sub.Tensor": _pointwise("sub", _II, "int64", _subtract, files=True),
    "aten.mul.Tensor": _either(
        _pointwise("mul", ("bool", "int64"), "int64", _truth_times, files=True),
        _pointwise("mul", _II, "int64", _multiply, files=True),
    ),
    "aten.floor_divide.default": _pointwise("floor_divide", _II, "int64", _floor_divide, files=True),
    "aten.remainder.Tensor": _pointwise("remainder", _II, "int64", _remainder, files=True),
    "aten.__lshift__.Tensor": _pointwise("lshift", _II, "int64", _left, files=True),
    "aten.__lshift__.Scalar": _pointwise("lshift", _II, "int64", _left, files=True),
    "aten.__rshift__.Tensor": _pointwise("rshift", _II, "int64", _right, files=True),
    "aten.__rshift__.Scalar": _pointwise("rshift", _II, "int64", _right, files=True),
    "aten.bitwise_and.Tensor": _logic("bitwise_and", lambda x, y: x & y, z3.And),
    "aten.bitwise_and.Scalar": _pointwise("bitwise_and", _II, "int64", lambda x, y: x & y),
    "aten.bitwise_or.Tensor": _logic("bitwise_or", lambda x, y: x | y, z3.Or),
    "aten.bitwise_xor.Tensor": _logic("bitwise_xor", lambda x, y: x ^ y, z3.Xor),
    "aten.bitwise_xor.Scalar": _pointwise("bitwise_xor", _II, "int64", lambda x, y: x ^ y),
    "aten.bitwise_not.default": _either(
        _pointwise("bitwise_not", _B, "bool", z3.Not), _pointwise("bitwise_not", _I, "int64", lambda x: ~x)
    ),
    "aten.where.self": _where(),
    "aten.gather.default": _gather,
    "aten.scatter.src": _scatter,
    "aten.unsqueeze.default": _unsqueeze,
    "aten.squeeze.dim": _squeeze,
    "aten.scalar_tensor.default": _scalar_tensor,
    "aten.sym_size.int": _sym_size,
}
