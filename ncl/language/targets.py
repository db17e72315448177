"""Files that users name: `FILE` means the programs in it, `FILE:FUNC` one function. Read as text, never executed.

Called by `ncl.build`, which knows the shipped programs besides.
"""

from __future__ import annotations

import os
from pathlib import Path

from ncl.errors import NotFoundError
from ncl.language.parse import parse_text
from ncl.language.reader import read_source
from ncl.language.syntax import Function


def functions_in(target: str) -> tuple[Function, ...] | None:
    """The functions that `FILE` or `FILE:FUNC` means; None where the target names no file.

    Raises NotFoundError when there is no such file or function, LanguageError for what the language lacks.
    """
    file, colon, name = target.rpartition(":")
    if colon and file and name.isidentifier():
        return parse_text(read_source(Path(file)), file, name)
    if not (target.endswith(".py") or "/" in target or os.path.isfile(target)):
        return None
    found = parse_text(read_source(Path(target)), target)
    if not found:
        raise NotFoundError(
            "no function is decorated with @program", where=target, remedy=f"decorate one, or name one: {target}:FUNC"
        )
    return found
