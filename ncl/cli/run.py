"""`ncl run`: one program, one set of arguments, any executor."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from ncl.cli.output import Depth, Frame, Json, Memory, Registers, Width, emit, tell, tell_notes
from ncl.errors import InputError
from ncl.language.program import Value
from ncl.language.trace import DEFAULT_BUDGET

DISPLAYED = 60  # signs of a wrong argument that a message repeats
HOW = "write a word as 5, an array as '[3, 1, 2]'"

Target = Annotated[str, typer.Argument(help="FILE:FUNC, or the name of a library program.")]
Arguments = Annotated[list[str] | None, typer.Argument(help="JSON values in order: 5 or '[3, 1, 2]'.")]
Budget = Annotated[int, typer.Option(min=0, help="Ticks (loop heads and calls) before the run is trapped.")]


def run(
    target: Target,
    arguments: Arguments = None,
    executor: Annotated[str, typer.Option(help="source, reference, integer, step, dense or pathwise.")] = "integer",
    width: Width = 16,
    registers: Registers = 16,
    memory: Memory = None,
    frame: Frame = 1024,
    depth: Depth = 64,
    budget: Budget = DEFAULT_BUDGET,
    check: Annotated[
        bool, typer.Option("--check", help="Run the source, check its contracts, and compare with plain Python.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Run a program on arguments. A trap, or with --check a broken contract, is reported and exits with 1.

    With --check the first operation that wraps is reported on stderr; where none does, plain Python must agree.

    Example: ncl run insertion_sort '[3, 1, 2]' --json
    """
    from ncl.build import compile

    compiled = compile(single(target), width=width, registers=registers, memory=memory, frame=frame, depth=depth)
    given = parse_arguments(arguments or [])
    tell_notes([compiled.function], width)
    if check:
        return _checked(compiled, given, budget, as_json)
    result = compiled.run([given], executor=executor, budget=budget)[0]
    if as_json:
        emit(
            {
                "program": compiled.program.name,
                "executor": executor,
                "width": width,
                "result": result.result,
                "ticks": result.ticks,
                "steps": result.steps,
                "trap": result.trap.to_json() if result.trap else None,
            }
        )
    elif result.trap:
        print(f"{result.trap} after {result.ticks} ticks")
    else:
        print(json.dumps(result.result))
    return 1 if result.trap else 0


def _checked(compiled: Any, given: list[Value], budget: int, as_json: bool) -> int:
    """Run the source with its contracts, and beside plain Python.

    Exits with 1 when a contract is broken, the run traps, or Python gives something else though nothing wraps.
    """
    from ncl.language.interpret.plain import compared
    from ncl.language.interpret.source import run_checked

    result, breach = run_checked(compiled.function, given, compiled.program.sizes, budget)
    trap = result.trap if result else None
    beside = compared(compiled.function, given, compiled.program.sizes, budget)
    wrap = beside.source.wrap
    if as_json:
        emit(
            {
                "program": compiled.program.name,
                "executor": "source",
                "width": compiled.program.sizes.width,
                "result": result and result.result,
                "ticks": result and result.ticks,
                "steps": None,
                "trap": trap.to_json() if trap else None,
                "breach": breach.to_json() if breach else None,
                "wrap": wrap.to_json() if wrap else None,
                "python": beside.kind,
            }
        )
    elif breach:
        print(f"contract broken: {breach}")
    elif result and trap:
        print(f"{trap} after {result.ticks} ticks")
    elif result:
        print(json.dumps(result.result))
    if wrap and not as_json:
        file = compiled.function.home(wrap.position).file
        tell(f"first wrap: {file}:{wrap.position.line}:{wrap.position.column}: {wrap.operation} is {wrap.comparison}")
    if beside.kind == "differ":
        tell(f"plain Python differs: {beside.difference}")
    return 1 if breach or trap or beside.kind == "differ" else 0


def single(target: str):  # type: ignore[no-untyped-def]  # language.syntax.Function, imported late
    """The one function that a target names."""
    from ncl.build import functions_of

    functions = functions_of(target)
    if len(functions) != 1:
        names = ", ".join(f.name for f in functions)
        raise InputError(f"it holds {len(functions)} programs: {names}", where=target, remedy="name one: FILE:FUNC")
    return functions[0]


def parse_arguments(texts: list[str]) -> list[Value]:
    """Each text is a JSON number or a list of numbers. Raises InputError; the program checks their range."""
    values: list[Value] = []
    for number, text in enumerate(texts, 1):
        shown = text if len(text) <= DISPLAYED else f"{text[:DISPLAYED]}…"
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as fault:
            raise InputError(f"argument {number} is no JSON value: {shown}", remedy=HOW) from fault
        words = value if isinstance(value, list) else [value]
        if any(isinstance(w, bool) or not isinstance(w, int) for w in words):
            raise InputError(f"argument {number} is {shown}, expected a number or a list of numbers", remedy=HOW)
        values.append(value)
    return values
