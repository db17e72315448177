"""Walks over the typed tree: what stands in what. For questions about a whole body and not about its meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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
    For,
    Function,
    If,
    Logical,
    NewArray,
    Perform,
    Receive,
    Return,
    Statement,
    Unary,
    While,
)  # fmt: skip


def inner(node: Expression) -> tuple[Expression, ...]:
    """The expressions directly inside one, in the order of their evaluation."""
    match node:
        case Element(index=part) | Unary(operand=part):
            return (part,)
        case Binary(left=left, right=right) | Logical(left=left, right=right):
            return (left, right)
        case Chain(operands=parts) | Builtin(arguments=parts):
            return parts
        case Conditional(condition=condition, then=then, otherwise=otherwise):
            return (condition, then, otherwise)
        case Call(arguments=arguments):
            return tuple(a for a in arguments if not isinstance(a, str))
    return ()


def everything(body: tuple[Statement, ...]) -> Iterator[Statement]:
    """All statements, those inside others too."""
    for statement in body:
        yield statement
        match statement:
            case If(then=then, otherwise=otherwise):
                yield from everything(then)
                yield from everything(otherwise)
            case While(body=inside) | For(body=inside):
                yield from everything(inside)


def expressions(statement: Statement) -> Iterator[Expression]:
    """The outermost expressions of one statement, without those of the statements in it."""
    match statement:
        case Assign(targets=targets, values=values):
            yield from (*values, *targets)
        case Augment(target=target, value=value):
            yield from (target, value)
        case NewArray(fill=fill, count=count):
            yield from (fill, count)
        case Receive(call=call) | Perform(call=call):
            yield call
        case If(condition=condition) | While(condition=condition) | Assert(condition=condition):
            yield condition
        case For(start=start, stop=stop, step=step):
            yield from (bound for bound in (start, stop, step) if bound is not None)
        case Return(value=value) if not isinstance(value, str):
            yield value


def all_expressions(body: tuple[Statement, ...]) -> Iterator[Expression]:
    """Every expression at any depth of every statement."""
    waiting = [e for statement in everything(body) for e in expressions(statement)]
    while waiting:
        node = waiting.pop(0)
        yield node
        waiting += inner(node)


def calls(body: tuple[Statement, ...]) -> frozenset[str]:
    """The names of the functions that are called."""
    return frozenset(node.function for node in all_expressions(body) if isinstance(node, Call))


def circle(name: str, program: Mapping[str, Function]) -> frozenset[str]:
    """The functions that a call of one may come to and that may call it again, itself among them where it recurs."""
    below = {one: calls(function.body) for one, function in program.items()}

    def reached(first: str) -> set[str]:
        seen: set[str] = set()
        waiting = list(below[first])
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen.add(one)
                waiting += below.get(one, ())
        return seen

    return frozenset(one for one in reached(name) if one in below and name in reached(one))
