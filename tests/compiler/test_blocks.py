"""The intermediate form: what is legal in it, what is wanted where, and that every pass stands under its rules."""

from dataclasses import replace

import pytest
from tricky import functions, register_counts, sizes

from ncl.compiler import blocks, compile
from ncl.compiler.ast_to_blocks import ast_to_blocks
from ncl.compiler.blocks import Block, Branch, Graph, Halt, Jump, Line, backwards, live_in
from ncl.compiler.compile import compile_function
from ncl.compiler.registers_to_program import registers_to_program
from ncl.errors import IllFormedProgramError, LanguageError
from ncl.language.opcodes import Opcode

FUNCTION = functions()["starts_with_a_loop"]


def graph(*made, parameters=(0,), registers=4):
    return Graph(FUNCTION, list(made), parameters, {p: n for n, p in enumerate(parameters)}, registers)


def line(opcode, *operands):
    return Line(opcode, operands, None)


HALT = Halt((0,), None)
LOOP = graph(
    Block([line(Opcode.CONSTANT, 1, 5)], Jump(1)),
    Block([line(Opcode.TICK), line(Opcode.LESS, 2, 1, 0)], Branch(2, 3, 2, None)),
    Block([line(Opcode.ADD, 1, 1, 0)], Jump(1)),
    Block([line(Opcode.MOVE, 3, 1)], Halt((3,), None)),
)


def test_a_legal_graph_breaks_no_rule():
    assert blocks.violations(LOOP) == []


@pytest.mark.parametrize("width", [3, 16])
@pytest.mark.parametrize("name", functions())
def test_what_the_first_pass_makes_is_legal(name, width):
    program = functions()[name].program
    for function in program.values():
        made = ast_to_blocks(function, width, program)
        assert blocks.violations(made) == []
        points = [made.blocks[label].point for label in made.reachable()]
        assert all(point is None or point.kind in ("loop", "join", "call") for point in points)


BROKEN = [
    (graph(Block()), "block 0 has no end"),
    (graph(Block([], Jump(1)), Block()), "block 1 has no end"),
    (graph(Block([], Branch(0, 1, 7, None)), Block([], HALT)), "block 0 leads to 7, which is no block"),
    (graph(Block([line(Opcode.ADD, 1, 0)], HALT)), "block 0: add with 2 operands"),
    (graph(Block([line(Opcode.TICK, 1)], HALT)), "block 0: tick with 1 operands"),
    (graph(Block([line(Opcode.ADD, 4, 0, 0)], HALT)), "block 0: add names register 4"),
    (graph(Block([line(Opcode.ADD, 1, 0, -1)], HALT)), "block 0: add names register -1"),
    (graph(Block([line(Opcode.MOVE, 1, 2)], HALT)), "register 2 is read before it is written"),
    (graph(Block([], Branch(3, 1, 1, None)), Block([], HALT)), "register 3 is read before it is written"),
    (graph(Block([], Halt((2,), None))), "register 2 is read before it is written"),
    (
        graph(
            Block([], Branch(0, 1, 2, None)), Block([line(Opcode.CONSTANT, 1, 5)], Jump(2)), Block([], Halt((1,), None))
        ),
        "register 1 is read before it is written",
    ),
    *[
        (graph(Block([line(opcode, *[0] * n)], HALT)), f"block 0: {opcode.mnemonic} inside a block")
        for opcode, n in [
            (Opcode.HALT, 0), (Opcode.JUMP, 1), (Opcode.JUMP_ZERO, 2), (Opcode.JUMP_NONZERO, 2), (Opcode.CALL, 2),
            (Opcode.RETURN, 1), (Opcode.TRAP, 1),
        ]
    ],
]  # fmt: skip


@pytest.mark.parametrize(("broken", "message"), BROKEN)
def test_a_broken_rule_of_the_form_is_named(broken, message):
    assert blocks.violations(broken) == [message]


def test_blocks_that_nothing_reaches_are_nobody_s_business():
    assert blocks.violations(graph(Block([], HALT), Block(), Block([], Jump(99)))) == []


def test_a_register_is_wanted_from_its_writing_to_its_last_reading():
    assert live_in(LOOP) == {0: {0}, 1: {0, 1}, 2: {0, 1}, 3: {1}}
    after = [(done.opcode, wanted) for done, wanted in backwards(LOOP.blocks[1], live_in(LOOP))]
    assert after == [(Opcode.LESS, {0, 1, 2}), (Opcode.TICK, {0, 1})]


def test_reachable_blocks_come_in_an_order_that_falls_through():
    assert LOOP.reachable() == [0, 1, 2, 3]


# --- the pipeline ----------------------------------------------------------------------------------------------------


def test_a_pass_that_breaks_a_rule_is_named_as_the_compiler_s_own_fault(monkeypatch):
    def forgets_an_end(*given):
        made = ast_to_blocks(*given)
        made.blocks[made.reachable()[-1]].end = None
        return made

    monkeypatch.setattr(compile, "ast_to_blocks", forgets_an_end)
    with pytest.raises(
        IllFormedProgramError, match=r"the pass ast_to_blocks broke a rule: block \d+ has no end"
    ) as caught:
        compile_function(FUNCTION, sizes(8, 16))
    assert "fault of the compiler" in caught.value.remedy and "starts_with_a_loop" in caught.value.where


def test_the_last_pass_is_held_to_the_rules_of_machine_code(monkeypatch):
    def loses_the_last_line(allocated, machine):
        program, witness = registers_to_program(allocated, machine)
        return replace(program, code=program.code[:-1], positions=program.positions[:-1]), witness

    monkeypatch.setattr(compile, "registers_to_program", loses_the_last_line)
    with pytest.raises(IllFormedProgramError, match="the pass registers_to_program broke a rule"):
        compile_function(FUNCTION, sizes(8, 16))


def test_a_literal_that_is_no_word_is_refused_before_the_first_pass():
    with pytest.raises(LanguageError, match="4 is no word of width 2"):
        compile_function(FUNCTION, sizes(2, 16))


@pytest.mark.parametrize("name", functions())
def test_compiling_twice_gives_the_same_bytes(name):
    function = functions()[name]
    first, again = (compile_function(function, sizes(8, register_counts(function)[1])) for _ in range(2))
    assert first[0].canonical() == again[0].canonical() and first[1] == again[1]
