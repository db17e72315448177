"""Sorts, definite assignment and returns: what a tree must obey before anything compiles or runs it.

Every name is a word or an array in the whole function, every variable is assigned on each path before it is read, and
every path returns the sort of the signature. Conditions count as unknown: nothing is inferred from their values, but
that a loop whose condition is written as a number other than 0 ends by `break` alone.
Called by `parse` with the reader that collects violations; `check_width` by whoever knows the width.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ncl.errors import LanguageError, Violation
from ncl.language.check_contracts import check_function, check_loop
from ncl.language.program import Position
from ncl.language.reader import Reader
from ncl.language.remedies import near
from ncl.language.syntax import (
    Assert,
    Assign,
    Augment,
    Break,
    Call,
    Continue,
    Element,
    Expression,
    For,
    Function,
    If,
    Length,
    NewArray,
    Number,
    Perform,
    Receive,
    Return,
    Statement,
    Variable,
    While,
)  # fmt: skip
from ncl.language.walks import all_expressions, everything, inner

Assigned = frozenset[str] | None  # None: no way leads here


def typecheck(function: Function, reader: Reader) -> None:
    """Report every violation of the function to the reader."""
    words = {p.name for p in function.signature.parameters if p.sort == "word"} | set(_words(function.body))
    for name in sorted((words & function.arrays) - reader.lost):
        place = _first_use(function, name)
        _refuse(reader, place, name, f"{name} is used as a word and as an array", "give one of them another name")
    checker = _Checker(reader, function)
    start = frozenset(p.name for p in function.signature.parameters)
    check_function(function.contract, start, frozenset(checker.locals), reader)
    if checker.block(function.body, start) is not None and not reader.lost_return:
        place = function.position
        reader.refuse_at(place.line, 1, len(reader.line(place.line)), "a path ends without return", "return a value")


def check_width(program: Function, width: int) -> None:
    """Raise LanguageError for every literal, of any function of the program, that is no word of this width."""
    found = []
    for function, number in ((f, n) for f in program.program.values() for n in _numbers(f.body)):
        if number.value >> width:
            place, text = number.position, function.line(number.position.line)
            reason = f"{_shown(number.value)} is no word of width {width}: the largest is {(1 << width) - 1}"
            written = re.match(r"[~\s]*\w+", text[place.column - 1 :])
            found.append(Violation(function.file, place.line, place.column, written.end() if written else 1, text,
                                   reason, "compile at a larger width"))  # fmt: skip
    if found:
        raise LanguageError(
            tuple(dict.fromkeys(sorted(found, key=lambda v: (v.file != program.file, v.file, v.line, v.column))))
        )


def _shown(value: int) -> str:
    # Python refuses to write thousands of digits, and nobody would read them.
    return str(value) if value.bit_length() <= 128 else f"this number of {value.bit_length()} bits"


def _refuse(reader: Reader, place: Position, name: str, reason: str, remedy: str) -> None:
    reader.refuse_at(place.line, place.column, len(name), reason, remedy)


class _Checker:
    """Walks in execution order with the set of variables that are surely assigned."""

    def __init__(self, reader: Reader, function: Function) -> None:
        self.reader = reader
        self.arrays = function.arrays
        self.result = function.signature.result
        self.locals = set(_words(function.body)) | {p.name for p in function.signature.parameters} | self.arrays
        self.breaks: list[Assigned] = []

    def block(self, body: tuple[Statement, ...], now: Assigned) -> Assigned:
        behind: Assigned = None  # what stands behind an endless loop is read as if it ended
        for statement in body:
            before = behind if now is None else now
            if before is None:
                _refuse(
                    self.reader, statement.position, " ", "this is never reached", "delete it, or what leaves before it"
                )
                return None
            now = self.statement(statement, before)
            behind = before if isinstance(statement, While) and statement.endless else None
        return now

    def statement(self, statement: Statement, now: frozenset[str]) -> Assigned:
        match statement:
            case Assign(targets=targets, values=values):
                for value in values:
                    self.read(value, now)
                for target in targets:
                    now = self.write(target, now)
                return now
            case Augment(target=target, value=value):
                self.read(target, now)
                self.read(value, now)
                return now
            case NewArray(target=name, fill=fill, count=count):
                self.read(fill, now)
                self.read(count, now)
                return now | {name}
            case Receive(target=name, call=call):
                self.read(call, now)
                return now | {name}
            case Perform(call=call):
                self.read(call, now)
                return now
            case If(condition=condition, then=then, otherwise=otherwise):
                self.read(condition, now)
                return _meet(self.block(then, now), self.block(otherwise, now))
            case While(condition=condition, body=body, contract=contract):
                check_loop(contract, lambda name, place: self.known(name, place, now))
                self.read(condition, now)
                return self.loop(body, now, None if statement.endless else now)
            case For():
                return self.count(statement, now)
            case Break():
                self.breaks[-1] = _meet(self.breaks[-1], now)
                return None
            case Continue():
                return None
            case Assert(condition=condition):
                self.read(condition, now)
                return now
            case Return():
                self.returned(statement, now)
                return None

    def loop(self, body: tuple[Statement, ...], inside: frozenset[str], after: Assigned) -> Assigned:
        """What is assigned after a loop: what was before it, and what every way out of it has."""
        self.breaks.append(after)
        self.block(body, inside)
        return self.breaks.pop()

    def count(self, statement: For, now: frozenset[str]) -> Assigned:
        for bound in (statement.start, statement.stop, statement.step):
            if bound is not None:
                self.read(bound, now)
        inside = now | {statement.variable}
        check_loop(statement.contract, lambda name, place: self.known(name, place, inside))
        return self.loop(statement.body, inside, now)

    def returned(self, statement: Return, now: frozenset[str]) -> None:
        value = statement.value
        if isinstance(value, str):
            if self.result != "array":
                _refuse(self.reader, statement.position, "return", f"{value} is an array, the result is a Word",
                        "return a word, or annotate -> Array")  # fmt: skip
            self.known(value, statement.position, now)
            return
        lost = self.reader.lost_return or (isinstance(value, Variable) and value.name in self.reader.lost)
        if self.result == "array" and not lost:
            _refuse(self.reader, statement.position, "return", "this returns a word, the result is an Array",
                    "return the name of an array, or annotate -> Word")  # fmt: skip
        self.read(value, now)

    def write(self, target: Variable | Element, now: frozenset[str]) -> frozenset[str]:
        if isinstance(target, Element):
            self.read(target, now)
            return now
        return now | {target.name}

    def read(self, value: Expression, now: frozenset[str]) -> None:
        match value:
            case Variable(name=name, position=place):
                if name in self.arrays:
                    _refuse(self.reader, place, name, f"{name} is an array, a word is needed here",
                            f"take an element {name}[i] or its length len({name})")  # fmt: skip
                else:
                    self.known(name, place, now)
            case Length(array=name, position=place):
                self.array(name, place, now, f"len({name})")
            case Element(array=name, index=index, position=place):
                self.array(name, place, now)
                self.read(index, now)
            case Call():
                self.call(value, now)
            case _:
                for part in inner(value):
                    self.read(part, now)

    def call(self, node: Call, now: frozenset[str]) -> None:
        if node.function in self.locals:
            _refuse(self.reader, node.position, node.function, f"{node.function} is a variable here, no function",
                    "choose another name for the variable")  # fmt: skip
        for argument in node.arguments:
            if isinstance(argument, str):
                self.array(argument, node.position, now, node.function)
            else:
                self.read(argument, now)

    def array(self, name: str, place: Position, now: frozenset[str], written: str = "") -> None:
        written = written or name
        if name in self.locals and name not in self.arrays and name not in self.reader.lost:
            _refuse(self.reader, place, written, f"{name} is a word, an array is needed here", "annotate it as Array")
        elif name in self.reader.constants:
            _refuse(self.reader, place, written, f"{name} is no array, it is a module constant", "use a local array")
        else:
            self.known(name, place, now, written)

    def known(self, name: str, place: Position, now: frozenset[str], written: str = "") -> None:
        if name in now or name in self.reader.lost:
            return
        if name in self.locals:
            reason, remedy = f"{name} may not have been assigned here", "assign it on every path"
        elif name in self.reader.absent:
            reason, remedy = self.reader.absent[name]
        elif name in self.reader.bound:
            reason = f"{name} is no constant: it must be bound once in the file, to a number"
            remedy = "write NAME = 5 or NAME = ~0 at the top level, or pass it as a parameter"
        else:
            other = near(name, {*self.locals, *self.reader.constants})
            reason = f"{name} is not known here"
            remedy = f"write {other}, if that is meant" if other else "assign it first, or pass it as a parameter"
        _refuse(self.reader, place, written or name, reason, remedy)


def _meet(left: Assigned, right: Assigned) -> Assigned:
    if left is None or right is None:
        return left if right is None else right
    return left & right


# --- walks -----------------------------------------------------------------------------------------------------------


def _words(body: tuple[Statement, ...]) -> Iterator[str]:
    """Names that are assigned as words."""
    for statement in everything(body):
        match statement:
            case Assign(targets=targets):
                yield from (t.name for t in targets if isinstance(t, Variable))
            case Augment(target=Variable(name=name)) | For(variable=name):
                yield name


def _numbers(body: tuple[Statement, ...]) -> Iterator[Number]:
    for statement in everything(body):
        if isinstance(statement, For) and statement.falling is not None:
            yield Number(statement.falling, False, statement.position)
    yield from (node for node in all_expressions(body) if isinstance(node, Number))


def _first_use(function: Function, name: str) -> Position:
    for statement in everything(function.body):
        match statement:
            case Assign(targets=targets):
                for target in targets:
                    if isinstance(target, Variable) and target.name == name:
                        return target.position
            case Augment(target=Variable(name=found)) | For(variable=found) if found == name:
                return statement.position
    return function.position
