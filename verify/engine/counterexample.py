"""Counterexamples: found, made small, written to a file, and run again on the real executors.

A file is JSON: {"schema": 1, "kind": …} and, by kind,

    program   "program" (machine code), "source" ({"file", "name", "text"} or null), "arguments", "budget",
              "executors" (the trusted one, the one at fault), "expected" and "got" as in `ncl run`; "as_recorded" is
              true for machine code that the compiler did not make
    op        "opcode", "width", "operands", "circuit" ("integer", "onehot" or "kernel"), "expected", "got"
    step      what `ncl.verify.step.check` needs to set one state and step it
    golden    "op": a row whose hand-worked example fails
    loop      "program", "budget" and "state" in which the compiled loop makes another step
    temperature  "part" (a mode, or sharpening) and the "row" that it gets wrong
    gate      "trial": a tampering that the gate did not refuse
    push      "opcode", "width" and "form" of a one-hot circuit, "operands" with their masses, "constant"
    contract  "source" (all that the program needs), "sizes" and "arguments" of a run that breaks a contract, and the
              "breach"
    check     "check" (a part of `ncl.properties.suite`), "source" (the whole text of its file), "sizes", "input"

Replay runs what is installed now: where the source is known it is compiled again, so a mended compiler shows; only
machine code that was no compiler's is run as it was recorded. A contract or a check is run on the program as its file
has it now, so a mended program shows; where the file is not there, on the recorded text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ncl import strict_json
from ncl.certificate import write_json
from ncl.errors import FormatError, LanguageError, NclError
from ncl.language.program import Program, Value
from ncl.language.syntax import Function
from ncl.language.trace import Result
from ncl.language.word import MAX_WIDTH
from ncl.verify.engine import executors

SCHEMA = 1
LARGEST = (1 << 64) - 1  # counters of a machine's state go past what JSON's doubles hold
Arguments = list[Value]

# kind → the function that replays it. A literal table: a file may choose among these and can name nothing else.
_REPLAYS = {
    "program": "ncl.verify.engine.counterexample:replay_program",
    "op": "ncl.verify.ops.circuits:replay",
    "step": "ncl.verify.step.check:replay",
    "golden": "ncl.verify.runs.golden:replay",
    "push": "ncl.verify.ops.pushforward:replay",
    "loop": "ncl.verify.runs.compiled_loop:replay",
    "temperature": "ncl.verify.runs.temperature:replay",
    "gate": "ncl.verify.certification.tampering:replay",
    "check": "ncl.verify.runs.property_checks:replay",
    "contract": "ncl.verify.contracts.check:replay",
}


@dataclass(frozen=True)
class Replayed:
    """Whether the fault is still there, and what was seen."""

    reproduced: bool
    what: str
    expected: Any
    got: Any

    def to_json(self) -> dict[str, Any]:
        verdict = "refuted" if self.reproduced else "tested"
        return {
            "schema": SCHEMA,
            "verdict": verdict,
            "reproduced": self.reproduced,
            "what": self.what,
            "expected": self.expected,
            "got": self.got,
        }

    def __str__(self) -> str:
        if self.reproduced:
            return f"still there: {self.what}\n  expected {self.expected}\n  got      {self.got}"
        return f"gone: {self.what}\n  expected and got {self.expected}"


# --- making ----------------------------------------------------------------------------------------------------------


def program_case(
    program: Program,
    function: Function | None,
    arguments: Arguments,
    budget: int,
    trusted: tuple[str, Result],
    suspect: tuple[str, Result],
) -> dict[str, Any]:
    """JSON data of a run on which two executors part."""
    case: dict[str, Any] = {
        "schema": SCHEMA,
        "kind": "program",
        "program": program.to_json(),
        "source": function and {**_named(function), "text": function.whole},
        "arguments": arguments,
        "budget": budget,
        "executors": [trusted[0], suspect[0]],
        "expected": _result_json(trusted[1]),
        "got": _result_json(suspect[1]),
    }
    if function:
        place = function.position
        case["place"] = {"file": function.file, "line": place.line, "column": place.column}
    return case


def _named(function: Function) -> dict[str, str]:
    return {"file": function.file, "name": function.name}


def _result_json(result: Result) -> dict[str, Any]:
    return {
        "result": result.result,
        "ticks": result.ticks,
        "steps": result.steps,
        "trap": result.trap.to_json() if result.trap else None,
    }


# --- files -----------------------------------------------------------------------------------------------------------


LONGEST = 200  # bytes of a name; file systems take 255


def write(case: Mapping[str, Any], folder: Path, name: str) -> Path:
    """Write one counterexample; the file's name is the obligation's, with a digest so that two never collide."""
    short = hashlib.sha256(json.dumps(case, sort_keys=True).encode()).hexdigest()[:8]
    plain = name.replace("/", "-").encode("utf-8", "replace")[:LONGEST].decode("utf-8", "ignore")
    place = folder / f"{plain}-{short}.json"
    write_json(place, dict(case))
    return place


def read(file: Path) -> dict[str, Any]:
    """Raises NotFoundError, FormatError."""
    data = strict_json.read(file, "counterexample", LARGEST)
    known = isinstance(data, dict) and type(data.get("schema")) is int and data["schema"] == SCHEMA
    if not known or data.get("kind") not in list(_REPLAYS):
        got = (data.get("schema"), data.get("kind")) if isinstance(data, dict) else type(data).__name__
        raise FormatError(
            f"not a counterexample: schema and kind are {got}",
            where=str(file),
            remedy=f"expected schema {SCHEMA} and a kind of {', '.join(_REPLAYS)}",
        )
    if faults := [fault for name, sort in _SORTS.items() if name in data for fault in sort(name, data[name])]:
        raise FormatError(f"not a counterexample: {'; '.join(faults)}", where=str(file))
    return data


def _width(name: str, value: Any) -> Iterator[str]:
    if type(value) is not int or not 1 <= value <= MAX_WIDTH:
        yield f"{name} is {value!r}, expected 1 … {MAX_WIDTH}"


def _number(name: str, value: Any) -> Iterator[str]:
    if type(value) is not int:
        yield f"{name} is {value!r}, expected a whole number"


def _numbers(name: str, value: Any) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{name} is {value!r}, expected a list"
        return
    cells = [cell for item in value for cell in (item if isinstance(item, list) else [item])]
    if any(isinstance(cell, bool | float | str) for cell in cells):
        yield f"{name} holds something else than whole numbers"


# What stands under these names is of one sort in every kind of counterexample.
_SORTS = {"width": _width, "budget": _number, "arguments": _numbers, "operands": _numbers}


# --- running again ---------------------------------------------------------------------------------------------------


def replay(file: Path) -> Replayed:
    """Run the counterexample on what is installed now. Raises NotFoundError, FormatError."""
    case = read(file)
    module, _, name = _REPLAYS[case["kind"]].partition(":")
    try:
        outcome = getattr(import_module(module), name)(case)
    except NclError:
        raise
    except Exception as fault:  # what a wrong file makes a replay raise is a fault of the file
        told = f"{type(fault).__name__}: {str(fault).partition(chr(10))[0]}"
        raise FormatError(f"not a counterexample: {told}", where=str(file)) from fault
    if not isinstance(outcome, Replayed):
        raise TypeError(f"{module}:{name} gave {type(outcome).__name__}, not a Replayed")
    return outcome


def replay_program(case: Mapping[str, Any]) -> Replayed:
    program = Program.from_json(case["program"], where="counterexample")
    trusted, suspect = case["executors"]
    function = _function(case["source"]) if case["source"] else None
    if trusted == "source":
        if function is None:
            raise FormatError("the counterexample compares with source text that it does not carry")
        if not case.get("as_recorded"):
            program = _compiled_now(function, program)
    arguments, budget = [list(v) if isinstance(v, list) else int(v) for v in case["arguments"]], int(case["budget"])
    mine = executors.run(trusted, program, function, [arguments], budget)[0]
    theirs = executors.run(suspect, program, function, [arguments], budget)[0]
    shown = ", ".join(str(a) for a in arguments)
    return Replayed(
        reproduced=not executors.agree(trusted, mine, suspect, theirs),
        what=f"{program.name}({shown}) at width {program.sizes.width}: {trusted} against {suspect}",
        expected=_result_json(mine),
        got=_result_json(theirs),
    )


def _function(source: Mapping[str, Any]) -> Function | None:
    from ncl.language.parse import parse_text

    try:
        return parse_text(source["text"], source["file"], source["name"])[0]
    except (LanguageError, NclError):
        return None


def _compiled_now(function: Function, recorded: Program) -> Program:
    from ncl.compiler.compile import compile_function

    return compile_function(function, recorded.sizes)[0]
