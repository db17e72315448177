"""Short programs of machine code with every state of their run worked by hand, each non-word opcode among them.

W = 4, so N = 16; four registers, six cells of memory, four frame slots, two calls deep. A row of a table is one state:
pc | registers | memory | hp | frame | fp | call stack | ticks | ending. What stays as it was is left out.
"""

import pytest

from ncl.language.interpret.machine import trace_machine
from ncl.language.opcodes import Opcode
from ncl.language.text import assemble
from ncl.language.wellformed import check
from ncl.machine.executors import dense, integer

HEAD = ".program hand\n.signature {signature}\n.sizes width=4 registers=4 memory=6 frame=4 depth=2\n.source\n"
START = {
    "pc": 0, "r": "0 0 0 0", "m": "0 0 0 0 0 0", "hp": 0, "f": "0 0 0 0", "fp": 0, "calls": "", "ticks": 0, "end": "",
}  # fmt: skip

# name: signature, arguments, budget, code, what each step changes
RUNS = {
    "constant, move, halt": (
        "(n: Word) -> Word", [9], 9,
        """
        0 constant r1, 15
        1 move r2, r1
        2 move r0, r2
        3 halt
        """,
        [
            {"r": "9 0 0 0"},
            {"pc": 1, "r": "9 15 0 0"},
            {"pc": 2, "r": "9 15 15 0"},
            {"pc": 3, "r": "15 15 15 0"},
            {"end": "halted"},
        ],
    ),
    "arguments, bound, load, store": (
        "(xs: Array, ys: Array) -> Word", [[7, 8], [9]], 9,
        """
        0 bound r3, r1
        1 load r3, r2, r3
        2 store r3, r0, r1
        3 constant r1, 14
        4 load r0, r1, r2
        5 bound r0, r2
        6 halt
        """,
        [
            {"r": "0 2 2 1", "m": "7 8 9 0 0 0", "hp": 3},
            {"pc": 1},
            {"pc": 2, "r": "0 2 2 0"},  # cell 2 + 1 = 3 holds 0
            {"pc": 3, "m": "7 8 0 0 0 0"},
            {"pc": 4, "r": "0 14 2 0"},
            {"pc": 5, "r": "7 14 2 0"},  # 14 + 2 wraps to cell 0
            {"end": "index"},  # 7 is not below 2
        ],
    ),
    "store past the end": (
        "(n: Word, m: Word) -> Word", [5, 1], 9,
        """
        0 store r1, r0, r2
        1 store r1, r0, r1
        2 halt
        """,
        [{"r": "5 1 0 0"}, {"pc": 1, "m": "0 0 0 0 0 1"}, {"end": "index"}],
    ),
    "jumps and ticks": (
        "(n: Word) -> Word", [2], 2,
        """
        0 constant r1, 1
        1 tick
        2 jump_zero r0, @5
        3 subtract r0, r0, r1
        4 jump @1
        5 halt
        """,
        [
            {"r": "2 0 0 0"},
            {"pc": 1, "r": "2 1 0 0"},
            {"pc": 2, "ticks": 1},
            {"pc": 3},
            {"pc": 4, "r": "1 1 0 0"},
            {"pc": 1},
            {"pc": 2, "ticks": 2},
            {"pc": 3},
            {"pc": 4, "r": "0 1 0 0"},
            {"pc": 1},
            {"end": "budget"},
        ],
    ),
    "jump_nonzero and a trap": (
        "(n: Word) -> Word", [8], 9,
        """
        0 jump_nonzero r1, @3
        1 jump_nonzero r0, @3
        2 halt
        3 trap 5
        """,
        [{"r": "8 0 0 0"}, {"pc": 1}, {"pc": 3}, {"end": "assert"}],
    ),
    "call, return, frames": (
        "(n: Word) -> Word", [5], 9,
        """
        0 store_frame r0, 1
        1 call @4, 1
        2 load_frame r1, 1
        3 halt
        4 constant r2, 6
        5 store_frame r2, 1
        6 call @8, 1
        7 return 1
        8 allocate r3, r1
        9 load_frame r0, 0
        10 return 0
        """,
        [
            {"r": "5 0 0 0"},
            {"pc": 1, "f": "0 5 0 0"},
            {"pc": 4, "fp": 1, "calls": "2/0/0"},
            {"pc": 5, "r": "5 0 6 0"},
            {"pc": 6, "f": "0 5 6 0"},
            {"pc": 8, "fp": 2, "calls": "2/0/0 7/1/0"},
            {"pc": 9},  # no cell asked for, the base is 0 too
            {"pc": 10, "r": "6 0 6 0"},
            {"pc": 7, "fp": 1, "calls": "2/0/0"},
            {"pc": 2, "fp": 0, "calls": ""},
            {"pc": 3, "r": "6 5 6 0"},
            {"end": "halted"},
        ],
    ),
    "the heap given back or kept": (
        "(n: Word) -> Word", [2], 9,
        """
        0 call @4, 0
        1 call @6, 0
        2 allocate r1, r3
        3 halt
        4 allocate r1, r0
        5 return 0
        6 allocate r2, r0
        7 return 1
        """,
        [
            {"r": "2 0 0 0"},
            {"pc": 4, "calls": "1/0/0"},
            {"pc": 5, "hp": 2},
            {"pc": 1, "hp": 0, "calls": ""},
            {"pc": 6, "calls": "2/0/0"},
            {"pc": 7, "hp": 2},
            {"pc": 2, "calls": ""},
            {"pc": 3, "r": "2 2 0 0"},
            {"end": "halted"},
        ],
    ),
    "memory that does not suffice": (
        "(xs: Array) -> Word", [[1, 2, 3, 4]], 9,
        """
        0 constant r2, 2
        1 allocate r0, r2
        2 allocate r1, r3
        3 allocate r3, r2
        4 halt
        """,
        [
            {"r": "0 4 0 0", "m": "1 2 3 4 0 0", "hp": 4},
            {"pc": 1, "r": "0 4 2 0"},
            {"pc": 2, "r": "4 4 2 0", "hp": 6},
            {"pc": 3, "r": "4 6 2 0"},  # no cells at the very end
            {"end": "memory"},
        ],
    ),
    "calls without end": (
        "(n: Word) -> Word", [1], 9,
        """
        0 tick
        1 call @0, 1
        2 halt
        """,
        [
            {"r": "1 0 0 0"},
            {"pc": 1, "ticks": 1},
            {"pc": 0, "fp": 1, "calls": "2/0/0"},
            {"pc": 1, "ticks": 2},
            {"pc": 0, "fp": 2, "calls": "2/0/0 2/1/0"},
            {"pc": 1, "ticks": 3},
            {"end": "stack"},
        ],
    ),
    "a return too many": ("() -> Word", [], 9, "0 return 0", [{}, {"end": "stack"}]),
    "a division by zero": (
        "(n: Word) -> Word", [7], 9,
        """
        0 divide r2, r0, r0
        1 remainder r2, r0, r1
        2 halt
        """,
        [{"r": "7 0 0 0"}, {"pc": 1, "r": "7 0 1 0"}, {"end": "division"}],
    ),
}  # fmt: skip


