"""What a run leaves behind, and where two traces part."""

from dataclasses import replace

import pytest

from ncl.language.interpret.machine import trace_machine
from ncl.language.opcodes import Trap
from ncl.language.program import Position
from ncl.language.text import assemble
from ncl.language.trace import Divergence, Result, TrapReport, first_divergence

HEAD = ".program p\n.signature (n: Word) -> Word\n.sizes width=4 registers=2 memory=2 frame=1 depth=0\n.source\n"
STATES = list(trace_machine(assemble(HEAD + "0 constant r0, 7\n1 tick\n2 halt\n"), [3]))
OTHER = {
    "pc": 9, "registers": (9, 9), "memory": (9, 9), "hp": 9, "frame": (9,), "fp": 9, "stack": ((9, 9, 9),),
    "ticks": 9, "halted": True, "trap": 1,
}  # fmt: skip


def test_equal_traces_do_not_part():
    assert first_divergence(STATES, list(STATES)) is None


@pytest.mark.parametrize("part", OTHER)
def test_the_first_different_component_is_named_with_its_step(part):
    wrong = [*STATES[:1], replace(STATES[1], **{part: OTHER[part]}), *STATES[2:]]
    found = first_divergence(STATES, wrong)
    assert found == Divergence(1, part, getattr(STATES[1], part), OTHER[part])
    assert str(found) == f"step 1: {part} should be {getattr(STATES[1], part)}, is {OTHER[part]}"


def test_a_trace_that_ends_early_parts_where_it_ends():
    assert first_divergence(STATES, STATES[:2]) == Divergence(2, "length", 4, 2)
    assert first_divergence(STATES[:2], STATES) == Divergence(2, "length", 2, 4)


def test_the_meaning_of_a_result_is_all_but_its_steps():
    result = Result(3, 4, 5)
    assert result.same_meaning(Result(3, 4, None))
    trap = Result(None, 4, 5, TrapReport(Trap.INDEX, Position(1, 2)))
    for other in (Result(2, 4, 5), Result(3, 5, 5), trap, Result([3], 4, 5)):
        assert not result.same_meaning(other)
    assert not trap.same_meaning(replace(trap, trap=TrapReport(Trap.INDEX, Position(1, 3))))
    assert not trap.same_meaning(replace(trap, trap=TrapReport(Trap.MEMORY, Position(1, 2))))


def test_a_trap_speaks_of_its_place_when_it_has_one():
    assert str(TrapReport(Trap.INDEX, Position(3, 9))) == "trap index at line 3, column 9"
    assert str(TrapReport(Trap.INDEX, None)) == "trap index"
    assert TrapReport(Trap.INDEX, Position(3, 9)).to_json() == {"kind": "index", "line": 3, "column": 9}
    there = TrapReport(Trap.INDEX, Position(3, 9, "a.py"))
    assert str(there) == "trap index at line 3, column 9 of a.py"
    assert there.to_json() == {"kind": "index", "line": 3, "column": 9, "file": "a.py"}
    assert TrapReport(Trap.BUDGET, None).to_json() == {"kind": "budget", "line": None, "column": None}
