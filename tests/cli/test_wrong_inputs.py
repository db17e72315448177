"""Whatever a user gets wrong ends in one clear message, the right exit code and, with --json, one document."""

import json

import pytest

HUGE = "9" * 5000  # Python itself refuses to read so long a number
DEEP = "[" * 100_000

# what is typed · exit code · class of the error · what its message must hold
WRONG = [
    ("compile nix.py", 2, "NotFoundError", "nix.py: no such file"),
    ("compile nix", 2, "NotFoundError", "no library program is called 'nix'"),
    ("compile .", 2, "NotFoundError", ""),
    ("compile ./", 2, "NotFoundError", "this is a folder"),
    ("compile garbage.bin", 2, "InputError", "not UTF-8"),
    ("compile empty.py", 2, "NotFoundError", "no function is decorated"),
    ("compile outside.py", 2, "LanguageError", "there are no comprehensions"),
    ("compile two.py:nix", 2, "NotFoundError", "functions there: one, pick"),
    ("compile two.py --width 0", 2, "UsageError", "--width"),
    ("compile two.py --width 33", 2, "UsageError", "--width"),
    ("compile two.py --width wide", 2, "UsageError", "--width"),
    ("compile two.py --registers 1", 2, "UsageError", "--registers"),
    ("compile two.py --registers 99999999999", 2, "UsageError", "--registers"),
    ("compile two.py --memory -1", 2, "InputError", "memory -1"),
    ("compile two.py --memory 99999999", 2, "InputError", "memory 99999999"),
    ("compile two.py --out two.py", 2, "InputError", "no artefact"),
    ("compile two.py --out .", 2, "InputError", "no artefact"),
    ("compile two.py --out two.py/x", 2, "InputError", "cannot write"),
    ("run", 2, "UsageError", "Missing argument"),
    ("run two.py 1", 2, "InputError", "it holds 2 programs: one, pick"),
    ("run two.py:one", 2, "InputError", "expected 1 arguments, got 0"),
    ("run two.py:one 1 2", 2, "InputError", "expected 1 arguments, got 2"),
    ("run two.py:one [1]", 2, "InputError", "must be a word"),
    ("run two.py:pick 1 2", 2, "InputError", "must be an array"),
    ("run two.py:one 65536", 2, "InputError", "65536, which is no word in 0 … 65535"),
    ("run two.py:one -- -1", 2, "InputError", "-1, which is no word"),
    ("run two.py:one -1", 2, "UsageError", "-1"),
    ("run two.py:one NaN", 2, "InputError", "expected a number or a list"),
    ("run two.py:one Infinity", 2, "InputError", "expected a number or a list"),
    ("run two.py:one 1.5", 2, "InputError", "expected a number or a list"),
    ("run two.py:one true", 2, "InputError", "expected a number or a list"),
    ("run two.py:one null", 2, "InputError", "expected a number or a list"),
    ("run two.py:one [[1]]", 2, "InputError", "expected a number or a list"),
    ('run two.py:one {"x":1}', 2, "InputError", "expected a number or a list"),
    ("run two.py:one nope", 2, "InputError", "no JSON value: nope"),
    (f"run two.py:one {HUGE}", 2, "InputError", "no JSON value: 99999"),
    (f"run mine.py {DEEP}", 2, "InputError", "no JSON value: [[[["),
    ("run two.py:one 1 --executor nix", 2, "InputError", "source, reference, integer, pathwise, step, dense"),
    ("run two.py:one 1 --executor dense", 2, "CapacityError", "dense would hold"),
    ("run two.py:one 1 --budget -1", 2, "UsageError", "--budget"),
    ("run two.py:one 1 --nix", 2, "UsageError", "--nix"),
    ("trace reverse [1] --against nix", 2, "InputError", "reference, integer, dense"),
    ("trace reverse [1] --executor pathwise", 2, "InputError", "reference, integer, dense"),
    ("trace reverse [1] --executor source --against integer", 2, "InputError", "no machine states"),
    ("trace reverse [1] --limit 0", 2, "UsageError", "--limit"),
    ("trace reverse 1", 2, "InputError", "must be an array"),
    ("disasm nix.ncla", 2, "NotFoundError", "nix.ncla"),
    ("disasm nix.json", 2, "NotFoundError", "nix.json"),
    ("disasm two.py", 2, "InputError", "name one: FILE:FUNC"),
    ("disasm reverse --out .", 2, "InputError", "folder"),
    ("disasm reverse --out two.py/x", 2, "InputError", "cannot write"),
    ("library nix", 2, "NotFoundError", "`ncl library` lists them"),
    ("library --width 99", 2, "UsageError", "--width"),
    ("library reverse more", 2, "UsageError", "more"),
    ("verify", 2, "InputError", "nothing is named"),
    ("verify --all mine.py", 2, "InputError", "--all goes without names"),
    ("verify outside.py", 2, "LanguageError", "there are no comprehensions"),
    ("verify mine.py --shard 0/4", 2, "InputError", "shard 0/4"),
    ("verify mine.py --shard 5/4", 2, "InputError", "shard 5/4"),
    ("verify mine.py --shard half", 2, "InputError", "no shard"),
    ("verify mine.py --jobs 0", 2, "UsageError", "--jobs"),
    ("verify mine.py --budget -1", 2, "UsageError", "--budget"),
    ("verify mine.py --budget nan", 2, "UsageError", "--budget"),
    ("verify mine.py --junit .", 2, "InputError", "folder"),
    ("verify mine.py --sarif two.py/x", 2, "InputError", "cannot write"),
    ("verify mine.py --counterexamples two.py", 2, "InputError", "cannot write"),
    ("replay nix.json", 2, "NotFoundError", "no counterexample there"),
    ("replay .", 2, "FormatError", "not a counterexample"),
    ("replay garbage.bin", 2, "FormatError", "not a counterexample"),
    ("certify", 2, "InputError", "nothing is named"),
    ("certify nix --out x", 2, "NotFoundError", "no library program"),
    ("certify mine.py --out mine.py", 2, "InputError", "no artefact"),
    ("certify mine.py --out .", 2, "InputError", "no artefact"),
    ("certify mine.py --out x --policy nix.json", 2, "NotFoundError", "no policy there"),
    ("certify mine.py --out x --policy garbage.bin", 1, "FormatError", "not a policy"),
    ("gate nix", 2, "NotFoundError", "no artefact here"),
    ("gate two.py", 2, "NotFoundError", "no artefact here"),
    ("gate . --policy nix", 2, "NotFoundError", ""),
    ("faults --only nix", 2, "InputError", "no fault matches"),
    ("faults --jobs 0", 2, "UsageError", "--jobs"),
    ("faults --jobs many", 2, "UsageError", "--jobs"),
    ("train nix", 2, "NotFoundError", "neither a recipe nor a file"),
    ("train .", 2, "NotFoundError", "neither a recipe nor a file"),
    ("train garbage.bin", 2, "FormatError", "not readable JSON"),
    ("train tiny --seed -1", 2, "UsageError", "--seed"),
    ("train tiny --steps 0", 2, "UsageError", "--steps"),
    ("train tiny --out two.py", 2, "InputError", "cannot write"),
    ("train tiny --out x --artefact nix", 1, "GateRefused", "no artefact here"),
    ("train tiny --out x --policy nix.json", 2, "NotFoundError", "no policy there"),
    ("train tiny --plain --resume --out x", 2, "NotFoundError", "no checkpoint to resume from"),
    ("evaluate nix", 2, "NotFoundError", "no checkpoint here"),
    ("evaluate .", 2, "NotFoundError", "no checkpoint here"),
    ("evaluate two.py", 2, "FormatError", "not a checkpoint"),
    ("evaluate . --task nix", 2, "InputError", "no task nix"),
    ("evaluate nix --n 0", 2, "UsageError", "--n"),
    ("evaluate nix --length -1", 2, "UsageError", "--length"),
    ("chat nix --prompt hello", 2, "InputError", "no such folder"),
    ("chat . --prompt hello", 2, "InputError", "no run of the natural recipe"),
    ("chat . --max-new-tokens 0", 2, "UsageError", "--max-new-tokens"),
    ("regress nix --baseline nix", 2, "NotFoundError", "no such file"),
    ("regress two.py --baseline two.py", 2, "FormatError", "not JSON"),
    ("regress . --baseline .", 2, "NotFoundError", "cannot read"),
    ("regress x.json", 2, "UsageError", "--baseline"),
    ("regress x.json --baseline x.json --alpha nan", 2, "UsageError", "--alpha"),
    ("regress x.json --baseline x.json --alpha 0", 2, "UsageError", "--alpha"),
    ("demo --out .", 2, "InputError", "no earlier demo"),
    ("demo --out two.py", 2, "InputError", "no output folder"),
    ("demo --task nix", 2, "InputError", "no task nix"),
    ("demo --tiny --length 5000", 2, "InputError", "5000"),
    ("demo --seed x", 2, "UsageError", "--seed"),
    ("demo --policy nix.json", 2, "NotFoundError", "no policy there"),
    ("nix", 2, "UsageError", "No such command"),
]


