"""Damaged certificates, programs, witnesses and weights: `ncl gate` refuses each in one message, with exit code 1."""

import json
import os
import shutil
import struct
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from ncl.build import compile
from ncl.language.opcodes import Opcode
from ncl.language.program import Sizes
from ncl.verify.runs import compiled_loop

PAPER, PROGRAM, WITNESS, WEIGHTS = (
    "certificate.json", "programs/reverse.json", "witness/reverse.json", "weights.safetensors",
)  # fmt: skip
DEEP = b'{"schema": ' + b"[" * 200 + b"]" * 200 + b"}"
DEEPER = b"[" * 200_000 + b"]" * 200_000


def text(old, new):
    """One place of a JSON file written otherwise."""

    def change(body):
        told = body.decode()
        assert told.count(old), old
        return told.replace(old, new, 1).encode()

    return change


def data(change):
    """A JSON file with its document changed."""

    def go(body):
        document = json.loads(body)
        change(document)
        return json.dumps(document).encode()

    return go


def header(change):
    """A safetensors file whose header says something else about the same bytes."""

    def go(body):
        (size,) = struct.unpack("<Q", body[:8])
        told = json.loads(body[8 : 8 + size])
        change(told, next(name for name in sorted(told) if name != "__metadata__"))
        fresh = json.dumps(told).encode()
        return struct.pack("<Q", len(fresh)) + fresh + body[8 + size :]

    return go


def cut(count):
    return lambda body: body[:count]


def always(body):
    return lambda _: body


