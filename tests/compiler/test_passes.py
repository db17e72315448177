"""The optimising passes: what each does, what it must leave alone, and that any choice of them means the same."""

from itertools import combinations

import pytest
from tricky import functions, inputs, register_counts, sizes

from ncl.compiler.blocks import Block, Branch, CallTo, Graph, Halt, Jump, Line, Point
from ncl.compiler.common import common
from ncl.compiler.compile import ORDER, PASSES, compile_function
from ncl.compiler.copies import copies
from ncl.compiler.dead import dead
from ncl.compiler.fold import fold
from ncl.compiler.segments import parents
from ncl.compiler.thread import SHORT, thread
from ncl.language.interpret.machine import finish, loaded
from ncl.language.interpret.source import run_source
from ncl.language.opcodes import Opcode

A, B, C, D, E = range(5)  # registers; A and B are parameters
W = 8
CONSTANT, MOVE, ADD, MULTIPLY, DIVIDE = Opcode.CONSTANT, Opcode.MOVE, Opcode.ADD, Opcode.MULTIPLY, Opcode.DIVIDE
LOAD, STORE, BOUND, LESS, TICK = Opcode.LOAD, Opcode.STORE, Opcode.BOUND, Opcode.LESS, Opcode.TICK


def line(opcode, *operands):
    return Line(opcode, operands, None)


def graph(*blocks):
    return Graph(functions()["unused"], list(blocks), (A, B), {A: 0, B: 1}, 9)


def straight(*lines, ends=(A,)):
    return graph(Block([line(*given) for given in lines], Halt(ends, None)))


def told(made, label=0):
    return [(old.opcode, *old.operands) for old in made.blocks[label].lines]


CASES = [
    (
        fold, [(CONSTANT, C, 3), (CONSTANT, D, 254), (ADD, E, C, D)],
        [(CONSTANT, C, 3), (CONSTANT, D, 254), (CONSTANT, E, 1)],
    ),
    (fold, [(CONSTANT, C, 0), (ADD, D, A, C), (ADD, E, C, A)], [(CONSTANT, C, 0), (MOVE, D, A), (MOVE, E, A)]),
    (fold, [(CONSTANT, C, 0), (MULTIPLY, D, A, C)], [(CONSTANT, C, 0), (CONSTANT, D, 0)]),
    (fold, [(CONSTANT, C, 0), (DIVIDE, D, A, C)], None),  # it traps
    (fold, [(CONSTANT, C, 0), (CONSTANT, D, 6), (DIVIDE, E, D, C)], None),
    (
        fold, [(CONSTANT, C, 1), (CONSTANT, D, 2), (BOUND, C, D), (BOUND, D, C)],
        [(CONSTANT, C, 1), (CONSTANT, D, 2), (BOUND, D, C)],
    ),
    (fold, [(CONSTANT, C, 1), (ADD, C, C, A), (ADD, D, C, C)], None),  # no longer known
    (copies, [(MOVE, C, A), (ADD, D, C, B)], [(MOVE, C, A), (ADD, D, A, B)]),
    (copies, [(MOVE, C, A), (ADD, A, A, B), (ADD, D, C, B)], None),  # the original was written
    (copies, [(MOVE, C, A), (ADD, C, C, B), (ADD, D, C, B)], [(MOVE, C, A), (ADD, C, A, B), (ADD, D, C, B)]),
    (common, [(ADD, C, A, B), (ADD, D, B, A)], [(ADD, C, A, B), (MOVE, D, C)]),
    (common, [(DIVIDE, C, A, B), (DIVIDE, D, B, A)], None),
    (common, [(ADD, A, A, B), (ADD, C, A, B)], None),  # of another A
    (common, [(ADD, C, A, B), (ADD, C, C, B), (ADD, D, A, B)], None),  # no register holds it any more
    (common, [(BOUND, A, B), (BOUND, A, B)], [(BOUND, A, B)]),
    (common, [(BOUND, A, B), (ADD, A, A, B), (BOUND, A, B)], None),
    (common, [(LOAD, C, A, B), (LOAD, D, A, B)], [(LOAD, C, A, B), (MOVE, D, C)]),
    (common, [(LOAD, C, A, B), (STORE, B, A, A), (LOAD, D, A, B)], None),  # the cell may be the one written
    (common, [(STORE, C, A, B), (LOAD, D, A, B)], [(STORE, C, A, B), (MOVE, D, C)]),
    (common, [(CONSTANT, C, 7), (CONSTANT, D, 7)], [(CONSTANT, C, 7), (MOVE, D, C)]),
    (dead, [(ADD, C, A, B), (LOAD, D, A, B), (MOVE, E, A)], []),
    (dead, [(DIVIDE, C, A, B), (BOUND, A, B), (STORE, A, A, B), (Opcode.ALLOCATE, C, A), (TICK,)], None),
    (dead, [(ADD, C, A, B), (ADD, A, C, B)], None),
    (dead, [(CONSTANT, C, 1), (ADD, D, C, C)], []),  # the second first, and then nobody wants the first
]  # fmt: skip