def test_every_command_has_three_wrong_inputs_at_least():
    counts = {}
    for typed, *_ in WRONG:
        counts[typed.split()[0]] = counts.get(typed.split()[0], 0) + 1
    assert {name for name, n in counts.items() if n < 3} == {"nix"}


@pytest.mark.parametrize("typed, code, kind, told", WRONG, ids=[w[0][:60] for w in WRONG])
def test_a_wrong_input_is_told_in_one_message(ncl, here, typed, code, kind, told):
    before = {p.name for p in here.iterdir()}
    ran = ncl(*typed.split())
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith("ncl: ") and told in ran.err and len(ran.err) < 2000
    as_json = ncl(*with_json(typed.split()))
    assert as_json.code == code
    error = as_json.document["error"]
    assert (as_json.document["schema"], error["class"]) == (1, kind)
    assert set(error) >= {"message", "where", "remedy"}
    assert {p.name for p in here.iterdir()} <= before | {".ncl"}, "something was written"


def with_json(arguments):
    """The option stands before `--`, behind which everything is an argument."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return [*arguments[:at], "--json", *arguments[at:]]


def test_all_violations_of_a_source_come_at_once_with_their_places(ncl):
    error = ncl("compile", "outside.py", "--json").document["error"]
    places = [(v["line"], v["column"]) for v in error["violations"]]
    assert len(places) == 4 and error["where"] == "outside.py:6:1"
    assert all(v["reason"] and v["remedy"] for v in error["violations"])


CORRUPT = [
    b"", b"null", b"[]", b"{}", b'"text"', b"NaN", b"{", b"\xff\xfe", DEEP.encode(), b'{"schema": 99}',
    b'{"schema": 1}', b'{"schema": 1, "kind": "program"}', b'{"schema": 1, "cells": [{"exact": 1e999, "n": 1}]}',
]  # fmt: skip


@pytest.mark.parametrize("body", CORRUPT, ids=[repr(b[:24]) for b in CORRUPT])
@pytest.mark.parametrize(
    "typed",
    [
        "disasm corrupt.json", "replay corrupt.json", "train corrupt.json --artefact nix --out x",
        "regress corrupt.json --baseline corrupt.json", "certify mine.py --out x --policy corrupt.json",
        "gate nix --policy corrupt.json", "evaluate nix --policy corrupt.json", "demo --policy corrupt.json",
    ],
)  # fmt: skip
def test_a_corrupt_file_is_refused(ncl, here, typed, body):
    (here / "corrupt.json").write_bytes(body)
    error = ncl(*typed.split(), "--json")
    assert error.code in (1, 2) and error.document["error"]["class"] in ("FormatError", "NotFoundError", "GateRefused")


def test_assembly_that_is_none_is_refused_with_its_line(ncl, here):
    (here / "bad.ncla").write_text(".program f\n.signature (x: Word) -> Word\n   0  fly r0\n", encoding="utf-8")
    ran = ncl("disasm", "bad.ncla")
    assert ran.code == 2 and "bad.ncla" in ran.err and "fly" in ran.err


@pytest.mark.parametrize(
    "change",
    [
        {"code": [[99, 0, 0, 0]]}, {"code": []}, {"sizes": {"width": 10**9}}, {"name": 3}, {"code": [[8, 999, 0, 0]]},
        {"sizes": {"width": 8, "registers": 10**12, "memory": 1, "frame": 1, "depth": 1}}, {"code": [[8, -1, 0, 0]]},
        {"parameters": [["x", "tensor"]]},
    ],
    ids=str,
)  # fmt: skip
def test_machine_code_that_breaks_a_rule_is_refused(ncl, here, change):
    program = ncl("disasm", "two.py:one", "--json").document["program"]
    (here / "changed.json").write_text(json.dumps({**program, **change}), encoding="utf-8")
    ran = ncl("disasm", "changed.json", "--json")
    assert ran.code == 2 and ran.document["error"]["message"]


def test_a_name_longer_than_any_file_may_have_is_not_found(ncl):
    assert ncl("compile", "x" * 5000).code == 2
    assert ncl("replay", "x" * 5000).code == 2
    assert ncl("evaluate", "x" * 5000).code == 2


def test_a_run_that_needs_more_memory_than_there_is_says_so(ncl, monkeypatch):
    def starve(*_):
        raise MemoryError

    monkeypatch.setattr("ncl.build.run_machine", starve)
    ran = ncl("run", "two.py:one", "1", "--executor", "reference")
    assert ran.code == 2 and "more memory than there is" in ran.err


def test_what_nobody_foresaw_is_an_internal_error_without_a_traceback(ncl, monkeypatch):
    monkeypatch.setattr("ncl.build.run_machine", lambda *_: 1 // 0)
    ran = ncl("run", "two.py:one", "1", "--executor", "reference", "--json")
    assert ran.code == 4
    assert "internal error: ZeroDivisionError" in ran.document["error"]["message"]


def test_an_interrupted_command_says_so(ncl, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("ncl.build.run_machine", interrupt)
    ran = ncl("run", "two.py:one", "1", "--executor", "reference")
    assert (ran.code, ran.err) == (130, "ncl: interrupted\n")
