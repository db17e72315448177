"""Translation validation: right programs are proved, wrong ones refuted with an input, what is neither says so."""

from dataclasses import replace

import pytest
from translated import TEXTS, changed, function, line_of, long_text, made, named, with_rows

from ncl import library
from ncl.compiler import blocks_to_registers, registers_to_program, words_to_blocks
from ncl.compiler.blocks import Halt
from ncl.language.opcodes import Opcode
from ncl.verify.engine import counterexample
from ncl.verify.translation import check
from ncl.verify.translation.validate import validate


def report(compiled, program=None, witness=None):
    return validate(compiled.function, program or compiled.program, witness or compiled.witness)


def outcome(compiled, program=None, witness=None):
    return check.check(compiled.function, program or compiled.program, witness or compiled.witness)


# --- what is right is proved -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [4, 8, 16, 32])
@pytest.mark.parametrize("name", [*library.names(), *TEXTS])
def test_a_compiled_program_is_proved_to_be_its_source_with_and_without_spilling(name, width):
    least = max(f.signature.argument_registers for f in named(name).program.values())
    for registers in (16, max(7, least)):
        found = report(made(name, width, registers, memory=16))
        assert found.proved, found.failures


def test_a_proof_says_what_it_walked_and_needs_no_bound():
    found = outcome(made("insertion_sort", 16, memory=4096))
    assert (found.verdict, found.bound) == ("proved", "") and found.limits["segments"] >= 3
    assert found.limits["ends"] > 8 and found.vacuity


def test_a_loop_that_never_ends_is_proved_too():
    endless = made("def f(n: Word) -> Word:\n    while True:\n        n += 1\n    return n\n")
    assert report(endless).proved


def test_a_loop_head_that_stands_first_in_its_function_is_cut_like_any_other():
    first = made("def f(n: Word) -> Word:\n    while n:\n        n -= 2\n    return n\n")
    assert report(first).segments == 1 + len(first.witness.functions[0].rows) > 1
    one_more = changed(first.program, line_of(first.program, Opcode.CONSTANT), b=1)
    assert not report(first, one_more).proved


def test_work_grows_with_the_length_of_the_program_and_not_faster():
    short, long = (report(made(long_text(lines), 16, memory=64)) for lines in (100, 1000))
    assert short.proved and long.proved
    assert long.ends < 12 * short.ends and long.questions < 15 * max(short.questions, 8)


def test_ways_through_short_circuits_do_not_double_at_each_statement():
    body = "".join(f"    a = a > {n} and b or not a\n    assert a or b\n" for n in range(10))
    found = report(made(f"def f(a: Word, b: Word) -> Word:\n{body}    return a\n"))
    assert found.proved and found.ends < 120


def test_a_join_without_a_row_is_run_through():
    compiled = made("stack")
    without = with_rows(compiled.witness, lambda rows: (row for row in rows if row.kind == "loop"))
    assert report(compiled, witness=without).proved


# --- what is wrong is refuted ----------------------------------------------------------------------------------------


def test_wrong_machine_code_is_refuted_with_a_small_input_that_replays(tmp_path):
    compiled = made("modsum")
    bad = changed(compiled.program, line_of(compiled.program, Opcode.ADD), opcode=int(Opcode.SUBTRACT))
    found = outcome(compiled, bad)
    assert found.verdict == "refuted" and "from the head of loop" in found.detail
    file = counterexample.write(found.counterexample, tmp_path, "source")
    assert counterexample.replay(file).reproduced, "no compiler made it, so it is replayed as it was recorded"


def test_a_fault_in_far_words_only_is_found_from_the_solver_s_state():
    compiled = made("def f(a: Word) -> Word:\n    if a == 54321:\n        return 1\n    return 0\n", 16, memory=64)
    bad = changed(compiled.program, line_of(compiled.program, Opcode.CONSTANT), b=54320)
    found = outcome(compiled, bad)
    assert found.verdict == "refuted" and found.counterexample["arguments"][0] in (54320, 54321)


def test_what_no_input_shows_is_neither_proved_nor_refuted_and_names_segment_and_state():
    compiled = made("modsum")
    line = line_of(compiled.program, Opcode.CONSTANT)
    # Registers begin at 0, but the relation at entry is the calling convention, which does not say so.
    elsewhere = changed(compiled.program, line, a=9)
    found = outcome(compiled, elsewhere)
    assert found.verdict == "unknown" and not found.green
    assert found.detail.startswith("not proved; no failing input found: modsum, from the entry")
    assert "in the state" in found.detail and "machine r" in found.detail


def test_another_source_and_a_program_that_breaks_the_rules_are_not_proved():
    compiled, other = made("count"), made("modsum")
    assert "from another source text" in "; ".join(validate(other.function, compiled.program, other.witness).failures)
    outside = changed(compiled.program, line_of(compiled.program, Opcode.ADD), b=99)
    assert "a register read is below" in "; ".join(report(compiled, outside).failures)
    assert outcome(compiled, outside).verdict == "unknown"


