"""The page about the machine, made from the op table: prose, operands and examples of every row.

`python -m ncl.language.reference > docs/machine.md` writes it; a test holds the page to what this gives.
"""

from __future__ import annotations

from ncl.language.opcodes import Kind, Trap
from ncl.language.ops import GROUPS, Op

_OPENING = """\
# The machine

*Made from the op table by `python -m ncl.language.reference > docs/machine.md`.*

A program runs on a register machine. Its state:

| | |
|---|---|
| pc | the line of the program that comes next |
| registers | R words |
| memory | M ≤ N words, for arrays; what lies below the *heap pointer* hp is taken |
| frame memory | F words, for values that find no register; a *slot* is counted from the frame pointer fp |
| call stack | at most D entries (return line, fp, hp) that no instruction can address |
| ticks | how many have been counted; a budget bounds them |
| halted, trap | a halted machine never changes again; the trap says why it ended early |

N = 2^W is the number of words. A run starts at line 0 with the arguments in registers 0, 1, … in order: a word takes
one, an array two, its base and its length. The arrays lie back to back from memory cell 0, and hp behind them. On
`halt` a word result is in register 0; an array result is in memory, its base in register 0, its length in register 1.

## Calling a function

A program of several functions has the code of each, one behind the other, the first one first. Where that one is called
too, it stands a second time, for there it returns where at the beginning it halts.

* Arguments are handed over in registers 0, 1, … in order, as at the start of the run. So is the result: a word in
  register 0, an array's base and length in registers 0 and 1.
* `call f, K` opens the call. K is the frame size of the caller, the same at all its calls: it uses the slots 0 … K-1,
  so its callee's slot 0 is its own slot K.
* Every register may be changed by the callee. What the caller wants afterwards it keeps in its slots.
* `return` ends the call: with 0 after a word, and the cells that the callee took from the heap are free again; with 1
  after an array, and they stay taken.
* With D calls open the next one traps `stack`. A compiled program's frames fit: D·K + K ≤ F for its largest K.

## Instructions

An instruction is an opcode with up to three operands a, b, c. Unless its row says otherwise, the pc moves to the next
line and everything that is not named stays as it is. A trap halts the machine and changes nothing else.
"""

_OPERANDS = {
    Kind.TARGET: "a register, written", Kind.SOURCE: "a register, read", Kind.WORD: "a word", Kind.LINE: "a line",
    Kind.SLOT: "a frame slot", Kind.SIZE: "a number of frame slots", Kind.TRAP: "a trap number", Kind.FLAG: "0 or 1",
}  # fmt: skip

_TRAPS = {
    Trap.DIVISION: "division or remainder by 0",
    Trap.INDEX: "an index that is not below the length, or an address outside memory",
    Trap.MEMORY: "an array that does not fit in memory",
    Trap.STACK: "a call too many, or a return too many",
    Trap.ASSERT: "an assertion that does not hold",
    Trap.BUDGET: "the ticks are used up",
    Trap.INVALID: "an opcode or a frame slot that does not exist; no compiled program raises it",
}


def page() -> str:
    """The whole page, in Markdown."""
    parts = [_OPENING, _traps()]
    for title, rows in GROUPS.items():
        parts.append(f"## {title}\n")
        parts += map(_row, rows)
    return "\n".join(parts)


def _traps() -> str:
    lines = [f"| {int(trap)} | `{trap.label}` | {_TRAPS[trap]} |" for trap in Trap]
    return "\n".join(["## Traps\n", "| number | trap | |", "|---|---|---|", *lines]) + "\n"


def _row(row: Op) -> str:
    written = " ".join([row.opcode.mnemonic, ", ".join("abc"[: len(row.operands)])]).strip()
    lines = [f"### {row.opcode.mnemonic}\n", f"`{written}` · opcode {int(row.opcode)}\n", f"{row.prose}\n"]
    kinds = [f"{name} is {_OPERANDS[kind]}" for name, kind in zip("abc", row.operands)]
    if kinds:
        lines.append(f"Operands: {'; '.join(kinds)}.\n")
    if row.examples:
        lines.append(f"By hand: {'; '.join(_example(row, *example) for example in row.examples)}.\n")
    return "\n".join(lines)


def _example(row: Op, width: int, words: tuple[int, ...], result: int | None) -> str:
    given = ", ".join(map(str, words))
    return f"{row.opcode.mnemonic} of {given} is {'a trap' if result is None else result} at width {width}"


if __name__ == "__main__":
    print(page(), end="")
