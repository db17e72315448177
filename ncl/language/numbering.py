"""Writes `opcodes.py`, all that a machine may see of the op table: names, numbers, operand kinds, no meaning.

`python -m ncl.language.numbering` writes the file; a test holds it to what this gives. Raises IncompleteOpError for
rows whose numbers or names cannot be.
"""

from __future__ import annotations

import keyword
from pathlib import Path

from ncl.errors import IncompleteOpError
from ncl.language.ops import GROUPS, ROWS, Op

PATH = Path(__file__).with_name("opcodes.py")

_HEAD = '''\
"""Opcode names, numbers and operand kinds. No meaning: this is all that a machine may see of the op table.

An instruction is an opcode and three operands a, b, c (unused ones are 0).

Made from the op table by `python -m ncl.language.numbering`; a row is added there, not here.
"""

from __future__ import annotations

from enum import IntEnum

from ncl.language.operands import Kind as Kind
from ncl.language.operands import Trap as Trap


class Opcode(IntEnum):
    """The ops of the machine, with the numbers that programs hold."""

'''

_MNEMONIC = """
    @property
    def mnemonic(self) -> str:
        \"\"\"The name in assembly text and documents.\"\"\"
        return self.name.lower()

"""


def text() -> str:
    """The whole file. Raises IncompleteOpError when the rows break a rule of the table."""
    if faults := violations():
        raise IncompleteOpError("; ".join(faults), where="ncl/language/ops.py")
    rows = sorted(ROWS, key=lambda row: row.number)
    operands = [f"    {_opcode(row)}: ({_kinds(row)}),\n" for row in rows]
    return "".join(
        [
            _HEAD,
            *(_group(title, group) for title, group in GROUPS.items()),
            _MNEMONIC,
            "\nOPERANDS: dict[Opcode, tuple[Kind, ...]] = {\n",
            *operands,
            "}\n\n# Ops that take words from registers and give a word: what a circuit computes.\n",
            _tuple("WORD_OPS", [_opcode(row) for row in rows if row.word is not None]),
            "BINARY = tuple(op for op in WORD_OPS if len(OPERANDS[op]) == 3)\n",
            "UNARY = tuple(op for op in WORD_OPS if len(OPERANDS[op]) == 2)\n",
            "\n# Those that source texts call by name; the others are operators, or the compiler's own.\n",
            _tuple("CALLED", [f'"{row.name}"' for row in rows if row.python is not None], "tuple[str, ...]"),
            "\n# Control never runs past these to the next line.\n",
            f"TERMINAL = frozenset({{{', '.join(_opcode(row) for row in rows if not row.passes_on)}}})\n",
        ]
    )


def violations() -> list[str]:
    """What is wrong with the rows, a sentence each."""
    found = []
    names = [row.name for row in ROWS]
    numbers = sorted(row.number for row in ROWS)
    if numbers != list(range(len(ROWS))):
        twice = sorted({n for n in numbers if numbers.count(n) > 1})
        said = f"{', '.join(map(str, twice))} stands twice" if twice else f"they are {numbers}"
        found.append(f"numbers must be 0 … {len(ROWS) - 1}, each once: {said}")
    found += [f"{name}: two rows of that name" for name in sorted({n for n in names if names.count(n) > 1})]
    for row in ROWS:
        called = row.python is not None
        if not row.name.isidentifier() or row.name != row.name.lower() or (called and keyword.iskeyword(row.name)):
            found.append(f"{row.name}: a name must be a word in small letters")
        if called and row.word is None:
            found.append(f"{row.name}: only an op on words is a function of source texts")
        if row.word is not None and len(row.operands) not in (2, 3):
            found.append(f"{row.name}: an op on words reads one or two")
    return found


def _opcode(row: Op) -> str:
    return f"Opcode.{row.name.upper()}"


def _kinds(row: Op) -> str:
    kinds = ", ".join(f"Kind.{kind.name}" for kind in row.operands)
    return kinds + "," * (len(row.operands) == 1)


def _group(title: str, rows: tuple[Op, ...]) -> str:
    members = [f"    {row.name.upper()} = {row.number}\n" for row in rows]
    return "".join([f"    # {title.lower()}\n", *members])


def _tuple(name: str, entries: list[str], kind: str = "") -> str:
    said = f"{name}: {kind}" if kind else name
    if not entries:
        return f"{said} = ()\n"
    return "".join([f"{said} = (\n", *(f"    {entry},\n" for entry in entries), ")\n"])


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
