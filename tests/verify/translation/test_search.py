"""The search for a failing input tries only what are inputs at all, and reaches all parameters."""

import pytest

from ncl.build import Compiled, sizes_for
from ncl.language.opcodes import Opcode
from ncl.language.parse import parse_text
from ncl.verify.mutation.machine_code_faults import changed, line_of
from ncl.verify.translation import check, search

TEXT = "def f(xs: Array, ys: Array, zs: Array) -> Word:\n    return xs[0] + ys[0] * zs[0]\n"


def three_arrays(width, memory):
    return Compiled.of(parse_text(TEXT, "f.py", "f")[0], sizes_for(width, 16, memory, frame=64, depth=4))


@pytest.mark.parametrize(("width", "memory"), [(1, 2), (2, 4), (3, 6), (8, 32)])
def test_arrays_that_are_tried_fit_in_memory_together(width, memory):
    made = three_arrays(width, memory)
    tried = list(search._candidates(made.function, made.program, None))
    assert len(tried) > 600 and max(sum(map(len, row)) for row in tried) <= memory
    assert memory < 3 or any(all(row) for row in tried)


def test_a_wrong_program_of_three_arrays_is_refuted_where_memory_has_a_cell_for_each():
    made = three_arrays(2, 4)
    wrong = changed(made.program, line_of(made.program, Opcode.MULTIPLY), opcode=int(Opcode.ADD))
    assert check.check(made.function, wrong, made.witness).verdict == "refuted"
