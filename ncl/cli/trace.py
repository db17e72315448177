"""`ncl trace`: every state of a run, of the source or of the machine, and where two executors diverge."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from typing import Annotated, Any

import typer

from ncl.cli.output import Depth, Frame, Json, Memory, Registers, Width, emit
from ncl.cli.run import Arguments, Target, parse_arguments, single
from ncl.errors import InputError
from ncl.language.program import Position
from ncl.language.trace import State, TrapReport, first_divergence

BUDGET = 100_000  # ticks; a state repeats the whole memory, so a trace costs far more than a run


def trace(
    target: Target,
    arguments: Arguments = None,
    executor: Annotated[str, typer.Option(help="source, reference, integer or dense.")] = "reference",
    against: Annotated[str, typer.Option(help="Compare with this executor; report the first divergence.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Show at most this many states.")] = 200,
    width: Width = 16,
    registers: Registers = 16,
    memory: Memory = None,
    frame: Frame = 1024,
    depth: Depth = 64,
    budget: Annotated[int, typer.Option(min=0, help="Ticks before the run is trapped.")] = BUDGET,
    as_json: Json = False,
) -> int:
    """Show every state of a run, or where two executors first differ (exit 1). A trap exits with 1 too.

    Example: ncl trace reverse '[1, 2, 3]' --against integer
    """
    from ncl.build import compile

    compiled = compile(single(target), width=width, registers=registers, memory=memory, frame=frame, depth=depth)
    values = parse_arguments(arguments or [])
    if executor == "source":
        if against:
            raise InputError("the source has no machine states to compare", where="--against",
                             remedy="choose reference, integer or dense as --executor")  # fmt: skip
        return _source(compiled, values, limit, budget, as_json)
    divergence = None
    if against:
        pair = (compiled.states(values, executor=e, budget=budget) for e in (executor, against))
        divergence = first_divergence(*pair)
    shown, total, last = _gathered(compiled.states(values, executor=executor, budget=budget), limit)
    trap = _trap(compiled.program, last)
    if as_json:
        states = [_brief(compiled.program, state) for state in shown]
        emit({"program": compiled.program.name, "executor": executor, "states": states, "total": total,
              "trap": trap and trap.to_json(),
              "against": against or None, "divergence": asdict(divergence) if divergence else None})  # fmt: skip
    else:
        for step, state in enumerate(shown):
            row = _brief(compiled.program, state)
            print(f"{step:5}  pc {row['pc']:4}  {row['instruction']:<34} r {row['registers']}")
        _print_end(total, limit, trap)
        if against:
            print(f"first divergence: {divergence}" if divergence else f"{executor} and {against} agree in every state")
    return 1 if divergence or trap else 0


def _gathered(states: Iterator[State], limit: int) -> tuple[list[State], int, State]:
    """The first states, how many there are, and the last one."""
    counted = enumerate(states, 1)
    shown = [state for _, state in islice(counted, limit)]
    rest = deque(counted, maxlen=1)
    total, last = rest[0] if rest else (len(shown), shown[-1])
    return shown, total, last


def _trap(program: Any, last: State) -> TrapReport | None:
    from ncl.language.opcodes import Trap

    if not last.trap:
        return None
    return TrapReport(Trap(last.trap), program.positions[last.pc] if program.positions else None)


def _brief(program: Any, state: State) -> dict[str, Any]:
    from ncl.language.text import instruction_text

    place = program.positions[state.pc] if program.positions else None
    return {
        "pc": state.pc,
        "instruction": instruction_text(program.code[state.pc]),
        **_line(place),
        "registers": list(state.registers),
        "memory": list(state.memory[: max(state.hp, 0)]),
        "ticks": state.ticks,
        "halted": state.halted,
        "trap": state.trap,
    }


def _line(place: Position | None) -> dict[str, Any]:
    """The file only where it is not the program's own."""
    return {"line": place and place.line} | ({"file": place.file} if place and place.file else {})


def _source(compiled: Any, values: Any, limit: int, budget: int, as_json: bool) -> int:
    from ncl.language.interpret.source import trace_source

    states = list(trace_source(compiled.function, values, compiled.program.sizes, budget))
    result = compiled.run([values], executor="source", budget=budget)[0]
    if as_json:
        shown = [{**_line(place), "variables": dict(variables)} for place, variables in states[:limit]]
        emit({"program": compiled.program.name, "executor": "source", "states": shown, "total": len(states),
              "trap": result.trap and result.trap.to_json(), "against": None, "divergence": None})  # fmt: skip
    else:
        for place, variables in states[:limit]:
            print(f"line {place.line:4}{place.of_file}  {dict(variables)}")
        _print_end(len(states), limit, result.trap)
    return 1 if result.trap else 0


def _print_end(total: int, limit: int, trap: TrapReport | None) -> None:
    if total > limit:
        print(f"… {total - limit} more states (--limit)")
    if trap:
        print(trap)
