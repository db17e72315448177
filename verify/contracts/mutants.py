"""Wrong implementations of a program: its body with one thing changed, for the question whether its contract sees that.

Only the body changes; invariants and measures go, since they belong to the right one. Called by `check`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

from ncl.language.contracts import NO_LOOP_CONTRACT, LoopContract
from ncl.language.program import Position
from ncl.language.syntax import (
    Assign,
    Augment,
    Binary,
    Element,
    Expression,
    For,
    Function,
    If,
    Length,
    Logical,
    NewArray,
    Number,
    Return,
    Statement,
    Unary,
    While,
)  # fmt: skip

_OTHER = {
    "+": "-", "-": "+", "*": "+", "//": "%", "%": "//", "&": "|", "|": "&", "^": "|", "<<": ">>", ">>": "<<",
    "==": "!=", "!=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">",
}  # fmt: skip


def mutants(function: Function) -> Iterator[tuple[str, Function]]:
    """(what was changed, the wrong function), the changes inside the body first, then wrong results."""
    plain = without_contracts(function.body)
    for told, body in _changed(plain):
        yield told, replace(function, body=body)
    for told, body in _wrong_results(plain):
        yield told, replace(function, body=body)


def without_contracts(node: Any) -> Any:
    if isinstance(node, tuple):
        return tuple(map(without_contracts, node))
    if isinstance(node, LoopContract):
        return NO_LOOP_CONTRACT
    if is_dataclass(node) and not isinstance(node, type | Position):
        return replace(node, **{f.name: without_contracts(getattr(node, f.name)) for f in fields(node)})
    return node


def _changed(node: Any) -> Iterator[tuple[str, Any]]:
    """Every variant of a tree in which one node is another."""
    if isinstance(node, tuple):
        for place, part in enumerate(node):
            for told, other in _changed(part):
                yield told, (*node[:place], other, *node[place + 1 :])
            if isinstance(part, Assign | Augment) and len(node) > 1:
                yield f"{part.position.row} left out", (*node[:place], *node[place + 1 :])
        return
    if not is_dataclass(node) or isinstance(node, Position | LoopContract):
        return
    yield from _others(node)
    kept = ("condition",) if isinstance(node, While) and node.endless else ()  # a loop that ended would return nothing
    for field in (field for field in fields(node) if field.name not in kept):
        for told, other in _changed(getattr(node, field.name)):
            yield told, replace(node, **{field.name: other})  # type: ignore[type-var]


def _others(node: Any) -> Iterator[tuple[str, Any]]:
    match node:
        case Number(value=value, position=place, inverted=False):
            yield f"{place.row}: {value + 1} in place of {value}", replace(node, value=value + 1)
            if value:
                yield f"{place.row}: {value - 1} in place of {value}", replace(node, value=value - 1)
        case Binary(operator=operator, position=place) | Augment(operator=operator, position=place):
            other = _OTHER[operator]
            yield f"{place.row}: {other} in place of {operator}", replace(node, operator=other)
        case Logical(operator=operator, position=place):
            other = "or" if operator == "and" else "and"
            yield f"{place.row}: {other} in place of {operator}", replace(node, operator=other)
        case If(condition=condition, position=place):
            yield f"{place.row}: the condition turned round", replace(node, condition=Unary("not", condition, place))
        case Assign(targets=targets, position=place) if len(targets) == 2:
            yield f"{place.row}: targets swapped", replace(node, targets=(targets[1], targets[0]))


def _wrong_results(body: tuple[Statement, ...]) -> Iterator[tuple[str, Any]]:
    """Every return gives something else."""
    changes: list[tuple[str, Any]] = [
        ("one more", lambda r: _word(r, lambda v, p: Binary("+", v, _number(1, p), p))),
        ("zero", lambda r: _word(r, lambda v, p: _number(0, p))),
        ("one", lambda r: _word(r, lambda v, p: _number(1, p))),
        ("inverted", lambda r: _word(r, lambda v, p: Unary("~", v, p))),
        ("doubled and one", lambda r: _word(r, lambda v, p: Binary("+", Binary("+", v, v, p), _number(1, p), p))),
        ("first changed", lambda r: _array(r, lambda n, p: _raised(n, _number(0, p), p))),
        ("last changed", lambda r: _array(r, lambda n, p: _raised(n, Binary("-", Length(n, p), _number(1, p), p), p))),
        ("empty", lambda r: _array(r, lambda n, p: _new(n, _number(0, p), p))),
        ("zeros", lambda r: _array(r, lambda n, p: _new(n, Length(n, p), p))),
        ("longer", lambda r: _array(r, lambda n, p: _new(n, Binary("+", Length(n, p), _number(1, p), p), p))),
    ]
    for told, change in changes:
        other = _returning(body, change)
        if other != body:
            yield f"result: {told}", other


def _number(value: int, place: Position) -> Number:
    return Number(value, False, place)


def _word(statement: Return, change: Any) -> tuple[Statement, ...]:
    if isinstance(statement.value, str):
        return (statement,)
    return (replace(statement, value=change(statement.value, statement.position)),)


def _array(statement: Return, change: Any) -> tuple[Statement, ...]:
    if not isinstance(statement.value, str):
        return (statement,)
    return (change(statement.value, statement.position), statement)


def _raised(name: str, index: Expression, place: Position) -> Statement:
    return Augment(Element(name, index, place), "+", Number(1, False, place), place)


def _new(name: str, count: Expression, place: Position) -> Statement:
    return NewArray(name, Number(0, False, place), count, place)


def _returning(body: tuple[Statement, ...], change: Any) -> tuple[Statement, ...]:
    done: list[Statement] = []
    for statement in body:
        if isinstance(statement, Return):
            done += change(statement)
        elif isinstance(statement, If):
            done.append(replace(statement, then=_returning(statement.then, change),
                                otherwise=_returning(statement.otherwise, change)))  # fmt: skip
        elif isinstance(statement, While | For):
            done.append(replace(statement, body=_returning(statement.body, change)))
        else:
            done.append(statement)
    return tuple(done)
