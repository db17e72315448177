"""Programs of the machine: signature, instructions, and the sizes of the machine that they were compiled for.

The integer program is canonical: what a certificate digests, what every executor runs. JSON in, JSON out.
"""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ncl.errors import FormatError, InputError
from ncl.language.opcodes import OPERANDS, Opcode
from ncl.language.word import DEFAULT_WIDTH, MAX_WIDTH

Sort = Literal["word", "array"]
Value = int | list[int]
SCHEMA = 1
SIZES = ("width", "registers", "memory", "frame", "depth")
MOST = 1 << 16  # registers, frame cells and calls: no state of absurd size from a file or a slip


@dataclass(frozen=True)
class Parameter:
    """A parameter: its name, and whether it is a word or an array."""

    name: str
    sort: Sort


@dataclass(frozen=True)
class Signature:
    """What a program takes and gives."""

    parameters: tuple[Parameter, ...]
    result: Sort

    @property
    def argument_registers(self) -> int:
        """A word takes one register, an array two: its base and its length."""
        return sum(1 if p.sort == "word" else 2 for p in self.parameters)

    def __str__(self) -> str:
        inner = ", ".join(f"{p.name}: {p.sort.capitalize()}" for p in self.parameters)
        return f"({inner}) -> {self.result.capitalize()}"


@dataclass(frozen=True)
class Sizes:
    """Of the machine: W bits a word, R registers, M memory cells, F frame cells, D calls deep."""

    width: int = DEFAULT_WIDTH
    registers: int = 16
    memory: int = 4096
    frame: int = 1024
    depth: int = 64

    def __post_init__(self) -> None:
        faults = [
            f"{name} is {value!r}, which is no whole number"
            for name, value in vars(self).items()
            if isinstance(value, bool) or not isinstance(value, int)
        ]
        if faults:
            raise InputError("; ".join(faults), where="machine sizes")
        if not 1 <= self.width <= MAX_WIDTH:
            faults.append(f"width {self.width} is not in 1 … {MAX_WIDTH}")
        elif not 0 <= self.memory <= 1 << self.width:
            faults.append(f"memory {self.memory} is not in 0 … N = {1 << self.width}: an address is a word")
        if not 2 <= self.registers <= MOST:
            faults.append(f"{self.registers} registers: a result needs two, and there are at most {MOST}")
        if not (0 <= self.frame <= MOST and 0 <= self.depth <= MOST):
            faults.append(f"frame {self.frame} and depth {self.depth} are not both in 0 … {MOST}")
        if faults:
            raise InputError("; ".join(faults), where="machine sizes")


@dataclass(frozen=True)
class Position:
    """A place in source text; line and column from 1. `file` is "" for the file of the program itself, else the way
    there from that file's folder: `shapes/area.py`.
    """

    line: int
    column: int
    file: str = ""

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}{self.of_file}"

    @property
    def row(self) -> str:
        """The line without its column, with the file where it is another."""
        return f"line {self.line}{self.of_file}"

    @property
    def of_file(self) -> str:
        """Empty, or " of FILE" where the place is in another file than the program's own."""
        return f" of {self.file}" if self.file else ""

    def to_json(self) -> list[int | str]:
        """The file only where it is another: so nothing changes for programs of one file."""
        return [self.line, self.column, self.file] if self.file else [self.line, self.column]

    def named(self) -> dict[str, int | str]:
        """The same for documents that name each part."""
        return {"line": self.line, "column": self.column} | ({"file": self.file} if self.file else {})


@dataclass(frozen=True)
class Instruction:
    """An opcode with three operands; those that the opcode does not have are 0."""

    opcode: int  # an Opcode for every well-formed program
    a: int = 0
    b: int = 0
    c: int = 0

    @property
    def operands(self) -> tuple[int, ...]:
        """The operands that the opcode has."""
        return (self.a, self.b, self.c)[: len(OPERANDS[Opcode(self.opcode)])]


