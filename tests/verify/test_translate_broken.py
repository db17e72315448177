"""Validators spoiled in one of the soundness conditions: each then proves a wrong program that the sound one refuses.

The conditions are numbered as in `docs/trust.md`. A condition that another one guards as well is spoiled with it.
"""

from dataclasses import dataclass, replace
from typing import Any

import pytest
import z3
from translated import changed, line_of, made, with_rows

from ncl.build import Compiled
from ncl.language import wellformed
from ncl.language.opcodes import Opcode
from ncl.language.program import Instruction
from verify import translate, translate_machine, translate_relation, translate_segment, translate_source
from verify.solvers import Answer
from verify.translate import Report, validate
from verify.translate_machine import Machine
from verify.translate_segment import Walk


@dataclass(frozen=True)
class Case:
    compiled: Compiled
    program: Any
    witness: Any

    def validate(self):
        return validate(self.compiled.function, self.program, self.witness)


def case(text, at, number=0, witness=lambda w: w, **fields):
    compiled = made(text)
    program = changed(compiled.program, line_of(compiled.program, at, number), **fields)
    return Case(compiled, program, witness(compiled.witness))


COUNTS = "def f(n: Word) -> Word:\n    total = 0\n    while n:\n        n -= 1\n        total += 2\n    return total\n"
FIRST = "def f(n: Word, k: Word) -> Word:\n    while n:\n        n -= 1\n        k += n\n    return k\n"


def no_rows(witness):
    return with_rows(witness, lambda rows: ())


def told(*pairs):
    return lambda witness: with_rows(
        witness, lambda rows: (replace(row, locations=(*row.locations, *pairs)) for row in rows)
    )


# --- spoilers --------------------------------------------------------------------------------------------------------


def a_missing_row_is_skipped(patch):
    right = Walk.reached
    patch.setattr(Walk, "reached", lambda self, what: None if "no row" in what else right(self, what))


def the_witness_says_where_arguments_are(patch):
    patch.setattr(translate, "translate_relation", _Spoiled(translate_relation, calling_convention=lambda signature: (
        ("a", "r1"), ("b", "r0"))))  # fmt: skip


class _Spoiled:
    def __init__(self, module, **changes):
        self.__dict__.update({**vars(module), **changes})


def a_row_is_not_proved_on_arrival(patch):
    right = Walk.equal
    patch.setattr(Walk, "equal", lambda self, where, pairs: None if "head" in where else right(self, where, pairs))


def a_number_in_a_row_is_assumed_and_not_proved(patch):
    right = Walk.equal

    def equal(self, where, pairs):
        return right(self, where, [(n, x, x if z3.is_bv_value(y) and n == "n" else y) for n, x, y in pairs])

    patch.setattr(Walk, "equal", equal)


def a_row_that_contradicts_itself_holds_of_all(patch):
    a_number_in_a_row_is_assumed_and_not_proved(patch)

    def segment(self, spot, line, pairs, right=translate._Validation.segment):
        found = right(self, spot, line, pairs)
        return Report((), segments=1) if "the row is empty" in "".join(found.failures) else found

    patch.setattr(translate._Validation, "segment", segment)


def unknown_is_taken_for_unsat(patch):
    patch.setattr(translate_segment, "satisfiable", lambda terms, seconds: Answer("unsat", "z3", 0.0))


def a_path_that_comes_round_is_dropped(patch):
    right = Walk.reached
    patch.setattr(Walk, "reached", lambda self, what: None if "comes round" in what else right(self, what))
    patch.setattr(wellformed, "violations", lambda program: ())


def names_of_both_sides_are_one(patch):
    for module, name in (
        (translate_source, "source_word"), (translate_relation, "source_word"), (translate_machine, "machine_word"),
    ):  # fmt: skip
        patch.setattr(module, name, z3.BitVec)


def the_loop_head_that_stands_first_is_skipped(patch):
    right = translate._Validation.segment

    def segment(self, spot, line, pairs):
        return Report((), segments=1) if spot == ("loop", "0") else right(self, spot, line, pairs)

    patch.setattr(translate._Validation, "segment", segment)


def memory_is_not_compared(patch):
    right = translate_segment._shared
    patch.setattr(translate_segment, "_shared", lambda *sides: [p for p in right(*sides) if p[0] != "memory"])


def another_way_of_the_machine_is_dropped(patch):
    patch.setattr(Walk, "split", lambda self, source, machine, right=Walk.split: right(self, source, machine)[:1])


