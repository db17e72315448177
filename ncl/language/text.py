"""Assembly text of a program, and back: what `ncl disasm` prints round-trips to the same program.

    .program reverse
    .signature (xs: Array) -> Array
    .sizes width=16 registers=16 memory=4096 frame=1024 depth=64
    .source 3f2a…
       0  constant r2, 0          ; 12:5
       1  jump_zero r2, @9

Registers are r0 …, lines @0 …, everything else a plain number. After `;` stands the source position, with its file
where that is another than the program's own: `; shapes/area.py:7:5`.
"""

from __future__ import annotations

import re

from ncl.errors import FormatError, InputError
from ncl.language.opcodes import OPERANDS, Kind, Opcode
from ncl.language.program import (
    SIZES,
    Instruction,
    Parameter,
    Position,
    Program,
    Signature,
    Sizes,
    digest_of,
    file_of,
    name_of,
)  # fmt: skip

_PREFIX = {Kind.TARGET: "r", Kind.SOURCE: "r", Kind.LINE: "@"}
_BY_NAME = {op.mnemonic: op for op in Opcode}


def disassemble(program: Program) -> str:
    """The assembly text of a program."""
    sizes = program.sizes
    head = [
        f".program {program.name}",
        f".signature {program.signature}",
        f".sizes width={sizes.width} registers={sizes.registers} memory={sizes.memory} "
        f"frame={sizes.frame} depth={sizes.depth}",
        f".source {program.source}".rstrip(),
    ]
    body = []
    for number, instruction in enumerate(program.code):
        line = f"{number:4}  {instruction_text(instruction)}"
        place = program.positions[number] if program.positions else None
        body.append(f"{line:<40}; {_place(place)}" if place else line)
    return "\n".join(head + body) + "\n"


def instruction_text(instruction: Instruction) -> str:
    """One instruction without its line number."""
    opcode = Opcode(instruction.opcode)
    operands = zip(OPERANDS[opcode], instruction.operands, strict=True)
    inner = ", ".join(f"{_PREFIX.get(kind, '')}{value}" for kind, value in operands)
    return f"{opcode.mnemonic} {inner}".rstrip()


def assemble(text: str, where: str = "assembly") -> Program:
    """The program that the text says. Raises FormatError with the line at fault."""
    fields: dict[str, str] = {}
    code: list[Instruction] = []
    positions: list[Position | None] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        try:
            if line.startswith("."):
                _head(line, fields)
            elif line and not line.startswith(";"):
                instruction, position = _instruction(line, len(code))
                code.append(instruction)
                positions.append(position)
        except ValueError as fault:
            raise FormatError(str(fault), where=f"{where}:{number}", remedy="see `ncl disasm --help`") from fault
    try:
        name, signature, sizes = (_field(fields, key) for key in ("program", "signature", "sizes"))
        placed = tuple(positions) if any(positions) else ()
        return Program(
            name_of(name),
            _signature(signature),
            _sizes(sizes),
            tuple(code),
            placed,
            digest_of(fields.get("source", "")),
        )
    except (InputError, ValueError) as fault:
        raise FormatError(f"the heading has {fault}", where=where, remedy="see `ncl disasm --help`") from fault


_HEADING = ("program", "signature", "sizes", "source")


def _head(line: str, fields: dict[str, str]) -> None:
    key, _, rest = line[1:].partition(" ")
    if key not in _HEADING or key in fields:
        raise ValueError(f"the heading has .{key}{' twice' if key in fields else ', which means nothing'}")
    fields[key] = rest.strip()


def _field(fields: dict[str, str], key: str) -> str:
    if key not in fields:
        raise ValueError(f"no .{key}")
    return fields[key]


def _sizes(text: str) -> Sizes:
    given = dict(item.partition("=")[::2] for item in text.split())
    if set(given) != set(SIZES):
        raise ValueError(f".sizes {text!r}, expected each of {', '.join(SIZES)} once")
    return Sizes(**{key: int(value) for key, value in given.items()})


def _instruction(line: str, expected: int) -> tuple[Instruction, Position | None]:
    body, _, comment = line.partition(";")
    match = re.fullmatch(r"(\d+)\s+(\w+)\s*(.*)", body.strip())
    if not match or int(match[1]) != expected or match[2] not in _BY_NAME:
        raise ValueError(f"expected line {expected} with an opcode of the table, got {line!r}")
    opcode = _BY_NAME[match[2]]
    words = [w.strip() for w in match[3].split(",")] if match[3].strip() else []
    kinds = OPERANDS[opcode]
    if len(words) != len(kinds):
        raise ValueError(f"{opcode.mnemonic} takes {len(kinds)} operands, got {len(words)}")
    values = []
    for word, kind in zip(words, kinds, strict=True):
        prefix = _PREFIX.get(kind, "")
        if not re.fullmatch(re.escape(prefix) + r"\d+", word):
            raise ValueError(f"{word!r} is no {kind.value} (write {prefix}0)")
        values.append(int(word[len(prefix) :]))
    return Instruction(opcode, *values), _position(comment)


def _place(place: Position) -> str:
    return f"{place.file}:{place.line}:{place.column}" if place.file else f"{place.line}:{place.column}"


def _position(comment: str) -> Position | None:
    found = re.fullmatch(r"\s*(?:(\S+):)?(\d+):(\d+)\s*", comment)
    return Position(int(found[2]), int(found[3]), file_of(found[1]) if found[1] else "") if found else None


def _signature(text: str) -> Signature:
    match = re.fullmatch(r"\((.*)\) -> (Word|Array)", text)
    if not match:
        raise ValueError(f"signature {text!r}")
    parameters = []
    for part in filter(None, (p.strip() for p in match[1].split(","))):
        name, _, sort = (p.strip() for p in part.partition(":"))
        if sort not in ("Word", "Array"):
            raise ValueError(f"parameter {part!r}")
        parameters.append(Parameter(name_of(name), "word" if sort == "Word" else "array"))
    return Signature(tuple(parameters), "word" if match[2] == "Word" else "array")
