"""What a program states about itself: the examples in its docstring, and its asserts.

Asserts before every other statement are the program's precondition: inputs on which one fails are not its business. All
others are claims, and an input on which one fails refutes the program. Other traps are defined behaviour.
"""

from __future__ import annotations

from ncl.errors import LanguageError
from ncl.language.examples import Example, examples
from ncl.language.interpret.source import run_source
from ncl.language.opcodes import Trap
from ncl.language.program import Position, Program, Sizes, Value
from ncl.language.syntax import Assert, For, Function, If, Statement, While
from ncl.language.trace import Result
from ncl.language.typecheck import check_width
from ncl.language.word import DEFAULT_WIDTH, MAX_WIDTH
from ncl.properties.failure import Failed, call

MEMORY = 4096


def example_sizes(function: Function) -> Sizes:
    """The machine that examples are for: width 16, or the narrowest above that takes the literals."""
    for width in range(DEFAULT_WIDTH, MAX_WIDTH):
        try:
            check_width(function, width)
            return Sizes(width, memory=MEMORY)
        except LanguageError:
            continue
    return Sizes(MAX_WIDTH, memory=MEMORY)


def check_example(function: Function, example: Example) -> None:
    """The source gives what the docstring says."""
    sizes = example_sizes(function)
    result = run_source(function, [_copy(value) for value in example.arguments], sizes)
    got = result.trap.kind if result.trap else None
    if (result.result, got) != (example.expected, example.trap):
        expected = str(example.expected) if example.trap is None else f"trap {example.trap.label}"
        raise Failed(_called(function, sizes, example.arguments), f"{expected}, as the docstring says", _told(result))


def check_examples(function: Function) -> None:
    for example in examples(function):
        check_example(function, example)


def check_asserts(function: Function, sizes: Sizes, arguments: list[Value], budget: int) -> None:
    """No assert fails on this input, unless the precondition does."""
    result = run_source(function, [_copy(value) for value in arguments], sizes, budget)
    if result.trap is None or result.trap.kind != Trap.ASSERT or result.trap.position is None:
        return
    place = result.trap.position
    if place not in precondition(function):
        expected = f"{place.row} to hold: {function.home(place).line(place.line).strip()}"
        raise Failed(_called(function, sizes, arguments), expected, str(result.trap))


def precondition(function: Function) -> frozenset[Position]:
    """The places of the asserts that stand before every other statement."""
    found = set()
    for statement in function.body:
        if not isinstance(statement, Assert):
            break
        found.add(statement.position)
    return frozenset(found)


def claims(function: Function) -> frozenset[Position]:
    """The places of all other asserts."""
    return frozenset(_asserts(function.body)) - precondition(function)


def _asserts(body: tuple[Statement, ...]) -> list[Position]:
    found = []
    for statement in body:
        match statement:
            case Assert(position=place):
                found.append(place)
            case If(then=then, otherwise=otherwise):
                found += _asserts(then) + _asserts(otherwise)
            case While(body=inner) | For(body=inner):
                found += _asserts(inner)
    return found


def _told(result: Result) -> str:
    return str(result.trap) if result.trap else str(result.result)


def _called(function: Function, sizes: Sizes, arguments: list[Value]) -> str:
    return call(Program(function.name, function.signature, sizes, ()), arguments)


def _copy(value: Value) -> Value:
    return list(value) if isinstance(value, list) else value