@pytest.mark.parametrize(("pass_", "before", "after"), CASES)
def test_a_pass_does_what_it_says_and_leaves_alone_what_it_must(pass_, before, after):
    assert told(pass_(straight(*before), W)) == (before if after is None else after)


@pytest.mark.parametrize("pass_", [fold, copies, common, dead, thread])
def test_a_pass_leaves_its_argument_as_it_was(pass_):
    before = [(CONSTANT, C, 3), (MOVE, D, A), (ADD, E, C, C), (ADD, E, C, C)]
    given = straight(*before)
    pass_(given, W)
    assert told(given) == before


def test_a_branch_on_a_known_word_becomes_a_jump():
    for word, way in ((0, 1), (5, 2)):
        made = fold(graph(Block([line(CONSTANT, C, word)], Branch(C, 1, 2, None)), Block([], Halt((A,), None)),
                          Block([], Halt((B,), None))), W)  # fmt: skip
        assert made.blocks[0].end == Jump(way)


def test_facts_go_on_where_only_one_way_leads_and_stop_at_points_and_where_ways_meet():
    point = Point("join", "0", {})
    diamond = graph(
        Block([line(CONSTANT, C, 1)], Branch(A, 1, 2, None)), Block([], Jump(3)), Block([], Jump(3), point),
        Block([], Halt((A,), None)),
    )  # fmt: skip
    assert parents(diamond) == {0: None, 1: 0, 2: None, 3: None}
    again = graph(Block([line(TICK)], Branch(A, 1, 0, None)), Block([], Halt((A,), None)))
    assert parents(again) == {0: None, 1: 0}, "the entry has a way in of its own"


def test_what_a_call_gives_is_held_no_longer_than_the_calling_convention_needs():
    blocks = [
        Block([line(MOVE, C, A)], CallTo("unused", (C,), (D,), 1, None)),
        Block([line(MOVE, E, D), line(ADD, B, E, E), line(MOVE, A, B)], Halt((A,), None), Point("call", "0:value", {})),
    ]
    made = Graph(functions()["unused"], blocks, (A, B), {A: 0, B: 1, C: 0, D: 0}, 9)
    assert told(copies(made, W), 1)[:2] == [(MOVE, E, D), (ADD, B, E, E)]
    assert copies(made, W).blocks[0].end == blocks[0].end


def test_short_heads_and_ends_are_copied_to_where_they_were_jumped_to_with_their_points():
    head = Block([line(TICK)], Branch(A, 2, 1, None), Point("loop", "0", {"a": A}))
    made = graph(Block([], Jump(1)), head, Block([line(ADD, A, A, B)], Jump(1)), Block([], Halt((A,), None)))
    made.blocks[1] = Block(head.lines, Branch(A, 3, 2, None), head.point)
    after = thread(made, W)
    assert after.blocks[0].end == Jump(1) and after.blocks[2].end == Jump(4)
    assert after.blocks[4] == after.blocks[1]
    made.blocks[1].lines += [line(ADD, C, A, B)] * SHORT
    assert thread(made, W).blocks == made.blocks


@pytest.mark.parametrize("name", functions())
def test_any_choice_of_passes_means_the_same(name):
    """Each alone, all but each, none and all: results, ticks, traps and places are those of the source."""
    function = functions()[name]
    orders = [(), ORDER, *((one,) for one in PASSES)]
    orders += [tuple(n for n in ORDER if n in some) for some in combinations(PASSES, len(PASSES) - 1)]
    least = register_counts(function)[0]
    for number, order in enumerate(orders):
        machine = sizes(8, least if number % 2 else 16)
        program, _ = compile_function(function, machine, order)
        for arguments in inputs(function, machine, 2):
            for budget in (300, 3):
                expected = run_source(function, arguments, machine, budget)
                got = finish(loaded(program, arguments, budget))
                assert got.same_meaning(expected), (order, arguments, budget)


def test_passes_together_save_instructions_and_steps():
    """At 16 registers, over all the programs here; how much is told in the decisions."""

    def cost(order):
        length = steps = 0
        for function in functions().values():
            machine = sizes(8, 16)
            program, _ = compile_function(function, machine, order)
            length += len(program.code)
            steps += sum(finish(loaded(program, a, 300)).steps for a in inputs(function, machine, 3))
        return length, steps

    plain, whole = cost(()), cost(ORDER)
    short = cost(tuple(name for name in ORDER if name != "thread"))
    assert whole[1] < 0.93 * plain[1] and short[0] < plain[0] and short[1] < plain[1]
