"""`ncl trace`: every state of a run, of the source or of the machine, and where two executors part."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from ncl.cli.output import Json, Memory, Registers, Width, emit
from ncl.cli.run import Arguments, Budget, Target, parse_arguments, single
from ncl.language.trace import DEFAULT_BUDGET, State, first_divergence


def trace(
    target: Target,
    arguments: Arguments = None,
    executor: Annotated[str, typer.Option(help="source, reference, integer or dense.")] = "reference",
    against: Annotated[str, typer.Option(help="Compare with this executor; report the first divergence.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Print at most this many states.")] = 200,
    width: Width = 16,
    registers: Registers = 16,
    memory: Memory = None,
    budget: Budget = DEFAULT_BUDGET,
    as_json: Json = False,
) -> int:
    """Show every state of a run, or where two executors first differ (exit 1).

    Example: ncl trace reverse '[1, 2, 3]' --against integer
    """
    from ncl.build import compile

    compiled = compile(single(target), width=width, registers=registers, memory=memory)
    values = parse_arguments(arguments or [])
    if executor == "source":
        return _source(compiled, values, limit, budget, as_json)
    states = list(compiled.trace(values, executor=executor, budget=budget))
    parted = None
    if against:
        parted = first_divergence(states, list(compiled.trace(values, executor=against, budget=budget)))
    shown = [_brief(compiled.program, state) for state in islice(states, limit)]
    if as_json:
        emit(
            {
                "program": compiled.program.name,
                "executor": executor,
                "states": shown,
                "total": len(states),
                "divergence": str(parted) if parted else None,
            }
        )
    else:
        for step, state in enumerate(shown):
            print(f"{step:5}  pc {state['pc']:4}  {state['instruction']:<34} r {state['registers']}")
        if len(states) > limit:
            print(f"… {len(states) - limit} more states (--limit)")
        if against:
            print(f"first divergence: {parted}" if parted else f"{executor} and {against} agree in every state")
    return 1 if parted else 0


def _brief(program, state: State) -> dict[str, object]:  # type: ignore[no-untyped-def]
    from ncl.language.opcodes import Opcode

    instruction = program.code[state.pc]
    text = f"{Opcode(instruction.opcode).mnemonic} {', '.join(map(str, instruction.operands))}"
    place = program.positions[state.pc] if program.positions else None
    return {
        "pc": state.pc,
        "instruction": text,
        "line": place.line if place else None,
        "registers": list(state.registers),
        "memory": list(state.memory[: max(state.hp, 0)]),
        "ticks": state.ticks,
        "halted": state.halted,
        "trap": state.trap,
    }


def _source(compiled, values, limit: int, budget: int, as_json: bool) -> int:  # type: ignore[no-untyped-def]
    from ncl.language.interpret.source import trace_source

    states = trace_source(compiled.function, values, compiled.program.sizes, budget)
    shown = [{"line": place.line, "variables": dict(variables)} for place, variables in islice(states, limit)]
    if as_json:
        emit({"program": compiled.program.name, "executor": "source", "states": shown})
    else:
        for state in shown:
            print(f"line {state['line']:4}  {state['variables']}")
    return 0