BYTES = {
    **{
        f"{file}: {name}": (file, change)
        for file in (PAPER, PROGRAM, WITNESS)
        for name, change in {
            "empty": always(b""),
            "cut in half": lambda body: body[: len(body) // 2],
            "no object": always(b"[]"),
            "null": always(b"null"),
            "a number": always(b"17"),
            "not UTF-8": lambda body: body.replace(b'"', b'"\xff', 1),
            "UTF-16": lambda body: body.decode().encode("utf-16"),
            "a byte order mark": lambda body: b"\xef\xbb\xbf" + body,
            "something behind it": lambda body: body + b"{}",
            "deep nesting": always(DEEP),
            "deeper nesting than Python follows": always(DEEPER),
            "a key twice": text('"schema"', '"schema": 7, "schema"'),
            "a key more": data(lambda d: d.update(more=1)),
            "a schema that is true": text('"schema": ', '"schema": true, "more": '),
            "no schema": data(lambda d: d.pop("schema")),
        }.items()
    },
    "a duration of NaN": (PAPER, text('"seconds": 0.0', '"seconds": NaN')),
    "an endless duration": (PAPER, text('"seconds": 0.0', '"seconds": -Infinity')),
    "a duration of 1e400": (PAPER, text('"seconds": 0.0', '"seconds": 1e400')),
    "a duration below 0": (PAPER, text('"seconds": 0.0', '"seconds": -1.5')),
    "a lone surrogate in a bound": (PAPER, text('"bound": "', '"bound": "\\ud800')),
    "a lone surrogate in a key": (PAPER, text('"versions": {', '"versions": {"\\udfff": "1",')),
    "a width in words": (PAPER, data(lambda d: d.update(width=str(d["width"])))),
    "a width that is true": (PAPER, data(lambda d: d.update(width=True))),
    "a width of 11.0": (PAPER, text('"width": 11', '"width": 11.0')),
    "a second width": (PAPER, text('"width": 11', '"width": 8, "width": 11')),
    "a width past 2^53": (PAPER, data(lambda d: d.update(width=2**53 + 1))),
    "a width of thousands of digits": (PAPER, text('"width": 11', '"width": ' + "9" * 5000)),
    "a verdict that is none": (PAPER, data(lambda d: d["obligations"][0].update(verdict="fine"))),
    "a limit in words": (PAPER, data(lambda d: d["obligations"][0]["limits"].update(more="7"))),
    "obligations as an object": (PAPER, data(lambda d: d.update(obligations={}))),
    "executors as a text": (PAPER, data(lambda d: d.update(executors="integer"))),
    "digests as numbers": (PAPER, data(lambda d: d["programs"].update(reverse=0))),
    "no seal": (PAPER, data(lambda d: d.update(seal=""))),
    "code in words": (PROGRAM, data(lambda d: d["code"][0].__setitem__(0, str(d["code"][0][0])))),
    "code that is true": (PROGRAM, data(lambda d: d["code"][0].__setitem__(1, True))),
    "half an instruction": (PROGRAM, data(lambda d: d["code"][0].pop())),
    "a fraction for a size": (PROGRAM, data(lambda d: d["sizes"].update(width=11.0))),
    "a size more": (PROGRAM, data(lambda d: d["sizes"].update(cache=1))),
    "code as a text": (PROGRAM, data(lambda d: d.update(code="abcd"))),
    "another name": (PROGRAM, data(lambda d: d.update(name="../reverse"))),
    "a witness's line in words": (WITNESS, data(lambda d: d["functions"][0].update(entry="0"))),
    "a witness that halts 1": (WITNESS, data(lambda d: d["functions"][0].update(halts=1))),
    "a witness of no function": (WITNESS, data(lambda d: d.update(functions=7))),
    "weights: empty": (WEIGHTS, always(b"")),
    "weights: seven bytes": (WEIGHTS, cut(7)),
    "weights: cut in the header": (WEIGHTS, cut(40)),
    "weights: one byte less": (WEIGHTS, lambda body: body[:-1]),
    "weights: one byte more": (WEIGHTS, lambda body: body + b"\0"),
    "weights: zeros": (WEIGHTS, lambda body: b"\0" * len(body)),
    "weights: a header of 2^63 bytes": (WEIGHTS, lambda body: struct.pack("<Q", 1 << 63) + body[8:]),
    "weights: a header that is no JSON": (WEIGHTS, lambda body: body[:8] + b"x" + body[9:]),
    "weights: another dtype": (WEIGHTS, header(lambda h, n: h[n].update(dtype="F64"))),
    "weights: a dtype that is none": (WEIGHTS, header(lambda h, n: h[n].update(dtype="X7"))),
    "weights: another shape": (WEIGHTS, header(lambda h, n: h[n].update(shape=[1, *h[n]["shape"]]))),
    "weights: a shape of too much": (WEIGHTS, header(lambda h, n: h[n].update(shape=[1 << 40, 1 << 40]))),
    "weights: offsets past the end": (WEIGHTS, header(lambda h, n: h[n].update(data_offsets=[0, 1 << 50]))),
    "weights: offsets turned round": (WEIGHTS, header(lambda h, n: h[n].update(data_offsets=[8, 0]))),
    "weights: overlapping": (WEIGHTS, header(lambda h, n: h.update(more={**h[n]}))),
    "weights: a tensor of another name": (WEIGHTS, header(lambda h, n: h.update(other=h.pop(n)))),
}


def exchange(change):
    def go(library):
        tensors = load_file(library / WEIGHTS)
        change(tensors)
        save_file(tensors, library / WEIGHTS)

    return go


def instead(name, make):
    def go(library):
        place = library / name
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        make(place)

    return go


FOLDERS = {
    "a tensor more": exchange(lambda t: t.update(more=torch.zeros(3))),
    "no tensor": exchange(lambda t: t.clear()),
    "an extra program": lambda f: shutil.copy(f / PROGRAM, f / "programs" / "more.json"),
    "no programs": instead("programs", lambda p: p.mkdir()),
    "no folder of programs": instead("programs", lambda p: None),
    "programs as a file": instead("programs", lambda p: p.write_text("{}")),
    "no folder of witnesses": instead("witness", lambda p: None),
    "programs of two widths": lambda f: (f / "programs/copy.json").write_bytes(
        data(lambda d: d["sizes"].update(width=12))((f / "programs/copy.json").read_bytes())
    ),
    **{
        f"{file}: {name}": instead(file, make)
        for file in (PAPER, PROGRAM, WITNESS, WEIGHTS)
        for name, make in {
            "gone": lambda p: None,
            "a folder": lambda p: p.mkdir(),
            "a link that dangles": lambda p: p.symlink_to(p.parent / "nowhere"),
            "a link to itself": lambda p: p.symlink_to(p),
            "a link to a folder": lambda p: p.symlink_to(p.parent),
            "a pipe": lambda p: os.mkfifo(p),
        }.items()
    },
}


@pytest.fixture
def library(here, certified):
    shutil.copytree(certified, here / "library")
    return here / "library"


def assert_refused(ncl, where="library"):
    plain, told = ncl("gate", where), ncl("gate", where, "--json")
    assert (plain.code, told.code, plain.out) == (1, 1, ""), plain.err
    assert plain.err.startswith("ncl: ") and plain.err.count("ncl: ") == 1 and len(plain.err) < 3000
    assert told.document["error"]["class"] == "GateRefused"
    assert "\n" not in told.document["error"]["message"]
    assert "internal" not in plain.err


@pytest.mark.parametrize("what", BYTES)
def test_a_damaged_file_is_refused(ncl, library, what):
    file, change = BYTES[what]
    path = library / file
    body = path.read_bytes()
    path.write_bytes(change(body))
    assert path.read_bytes() != body
    assert_refused(ncl)


@pytest.mark.parametrize("what", FOLDERS)
def test_a_damaged_folder_is_refused(ncl, library, what):
    FOLDERS[what](library)
    assert_refused(ncl)


def test_the_damages_are_many_and_the_library_is_let_in_without_them(ncl, library):
    assert len(BYTES) + len(FOLDERS) >= 60
    assert ncl("gate", "library").code == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to this user")
@pytest.mark.parametrize("file", [PAPER, PROGRAM, WITNESS, WEIGHTS])
def test_a_file_that_may_not_be_read_is_refused(ncl, library, file):
    (library / file).chmod(0)
    assert_refused(ncl)


def test_links_to_the_right_files_pass(ncl, library):
    for file in (PAPER, PROGRAM, WITNESS, WEIGHTS):
        (library / file).rename(library / "kept")
        (library / file).write_bytes((library / "kept").read_bytes())
        (library / "kept").unlink()
    (library / PROGRAM).rename(library.parent / "blob")
    (library / PROGRAM).symlink_to(library.parent / "blob")
    assert ncl("gate", "library").code == 0


# --- policies at the gate --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b'{"schema": 1, "schema": 1}', b"NaN", DEEPER, b"{} {}", b'{"schema": 1e400}'])
def test_a_policy_that_is_not_strict_is_refused(ncl, here, library, body):
    (here / "policy.json").write_bytes(body)
    ran = ncl("gate", "library", "--policy", "policy.json", "--json")
    assert (ran.code, ran.document["error"]["class"]) == (1, "FormatError")


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b"[]"])
def test_a_policy_that_is_none_is_refused(ncl, here, library, body):
    (here / "policy.json").write_bytes(body)
    ran = ncl("gate", "library", "--policy", "policy.json", "--json")
    assert (ran.code, ran.document["error"]["class"]) == (1, "FormatError")


