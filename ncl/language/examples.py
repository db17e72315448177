"""Hand-worked examples in a program's docstring: each line `name(arguments) -> result` is one.

The result is a word, an array, or `trap KIND`. A line whose arguments hold names is prose, not an example. Read by the
library, whose examples are tested, and by the pytest plugin, which tests a user's.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from ncl.errors import FormatError
from ncl.language.opcodes import Trap
from ncl.language.program import Value
from ncl.language.syntax import Function


@dataclass(frozen=True)
class Example:
    """`name(arguments) -> expected`; a trap is expected where `trap` is set, and then `expected` is None."""

    line: str  # as written
    arguments: list[Value]
    expected: Value | None
    trap: Trap | None = None


def examples(function: Function) -> tuple[Example, ...]:
    """In the docstring's order. Raises FormatError for a line that is meant as an example and cannot be read."""
    found = []
    for line in function.documentation.splitlines():
        match = re.fullmatch(rf"\s*{function.name}\((.*?)->(.*)", line)
        if match and not re.search(r"[^\W\d]", match[1]):
            found.append(_example(function, line.strip(), match[1].rstrip(), match[2].strip()))
    return tuple(found)


def _example(function: Function, line: str, arguments: str, result: str) -> Example:
    where = f"{function.file}:{function.name}"
    kinds = {trap.label: trap for trap in Trap}
    try:
        if not arguments.endswith(")"):
            raise ValueError("a bracket is missing")
        given = [_value(value) for value in ast.literal_eval(f"[{arguments[:-1]}]")]
        if result.startswith("trap "):
            return Example(line, given, None, kinds[result.removeprefix("trap ").strip()])
        return Example(line, given, _value(ast.literal_eval(result)))
    except (SyntaxError, ValueError, TypeError, KeyError) as fault:
        raise FormatError(
            f"cannot read the example `{line}`", where=where,
            remedy=f"write {function.name}({{arguments}}) -> a word, an array, or trap {' | '.join(kinds)}",
        ) from fault  # fmt: skip


def _value(value: object) -> Value:
    words = value if isinstance(value, list) else [value]
    if any(isinstance(word, bool) or not isinstance(word, int) or word < 0 for word in words):
        raise ValueError(f"{value!r} is neither a word nor an array")
    return value  # type: ignore[return-value]