def all_slots_survive_a_call(patch):
    right = Machine._called

    def called(self, line, state, steps):
        roomy = changed(self.program, line, b=1000)
        return right(Machine(roomy, self.served, self.callees, self.results), line, state, steps)

    patch.setattr(Machine, "_called", called)


def registers_survive_a_call(patch):
    right = Machine._called

    def called(self, line, state, steps):
        found = right(self, line, state, steps)

        def then(results, shared):
            return self._on(line + 1, replace(state.put("r0", results[0]), shared=shared), steps)

        return replace(found, then=then)

    patch.setattr(Machine, "_called", called)


def calls_need_not_be_of_one_function(patch):
    right = Walk.calls
    patch.setattr(Walk, "calls", lambda self, source, machine: right(
        self, source, replace(machine, function=source.function)))  # fmt: skip


def arguments_are_not_compared(patch):
    right = Walk.calls
    patch.setattr(
        Walk, "calls", lambda self, source, machine: right(self, source, replace(machine, words=source.words))
    )


def how_a_function_ends_is_not_compared(patch):
    right = Walk.compare

    def compare(self, source, machine):
        same = hasattr(source, "how") and hasattr(machine, "how")
        return right(self, source, replace(machine, how=source.how) if same else machine)

    patch.setattr(Walk, "compare", compare)


# --- wrong programs --------------------------------------------------------------------------------------------------


def a_loop_that_counts_by_three():
    return case(COUNTS, Opcode.CONSTANT, 2, no_rows, b=3)


def arguments_exchanged():
    compiled = made("def f(a: Word, b: Word) -> Word:\n    return a - b\n")
    line = line_of(compiled.program, Opcode.SUBTRACT)
    row = compiled.program.code[line]
    return Case(compiled, changed(compiled.program, line, b=row.c, c=row.b), compiled.witness)


def a_total_that_begins_at_one():
    return case(COUNTS, Opcode.CONSTANT, 0, b=1)


def a_loop_that_takes_n_for_one():
    text = "def f(n: Word) -> Word:\n    t = 0\n    while n:\n        t += n & 1\n        n = 0\n    return t\n"
    return case(text, Opcode.AND, 0, told(("n", "c1")), opcode=int(Opcode.OR))


def a_loop_body_of_another_kind():
    return case(COUNTS, Opcode.ADD, 0, told(("n", "c1"), ("n", "c2")), opcode=int(Opcode.XOR))


def an_order_of_operands_that_only_a_solver_sees():
    return case("def f(a: Word, b: Word) -> Word:\n    return a & b\n", Opcode.AND, opcode=int(Opcode.OR))


def a_way_that_goes_on_for_ever():
    compiled = made("def f(a: Word) -> Word:\n    if a == 7:\n        return 1\n    return 2\n")
    code = list(compiled.program.code)
    halt = line_of(compiled.program, Opcode.HALT)
    code[halt] = Instruction(int(Opcode.JUMP), halt)
    return Case(compiled, replace(compiled.program, code=tuple(code)), compiled.witness)


def a_variable_named_like_a_register():
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


def a_first_loop_whose_body_is_wrong():
    return case(FIRST, Opcode.ADD, opcode=int(Opcode.SUBTRACT))


def a_store_that_is_lost():
    text = "def f(xs: Array) -> Array:\n    xs[0] = 5\n    return xs\n"
    compiled = made(text)
    line = line_of(compiled.program, Opcode.STORE)
    row = compiled.program.code[line]
    # Loading from there traps alike and changes no memory.
    return Case(
        compiled, changed(compiled.program, line, opcode=int(Opcode.LOAD), a=9, b=row.b, c=row.c), compiled.witness
    )


def a_way_that_only_the_machine_takes():
    """The source has no fork here; the machine takes the wrong value on one of its two ways."""
    compiled = made("def f(a: Word) -> Word:\n    return a\n")
    code = (
        Instruction(int(Opcode.JUMP_ZERO), 0, 2),
        Instruction(int(Opcode.CONSTANT), 0, 3),
        Instruction(int(Opcode.HALT)),
    )  # fmt: skip
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


def calling(function, *changes):
    """Machine code of a function in CALLS with changes to its first line of an opcode."""
    compiled = made(CALLS.replace("def f(", "def g(").replace("f_of_two(", "f(") if function == "two" else CALLS)
    program = compiled.program
    for opcode, fields in changes:
        program = changed(program, line_of(program, opcode), **fields(program.code[line_of(program, opcode)]))
    return Case(compiled, program, compiled.witness)


