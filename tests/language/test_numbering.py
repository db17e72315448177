"""The opcodes are what the op table says, and every op has both its halves."""

import importlib.util
from pathlib import Path

from ncl.language import numbering
from ncl.language.opcodes import OPERANDS, TERMINAL, WORD_OPS, Opcode
from ncl.language.ops import OPS, ROWS

HALVES = Path(__file__).parents[1] / "additions" / "halves.py"


def test_the_committed_opcodes_are_those_that_the_table_gives():
    assert numbering.PATH.read_text(encoding="utf-8") == numbering.text(), "run: python -m ncl.language.numbering"


def test_every_op_has_its_row_its_circuit_and_its_examples():
    found = importlib.util.spec_from_file_location("halves", HALVES)
    halves = importlib.util.module_from_spec(found)
    found.loader.exec_module(halves)
    assert halves.faults() == []


def test_numbers_and_operands_are_those_of_the_rows():
    assert all(OPS[row.opcode] is row and Opcode[row.name.upper()] is row.opcode for row in ROWS)
    assert {row.opcode: row.operands for row in ROWS} == OPERANDS
    assert [op for op in sorted(Opcode) if OPS[op].word is not None] == list(WORD_OPS)
    assert {Opcode.HALT, Opcode.TRAP, Opcode.JUMP, Opcode.RETURN} == TERMINAL
