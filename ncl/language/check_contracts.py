"""Names and sorts in contracts: what must hold of their trees before anything evaluates or proves them.

An invariant may name what is surely assigned wherever its loop's head is reached, `requires` of parameters, and
`ensures` of parameters and the result. Called by `typecheck`, which knows what is assigned where.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from ncl.language.contracts import ArrayName, Clause, FunctionContract, LoopContract, Measure, Name, Quantified
from ncl.language.program import Position
from ncl.language.reader import Reader

Known = Callable[[str, Position], None]  # reports a name that is not surely assigned


def check_function(
    contract: FunctionContract, parameters: frozenset[str], variables: frozenset[str], reader: Reader
) -> None:
    """`variables` are all that the function assigns, parameters included."""
    measures = (contract.decreases,) if contract.decreases else ()
    for clause in (*contract.requires, *contract.ensures, *measures):
        for name, place, time in names(clause):
            if time == "result":
                if "result" in variables:
                    _refuse(reader, place, name, "result is a variable here, and what is returned in `ensures`",
                            "give the variable another name")  # fmt: skip
            elif name not in parameters and name not in reader.lost:
                known = "a contract of a function knows its parameters"
                reason = f"{known} and the result" if clause in contract.ensures else f"{known} only"
                _refuse(reader, place, name, reason, "name other variables in an invariant")


def check_loop(contract: LoopContract, known: Known) -> None:
    """Ask `known` of every variable that the contract of a loop names as it is at the head."""
    measures = (contract.decreases,) if contract.decreases else ()
    for clause in (*contract.invariants, *measures):
        for name, place, time in names(clause):
            if time == "now":
                known(name, place)


def names(clause: Clause | Measure) -> Iterator[tuple[str, Position, str]]:
    """(name, place, time) of every variable and array that is named; bound variables are left out."""
    yield from _names(clause, frozenset())


def _names(node: Any, bound: frozenset[str]) -> Iterator[tuple[str, Position, str]]:
    match node:
        case Name(name=name, time=time, position=place):
            if name not in bound:
                yield name, place, time
        case ArrayName(name=name, time=time, position=place):
            yield name, place, time
        case Quantified(variable=variable):
            yield from _names((node.start, node.stop), bound)
            yield from _names((node.condition, node.body), bound | {variable})
        case tuple():
            for part in node:
                yield from _names(part, bound)
        case _ if is_dataclass(node) and not isinstance(node, Position):
            for field in fields(node):
                yield from _names(getattr(node, field.name), bound)


def _refuse(reader: Reader, place: Position, name: str, reason: str, remedy: str) -> None:
    reader.refuse_at(place.line, place.column, len(name), reason, remedy)
