"""Wrong machine code with its witness, each as a validator without one of its conditions would prove it.

The conditions are numbered as in `docs/trust.md`. Called by `checkers` and the tests of the validator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from ncl.build import Compiled, sizes_for
from ncl.compiler.witness import Row, Witness
from ncl.language.opcodes import Opcode
from ncl.language.parse import parse_text
from ncl.language.program import Instruction, Program


@dataclass(frozen=True)
class Case:
    """A source compiled, and the machine code and witness that are put in place of what came of it."""

    compiled: Compiled
    program: Program
    witness: Witness


# --- making ----------------------------------------------------------------------------------------------------------


def made(text: str) -> Compiled:
    """Of a text with a function f, on a small machine."""
    return Compiled.of(parse_text(text, "f.py", "f")[0], sizes_for(8, 16, 32, frame=64, depth=4))


def changed(program: Program, line: int, **fields: int) -> Program:
    """With one instruction changed."""
    return replace(
        program, code=(*program.code[:line], replace(program.code[line], **fields), *program.code[line + 1 :])
    )


def line_of(program: Program, opcode: Opcode, number: int = 0) -> int:
    return [n for n, row in enumerate(program.code) if row.opcode == Opcode(opcode)][number]


def with_rows(witness: Witness, rows: Callable[[tuple[Row, ...]], Iterable[Row]]) -> Witness:
    """With the rows of its first function replaced by what `rows` makes of them."""
    first = witness.functions[0]
    return replace(witness, functions=(replace(first, rows=tuple(rows(first.rows))), *witness.functions[1:]))


def _case(
    text: str, at: Opcode, number: int = 0, witness: Callable[[Witness], Witness] = lambda w: w, **fields: int
) -> Case:
    compiled = made(text)
    program = changed(compiled.program, line_of(compiled.program, at, number), **fields)
    return Case(compiled, program, witness(compiled.witness))


def _no_rows(witness: Witness) -> Witness:
    return with_rows(witness, lambda rows: ())


def _described(*pairs: tuple[str, str]) -> Callable[[Witness], Witness]:
    return lambda witness: with_rows(
        witness, lambda rows: (replace(row, locations=(*row.locations, *pairs)) for row in rows)
    )


# --- wrong programs --------------------------------------------------------------------------------------------------

COUNTS = "def f(n: Word) -> Word:\n    total = 0\n    while n:\n        n -= 1\n        total += 2\n    return total\n"
FIRST = "def f(n: Word, k: Word) -> Word:\n    while n:\n        n -= 1\n        k += n\n    return k\n"


def a_loop_that_counts_by_three() -> Case:
    return _case(COUNTS, Opcode.CONSTANT, 2, _no_rows, b=3)


def arguments_exchanged() -> Case:
    compiled = made("def f(a: Word, b: Word) -> Word:\n    return a - b\n")
    line = line_of(compiled.program, Opcode.SUBTRACT)
    row = compiled.program.code[line]
    return Case(compiled, changed(compiled.program, line, b=row.c, c=row.b), compiled.witness)


def a_total_that_begins_at_one() -> Case:
    return _case(COUNTS, Opcode.CONSTANT, 0, b=1)


def a_loop_that_takes_n_for_one() -> Case:
    text = "def f(n: Word) -> Word:\n    t = 0\n    while n:\n        t += n & 1\n        n = 0\n    return t\n"
    return _case(text, Opcode.AND, 0, _described(("n", "c1")), opcode=int(Opcode.OR))


def a_loop_body_of_another_kind() -> Case:
    return _case(COUNTS, Opcode.ADD, 0, _described(("n", "c1"), ("n", "c2")), opcode=int(Opcode.XOR))


def an_order_of_operands_that_only_a_solver_sees() -> Case:
    return _case("def f(a: Word, b: Word) -> Word:\n    return a & b\n", Opcode.AND, opcode=int(Opcode.OR))


def a_way_that_goes_on_for_ever() -> Case:
    """It ticks, so it is well formed, and comes to no point."""
    compiled = made("def f(a: Word) -> Word:\n    if a == 7:\n        return 1\n    return 2\n")
    program, halt = compiled.program, line_of(compiled.program, Opcode.HALT)
    end = len(program.code)
    round_ = (Instruction(int(Opcode.TICK)), Instruction(int(Opcode.JUMP), end))
    code = (*program.code[:halt], Instruction(int(Opcode.JUMP), end), *program.code[halt + 1 :], *round_)
    places = (*program.positions, program.positions[halt], program.positions[halt])
    return Case(compiled, replace(program, code=code, positions=places), compiled.witness)


def a_variable_named_like_a_register() -> Case:
    text = "def f(n: Word) -> Word:\n    NAME = n + 1\n    while n:\n        n -= 1\n    return NAME\n"
    rows = made(text.replace("NAME", "kept")).witness.functions[0].rows
    name = dict(rows[0].locations)["kept"]
    compiled = made(text.replace("NAME", name))
    silent = with_rows(
        compiled.witness,
        lambda rows: (replace(r, locations=tuple(p for p in r.locations if p[0] != name)) for r in rows),
    )
    bad = changed(compiled.program, line_of(compiled.program, Opcode.CONSTANT), b=2)
    return Case(compiled, bad, silent)


def a_first_loop_whose_body_is_wrong() -> Case:
    return _case(FIRST, Opcode.ADD, opcode=int(Opcode.SUBTRACT))


def a_store_that_is_lost() -> Case:
    compiled = made("def f(xs: Array) -> Array:\n    xs[0] = 5\n    return xs\n")
    line = line_of(compiled.program, Opcode.STORE)
    # Loading from there traps alike and changes no memory.
    return Case(compiled, changed(compiled.program, line, opcode=int(Opcode.LOAD), a=9), compiled.witness)


def a_way_that_only_the_machine_takes() -> Case:
    """The source has no fork here; the machine takes the wrong value on one of its two ways."""
    compiled = made("def f(a: Word) -> Word:\n    return a\n")
    code = (
        Instruction(int(Opcode.JUMP_ZERO), 0, 2),
        Instruction(int(Opcode.CONSTANT), 0, 3),
        Instruction(int(Opcode.HALT)),
    )
    place = compiled.program.positions[-1]
    return Case(compiled, replace(compiled.program, code=code, positions=(place,) * 3), compiled.witness)


CALLS = """
def f(n: Word) -> Word:
    kept = n * 3
    return one(n) + kept


