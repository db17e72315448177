"""What a user imports to write a program: the decorator and the two annotations.

The decorator marks a function; calling it runs the reference interpreter of its source, so that words wrap and indices
are checked as the language says. `.python` is the function as Python has it, equal where nothing wraps: programs that
it calls run as Python too, on the very lists that they are given. The signed functions are what they are in Python.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import cached_property, update_wrapper, wraps
from typing import Any, Generic, TypeVar, cast

from ncl.errors import Refuted
from ncl.language.opcodes import CALLED, Opcode
from ncl.language.program import Sizes, Value
from ncl.language.syntax import Function

Word = int
Array = list[int]

_plain: ContextVar[bool] = ContextVar("_plain", default=False)  # a `.python` is running


Result = TypeVar("Result")  # Word or Array, as the function's own annotation says


class DeclaredProgram(Generic[Result]):
    """A function of the language, as the decorator leaves it."""

    def __init__(self, raw: Callable[..., Result]) -> None:
        self.raw = raw
        update_wrapper(self, raw)

    @cached_property
    def python(self) -> Callable[..., Result]:
        """The function as Python has it."""

        @wraps(self.raw)
        def plainly(*arguments: Any) -> Result:
            before = _plain.set(True)
            try:
                return self.raw(*arguments)
            finally:
                _plain.reset(before)

        return plainly

    @cached_property
    def function(self) -> Function:
        """Its typed tree, read from the file. Raises LanguageError for what is outside the language."""
        from ncl.language.parse import of_callable

        return of_callable(self.raw)

    def __call__(self, *arguments: Value) -> Result:
        """The result at width 16. Raises InputError for bad arguments and Refuted for a trap."""
        if _plain.get():
            return self.raw(*arguments)
        from ncl.language.interpret.source import run_source

        result = run_source(self.function, list(arguments), Sizes())
        if result.result is None:
            raise Refuted(f"{self.function.name} ended with {result.trap}", where=self.function.file)
        return cast(Result, result.result)


def program(function: Callable[..., Result]) -> DeclaredProgram[Result]:
    """Mark a function as a program: `@program` or `@ncl.program`."""
    return DeclaredProgram(function)


def __getattr__(name: str) -> Callable[..., int]:
    """The ops of the machine that a program may call, as Python has them: their rows say."""
    if name in CALLED:
        from ncl.language.ops import OPS

        found = OPS[Opcode[name.upper()]].python
        assert found is not None
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# --- signed words: below 0 in Python, N/2 and above on the machine ---------------------------------------------------


def is_negative(x: Word) -> Word:
    """1 where x, read as a signed word, is below 0, else 0."""
    return int(x < 0)


def magnitude(x: Word) -> Word:
    """The absolute value of x, read as a signed word."""
    return abs(x)


def signed_less(x: Word, y: Word) -> Word:
    """1 where x < y, both read as signed words, else 0."""
    return int(x < y)


def signed_divide(x: Word, y: Word) -> Word:
    """x // y of signed words, rounded down."""
    return x // y


def signed_remainder(x: Word, y: Word) -> Word:
    """x % y of signed words, with the sign of y."""
    return x % y