def test_a_policy_that_is_not_there_is_a_wrong_input(ncl, library):
    assert ncl("gate", "library", "--policy", "nowhere.json").code == 2


# --- counterexamples -------------------------------------------------------------------------------------------------

KINDS = ("program", "op", "step", "golden", "push", "loop", "temperature", "check", "contract")
CASES = [
    *({"schema": 1, "kind": kind} for kind in KINDS),
    *({"schema": 1, "kind": "op", "opcode": "add", "circuit": "integer", "expected": 1, "got": 2, **rest} for rest in (
        {"width": "8", "operands": [1, 2]}, {"width": True, "operands": [1, 2]}, {"width": 10**9, "operands": [1, 2]},
        {"width": 0, "operands": [1, 2]}, {"width": 8, "operands": "12"}, {"width": 8, "operands": [True, 2]},
        {"width": 8, "operands": [1.5, 2]}, {"width": 8, "operands": []}, {"width": 8, "operands": {"x": 1}},
        {"width": 8, "operands": [1, 2], "circuit": "nothing"}, {"width": 8, "operands": [1, 2], "opcode": ["add"]},
    )),
    {"schema": True, "kind": "golden", "op": 24}, {"schema": 1, "kind": ["program"]}, {"schema": 1, "kind": {}},
    {"schema": 1, "kind": "golden", "op": -7}, {"schema": 1, "kind": "golden", "op": None},
    {"schema": 1, "kind": "temperature", "part": "nothing", "row": [0.5, 0.5]},
    {"schema": 1, "kind": "temperature", "part": "hard", "row": []},
    {"schema": 1, "kind": "temperature", "part": "hard", "row": "half"},
    {"schema": 1, "kind": "push", "form": "full", "opcode": "add", "width": 4, "constants": None,
     "operands": [{"support": 1 << 60, "rows": [{"0": 1.0}]}]},
    {"schema": 1, "kind": "contract", "source": {"text": "x", "file": "x.py", "name": "x"},
     "sizes": {"width": 8, "memory": 4}, "arguments": []},
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: json.dumps(case)[:80])
def test_a_bad_counterexample_is_told_in_one_message(ncl, here, case):
    (here / "case.json").write_text(json.dumps(case))
    ran = ncl("replay", "case.json", "--json")
    assert ran.code in (1, 2) and ran.document["error"]["message"]
    assert ran.document["error"]["class"] in ("FormatError", "LanguageError", "InputError", "NotFoundError")