def shown(state):
    traps = ["", "division", "index", "memory", "stack", "assert", "budget", "invalid"]
    return {
        "pc": state.pc,
        "r": " ".join(map(str, state.registers)),
        "m": " ".join(map(str, state.memory)),
        "hp": state.hp,
        "f": " ".join(map(str, state.frame)),
        "fp": state.fp,
        "calls": " ".join(f"{pc}/{fp}/{hp}" for pc, fp, hp in state.stack),
        "ticks": state.ticks,
        "end": traps[state.trap] or ("halted" if state.halted else ""),
    }


def program(name):
    signature, arguments, budget, code, steps = RUNS[name]
    return assemble(HEAD.format(signature=signature) + code), arguments, budget, steps


@pytest.mark.parametrize("executor", ["reference", "integer", "dense"])
@pytest.mark.parametrize("name", RUNS)
def test_every_state_of_a_run_is_the_one_worked_out_by_hand(name, executor):
    states_of = {"reference": trace_machine, "integer": integer.trace, "dense": dense.trace}[executor]
    code, arguments, budget, steps = program(name)
    expected, now = [], START
    for step in steps:
        now = {**now, **step}
        expected.append(now)
    assert [shown(state) for state in states_of(check(code), arguments, budget)] == expected


def test_every_opcode_that_computes_no_word_is_in_a_run():
    used = {Opcode(i.opcode) for name in RUNS for i in program(name)[0].code}
    assert set(range(Opcode.ADD)) <= used
