"""The page about the machine is what the op table gives."""

import re
from pathlib import Path

from ncl.language.opcodes import Opcode, Trap
from ncl.language.ops import ROWS
from ncl.language.reference import page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "machine.md"


def test_the_committed_page_is_the_one_that_the_op_table_gives():
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m ncl.language.reference > docs/machine.md"


def test_every_row_and_every_trap_stands_on_the_page_once_with_its_prose_and_examples():
    text = page()
    assert re.findall(r"^### (\w+)$", text, re.MULTILINE) == [op.mnemonic for op in Opcode]
    assert all(text.count(f"`{trap.label}` |") == 1 for trap in Trap)
    for row in ROWS:
        section = text.split(f"### {row.opcode.mnemonic}\n")[1].split("\n### ")[0].split("\n## ")[0]
        assert row.prose in section and section.count(" at width ") == len(row.examples)
        assert section.count(" is a trap at width ") == sum(result is None for _, _, result in row.examples)