@pytest.fixture(scope="module")
def vast():
    """A program for a machine of 2^32 cells."""
    return replace(compile("reverse").program, sizes=Sizes(32, 16, 1 << 32)).to_json()


@pytest.mark.parametrize("executors", [["reference", "integer"], ["integer", "step"], ["step", "reference"]])
def test_a_counterexample_of_a_vast_memory_is_refused_before_any_is_made(ncl, here, vast, executors):
    case = {"schema": 1, "kind": "program", "program": vast, "source": None, "arguments": [[1]], "budget": 9}
    (here / "case.json").write_text(json.dumps({**case, "executors": executors}))
    ran = ncl("replay", "case.json", "--json")
    assert (ran.code, ran.document["error"]["class"]) == (2, "CapacityError")
    assert "4294967296 memory cells" in ran.document["error"]["message"]


@pytest.mark.parametrize("change", [
    {"circuit": "onehot", "width": 16}, {"circuit": "onehot", "width": 32},
    {"kind": "push", "form": "full", "constants": None, "operands": [{"support": 1 << 16, "rows": [{"0": 1}]}] * 2},
    {"kind": "push", "form": "full", "constants": None, "operands": [{"support": 1 << 16, "rows": [{}] * 9999}] * 2},
])  # fmt: skip
def test_a_counterexample_of_vast_distributions_is_refused_before_any_is_made(ncl, here, change):
    case = {"schema": 1, "kind": "op", "opcode": "add", "width": 16, "operands": [1, 2], **change}
    (here / "case.json").write_text(json.dumps(case))
    assert ncl("replay", "case.json", "--json").document["error"]["class"] == "CapacityError"


STATE = {"registers": [0] * 4, "memory": [0] * 4, "frame": [0] * 4, "stack": [], "pc": 0, "hp": 0, "fp": 0, "ticks": 0,
         "halted": False, "trap": 0}  # fmt: skip
LOOPS = {
    "a register that there is not": ([int(Opcode.MOVE), 9999, 1, 0], {}),
    "a register that there is not, read": ([int(Opcode.STORE), 1, 2, 9999], {}),
    "a line that there is not": ([int(Opcode.JUMP), 7, 0, 0], {}),
    "a line below 0": ([int(Opcode.HALT), 0, 0, 0], {"pc": -1}),
    "a frame pointer past the frame": ([int(Opcode.STORE_FRAME), 1, 2, 0], {"fp": 1 << 40}),
    "a heap pointer below 0": ([int(Opcode.HALT), 0, 0, 0], {"hp": -1}),
    "too few registers": ([int(Opcode.HALT), 0, 0, 0], {"registers": [0]}),
    "a register past the width": ([int(Opcode.HALT), 0, 0, 0], {"registers": [1 << 40] * 4}),
    "too many calls": ([int(Opcode.RETURN), 0, 0, 0], {"stack": [[0, 0, 0]] * 9}),
    "a call from nowhere": ([int(Opcode.RETURN), 0, 0, 0], {"stack": [[99, 0, 0]]}),
}


@pytest.mark.parametrize("what", LOOPS)
def test_a_state_that_no_machine_is_in_never_reaches_compiled_code(ncl, here, what, monkeypatch):
    monkeypatch.setattr(compiled_loop, "_looped", lambda machine: pytest.fail("it was run"))
    row, change = LOOPS[what]
    sizes = {"width": 8, "registers": 4, "memory": 4, "frame": 4, "depth": 2}
    program = {"schema": 1, "name": "f", "parameters": [], "result": "word", "sizes": sizes, "source": "",
               "code": [row, [int(Opcode.HALT), 0, 0, 0]], "positions": []}  # fmt: skip
    case = {"schema": 1, "kind": "loop", "program": program, "budget": 9, "state": {**STATE, **change}}
    (here / "case.json").write_text(json.dumps(case))
    assert ncl("replay", "case.json", "--json").document["error"]["class"] == "FormatError"


