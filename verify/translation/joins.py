"""Points inside expressions, where the ways to the value of an `and`, `or`, chain or conditional expression meet.

A segment runs through whole statements; one with many conditional calls has a path for each choice of their ways. Cut
at the meeting points, it has as many segments as there are conditions. What an expression gave that is evaluated
already is a variable of its own there, `value@2:value0.left`, which only the evaluation of that node sets. Points are
listed from the syntax tree; the witness is asked for rows alone. Called by `validate`.

Statements that do something of their own before they evaluate (loops, stores to elements) have no such points: a
segment could not begin in their middle.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ncl.compiler.witness import FunctionWitness, Row
from ncl.language.syntax import (
    Assert,
    Assign,
    Augment,
    Binary,
    Builtin,
    Call,
    Chain,
    Conditional,
    Element,
    Expression,
    Function,
    If,
    Logical,
    Perform,
    Receive,
    Return,
    Statement,
    Unary,
    Variable,
)  # fmt: skip
from ncl.verify.translation.ends import Spot
from ncl.verify.translation.points import statements


@dataclass(frozen=True)
class Inside:
    """`paths` of expression nodes by their identity; `spots` are the points; `wanted` the terms that rows speak of."""

    paths: dict[int, str]
    spots: frozenset[Spot]
    wanted: frozenset[str] = frozenset()


NOWHERE = Inside({}, frozenset())


def inside(function: Function) -> Inside:
    """Of one function; nowhere when a node stands in two places, which its identity would not tell apart."""
    nodes = [
        (path, node)
        for at, statement in statements(function.body)
        for field, root in _roots(statement)
        for path, node in _nodes(f"{at}:{field}", root)
    ]
    paths = {id(node): path for path, node in nodes}
    if len(paths) != len(nodes):
        return NOWHERE
    return Inside(paths, frozenset(("join", p) for p, n in nodes if isinstance(n, Logical | Chain | Conditional)))


def rows(witness: FunctionWitness, points: Inside) -> tuple[Row, ...]:
    """The rows of these points."""
    return tuple(row for row in witness.rows if (row.kind, row.path) in points.spots)


def terms(points: Inside) -> frozenset[str]:
    """What such rows may speak of besides variables."""
    roots = {path.partition(":")[0] for path in points.paths.values()}
    return frozenset(f"value@{path}" for path in points.paths.values()) | {f"value@{at}:target" for at in roots}


def _roots(statement: Statement) -> Iterator[tuple[str, Expression]]:
    match statement:
        case Assign(values=values):
            yield from ((f"value{n}", value) for n, value in enumerate(values))
        case Augment(target=Variable(), value=value):
            yield "value", value
        case Return(value=value) if not isinstance(value, str):
            yield "value", value
        case If(condition=condition) | Assert(condition=condition):
            yield "condition", condition
        case Receive(call=call) | Perform(call=call):
            yield "call", call


def _nodes(path: str, node: Expression) -> Iterator[tuple[str, Expression]]:
    yield path, node
    for field, part in _fields(node):
        yield from _nodes(f"{path}.{field}", part)


def _fields(node: Expression) -> Iterator[tuple[str, Expression]]:
    match node:
        case Element(index=part):
            yield "index", part
        case Unary(operand=part):
            yield "operand", part
        case Binary(left=left, right=right) | Logical(left=left, right=right):
            yield from (("left", left), ("right", right))
        case Chain(operands=parts):
            yield from ((f"operand{n}", part) for n, part in enumerate(parts))
        case Builtin(arguments=parts) | Call(arguments=parts):
            yield from ((f"argument{n}", part) for n, part in enumerate(parts) if not isinstance(part, str))
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            yield from (("condition", condition), ("then", then), ("otherwise", otherwise))
