"""Programs for the tests of translation validation, and a generator of long ones."""

import random
from dataclasses import replace

from ncl import library
from ncl.build import Compiled, sizes_for
from ncl.language.opcodes import Opcode
from ncl.language.parse import parse_text
from verify.planted_checks import TEXTS


def function(text, name="f"):
    return parse_text(text, f"{name}.py", name)[0]


def named(name):
    return library.get(name) if name in library.names() else function(TEXTS[name], name)


def made(subject, width=8, registers=16, **sizes):
    """A compiled program of the library, of the planted texts, or of a text with a function f."""
    known = subject if not isinstance(subject, str) else function(subject) if "\n" in subject else named(subject)
    return Compiled.of(known, sizes_for(width, registers, **{"memory": 32, "frame": 64, "depth": 4} | sizes))


def changed(program, line, **fields):
    """With one instruction changed."""
    return replace(
        program, code=(*program.code[:line], replace(program.code[line], **fields), *program.code[line + 1 :])
    )


def line_of(program, opcode, number=0):
    return [n for n, row in enumerate(program.code) if row.opcode == Opcode(opcode)][number]


def long_text(lines, seed=0):
    """A function f of about so many lines that uses most of the language."""
    chance = random.Random(seed)
    text, loops = ["def f(xs: Array, a: Word, b: Word) -> Word:", "    c = 0", "    d = 1"], 0

    def any_of():
        return chance.choice("abcd")

    while len(text) < lines:
        v = any_of()
        match chance.randrange(6):
            case 0:
                text += [f"    if {v} < xs[{any_of()}]:", f"        {v} += xs[{v}]", "    else:", f"        {v} -= 5"]
            case 1:
                text += [f"    for i{loops} in range({v}):", f"        d += i{loops} * {v}", "        if d > c:",
                         f"            xs[{v}] = d"]  # fmt: skip
                loops += 1
            case 2:
                text += [f"    while {v} > 3 and c != d:", f"        {v} -= 1", f"        c ^= {v}"]
            case 3:
                text += [f"    {v} = a > 2 and b or not {any_of()}"]
            case 4:
                text += [f"    xs[{v}], {v} = {v} // (c | 1), xs[{any_of()}] % 5"]
            case _:
                text += [f"    {v} = ({any_of()} + {any_of()}) * {v}"]
    return "\n".join([*text, "    return a + b + c + d", ""])


def with_rows(witness, rows):
    """With the rows of its first function replaced by what `rows` makes of them."""
    first = witness.functions[0]
    return replace(witness, functions=(replace(first, rows=tuple(rows(first.rows))), *witness.functions[1:]))
