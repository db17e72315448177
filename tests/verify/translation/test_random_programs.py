"""The validator on random programs with calls: what the compiler makes is proved, what a mutated one makes is not.

A mutant is judged by runs: where its code parts from the source on an input tried, the validator must refute it with an
input that replays; where it does not, the validator may say what it likes.
"""

from itertools import islice

import pytest
from hypothesis import strategies as st

from ncl.build import Compiled, sizes_for
from ncl.compiler import blocks_to_registers, dead, fold, words_to_blocks
from ncl.compiler.ast_to_blocks import _Statements
from ncl.errors import IllFormedProgramError, NclError
from ncl.language.opcodes import WORD_OPS, Opcode
from ncl.language.syntax import Break, Continue, Element
from ncl.language.walks import calls
from ncl.properties.minimise import Arguments
from ncl.properties.search import falsify, seed_for
from ncl.properties.sources import BUDGET, sources
from ncl.verify.engine import counterexample
from ncl.verify.mutation.machine_code_faults import changed
from ncl.verify.runs import divergence, input_spaces
from ncl.verify.translation import check as translation_check
from ncl.verify.translation.validate import validate

WIDTHS, REGISTERS = (2, 4, 8), (6, 8, 16)


# (source, width, registers); literals are words of two bits, so that every width takes them.
CASES = st.tuples(sources(2, 4), st.sampled_from(WIDTHS), st.sampled_from(REGISTERS))


def compiled(case):
    source, width, registers = case
    return Compiled.of(source.function, sizes_for(width, registers, min(16, 1 << width), frame=1024, depth=3))


def inputs(program) -> list[Arguments]:
    """Small ones in order and random ones."""
    space = input_spaces.Space(min(2, program.sizes.width), 2, 0, program.sizes.memory)
    small = islice(input_spaces.inputs(program.signature, space), 0, 4000, 97)
    return [*small, *input_spaces.random_inputs(program, 40, 1, longest=5)]


def diverges(compiled, program):
    try:
        return divergence.first_divergence(("source", "integer"), program, compiled.function, inputs(program), BUDGET)
    except IllFormedProgramError:
        return None


# --- what is right is proved -----------------------------------------------------------------------------------------


def prove_all(examples, seed):
    calling = 0

    def check(case):
        nonlocal calling
        made = compiled(case)
        found = validate(made.function, made.program, made.witness)
        assert found.proved, found.failures
        calling += bool(calls(made.function.body))

    falsify(check, CASES, examples, seed)
    return calling


def test_random_programs_are_proved_to_be_their_source():
    assert prove_all(60, seed_for("proved")) >= 60 // 10


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(10))
def test_three_thousand_random_programs_are_proved_to_be_their_source(part):
    assert prove_all(300, seed_for("proved nightly", part)) >= 300 // 10


# --- a mutated compiler is refuted -----------------------------------------------------------------------------------


def swapped_operands(patch):
    patch.setitem(words_to_blocks.OPCODES, "-", (Opcode.SUBTRACT, True))


def another_op(patch):
    patch.setitem(words_to_blocks.OPCODES, "<", (Opcode.LESS_EQUAL, False))


def wrong_jump(patch):
    right = words_to_blocks.Words.branch
    patch.setattr(
        words_to_blocks.Words, "branch",
        lambda self, node, at, yes, no: right(self, node, at, *((no, yes) if ":" in at[2:] else (yes, no))),
    )  # fmt: skip


def lost_spill(patch):
    right = blocks_to_registers._Rewriter.line

    def line(self, one):
        found = right(self, one)
        return found[:-1] if found and found[-1].opcode == Opcode.STORE_FRAME else found

    patch.setattr(blocks_to_registers._Rewriter, "line", line)


def lost_move(patch):
    right = blocks_to_registers._Rewriter.move
    patch.setattr(blocks_to_registers._Rewriter, "move", lambda self, line: right(self, line)[1:])


def clobbered_register(patch):
    """Values that are wanted at once share a register, and the rule that would see it sleeps."""
    right = blocks_to_registers._interference

    def interference(graph):
        found = right(graph)
        for one in list(found):
            found[one] = {other for other in found[one] if other % 3 or other in graph.pins or one in graph.pins}
        return found

    patch.setattr(blocks_to_registers, "_interference", interference)
    patch.setattr(blocks_to_registers, "violations", lambda allocated, sizes: [])