def test_what_may_never_end_is_not_read(ncl, here):
    os.mkfifo(here / "pipe.py")
    for command in (("replay", "pipe.py"), ("regress", "pipe.py", "--baseline", "pipe.py"), ("run", "pipe.py"),
                    ("gate", "library", "--policy", "pipe.py"), ("disasm", "/dev/zero")):  # fmt: skip
        ran = ncl(*command, "--json")
        assert ran.code in (1, 2) and "no regular file" in ran.document["error"]["message"], command


@pytest.mark.parametrize("body", [b'{"schema": 1, "schema": 1}', b"NaN", b'{"schema": 1e999}', DEEPER, b'["\\ud800"]'])
def test_a_counterexample_that_is_not_strict_is_refused(ncl, here, body):
    (here / "case.json").write_bytes(body)
    assert ncl("replay", "case.json", "--json").document["error"]["class"] == "FormatError"


# --- evaluations -----------------------------------------------------------------------------------------------------

CELL = '"task": "sort", "length": 10, "system": "ncl"'
GOOD = f'{{"cells": [{{{CELL}, "exact": 0.5, "n": 200}}]}}'


@pytest.mark.parametrize(
    "numbers",
    [
        '"exact": 0.1, "n": 200, "exact": 1.0', '"exact": 0.123456, "n": 200', '"exact": 0.5, "n": 200.9',
        '"exact": 0.5, "n": "200"', '"exact": "0.5", "n": 200', '"exact": true, "n": 200', '"exact": 1.0, "n": true',
        '"exact": NaN, "n": 200', '"exact": 1e400, "n": 200', '"exact": 0.3333, "n": 3', '"exact": 0.5, "n": 0',
        '"exact": 0.5, "n": 200, "length": 10', '"exact": 0.5, "n": 200, "phrasing": 7', '"exact": -0.5, "n": 200',
        '"exact": 1.5, "n": 200', '"exact": 0.5, "n": 200, "calls": true', '"exact": 0.5, "n": 200.0',
    ],
)  # fmt: skip
def test_an_evaluation_that_is_not_strict_neither_passes_nor_regresses(ncl, here, numbers):
    (here / "good.json").write_text(GOOD)
    (here / "bad.json").write_text(f'{{"cells": [{{{CELL}, {numbers}}}]}}')
    for run, baseline in (("good", "bad"), ("bad", "good")):
        ran = ncl("regress", f"{run}.json", "--baseline", f"{baseline}.json", "--json")
        assert (ran.code, ran.document["error"]["class"]) == (1, "FormatError")
        assert "bad.json" in ran.document["error"]["where"]
    assert ncl("regress", "good.json", "--baseline", "good.json").code == 0


def test_names_of_cells_are_no_markup_and_no_message_is_endless(ncl, here):
    odd, long = ({"task": task, "length": 1, "system": "ncl", "exact": 0.5, "n": 2} for task in ("[/b]", "x" * 10**6))
    (here / "odd.json").write_text(json.dumps({"cells": [odd]}))
    (here / "long.json").write_text(json.dumps({"cells": [long, long]}))
    assert "[/b]" in ncl("regress", "odd.json", "--baseline", "odd.json").out
    for flags in ((), ("--json",)):
        ran = ncl("regress", "long.json", "--baseline", "odd.json", *flags)
        assert ran.code == 1 and len(ran.out + ran.err) < 5000


def test_counts_that_no_double_says_exactly_are_still_counts(ncl, here):
    counts = [(k, n) for n in (3, 7, 49) for k in range(n)]
    cells = [
        {"task": "sort", "length": at, "system": "ncl", "exact": k / n, "n": n} for at, (k, n) in enumerate(counts, 1)
    ]
    (here / "run.json").write_text(json.dumps({"cells": cells}))
    assert ncl("regress", "run.json", "--baseline", "run.json").code == 0