def test_a_literal_too_large_for_the_width_is_not_proved():
    wide = made("def f(a: Word) -> Word:\n    return a + 200\n")
    narrow = wide.program.__class__(
        **{**vars(wide.program), "sizes": made("swap", 4, memory=16).program.sizes, "code": wide.program.code}
    )
    assert "200 is no word of width 4" in "; ".join(report(wide, narrow).failures)


# --- calls -----------------------------------------------------------------------------------------------------------

CALLS = """
def f(xs: Array, n: Word) -> Word:
    kept = n * 3 + total(xs)
    ys = doubled(xs, n)
    if n > 1:
        kept += f(ys, n - 1) * n + even(n)
    return kept + xs[0] + ys[0] + even(kept % 4)


def even(n: Word) -> Word:
    return odd(n - 1) if n else 1


def odd(n: Word) -> Word:
    return even(n - 1) if n else 0


def doubled(xs: Array, n: Word) -> Array:
    ys = [n] * (len(xs) + 1)
    for i in range(len(xs)):
        ys[i] += xs[i]
    return ys


def total(xs: Array) -> Word:
    zs = [1] * len(xs)
    return len(zs) and zs[0] + xs[0]
"""


@pytest.mark.parametrize("width", [4, 16, 32])
def test_recursion_mutual_recursion_and_arrays_given_back_are_proved(width):
    for registers in (16, 5):
        found = report(made(CALLS, width, registers, memory=16, frame=256))
        assert found.proved, found.failures


def call_lines(program):
    return [n for n, row in enumerate(program.code) if row.opcode == Opcode.CALL]


def entry_of(compiled, name):
    return next(f.entry for f in compiled.witness.functions if f.function == name and not f.halts)


def wrong_call(compiled, how):
    """Machine code of CALLS with one thing about calls wrong."""
    program, calls = compiled.program, call_lines(compiled.program)
    match how:
        case "another function":
            line = next(n for n in calls if program.code[n].a == entry_of(compiled, "even"))
            return changed(program, line, a=entry_of(compiled, "odd"))
        case "an entry a line too far":
            return changed(program, calls[0], a=program.code[calls[0]].a + 1)
        case "a frame too small":
            frame = program.code[calls[0]].b
            short = [n for n in calls if program.code[n].b == frame]
            code = tuple(replace(row, b=frame - 4) if n in short else row for n, row in enumerate(program.code))
            return replace(program, code=code)
        case "the heap is kept":
            last = entry_of(compiled, "total")
            code = tuple(
                replace(row, a=1) if n >= last and row.opcode == Opcode.RETURN else row
                for n, row in enumerate(program.code)
            )
            return replace(program, code=code)
        case "the heap is given back":
            line = next(n for n, row in enumerate(program.code) if row.opcode == Opcode.RETURN and row.a == 1)
            return changed(program, line, a=0)
        case "a value kept in a register":
            line = next(n for n in range(calls[1], len(program.code)) if program.code[n].opcode == Opcode.LOAD_FRAME)
            return changed(program, line, opcode=int(Opcode.MOVE), b=program.code[line].a)
        case "a slot lost":
            line = [n for n in range(calls[0]) if program.code[n].opcode == Opcode.STORE_FRAME][-1]
            return changed(program, line, opcode=int(Opcode.MOVE), b=program.code[line].a)
    raise ValueError(how)


@pytest.mark.parametrize(
    "how",
    [
        "another function", "an entry a line too far", "a frame too small", "the heap is kept",
        "the heap is given back", "a value kept in a register", "a slot lost",
    ],
)  # fmt: skip
def test_a_wrong_call_is_refuted_with_an_input_that_replays(how):
    compiled = made(CALLS, 8, 16, memory=24, depth=12, frame=256)
    found = outcome(compiled, wrong_call(compiled, how))
    assert found.verdict == "refuted", found.detail
    assert counterexample.replay_program(found.counterexample).reproduced


# --- passes ----------------------------------------------------------------------------------------------------------


def _wrong_graph(monkeypatch):
    monkeypatch.setitem(words_to_blocks.OPCODES, "+", (Opcode.SUBTRACT, False))


def _wrong_places(monkeypatch):
    right = blocks_to_registers._Rewriter.move
    monkeypatch.setattr(blocks_to_registers._Rewriter, "move", lambda self, line: right(self, line)[:0])


def _wrong_layout(monkeypatch):
    right = registers_to_program._end

    def end(block, forward, following):
        lines = right(block, forward, following)
        swap = {Opcode.JUMP_ZERO: Opcode.JUMP_NONZERO}
        return lines if isinstance(block.end, Halt) else [(swap.get(o, o), *rest) for o, *rest in lines]

    monkeypatch.setattr(registers_to_program, "_end", end)


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (_wrong_graph, "ast_to_blocks"),
        (_wrong_places, "blocks_to_registers"),
        (_wrong_layout, "registers_to_program"),
    ],
)
def test_a_pass_that_went_wrong_is_named(spoil, name, monkeypatch):
    source = function("def f(a: Word, b: Word) -> Word:\n    while a:\n        a, b = b, a + 1\n    return b\n")
    spoil(monkeypatch)
    found = outcome(made(source))
    assert found.verdict == "refuted" and f"the pass {name} went wrong" in found.detail
    assert counterexample.replay_program(found.counterexample).reproduced