def one(n: Word) -> Word:
    return n + 1


def two(n: Word) -> Word:
    return n + 2


def f_of_two(n: Word) -> Word:
    return two(one(n))
"""


def a_frame_of_no_slots() -> Case:
    """The function called keeps something over a call too, in the same slot."""
    return _case(CALLS.replace("return n + 1", "kept = n * 5\n    return two(n) + kept"), Opcode.CALL, b=0)


def a_value_left_in_a_register() -> Case:
    """In one that the function called writes."""
    compiled = made(CALLS)
    program = compiled.program
    store, load = line_of(program, Opcode.STORE_FRAME), line_of(program, Opcode.LOAD_FRAME)
    program = changed(program, store, opcode=int(Opcode.MOVE), a=1, b=program.code[store].a)
    return Case(compiled, changed(program, load, opcode=int(Opcode.MOVE), b=1), compiled.witness)


def another_function_called() -> Case:
    compiled = made(CALLS.replace("def f(", "def g(").replace("f_of_two(", "f("))
    calls = [n for n, row in enumerate(compiled.program.code) if row.opcode == Opcode.CALL]
    return Case(compiled, changed(compiled.program, calls[0], a=compiled.program.code[calls[1]].a), compiled.witness)


def another_argument() -> Case:
    compiled = made("def f(a: Word, b: Word) -> Word:\n    return g(a)\n\n\ndef g(n: Word) -> Word:\n    return n\n")
    call = line_of(compiled.program, Opcode.CALL)
    program = changed(compiled.program, call - 1, opcode=int(Opcode.TICK), a=0, b=0)
    lines = (*program.code[:call], Instruction(int(Opcode.CONSTANT), 0, 3), *program.code[call:])
    moved = tuple(replace(i, a=i.a + 1) if i.opcode == Opcode.CALL else i for i in lines)
    places = (*program.positions[:call], None, *program.positions[call:])
    functions = tuple(replace(f, entry=f.entry + (f.entry > 0)) for f in compiled.witness.functions)
    witness = replace(compiled.witness, functions=functions)
    return Case(compiled, replace(program, code=moved, positions=places), witness)


def a_heap_that_is_kept() -> Case:
    """The callee gives a word and keeps the cells that it took, so that in the end there are none left."""
    text = "def f(n: Word) -> Word:\n    t = 0\n    while t < n:\n        t += g()\n    return t\n\n\n"
    text += "def g() -> Word:\n    ys = [1] * 5\n    return ys[0]\n"
    return _case(text, Opcode.RETURN, a=1)


def a_part_of_a_long_expression() -> Case:
    """There are so many ways through it that it is cut where they meet; on the last of them one part is wrong."""
    parts = " + ".join(f"(g(n + {i}) if n > {i} else {i + 20})" for i in range(9))
    compiled = made(f"def f(n: Word) -> Word:\n    return {parts}\n\n\ndef g(n: Word) -> Word:\n    return n + 1\n")
    rows = enumerate(compiled.program.code)
    line = next(n for n, row in rows if row.opcode == Opcode.CONSTANT and row.b == 20)
    return Case(compiled, changed(compiled.program, line, b=21), compiled.witness)


CASES: dict[str, Callable[[], Case]] = {
    case.__name__: case
    for case in (
        a_loop_that_counts_by_three, arguments_exchanged, a_total_that_begins_at_one, a_loop_that_takes_n_for_one,
        a_loop_body_of_another_kind, an_order_of_operands_that_only_a_solver_sees, a_way_that_goes_on_for_ever,
        a_variable_named_like_a_register, a_first_loop_whose_body_is_wrong, a_store_that_is_lost,
        a_way_that_only_the_machine_takes, a_frame_of_no_slots, a_value_left_in_a_register, another_function_called,
        another_argument, a_heap_that_is_kept, a_part_of_a_long_expression,
    )
}  # fmt: skip
