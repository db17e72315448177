"""Long source programs, to see how the time that something takes grows with their length.

Called by tests and benchmarks.
"""

from __future__ import annotations

import random


def long_text(lines: int, seed: int = 0) -> str:
    """A function f of about so many lines that uses most of the language."""
    chance = random.Random(seed)
    text, loops = ["def f(xs: Array, a: Word, b: Word) -> Word:", "    c = 0", "    d = 1"], 0

    def any_of() -> str:
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