def one_round_less(patch):
    right = _Statements.bounds

    def bounds(self, statement, path):
        following, step, left = right(self, statement, path)
        place = statement.position
        return following, step, self.made(Opcode.SHIFT_RIGHT, left, self.constant(1, place), position=place)

    patch.setattr(_Statements, "bounds", bounds)


def unchecked_index(patch):
    right = words_to_blocks.Words.emit

    def emit(self, opcode, *operands, position):
        if opcode == Opcode.BOUND:
            operands = (operands[0], self.constant(self.top, position))
        right(self, opcode, *operands, position=position)

    patch.setattr(words_to_blocks.Words, "emit", emit)


def arguments_backwards(patch):
    right = words_to_blocks.Words.pinned
    patch.setattr(words_to_blocks.Words, "pinned", lambda self, values, place: right(self, values[::-1], place))


def value_before_target(patch):
    """An augmented assignment to an element evaluates its value once more, before the index."""
    right = _Statements.augment

    def augment(self, statement, path):
        if isinstance(statement.target, Element):
            with self.waiting({f"{path}:target": self.constant(0, statement.position)}):
                self.word(statement.value, f"{path}:value")
        right(self, statement, path)

    patch.setattr(_Statements, "augment", augment)


def break_goes_on(patch):
    right = _Statements.statement

    def statement(self, one, path):
        right(self, Continue(one.position) if isinstance(one, Break) else one, path)

    patch.setattr(_Statements, "statement", statement)


def folded_wrong(patch):
    right = fold._folded

    def folded(line, known, algebra):
        new = right(line, known, algebra)
        if new is not None and new.opcode == Opcode.CONSTANT and line.opcode == Opcode.ADD:
            return type(new)(new.opcode, (new.operands[0], new.operands[1] ^ 1), new.position)
        return new

    patch.setattr(fold, "_folded", folded)


def dropped_store(patch):
    right = dead._wanted
    patch.setattr(dead, "_wanted", lambda line, after: line.opcode != Opcode.STORE and right(line, after))


MUTANTS = (
    swapped_operands, another_op, wrong_jump, lost_spill, lost_move, clobbered_register, one_round_less,
    unchecked_index, arguments_backwards, value_before_target, break_goes_on, folded_wrong, dropped_store,
)  # fmt: skip
ENOUGH = 3


def wrongly_compiled(mutant, case):
    """By a mutated compiler; None where a rule between passes refuses it, or no input tried tells it apart."""
    with pytest.MonkeyPatch.context() as patch:
        mutant(patch)
        try:
            wrong = compiled(case)
        except NclError:
            return None
    return wrong if diverges(wrong, wrong.program) else None


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.__name__)
def test_a_mutated_compiler_is_refuted_wherever_its_code_parts_from_the_source(mutant):
    verdicts = []

    def check(case):
        if verdicts == ["refuted"] * ENOUGH:
            return
        if wrong := wrongly_compiled(mutant, case):
            found = translation_check.check(wrong.function, wrong.program, wrong.witness)
            verdicts.append(found.verdict)
            assert found.verdict == "refuted", found.detail
            assert counterexample.replay_program(found.counterexample).reproduced

    for number in range(6):  # some of them need a rare form of statement to show
        falsify(check, CASES, 150, seed_for(f"{mutant.__name__}{number or ''}"))
        if verdicts:
            break
    assert verdicts


# --- changed machine code is never proved when it differs ------------------------------------------------------------


def mutated(program, line, kind, by):
    """One instruction of the code changed: its opcode, or an operand."""
    row = program.code[line]
    if kind == "opcode":
        return changed(program, line, opcode=int(WORD_OPS[by % len(WORD_OPS)]))
    return changed(program, line, **{kind: getattr(row, kind) ^ (1 + by % 3)})


def none_that_differs_is_proved(examples, seed):
    differing = 0

    def check(case, where, kind, by):
        nonlocal differing
        made = compiled(case)
        program = mutated(made.program, where % len(made.program.code), kind, by)
        if validate(made.function, program, made.witness).proved:
            assert diverges(made, program) is None
        elif diverges(made, program) is not None:
            differing += 1

    change = (st.integers(0, 999), st.sampled_from(["opcode", "a", "b", "c"]), st.integers(0, 99))
    falsify(lambda drawn: check(*drawn), st.tuples(CASES, *change), examples, seed)
    return differing


def test_changed_code_that_parts_from_its_source_is_never_proved():
    assert none_that_differs_is_proved(80, seed_for("changed")) > 10


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(10))
def test_of_three_thousand_changed_programs_none_that_differs_is_proved(part):
    assert none_that_differs_is_proved(300, seed_for("changed nightly", part)) > 50
