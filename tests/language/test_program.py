"""Programs as documents: what reads back, what is refused, and the sizes of machines."""

import copy
import json
import pickle

import pytest

from ncl import library
from ncl.compiler.compile import compile_function
from ncl.errors import FormatError, InputError
from ncl.language.program import Instruction, Parameter, Position, Program, Signature, Sizes

GOOD = {
    "schema": 1,
    "name": "p",
    "parameters": [["xs", "array"], ["n", "word"]],
    "result": "word",
    "sizes": {"width": 4, "registers": 4, "memory": 8, "frame": 2, "depth": 1},
    "source": "12ab",
    "code": [[8, 0, 3, 0], [0, 0, 0, 0]],
    "positions": [[2, 5], None],
}


@pytest.mark.parametrize("name", library.names())
def test_a_library_program_reads_back_from_its_json_text(name):
    program, _ = compile_function(library.get(name), Sizes(width=8, memory=64))
    text = json.dumps(program.to_json())
    assert Program.from_json(json.loads(text)) == program
    assert pickle.loads(pickle.dumps(program)) == program


def test_a_document_says_what_a_program_is():
    program = Program.from_json(GOOD)
    assert program == Program(
        "p", Signature((Parameter("xs", "array"), Parameter("n", "word")), "word"), Sizes(4, 4, 8, 2, 1),
        (Instruction(8, 0, 3, 0), Instruction(0)), (Position(2, 5), None), "12ab",
    )  # fmt: skip
    assert program.to_json() == GOOD
    assert str(program.signature) == "(xs: Array, n: Word) -> Word"
    assert program.signature.argument_registers == 3


def test_the_canonical_bytes_change_with_every_field():
    program = Program.from_json(GOOD)
    assert json.loads(program.canonical()) == GOOD
    changed = [
        {"name": "q"}, {"parameters": [["xs", "array"]]}, {"result": "array"}, {"source": ""}, {"positions": []},
        {"code": [[8, 0, 4, 0], [0, 0, 0, 0]]}, {"sizes": {**GOOD["sizes"], "depth": 0}},
    ]  # fmt: skip
    others = {Program.from_json({**GOOD, **change}).canonical() for change in changed}
    assert len(others) == len(changed) and program.canonical() not in others


def test_a_position_in_another_file_names_it_and_one_in_the_own_file_does_not():
    rows = [[2, 5], [7, 1, "../shapes/area.py"]]
    program = Program.from_json({**GOOD, "positions": rows})
    assert program.positions == (Position(2, 5), Position(7, 1, "../shapes/area.py"))
    assert program.to_json()["positions"] == rows
    assert [str(p) for p in program.positions] == ["line 2, column 5", "line 7, column 1 of ../shapes/area.py"]


def test_positions_that_are_all_missing_are_no_positions():
    assert Program.from_json({**GOOD, "positions": [None, None]}).positions == ()


SPOILED = [
    ("schema", 2), ("schema", None), ("name", 5), ("name", ""), ("name", "../p"), ("name", "a b"), ("name", None),
    ("parameters", None), ("parameters", [["xs"]]), ("parameters", [["xs", "list"]]), ("parameters", [["a b", "word"]]),
    ("parameters", [["xs", "array", 1]]), ("parameters", {"xs": "array"}), ("result", "list"), ("result", None),
    ("sizes", {}), ("sizes", []), ("sizes", {**GOOD["sizes"], "width": 0}), ("sizes", {**GOOD["sizes"], "width": "4"}),
    ("sizes", {**GOOD["sizes"], "memory": 17}), ("sizes", {**GOOD["sizes"], "depth": True}),
    ("sizes", {k: v for k, v in GOOD["sizes"].items() if k != "depth"}), ("source", 5), ("source", "a\n.b"),
    ("code", None), ("code", [[0]]), ("code", [[0, 0, 0, 0, 0]]), ("code", [[0, -1, 0, 0]]), ("code", [[0.0, 0, 0, 0]]),
    ("code", [["0", 0, 0, 0]]), ("code", [[True, 0, 0, 0]]), ("code", 3), ("positions", None),
    ("positions", [[1], None]), ("positions", [[1, 2, 3], None]), ("positions", [[-1, 2], None]), ("positions", ["12"]),
    ("positions", [[1, 2, ""], None]), ("positions", [[1, 2, "/a.py"], None]), ("positions", [[1, 2, "a b.py"], None]),
    ("positions", [[1, 2, "a/../b.py"], None]), ("positions", [[1, 2, "a.py", 3], None]),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value"), SPOILED)
def test_a_document_that_is_no_program_is_refused(key, value):
    with pytest.raises(FormatError, match=r"here\.json: not a program"):
        Program.from_json({**GOOD, key: value}, "here.json")


@pytest.mark.parametrize("key", GOOD)
def test_a_document_without_one_of_its_fields_is_refused(key):
    lacking = copy.deepcopy(GOOD)
    del lacking[key]
    with pytest.raises(FormatError, match=f"not a program: KeyError: '{key}'"):
        Program.from_json(lacking)


@pytest.mark.parametrize("document", [None, 3, "text", [], [1], [GOOD]])
def test_a_document_of_another_kind_is_refused(document):
    with pytest.raises(FormatError, match="not a program"):
        Program.from_json(document)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"width": 0}, "width 0 is not in 1 … 32"),
        ({"width": 33}, "width 33 is not in 1 … 32"),
        ({"width": 4, "memory": 17}, "memory 17 is not in 0 … N = 16"),
        ({"memory": -1}, "memory -1"),
        ({"registers": 1}, "1 registers: a result needs two"),
        ({"frame": -1}, "frame -1"),
        ({"depth": -1}, "depth -1"),
        ({"width": "8"}, "width is '8', which is no whole number"),
        ({"memory": 8.0}, "memory is 8.0, which is no whole number"),
        ({"depth": True}, "depth is True, which is no whole number"),
    ],
)
def test_a_machine_of_impossible_sizes_is_refused(sizes, message):
    with pytest.raises(InputError, match=message):
        Sizes(**sizes)


@pytest.mark.parametrize(
    "sizes",
    [
        {"width": 1, "memory": 2}, {"width": 32}, {"width": 4, "memory": 16}, {"memory": 0}, {"registers": 2},
        {"frame": 0}, {"depth": 0},
    ],
)  # fmt: skip
def test_a_machine_at_the_edge_of_what_is_possible_is_one(sizes):
    assert {key: getattr(Sizes(**sizes), key) for key in sizes} == sizes


def test_every_fault_of_the_sizes_is_named():
    with pytest.raises(InputError) as caught:
        Sizes(width=0, registers=0, frame=-1, depth=-1)
    for part in ("width 0", "0 registers", "frame -1"):
        assert part in str(caught.value)
