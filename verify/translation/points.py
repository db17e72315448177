"""The source as a graph of places, with the points at which the validator may cut it.

Points are listed here from the syntax tree, never from the compiler: `("loop", path)` is the head of a `while`, a `for`
or a `[c] * n`, and every cycle of control passes one; `("join", path)` is the place behind any statement. Paths are
spelled as in a witness: `2.body.0.then.1`. Called by `validate` and `source`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from ncl.compiler.witness import FunctionWitness, Row
from ncl.language.syntax import (
    Assign,
    Augment,
    Break,
    Continue,
    For,
    Function,
    If,
    NewArray,
    Number,
    Statement,
    Variable,
    While,
)  # fmt: skip
from ncl.verify.translation.ends import Spot


@dataclass(eq=False)
class Place:
    """A place in the source. `then` is where control goes on, `otherwise` where it goes when a condition is 0.

    begin   a statement is about to run; of an If `then` and `otherwise` are its arms, of a loop `then` is its head
    head    of a loop; `then` is its body
    behind  a statement has run
    end     of the function's body, which no path reaches
    """

    kind: Literal["begin", "head", "behind", "end"]
    path: str
    statement: Statement | None
    then: Place | None = None
    otherwise: Place | None = None

    @property
    def spot(self) -> Spot | None:
        return {"head": ("loop", self.path), "behind": ("join", self.path)}.get(self.kind)


@dataclass(frozen=True)
class Flow:
    """Where a function begins, and every place of it that can be a point."""

    entry: Place
    spots: dict[Spot, Place]
    begins: dict[str, Place]  # by the path of the statement


@dataclass(frozen=True)
class _Loop:
    head: Place
    behind: Place


@dataclass
class _Builder:
    spots: dict[Spot, Place] = field(default_factory=dict)
    begins: dict[str, Place] = field(default_factory=dict)

    def body(self, statements: tuple[Statement, ...], path: str, then: Place, loop: _Loop | None) -> Place:
        """The place where a block begins, when control goes on at `then` behind it."""
        for number in reversed(range(len(statements))):
            then = self.statement(statements[number], f"{path}{number}", then, loop)
        return then

    def statement(self, statement: Statement, path: str, then: Place, loop: _Loop | None) -> Place:
        behind = self.place("behind", path, statement, then)
        begin = self.begins[path] = Place("begin", path, statement, behind)
        match statement:
            case If(then=yes, otherwise=no):
                begin.then = self.body(yes, f"{path}.then.", behind, loop)
                begin.otherwise = self.body(no, f"{path}.else.", behind, loop)
            case While(body=body) | For(body=body):
                begin.then = head = self.place("head", path, statement, None, behind)
                head.then = self.body(body, f"{path}.body.", head, _Loop(head, behind))
            case NewArray():
                begin.then = head = self.place("head", path, statement, None, behind)
                head.then = head
            case Break() if loop:
                begin.then = loop.behind
            case Continue() if loop:
                begin.then = loop.head
        return begin

    def place(
        self,
        kind: Literal["head", "behind"],
        path: str,
        statement: Statement,
        then: Place | None,
        otherwise: Place | None = None,
    ) -> Place:
        place = Place(kind, path, statement, then, otherwise)
        assert place.spot is not None
        self.spots[place.spot] = place
        return place


def flow(function: Function) -> Flow:
    builder = _Builder()
    entry = builder.body(function.body, "", Place("end", "", None), None)
    return Flow(entry, builder.spots, builder.begins)


def read(witness: FunctionWitness) -> tuple[Row, ...]:
    """The rows of points between statements; those inside of expressions are for `joins`."""
    return tuple(row for row in witness.rows if row.kind != "call" and ":" not in row.path)


# --- terms -----------------------------------------------------------------------------------------------------------


def statements(body: tuple[Statement, ...], path: str = "") -> Iterator[tuple[str, Statement]]:
    """Every statement with its path."""
    for number, statement in enumerate(body):
        here = f"{path}{number}"
        yield here, statement
        match statement:
            case If(then=yes, otherwise=no):
                yield from statements(yes, f"{here}.then.")
                yield from statements(no, f"{here}.else.")
            case While(body=inner) | For(body=inner):
                yield from statements(inner, f"{here}.body.")


def hidden(path: str, statement: Statement) -> tuple[str, ...]:
    """The hidden variables of a statement: of a `for` and of the filling of a new array."""
    match statement:
        case For():
            return tuple(f"{name}@{path}" for name in ("next", "left", "step"))
        case NewArray():
            return tuple(f"{name}@{path}" for name in ("fill", "count", "base", "index"))
    return ()


def literals(function: Function) -> dict[str, Number | int]:
    """Hidden variables that are one number in every run: a literal step, a literal fill."""
    found: dict[str, Number | int] = {}
    for path, statement in statements(function.body):
        match statement:
            case For(falling=int(falling)):
                found[f"step@{path}"] = falling
            case For(step=Number() as step):
                found[f"step@{path}"] = step
            case NewArray(fill=Number() as fill):
                found[f"fill@{path}"] = fill
    return found


def terms(function: Function) -> frozenset[str]:
    """Every term that a row may speak of."""
    found = {p.name for p in function.signature.parameters if p.sort == "word"}
    for path, statement in statements(function.body):
        found |= set(hidden(path, statement))
        match statement:
            case Assign(targets=targets):
                found |= {target.name for target in targets if isinstance(target, Variable)}
            case Augment(target=Variable(name=name)) | For(variable=name):
                found.add(name)
    return frozenset(found | {f"{part}({name})" for name in function.arrays for part in ("base", "len")})
