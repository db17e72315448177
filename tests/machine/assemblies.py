"""Hand-written machine programs, and the generator of random ones, for the tests of the machine."""

from ncl.language.program import Program
from ncl.language.text import assemble
from ncl.language.wellformed import check
from ncl.properties.machine_programs import programs as well_formed

REVERSE = """
0 constant r2, 0
1 constant r7, 1
2 subtract r3, r1, r7
3 tick
4 less r4, r2, r3
5 jump_zero r4, @14
6 is_zero r5, r1
7 jump_nonzero r5, @14
8 load r5, r0, r2
9 load r6, r0, r3
10 store r6, r0, r2
11 store r5, r0, r3
12 add r2, r2, r7
13 jump @15
14 halt
15 subtract r3, r3, r7
16 jump @3
"""

# count(xs, s): branch-free, so that its inputs get gradients
COUNT = """
0 constant r3, 0
1 constant r4, 0
2 constant r7, 1
3 tick
4 less r5, r4, r1
5 jump_zero r5, @11
6 load r6, r0, r4
7 equal r6, r6, r2
8 add r3, r3, r6
9 add r4, r4, r7
10 jump @3
11 move r0, r3
12 halt
"""

# total(xs): the sum is kept in a fresh cell of memory and in a frame cell, turn about
TOTAL = """
0 constant r2, 0
1 constant r7, 1
2 allocate r3, r7
3 constant r4, 0
4 store r4, r3, r4
5 tick
6 less r5, r2, r1
7 jump_zero r5, @17
8 load r6, r0, r2
9 constant r4, 0
10 load r5, r3, r4
11 add r5, r5, r6
12 store_frame r5, 1
13 load_frame r5, 1
14 store r5, r3, r4
15 add r2, r2, r7
16 jump @5
17 constant r4, 0
18 load r0, r3, r4
19 halt
"""

# factorial(n) by recursion: r0 is saved in the frame over the call
FACTORIAL = """
0 tick
1 call @3, 0
2 halt
3 jump_zero r0, @12
4 store_frame r0, 0
5 constant r2, 1
6 subtract r0, r0, r2
7 tick
8 call @3, 1
9 load_frame r1, 0
10 multiply r0, r0, r1
11 return 0
12 constant r0, 1
13 return 0
"""

# both callees take 3 cells; the first gives them back, the second keeps them. Result: the heap pointer afterwards
HEAP = """
0 constant r1, 3
1 call @5, 0
2 call @7, 0
3 allocate r0, r2
4 halt
5 allocate r3, r1
6 return 0
7 allocate r3, r1
8 return 1
"""


def program(body: str, signature: str = "(xs: Array) -> Array", name: str = "test", **sizes: int) -> Program:
    chosen = {"width": 16, "registers": 8, "memory": 64, "frame": 8, "depth": 4} | sizes
    written = " ".join(f"{key}={value}" for key, value in chosen.items())
    return check(assemble(f".program {name}\n.signature {signature}\n.sizes {written}\n{body}"))


def reverse(**sizes: int) -> Program:
    return program(REVERSE, name="reverse", **sizes)


def count(**sizes: int) -> Program:
    return program(COUNT, "(xs: Array, s: Word) -> Word", "count", **sizes)


def total(**sizes: int) -> Program:
    return program(TOTAL, "(xs: Array) -> Word", "total", **sizes)


def factorial(**sizes: int) -> Program:
    return program(FACTORIAL, "(n: Word) -> Word", "factorial", **sizes)


__all__ = ["well_formed"]
