"""What is missing of the ops, a sentence each: `python halves.py` prints them and ends with 1 where there are any."""

import sys

from ncl.errors import IncompleteOpError
from ncl.language.halves import missing
from ncl.language.opcodes import WORD_OPS, Opcode
from ncl.language.ops import OPS, ROWS


def faults() -> list[str]:
    found = [f"{row.name}: no opcode (run python -m ncl.language.numbering)"
             for row in ROWS if row.name.upper() not in Opcode.__members__]  # fmt: skip
    found += [missing(op.mnemonic, "row").message for op in Opcode if op not in OPS]
    try:
        from ncl.machine.circuits.integer import CIRCUITS
    except IncompleteOpError as fault:
        return [*found, fault.message]
    found += [missing(op.mnemonic, "circuit").message for op in WORD_OPS if op not in CIRCUITS]
    from ncl.verify.runs.golden import CASES

    return found + [f"{row.name}: no hand-worked examples" for row in ROWS if not row.examples and not (
        row.word is None and row.opcode in CASES)]  # fmt: skip


if __name__ == "__main__":
    print("\n".join(faults()))
    sys.exit(bool(faults()))
