"""Counterexamples of property checks, as `pytest --ncl` writes them, run again.

Where the file that the program came from is still there and still holds it, what stands there now is run: the fault may
lie in the program itself, and mending it should show. Elsewhere, and where the file does not read any more or its
program takes other arguments, the recorded text is run. `ncl.verify.contracts.check` finds its programs here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ncl.errors import NclError
from ncl.language.parse import parse_text
from ncl.language.reader import read_source
from ncl.language.syntax import Function
from ncl.verify.engine.counterexample import Replayed


def replay(case: Mapping[str, Any]) -> Replayed:
    """One recorded input once more. Raises LanguageError when even the recorded text is no program any more."""
    from ncl.properties.failure import Failed
    from ncl.properties.suite import again

    function, told = as_it_stands(case["source"])
    what = f"{case['check']} of {function.name}, {told}"
    try:
        again(case, function)
    except Failed as fault:
        return Replayed(True, f"{fault.what}, {told}", fault.expected, fault.got)
    return Replayed(False, what, case["expected"], case["expected"])


def as_it_stands(source: Mapping[str, Any]) -> tuple[Function, str]:
    """The program of a counterexample, and where it was read. Raises NclError when even the recorded text is none."""
    file, name = source["file"], source["name"]
    try:
        found = parse_text(read_source(Path(file)), file, name)[0]
    except NclError:
        return _recorded(source), "as recorded"
    try:
        recorded = _recorded(source)
    except NclError:
        recorded = found
    if _sorts(found) != _sorts(recorded):
        return recorded, "as recorded"
    return found, f"as {Path(file).name} has it now"


def _recorded(source: Mapping[str, Any]) -> Function:
    return parse_text(source["text"], source["file"], source["name"])[0]


def _sorts(function: Function) -> list[str]:
    return [parameter.sort for parameter in function.signature.parameters]
