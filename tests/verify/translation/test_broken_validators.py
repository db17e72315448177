"""Validators spoiled in one of the soundness conditions: each then proves a wrong program that the sound one refuses.

The conditions are numbered as in `docs/trust.md`. A condition that another one guards as well is spoiled with it.
"""

from dataclasses import replace

import pytest
import z3
from translated import made

from ncl.verify.engine.solvers import Answer
from ncl.verify.mutation import machine_code_faults
from ncl.verify.mutation.machine_code_faults import FIRST, changed
from ncl.verify.translation import expressions, relation
from ncl.verify.translation import machine as translation_machine
from ncl.verify.translation import segment as translation_segment
from ncl.verify.translation import validate as translation_validate
from ncl.verify.translation.machine import Machine
from ncl.verify.translation.segment import Walk
from ncl.verify.translation.validate import Report, validate


def validated(case):
    return validate(case.compiled.function, case.program, case.witness)


# --- spoilers --------------------------------------------------------------------------------------------------------


def a_missing_row_is_skipped(patch):
    right = Walk.reached
    patch.setattr(Walk, "reached", lambda self, what: None if "no row" in what else right(self, what))


def the_witness_says_where_arguments_are(patch):
    patch.setattr(translation_validate, "relation", _Spoiled(relation, calling_convention=lambda signature: (
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

    def segment(self, spot, line, pairs, right=translation_validate._Validation.segment):
        found = right(self, spot, line, pairs)
        return Report((), segments=1) if "the row is empty" in "".join(found.failures) else found

    patch.setattr(translation_validate._Validation, "segment", segment)


def unknown_is_taken_for_unsat(patch):
    patch.setattr(translation_segment, "satisfiable", lambda terms, seconds: Answer("unsat", "z3", 0.0))


def a_path_that_comes_round_is_dropped(patch):
    """And the ticks of the machine, which guard it as well, are not counted."""
    right, dropped = Walk.reached, ("comes round", "the machine traps budget")
    patch.setattr(
        Walk, "reached", lambda self, what: None if any(told in what for told in dropped) else right(self, what)
    )


def names_of_both_sides_are_one(patch):
    for module, name in (
        (expressions, "source_word"), (relation, "source_word"), (translation_machine, "machine_word"),
    ):  # fmt: skip
        patch.setattr(module, name, z3.BitVec)


def the_loop_head_that_stands_first_is_skipped(patch):
    right = translation_validate._Validation.segment

    def segment(self, spot, line, pairs):
        return Report((), segments=1) if spot == ("loop", "0") else right(self, spot, line, pairs)

    patch.setattr(translation_validate._Validation, "segment", segment)


def memory_is_not_compared(patch):
    right = translation_segment._shared
    patch.setattr(translation_segment, "_shared", lambda *sides: [p for p in right(*sides) if p[0] != "memory"])


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


def what_an_expression_gave_is_not_compared(patch):
    right = Walk.equal

    def equal(self, where, pairs):
        return right(self, where, [pair for pair in pairs if not pair[0].startswith("value@")])

    patch.setattr(Walk, "equal", equal)


SPOILED = (
    ("3", what_an_expression_gave_is_not_compared, "a_part_of_a_long_expression"),
    ("4", all_slots_survive_a_call, "a_frame_of_no_slots"),
    ("4", registers_survive_a_call, "a_value_left_in_a_register"),
    ("8", calls_need_not_be_of_one_function, "another_function_called"),
    ("8", arguments_are_not_compared, "another_argument"),
    ("8", how_a_function_ends_is_not_compared, "a_heap_that_is_kept"),
    ("1", a_missing_row_is_skipped, "a_loop_that_counts_by_three"),
    ("2", the_witness_says_where_arguments_are, "arguments_exchanged"),
    ("3", a_row_is_not_proved_on_arrival, "a_total_that_begins_at_one"),
    ("3", a_number_in_a_row_is_assumed_and_not_proved, "a_loop_that_takes_n_for_one"),
    ("3", a_row_that_contradicts_itself_holds_of_all, "a_loop_body_of_another_kind"),
    ("6", unknown_is_taken_for_unsat, "an_order_of_operands_that_only_a_solver_sees"),
    ("6", another_way_of_the_machine_is_dropped, "a_way_that_only_the_machine_takes"),
    ("7", a_path_that_comes_round_is_dropped, "a_way_that_goes_on_for_ever"),
    ("9", names_of_both_sides_are_one, "a_variable_named_like_a_register"),
    ("", the_loop_head_that_stands_first_is_skipped, "a_first_loop_whose_body_is_wrong"),
    ("", memory_is_not_compared, "a_store_that_is_lost"),
)


@pytest.mark.parametrize(("condition", "spoil", "wrong"), SPOILED, ids=[s[1].__name__ for s in SPOILED])
def test_a_spoiled_validator_proves_what_the_sound_one_refuses(condition, spoil, wrong, monkeypatch):
    subject = machine_code_faults.CASES[wrong]()
    sound = validated(subject)
    assert not sound.proved
    spoil(monkeypatch)
    assert validated(subject).proved, condition


def test_every_wrong_program_has_a_spoiled_validator_that_proves_it():
    assert {wrong for _, _, wrong in SPOILED} == set(machine_code_faults.CASES)


def test_an_unknown_of_the_solver_is_undecided_and_never_a_proof(monkeypatch):
    monkeypatch.setattr(translation_segment, "satisfiable", lambda terms, seconds: Answer("unknown", "z3", 0.0))
    found = validated(machine_code_faults.CASES["an_order_of_operands_that_only_a_solver_sees"]())
    assert not found.proved and found.undecided


def test_more_ways_than_are_walked_is_undecided(monkeypatch):
    monkeypatch.setattr(translation_segment, "MOST", 3)
    found = validate(*vars(made(FIRST)).values())
    assert not found.proved and found.undecided