def a_frame_of_no_slots():
    return calling("f", (Opcode.CALL, lambda row: {"b": 0}))


def a_value_left_in_a_register():
    compiled = made(CALLS)
    program = compiled.program
    store, load = line_of(program, Opcode.STORE_FRAME), line_of(program, Opcode.LOAD_FRAME)
    program = changed(program, store, opcode=int(Opcode.MOVE), a=9, b=program.code[store].a)
    return Case(compiled, changed(program, load, opcode=int(Opcode.MOVE), b=9), compiled.witness)


def another_function_called():
    compiled = made(CALLS.replace("def f(", "def g(").replace("f_of_two(", "f("))
    calls = [n for n, row in enumerate(compiled.program.code) if row.opcode == Opcode.CALL]
    return Case(compiled, changed(compiled.program, calls[0], a=compiled.program.code[calls[1]].a), compiled.witness)


def another_argument():
    compiled = made("def f(a: Word, b: Word) -> Word:\n    return g(a)\n\n\ndef g(n: Word) -> Word:\n    return n\n")
    call = line_of(compiled.program, Opcode.CALL)
    program = changed(compiled.program, call - 1, opcode=int(Opcode.TICK), a=0, b=0)
    row = Instruction(int(Opcode.CONSTANT), 0, 3)
    lines = (*program.code[:call], row, *program.code[call:])
    moved = tuple(replace(i, a=i.a + 1) if i.opcode == Opcode.CALL else i for i in lines)
    places = (*program.positions[:call], None, *program.positions[call:])
    functions = tuple(replace(f, entry=f.entry + (f.entry > 0)) for f in compiled.witness.functions)
    return Case(
        compiled, replace(program, code=moved, positions=places), replace(compiled.witness, functions=functions)
    )


def a_heap_that_is_kept():
    return calling("f", (Opcode.RETURN, lambda row: {"a": 1}))


SPOILED = (
    ("4", all_slots_survive_a_call, a_frame_of_no_slots),
    ("4", registers_survive_a_call, a_value_left_in_a_register),
    ("8", calls_need_not_be_of_one_function, another_function_called),
    ("8", arguments_are_not_compared, another_argument),
    ("8", how_a_function_ends_is_not_compared, a_heap_that_is_kept),
    ("1", a_missing_row_is_skipped, a_loop_that_counts_by_three),
    ("2", the_witness_says_where_arguments_are, arguments_exchanged),
    ("3", a_row_is_not_proved_on_arrival, a_total_that_begins_at_one),
    ("3", a_number_in_a_row_is_assumed_and_not_proved, a_loop_that_takes_n_for_one),
    ("3", a_row_that_contradicts_itself_holds_of_all, a_loop_body_of_another_kind),
    ("6", unknown_is_taken_for_unsat, an_order_of_operands_that_only_a_solver_sees),
    ("6", another_way_of_the_machine_is_dropped, a_way_that_only_the_machine_takes),
    ("7", a_path_that_comes_round_is_dropped, a_way_that_goes_on_for_ever),
    ("9", names_of_both_sides_are_one, a_variable_named_like_a_register),
    ("", the_loop_head_that_stands_first_is_skipped, a_first_loop_whose_body_is_wrong),
    ("", memory_is_not_compared, a_store_that_is_lost),
)


@pytest.mark.parametrize(("condition", "spoil", "wrong"), SPOILED, ids=[s[1].__name__ for s in SPOILED])
def test_a_spoiled_validator_proves_what_the_sound_one_refuses(condition, spoil, wrong, monkeypatch):
    subject = wrong()
    sound = subject.validate()
    assert not sound.proved
    spoil(monkeypatch)
    assert subject.validate().proved, (condition, subject.validate().failures)


def test_an_unknown_of_the_solver_is_undecided_and_never_a_proof(monkeypatch):
    monkeypatch.setattr(translate_segment, "satisfiable", lambda terms, seconds: Answer("unknown", "z3", 0.0))
    found = an_order_of_operands_that_only_a_solver_sees().validate()
    assert not found.proved and found.undecided


def test_more_ways_than_are_walked_is_undecided(monkeypatch):
    monkeypatch.setattr(translate_segment, "MOST", 3)
    found = validate(*vars(made(FIRST)).values())
    assert not found.proved and found.undecided
