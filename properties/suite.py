"""The checks of one program, by name: what `pytest --ncl` makes a test item of each, and what a counterexample replays.

A check has parts; a part draws inputs for one compiled program and runs one of the `check_*` functions on each. Two
machines are used: one of the width requested, and the narrowest one that takes the source's literals, where
distributions are small and words wrap soon. An input that fails is plain JSON data: it can be run again elsewhere.
What needs torch loads it when it is run, so that examples alone take no second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ncl.build import Compiled, sizes_for
from ncl.errors import CapacityError, LanguageError, NclError
from ncl.language.examples import Example, examples
from ncl.language.opcodes import Trap
from ncl.language.program import Program, Sizes, Value
from ncl.language.syntax import Function
from ncl.machine import executors
from ncl.properties import agreement, claims
from ncl.properties.failure import Failed, call
from ncl.properties.search import Profile, falsify, seed_for
from ncl.properties.strategies import Batch, arguments, batches, soft_arguments, soft_from_json, soft_text

NARROW = range(3, 9)  # widths at which every word may carry mass
NARROW_MEMORY = 8
BUDGET = 2000  # ticks of an integer run
SHORT = 60  # ticks where a step costs a millisecond
ROWS = 4  # of a batch
_RELATIVE = re.compile(r"^\s*from\s*\.", re.MULTILINE)
LONGEST = 12  # cells of an array in an integer run; 3 where they are soft or a step is slow


@dataclass(frozen=True)
class Subject:
    """A program under test: the function, and the whole text of its file, which holds its constants too."""

    function: Function
    text: str
    width: int

    @property
    def alone(self) -> str:
        """A text that needs no other file: its own, so that lines stay what they are, where that imports none."""
        return self.function.whole if _RELATIVE.search(self.text) else self.text

    @cached_property
    def wide(self) -> Program:
        return self.compiled(sizes_for(self.width))

    @cached_property
    def narrow(self) -> Program | None:
        """On the narrowest machine for its literals; None when that is wider than NARROW."""
        for width in NARROW:
            try:
                return self.compiled(sizes_for(width, memory=NARROW_MEMORY))
            except LanguageError:
                continue
        return None

    @cached_property
    def soft(self) -> Program | None:
        """The narrow one, None when it is too large for dense."""
        from ncl.machine.executors import dense

        try:
            if self.narrow is not None:
                dense.capacity(self.narrow, ROWS)
            return self.narrow
        except CapacityError:
            return None

    def machine(self, part: Part) -> Program | None:
        program: Program | None = getattr(self, part.machine)
        return program

    def compiled(self, sizes: Sizes) -> Program:
        return Compiled.of(self.function, sizes).program


@dataclass(frozen=True)
class Part:
    """How inputs are drawn for a program, what is checked on each, and how an input becomes JSON and comes back."""

    strategy: Callable[[Program], SearchStrategy[Any]]
    run: Callable[[Function, Program, Any], object]
    encode: Callable[[Any], Any]
    decode: Callable[[Function, Any], Any]
    show: Callable[[Program, Any], str]
    machine: str = "wide"  # wide, narrow, or soft: narrow and small enough for dense
    slow: bool = False  # gets the profile's few examples


def _batch(
    run: Callable[[Function, Program, Batch], object], machine: str, slow: bool = False, budget: int = BUDGET
) -> Part:
    most = LONGEST if machine == "wide" and not slow else 3
    return Part(
        strategy=lambda program: batches(program, budget, most, ROWS),
        run=run,
        encode=Batch.to_json,
        decode=lambda function, data: Batch.from_json(data),
        show=lambda program, batch: call(program, batch.rows[0]),
        machine=machine,
        slow=slow,
    )


def _soft(name: str) -> Part:
    """`module:check` of (program, soft arguments)."""
    module, _, check = name.partition(":")
    return Part(
        strategy=lambda program: soft_arguments(program.signature, program.sizes),
        run=lambda function, program, soft: getattr(import_module(f"ncl.properties.{module}"), check)(program, soft),
        encode=list,
        decode=lambda function, data: soft_from_json(function.signature, data),
        show=lambda program, soft: f"{program.name}({', '.join(soft_text(soft))}) at width {program.sizes.width}",
        machine="soft",
        slow=True,
    )


def _states(function: Function, program: Program, batch: Batch) -> None:
    for row in batch.rows[:1]:
        agreement.check_states(program, row, batch.budget)


def _all_asserts(function: Function, program: Program, row: list[Value]) -> None:
    claims.check_asserts(function, program.sizes, row, BUDGET)


def _of_example(function: Function, program: Program, example: Example) -> None:
    claims.check_example(function, example)


def _write_example(example: Example) -> dict[str, Any]:
    kind = example.trap and example.trap.label
    return {"line": example.line, "arguments": example.arguments, "expected": example.expected, "trap": kind}


def _read_example(function: Function, data: Mapping[str, Any]) -> Example:
    """The recorded example, or what the docstring says of its arguments now."""
    recorded = Example(data["line"], data["arguments"], data["expected"], data["trap"] and Trap[data["trap"].upper()])
    now = [example for example in examples(function) if example.arguments == recorded.arguments]
    return now[0] if now else recorded


EXAMPLE = Part(
    strategy=lambda program: st.nothing(),
    run=_of_example,
    encode=_write_example,
    decode=_read_example,
    show=lambda program, example: call(program, example.arguments),
)


def _executors(executors: Mapping[str, agreement.Executor]) -> Callable[[Function, Program, Batch], None]:
    return lambda function, program, batch: agreement.check_executors(program, batch, executors)


def _of_executor(row: executors.Executor) -> Part:
    """Where a machine is small enough for the dearest executor, all slow ones are compared there."""
    known = {**agreement.FAST, **agreement.SLOW}
    compared = agreement.SLOW if row.machine == "soft" else {row.name: known[row.name]}
    return _batch(_executors(compared), row.machine, row.slow, SHORT if row.slow else BUDGET)


PARTS: Mapping[str, Part] = {
    "example": EXAMPLE,
    "asserts": Part(
        strategy=lambda program: arguments(program.signature, program.sizes, LONGEST),
        run=_all_asserts,
        encode=list,
        decode=lambda function, data: data,
        show=call,
    ),
    "source": _batch(agreement.check_source, "wide"),
    "source-narrow": _batch(agreement.check_source, "narrow", budget=SHORT),
    "python": _batch(agreement.check_python, "wide"),
    "python-narrow": _batch(agreement.check_python, "narrow", budget=SHORT),
    **{row.name: _of_executor(row) for row in executors.ROWS},
    "states": _batch(_states, "soft", slow=True, budget=SHORT),
    "normalised": _soft("relaxation:check_normalised"),
    "outputs-normalised": _soft("relaxation:check_outputs_normalised"),
    "limit": _soft("relaxation:check_limit"),
    "dense-limit": _soft("relaxation:check_dense_limit"),
    "sharpened": _soft("relaxation:check_sharpened"),
    "gradient-pathwise": _soft("gradients:check_pathwise"),
    "gradient-dense": _soft("gradients:check_dense"),
    "pathwise-dense": _soft("gradients:check_pathwise_is_dense"),
}

# The test items of a program, and their parts.
CHECKS: Mapping[str, tuple[str, ...]] = {
    "examples": ("example",),
    "asserts hold": ("asserts",),
    "source = bytecode": ("source", "source-narrow"),
    "source = python": ("python", "python-narrow"),
    "executors agree": (*executors.EXECUTORS, "states"),
    "hard = soft limit": ("normalised", "outputs-normalised", "limit", "dense-limit", "sharpened"),
    "gradients": ("gradient-pathwise", "gradient-dense", "pathwise-dense"),
}


def names(function: Function) -> tuple[str, ...]:
    """The checks that a program gets: examples and asserts only where it has any."""
    lacking = set()
    if not function.documentation or not _has_examples(function):
        lacking.add("examples")
    if not claims.claims(function):
        lacking.add("asserts hold")
    return tuple(name for name in CHECKS if name not in lacking)


def _has_examples(function: Function) -> bool:
    try:
        return bool(examples(function))
    except NclError:
        return True  # one that cannot be read is an item too, which says so


def inapplicable(name: str, subject: Subject) -> str:
    """Why a check does not apply to a program; "" when it does."""
    if all(PARTS[part].machine == "soft" for part in CHECKS[name]) and subject.soft is None:
        return f"no machine of at most {max(NARROW)} bits takes its literals and length, and soft runs carry all words"
    return ""


def run(name: str, subject: Subject, profile: Profile, seed: int = 0) -> None:
    """One check of one program. Raises Failed, with `case` what its counterexample says; NclError as compiling does."""
    for key in CHECKS[name]:
        part = PARTS[key]
        program = subject.machine(part)
        if program is None:
            continue
        once = _once(key, subject, program)
        if part is EXAMPLE:
            for example in examples(subject.function):
                once(example)
        else:
            count = profile.soft if part.slow else profile.runs
            falsify(once, part.strategy(program), count, seed_for(f"{name}/{key}", seed))


def again(case: Mapping[str, Any], function: Function) -> None:
    """Run a recorded input on a function, compiled now. Raises Failed while it fails."""
    sizes = Sizes(**case["sizes"])
    subject = Subject(function, case["source"]["text"], sizes.width)
    part = PARTS[case["check"]]
    _once(case["check"], subject, subject.compiled(sizes))(part.decode(function, case["input"]))


def _once(key: str, subject: Subject, program: Program) -> Callable[[Any], None]:
    part, function = PARTS[key], subject.function

    def check(data: Any) -> None:
        try:
            part.run(function, program, data)
        except Failed as fault:
            fault.case = _case(key, subject, program, part.encode(data), fault)
            raise
        except Exception as fault:
            # A run that breaks is as much a counterexample as one that gives something wrong.
            failed = Failed(part.show(program, data), "a run to its end", f"{type(fault).__name__}: {fault}")
            failed.case = _case(key, subject, program, part.encode(data), failed)
            raise failed from fault

    return check


def _case(key: str, subject: Subject, program: Program, data: Any, fault: Failed) -> dict[str, Any]:
    function = subject.function
    place = {"file": function.file, "line": function.position.line, "column": function.position.column}
    return {
        "schema": 1,
        "kind": "check",
        "check": key,
        "source": {"file": function.file, "name": function.name, "text": subject.alone},
        "sizes": asdict(program.sizes),
        "input": data,
        "expected": fault.expected,
        "got": fault.got,
        "place": place,
    }
