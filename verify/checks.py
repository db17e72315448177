"""Counterexamples of property checks, as `pytest --ncl` writes them, run again.

Where the file that the program came from is still there and still holds it, what stands there now is run: the fault may
lie in the program itself, and mending it should show. Elsewhere, and where the file does not read any more, the
recorded text is run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ncl.errors import NclError
from ncl.language.parse import parse_text
from ncl.language.reader import read_source
from ncl.language.syntax import Function
from verify.counterexample import Replayed


def replay(case: Mapping[str, Any]) -> Replayed:
    """One recorded input once more. Raises LanguageError when even the recorded text is no program any more."""
    from properties.failure import Failed
    from properties.suite import again

    function, told = _function(case["source"])
    what = f"{case['check']} of {function.name}, {told}"
    try:
        again(case, function)
    except Failed as fault:
        return Replayed(True, f"{fault.what}, {told}", fault.expected, fault.got)
    return Replayed(False, what, case["expected"], case["expected"])


def _function(source: Mapping[str, Any]) -> tuple[Function, str]:
    file, name = source["file"], source["name"]
    try:
        return parse_text(read_source(Path(file)), file, name)[0], f"as {Path(file).name} has it now"
    except NclError:
        return parse_text(source["text"], file, name)[0], "as recorded"
