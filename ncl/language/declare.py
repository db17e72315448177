"""What a user imports to write a program: the decorator and the two annotations.

The decorator marks a function; calling it runs the reference interpreter of its source, so that words wrap and indices
are checked as the language says. `.python` is the function as Python has it, equal where nothing wraps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, update_wrapper
from typing import Any

from ncl.errors import Refuted
from ncl.language.program import Sizes, Value
from ncl.language.syntax import Function

Word = int
Array = list[int]


class DeclaredProgram:
    """A function of the language, as the decorator leaves it."""

    def __init__(self, python: Callable[..., Any]) -> None:
        self.python = python
        update_wrapper(self, python)

    @cached_property
    def function(self) -> Function:
        """Its typed tree, read from the file. Raises LanguageError for what is outside the language."""
        from ncl.language.parse import of_callable

        return of_callable(self.python)

    def __call__(self, *arguments: Value) -> Value:
        """The result at width 16. Raises InputError for bad arguments and Refuted for a trap."""
        from ncl.language.interpret.source import run_source

        result = run_source(self.function, list(arguments), Sizes())
        if result.result is None:
            raise Refuted(f"{self.function.name} ended with {result.trap}", where=self.function.file)
        return result.result


def program(python: Callable[..., Any]) -> DeclaredProgram:
    """Mark a function as a program: `@program` or `@ncl.program`."""
    return DeclaredProgram(python)
