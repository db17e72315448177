"""Programs for the tests of translation validation."""

from ncl import library
from ncl.build import Compiled, sizes_for
from ncl.language.parse import parse_text
from ncl.properties.long_sources import long_text  # noqa: F401  # for the tests
from ncl.verify.mutation.checkers import TEXTS
from ncl.verify.mutation.machine_code_faults import changed, line_of, with_rows  # noqa: F401  # for the tests


def function(text, name="f"):
    return parse_text(text, f"{name}.py", name)[0]


def named(name):
    return library.get(name) if name in library.names() else function(TEXTS[name], name)


def made(subject, width=8, registers=16, **sizes):
    """A compiled program of the library, of the planted texts, or of a text with a function f."""
    known = subject if not isinstance(subject, str) else function(subject) if "\n" in subject else named(subject)
    return Compiled.of(known, sizes_for(width, registers, **{"memory": 32, "frame": 64, "depth": 4} | sizes))
