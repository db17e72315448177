"""`ncl compile`: source to an artefact folder, or a look at what would be compiled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ncl.cli.output import Depth, Frame, Json, Memory, Registers, Width, emit, table, tell_notes


def compile_(
    targets: Annotated[list[str], typer.Argument(help="FILEs, FILE:FUNCs, or names of library programs.")],
    out: Annotated[Path | None, typer.Option(help="Write the artefact folder here.")] = None,
    width: Width = 16,
    registers: Registers = 16,
    memory: Memory = None,
    frame: Frame = 1024,
    depth: Depth = 64,
    as_json: Json = False,
) -> None:
    """Compile programs to machine code.

    Example: ncl compile my_algorithms.py --out build/mine
    """
    from ncl.build import build_library, compile, functions_of

    functions = [function for target in targets for function in functions_of(target)]
    compiled = [
        compile(f, width=width, registers=registers, memory=memory, frame=frame, depth=depth) for f in functions
    ]
    tell_notes(functions, width)
    if out is not None:
        build_library(functions, width=width, registers=registers, memory=memory, frame=frame, depth=depth).save(out)
    rows = [
        {"name": c.program.name, "signature": str(c.program.signature), "instructions": len(c.program.code)}
        for c in compiled
    ]
    if as_json:
        emit({"programs": rows, "width": width, "artefact": str(out) if out else None})
        return
    table(f"compiled at width {width}", ["program", "signature", "instructions"],
          [[str(value) for value in r.values()] for r in rows])  # fmt: skip
    if out:
        print(f"artefact: {out}")