@dataclass(frozen=True)
class Program:
    """Machine code with what is needed to run it and to report places in its source.

    Arguments stand in registers 0, 1, … in order (an array as base, length), arrays back to back from memory cell 0,
    and the heap pointer behind them. On HALT a word result is in register 0, an array's base and length in 0 and 1.
    """

    name: str
    signature: Signature
    sizes: Sizes
    code: tuple[Instruction, ...]
    positions: tuple[Position | None, ...] = field(default=())
    source: str = ""  # digest of the source text of the function, "" when written as assembly

    def to_json(self) -> dict[str, Any]:
        """The document of the program, as an artefact holds it."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "parameters": [[p.name, p.sort] for p in self.signature.parameters],
            "result": self.signature.result,
            "sizes": {
                "width": self.sizes.width,
                "registers": self.sizes.registers,
                "memory": self.sizes.memory,
                "frame": self.sizes.frame,
                "depth": self.sizes.depth,
            },
            "source": self.source,
            "code": [[i.opcode, i.a, i.b, i.c] for i in self.code],
            "positions": [p.to_json() if p else None for p in self.positions],
        }

    def canonical(self) -> bytes:
        """The bytes that a digest covers: RFC 8785, which for names and whole numbers is this."""
        return json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @staticmethod
    def from_json(data: Mapping[str, Any], where: str = "program") -> Program:
        """The program of a document. Raises FormatError (of a ValueError that says what is wrong)."""
        try:
            if natural(data["schema"]) != SCHEMA:
                raise ValueError(f"schema {data['schema']!r}, expected {SCHEMA}")
            only(data, ("schema", "name", "parameters", "result", "sizes", "source", "code", "positions"))
            only(data["sizes"], SIZES)
            return Program(
                name=name_of(data["name"]),
                signature=Signature(
                    tuple(Parameter(name_of(n), _sort(s)) for n, s in data["parameters"]), _sort(data["result"])
                ),
                sizes=Sizes(*(natural(data["sizes"][name]) for name in SIZES)),
                code=tuple(_instruction(row) for row in data["code"]),
                positions=_positions(data["positions"]),
                source=digest_of(data["source"]),
            )
        except (InputError, KeyError, TypeError, ValueError, AttributeError) as fault:
            raise FormatError(
                f"not a program: {type(fault).__name__}: {fault}",
                where=where,
                remedy="compile it again with `ncl compile`",
            ) from fault

    def check_arguments(self, arguments: list[Value]) -> None:
        """Raise InputError unless the arguments have the signature's shape and fit width and memory."""
        parameters = self.signature.parameters
        if len(arguments) != len(parameters):
            raise self._refused(f"expected {len(parameters)} arguments, got {len(arguments)}")
        top = (1 << self.sizes.width) - 1
        cells = 0
        for parameter, value in zip(parameters, arguments, strict=True):
            is_array = isinstance(value, list)
            if is_array != (parameter.sort == "array"):
                wanted = "an array" if parameter.sort == "array" else "a word"
                raise self._refused(f"argument {parameter.name} must be {wanted}, got {_told(value)}")
            words = value if isinstance(value, list) else [value]
            cells += len(words) if is_array else 0
            for word in words:
                if type(word) is not int or not 0 <= word <= top:  # a bool is no word
                    raise self._refused(
                        f"argument {parameter.name} holds {_told(word)}, which is no word in 0 … {top}",
                        "choose a larger --width" if isinstance(word, int) and word > top else "",
                    )
            # A length is a word too, and only a memory of all N cells could break that.
            if is_array and len(words) > top:
                raise self._refused(f"argument {parameter.name} has {len(words)} elements, more than {top}")
        if cells > self.sizes.memory:
            raise self._refused(
                f"the arrays take {cells} cells, the memory has {self.sizes.memory}",
                "compile with a larger memory (--memory) or width",
            )

    def _refused(self, message: str, remedy: str = "") -> InputError:
        return InputError(message, where=f"{self.name}{self.signature}", remedy=remedy)


def _told(value: object) -> str:
    try:
        return reprlib.repr(value)
    except ValueError:  # Python refuses to write numbers of thousands of digits
        return "a number of thousands of digits"


def natural(value: object) -> int:
    """The number itself; raises ValueError for anything else that a document may hold in its place."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{value!r} is not a natural number")
    return value


def only(data: Mapping[str, Any], names: Iterable[str]) -> None:
    """Raises ValueError for a key that is none of these: what nobody reads would be covered by no digest."""
    if unknown := set(data) - set(names):
        raise ValueError(f"unknown keys {sorted(unknown)}")


def name_of(value: object) -> str:
    """The name itself; raises ValueError when it is none. Names become file names and assembly text."""
    if not isinstance(value, str) or not value.isidentifier():
        raise ValueError(f"{value!r} is not a name")
    return value


def digest_of(value: object) -> str:
    """The digest itself, "" for none; raises ValueError for anything else."""
    if not isinstance(value, str) or (not value.isalnum() and value):
        raise ValueError(f"{value!r} is not a digest")
    return value


def file_of(value: object) -> str:
    """The name itself; raises ValueError when no import leads there. It stands in assembly text."""
    if not isinstance(value, str) or not re.fullmatch(r"(\.\./)*(\w+/)*\w+\.py", value):
        raise ValueError(f"{value!r} is not the name of an imported file")
    return value


def _instruction(row: Sequence[object]) -> Instruction:
    opcode, a, b, c = row
    return Instruction(natural(opcode), natural(a), natural(b), natural(c))


def _positions(rows: Sequence[Sequence[object] | None]) -> tuple[Position | None, ...]:
    """Of a program without any, none at all: so assembly text can tell the two apart from nothing."""
    found = tuple(_position(*row) if row is not None else None for row in rows)
    return found if any(found) else ()


def _position(line: object, column: object, *file: object) -> Position:
    (named,) = map(file_of, file) if file else ("",)
    return Position(natural(line), natural(column), named)


def _sort(value: object) -> Sort:
    if value == "word":
        return "word"
    if value == "array":
        return "array"
    raise ValueError(f"{value!r} is neither 'word' nor 'array'")
