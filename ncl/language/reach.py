"""Which array each function of a program gives back.

A function that gives an array gives either a new one, always, or always the same parameter of its own. So whoever calls
it knows whether the name that receives it stands for a new array or for one that has this name already; anything else
would be an alias. Called by `parse`, when all functions of a program have been read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ncl.language.program import Parameter, Position
from ncl.language.reader import Reader
from ncl.language.syntax import (
    Break,
    Call,
    Continue,
    For,
    Function,
    If,
    NewArray,
    Receive,
    Return,
    Statement,
    While,
)  # fmt: skip
from ncl.language.walks import everything

NEW = ""  # stands for a new array where else the name of a parameter stands
Origins = Mapping[str, frozenset[str]]  # what each function may give back


def results(entry: Function, reader_of: Callable[[Function], Reader]) -> None:
    """Refuse every name that would stand for an array that already has another."""
    given = origins(entry.program)
    for function in entry.program.values():
        for statement in everything(function.body):
            if isinstance(statement, Receive):
                _receive(statement, entry.program[statement.call.function], given, reader_of(function))


def origins(functions: Mapping[str, Function]) -> Origins:
    """For each function that gives an array, the least set that its returns agree with."""
    found: dict[str, frozenset[str]] = {name: frozenset() for name in functions}
    while True:
        after = {name: _returned(function, functions, found) for name, function in functions.items()}
        if after == found:
            return found
        found = after


def _returned(function: Function, functions: Mapping[str, Function], found: Origins) -> frozenset[str]:
    """Of one function, given what is known of the others."""
    walk = _Walk(found, {name: one.signature.parameters for name, one in functions.items()})
    walk.block(function.body, {p.name: frozenset({p.name}) for p in function.signature.parameters if p.sort == "array"})
    return frozenset(walk.returned)


Held = dict[str, frozenset[str]]  # what each name of an array may stand for; None instead: no way leads here


class _Walk:
    """In execution order, with what each name may stand for; conditions count as unknown."""

    def __init__(self, found: Origins, parameters: Mapping[str, tuple[Parameter, ...]]) -> None:
        self.found, self.parameters = found, parameters
        self.returned: set[str] = set()
        self.loops: list[tuple[list[Held], list[Held]]] = []  # of the loops around: where they break and continue

    def block(self, body: tuple[Statement, ...], held: Held | None) -> Held | None:
        for statement in body:
            if held is None:
                return None
            held = self.statement(statement, held)
        return held

    def statement(self, statement: Statement, held: Held) -> Held | None:
        match statement:
            case NewArray(target=target):
                return {**held, target: frozenset({NEW})}
            case Receive(target=target, call=call):
                return {**held, target: self.given(call, held)}
            case If(then=then, otherwise=otherwise):
                return _either(self.block(then, held), self.block(otherwise, held))
            case While() | For():
                return self.loop(statement, held)
            case Break():
                self.loops[-1][0].append(held)
                return None
            case Continue():
                self.loops[-1][1].append(held)
                return None
            case Return(value=value):
                self.returned |= held.get(value, frozenset()) if isinstance(value, str) else frozenset()
                return None
        return held

    def given(self, call: Call, held: Held) -> frozenset[str]:
        passed = dict(zip((p.name for p in self.parameters.get(call.function, ())), call.arguments, strict=False))
        origins = set[str]()
        for origin in self.found.get(call.function, frozenset()):
            argument = passed.get(origin)
            origins |= held.get(argument, frozenset()) if isinstance(argument, str) else {NEW}
        return frozenset(origins)

    def loop(self, statement: While | For, held: Held) -> Held | None:
        """Round after round, until a round adds nothing."""
        head = held
        while True:
            self.loops.append(([], []))
            end = self.block(statement.body, head)
            breaks, continues = self.loops.pop()
            wider = head
            for way in (end, *continues):
                wider = _either(wider, way) or wider
            if wider == head:
                break
            head = wider
        left: Held | None = None if isinstance(statement, While) and statement.endless else head
        for way in breaks:
            left = _either(left, way)
        return left


def _either(one: Held | None, other: Held | None) -> Held | None:
    if one is None or other is None:
        return other if one is None else one
    return {name: one.get(name, frozenset()) | other.get(name, frozenset()) for name in {**one, **other}}


def _receive(statement: Receive, callee: Function, given: Origins, reader: Reader) -> None:
    origin, name, place = given[callee.name], callee.name, statement.call.position
    if len(origin) > 1:
        told = " and ".join(sorted(o or "a new array" for o in origin))
        _refuse(
            reader,
            place,
            name,
            f"{told} are given on different paths",
            f"let {name} give a new array on every path, or the same parameter",
        )
        return
    for parameter, argument in zip(callee.signature.parameters, statement.call.arguments, strict=True):
        if parameter.name in origin and argument != statement.target:
            _refuse(reader, place, name, f"{argument} is given back: another name for it would be an alias",
                    f"write {argument} = {name}(…), or {name}(…) alone")  # fmt: skip


def _refuse(reader: Reader, place: Position, name: str, reason: str, remedy: str) -> None:
    reader.refuse_at(place.line, place.column, len(name), reason, remedy)
