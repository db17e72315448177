"""What a body may change, and what it may come to call: asked by `expressions` and `paths`."""

from __future__ import annotations

from collections.abc import Iterator

from ncl.language.syntax import (
    Assign,
    Augment,
    Call,
    Element,
    For,
    Function,
    NewArray,
    Receive,
    Statement,
    Variable,
)  # fmt: skip
from ncl.language.walks import all_expressions, calls, everything


def words_in(body: tuple[Statement, ...]) -> set[str]:
    return set(_assigned(body))


def _assigned(body: tuple[Statement, ...]) -> Iterator[str]:
    for statement in everything(body):
        match statement:
            case Assign(targets=targets):
                yield from (t.name for t in targets if isinstance(t, Variable))
            case Augment(target=Variable(name=name)) | For(variable=name):
                yield name


def assigns(body: tuple[Statement, ...], name: str) -> bool:
    return name in words_in(body)


def arrays_in(body: tuple[Statement, ...]) -> tuple[set[str], set[str]]:
    """(arrays whose elements may be stored to, arrays that may be made anew)."""
    stored: set[str] = set()
    remade: set[str] = set()
    for statement in everything(body):
        match statement:
            case Assign(targets=targets):
                stored |= {t.array for t in targets if isinstance(t, Element)}
            case Augment(target=Element(array=name)):
                stored.add(name)
            case NewArray(target=name) | Receive(target=name):
                remade.add(name)
    for node in all_expressions(body):
        if isinstance(node, Call):
            stored |= {a for a in node.arguments if isinstance(a, str)}
    return stored, remade


def writes(function: Function, name: str) -> bool:
    """Whether a call may change the elements of this array parameter."""
    return name in arrays_in(function.body)[0]


def reach(function: Function, program: dict[str, Function]) -> set[str]:
    seen: set[str] = set()
    waiting = [function.name]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += calls(program[name].body)
    return seen
