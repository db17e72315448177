"""Reads one function from its body and its signature, and tells what is refused in it."""

from ncl.errors import LanguageError, Violation
from ncl.language.interpret.source import run_source
from ncl.language.parse import parse_text
from ncl.language.program import Position, Sizes, Value
from ncl.language.syntax import Function
from ncl.language.trace import Result

SIGNATURE = "(xs: Array, n: Word) -> Word"


def text_of(body: str, signature: str = SIGNATURE) -> str:
    """The function `f` at line 1; line k of the body is line k + 1, indented by four."""
    return f"def f{signature}:\n" + "".join(f"    {line}\n" for line in body.splitlines())


def function(body: str, signature: str = SIGNATURE) -> Function:
    return parse_text(text_of(body, signature), "f.py", "f")[0]


def refusals(body: str, signature: str = SIGNATURE) -> tuple[Violation, ...]:
    """Every violation, none for a body of the language."""
    try:
        function(body, signature)
    except LanguageError as fault:
        return fault.violations
    return ()


def run(
    body: str,
    *arguments: Value,
    signature: str = SIGNATURE,
    width: int = 8,
    memory: int = 32,
    budget: int = 1000,
) -> Result:
    """One run of the source interpreter."""
    return run_source(function(body, signature), list(arguments), Sizes(width=width, memory=memory), budget)


def unmarked(body: str) -> tuple[str, Position, str]:
    """A body without its one mark `‹…›`, where the marked piece stands in the file, and the piece."""
    before, _, rest = body.partition("‹")
    piece, _, after = rest.partition("›")
    line = before.count("\n")
    return before + piece + after, Position(line + 2, len(before.split("\n")[-1]) + 5), piece
