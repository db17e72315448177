"""Which array each function of a program gives back.

A function that gives an array gives either a new one, always, or always the same parameter of its own. So whoever calls
it knows whether the name that receives it stands for a new array or for one that has this name already; anything else
would be an alias. Called by `parse`, when all functions of a program have been read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ncl.language.program import Position
from ncl.language.reader import Reader
from ncl.language.syntax import Function, NewArray, Receive, Return
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
        after = {name: _returned(function, found) for name, function in functions.items()}
        if after == found:
            return found
        found = after


def _returned(function: Function, found: Origins) -> frozenset[str]:
    """Of one function, given what is known of the others. A parameter that gets a new array may be either."""
    held = {p.name: {p.name} for p in function.signature.parameters if p.sort == "array"}
    held |= {name: set() for name in function.arrays if name not in held}
    for statement in everything(function.body):
        match statement:
            case NewArray(target=target):
                held[target].add(NEW)
            case Receive(target=target, call=call) if NEW in found.get(call.function, ()):
                held[target].add(NEW)
    returns = (s.value for s in everything(function.body) if isinstance(s, Return) and isinstance(s.value, str))
    return frozenset(origin for name in returns for origin in held.get(name, ()))


def _receive(statement: Receive, callee: Function, given: Origins, reader: Reader) -> None:
    origin, name, place = given[callee.name], callee.name, statement.call.position
    if len(origin) > 1:
        told = " and ".join(sorted(o or "a new array" for o in origin))
        _refuse(reader, place, name, f"{told} are given on different paths", f"let {name} always give the same")
        return
    for parameter, argument in zip(callee.signature.parameters, statement.call.arguments, strict=True):
        if parameter.name in origin and argument != statement.target:
            _refuse(reader, place, name, f"{argument} is given back: another name for it would be an alias",
                    f"write {argument} = {name}(…), or {name}(…) alone")  # fmt: skip


def _refuse(reader: Reader, place: Position, name: str, reason: str, remedy: str) -> None:
    reader.refuse_at(place.line, place.column, len(name), reason, remedy)
