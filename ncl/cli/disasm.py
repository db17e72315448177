"""`ncl disasm`: machine code as assembly text, which reads back to the same program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ncl.cli.output import Depth, Frame, Json, Memory, Registers, Width, emit, read_json, write_atomically
from ncl.cli.run import single
from ncl.language.text import assemble, disassemble


def disasm(
    target: Annotated[str, typer.Argument(help="FILE:FUNC, a library program, a program .json, or assembly .ncla.")],
    out: Annotated[Path | None, typer.Option(help="Write the assembly text here instead of printing it.")] = None,
    width: Width = 16,
    registers: Registers = 16,
    memory: Memory = None,
    frame: Frame = 1024,
    depth: Depth = 64,
    as_json: Json = False,
) -> None:
    """Print machine code as assembly text; the text reads back to the same program.

    Example: ncl disasm reverse
    """
    from ncl.build import compile
    from ncl.language.program import Program
    from ncl.language.wellformed import check

    path = Path(target)
    if path.suffix == ".json":
        program = check(Program.from_json(read_json(path), where=target))
    elif path.suffix == ".ncla":
        program = check(assemble(read_text(path), where=target))
    else:
        program = compile(
            single(target), width=width, registers=registers, memory=memory, frame=frame, depth=depth
        ).program
    text = disassemble(program)
    if assemble(text) != program:
        raise AssertionError("assembly text does not round-trip")
    if out is not None:
        write_atomically(out, text)
    if as_json:
        emit({"program": program.to_json(), "text": text})
    elif out is None:
        print(text, end="")


def read_text(path: Path) -> str:
    from ncl.errors import FormatError, NotFoundError

    try:
        return path.read_text(encoding="utf-8")
    except OSError as fault:
        raise NotFoundError(f"cannot read: {fault.strerror}", where=str(path)) from fault
    except UnicodeDecodeError as fault:
        raise FormatError(f"not UTF-8 text: {fault.reason}", where=str(path)) from fault
