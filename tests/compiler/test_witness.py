"""The witness: its rows stand at real lines, name real places, and these hold what they say at run time."""

import json

import pytest
from tricky import functions, inputs, register_counts, sizes

from ncl.compiler.compile import compile_function
from ncl.compiler.witness import Witness
from ncl.errors import FormatError
from ncl.language.interpret.machine import trace_machine
from ncl.language.interpret.source import trace_source
from ncl.language.opcodes import Opcode
from ncl.language.syntax import Assert, Assign, Augment, For, If, NewArray, While

JOINED = If | Assign | Augment | Assert  # behind which several ways come together


@pytest.mark.parametrize("name", functions())
def test_a_witness_reads_back_from_its_json_text(name):
    function = functions()[name]
    _, witness = compile_function(function, sizes(8, register_counts(function)[1]))
    assert Witness.from_json(json.loads(json.dumps(witness.to_json()))) == witness
    first, *others = witness.functions
    assert (witness.function, first.function, first.entry, first.halts) == (name, name, 0, True)
    assert not any(part.halts for part in others) and witness.functions == tuple(
        sorted(witness.functions, key=lambda part: part.entry)
    )


def statement_at(function, path):
    """The statement that a path such as `2.body.0.then.1` or `0:value0.left` names or begins with."""
    block, parts = function.body, path.partition(":")[0].split(".")
    for number, way in zip(parts[::2], [*parts[1::2], ""], strict=True):
        statement = block[int(number)]
        block = {"body": lambda s: s.body, "then": lambda s: s.then, "else": lambda s: s.otherwise,
                 "": lambda s: None}[way](statement)  # fmt: skip
    return statement


@pytest.mark.parametrize("name", functions())
def test_every_row_names_a_statement_a_line_and_places_of_the_machine(name):
    function = functions()[name]
    for registers in register_counts(function):
        machine = sizes(8, registers)
        program, witness = compile_function(function, machine)
        for part, row in rows(function, witness):
            statement = statement_at(part, row.path)
            if ":" not in row.path:
                assert isinstance(statement, JOINED if row.kind == "join" else For | While | NewArray)
            assert 0 <= row.line < len(program.code)
            if row.kind == "call":
                assert program.code[row.line - 1].opcode == Opcode.CALL
                assert all(place[0] == "f" for _, place in row.locations)
            if row.kind == "loop":
                assert program.code[row.line].opcode == Opcode.TICK
                assert program.positions[row.line] == statement.position
            for _, place in row.locations:
                assert int(place[1:]) < (machine.registers if place[0] == "r" else machine.frame)


@pytest.mark.parametrize("name", functions())
def test_every_loop_head_that_is_reached_has_exactly_one_row(name):
    program, witness = compile_function(functions()[name], sizes(8, 16))
    ticking = [n for n, i in enumerate(program.code) if i.opcode == Opcode.TICK]
    ticking = [n for n in ticking if program.code[n + 1].opcode != Opcode.CALL and not _hands_over(program, n)]
    assert sorted(row.line for _, row in rows(functions()[name], witness) if row.kind == "loop") == ticking


def _hands_over(program, line):
    """A tick behind which arguments are put in their registers and a call follows."""
    behind = (i.opcode for i in program.code[line + 1 :])
    return next(o for o in behind if o not in (Opcode.MOVE, Opcode.LOAD_FRAME)) == Opcode.CALL


def rows(function, witness):
    """Each row with the function that it belongs to."""
    return [(function.program[part.function], row) for part in witness.functions for row in part.rows]


@pytest.mark.parametrize("name", functions())
def test_at_a_loop_head_every_place_holds_the_value_of_its_variable(name):
    """Runs of source and machine side by side: the k-th arrival at a head of `while` is the same moment in both."""
    function = functions()[name]
    for registers in (register_counts(function)[0], 16):
        machine = sizes(8, registers)
        program, witness = compile_function(function, machine)
        heads = {row.line: row for row in witness.functions[0].rows if row.kind == "loop"}
        whiles = {line for line, row in heads.items() if isinstance(statement_at(function, row.path), While)}
        for arguments in inputs(function, machine, 4):
            source = [(place, v) for place, v in trace_source(function, arguments, machine, 60)]
            first = {}  # the source trace shows a `while` once, before its first round
            for state in trace_machine(program, arguments, 60):
                if state.pc in whiles and not state.halted:
                    first.setdefault(heads[state.pc].path, state)
            for state in first.values():
                line = state.pc
                place = program.positions[line]
                variables = next(v for p, v in source if p == place)
                for term, where in heads[line].locations:
                    if term in variables and isinstance(variables[term], int):
                        assert held(state, where) == variables[term], (name, term)
                    elif term.startswith("len("):
                        assert held(state, where) == len(variables[term[4:-1]]), (name, term)
                    elif term.startswith("base("):
                        cells = variables[term[5:-1]]
                        begin = held(state, where)
                        assert list(state.memory[begin : begin + len(cells)]) == cells, (name, term)


def held(state, where):
    return state.registers[int(where[1:])] if where[0] == "r" else state.frame[state.fp + int(where[1:])]


GOOD = {
    "schema": 2,
    "function": "f",
    "functions": [
        {
            "function": "f", "entry": 0, "frame": 2, "halts": True,
            "rows": [{"kind": "loop", "path": "0", "line": 3, "locations": [["n", "r2"], ["left@0", "f1"]]}],
        }
    ],
}  # fmt: skip
FUNCTION = GOOD["functions"][0]
ROW = FUNCTION["rows"][0]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schema", 1), ("function", 5), ("functions", None), ("functions", [5]), ("functions", [{}]), ("halts", 1),
        ("frame", -1), ("frame", None), ("entry", -1), ("entry", "0"), ("entry", 0.0), ("rows", None), ("rows", [5]),
        ("rows", [{}]), ("rows", [{**ROW, "line": 1.5}]), ("rows", [{**ROW, "line": True}]),
        ("rows", [{**ROW, "kind": 3}]), ("rows", [{**ROW, "path": None}]), ("rows", [{**ROW, "locations": None}]),
        ("rows", [{**ROW, "locations": [["n"]]}]), ("rows", [{**ROW, "locations": [["n", "x1"]]}]),
        ("rows", [{**ROW, "locations": [["n", "r"]]}]), ("rows", [{**ROW, "locations": [[1, "r1"]]}]),
    ],
)  # fmt: skip
def test_a_document_that_is_no_witness_is_refused(key, value):
    assert Witness.from_json(GOOD).to_json() == GOOD
    with pytest.raises(FormatError, match=r"here\.json: not a witness"):
        Witness.from_json(GOOD | {key: value} if key in GOOD else with_function({key: value}), r"here.json")


def with_function(change):
    return {**GOOD, "functions": [FUNCTION | change]}


@pytest.mark.parametrize("document", [None, [], 3, {}])
def test_a_document_of_another_kind_is_refused(document):
    with pytest.raises(FormatError, match="not a witness"):
        Witness.from_json(document)
