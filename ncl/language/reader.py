"""Source text with a place to collect what is wrong in it: shared by the readers of expressions and statements."""

from __future__ import annotations

import ast
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ncl.errors import InputError, NotFoundError, Violation
from ncl.language.program import Position, Signature


@dataclass(frozen=True)
class Constant:
    """A module constant: a literal, or `~literal`, whose word depends on the width."""

    value: int
    inverted: bool


def lines_of(text: str) -> list[str]:
    """The lines as Python counts them: form feeds and Unicode separators end none, unlike in `str.splitlines`."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


# Streams that the caller's own process hands in (`ncl run <(…)`); what else is no regular file may never end.
HANDED_IN = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")


def unending(path: Path) -> bool:
    """Whether reading there could wait or go on for ever: a named pipe, a device. Raises OSError, ValueError."""
    return not (str(path).startswith(HANDED_IN) or path.is_dir() or stat.S_ISREG(path.stat().st_mode))


def read_source(path: Path) -> str:
    """Raises NotFoundError, InputError."""
    try:
        if unending(path):
            raise NotFoundError("this is no regular file", where=str(path))
        return path.read_text(encoding="utf-8-sig")  # a byte order mark is no text
    except FileNotFoundError as fault:
        raise NotFoundError("no such file", where=str(path)) from fault
    except IsADirectoryError as fault:
        raise NotFoundError("this is a folder", where=str(path), remedy="name a .py file in it") from fault
    except OSError as fault:
        raise NotFoundError(f"cannot read: {fault.strerror}", where=str(path)) from fault
    except UnicodeDecodeError as fault:
        raise InputError("not UTF-8 text", where=str(path), remedy="save the file as UTF-8") from fault
    except ValueError as fault:  # a null byte in the name
        raise NotFoundError(f"cannot read: {fault}", where=repr(str(path))) from fault


@dataclass
class Reader:
    """One file being read. `refuse` collects; nothing is raised before everything was seen.

    The last ones are of the function being read: what it may use, its parameters, the constants it uses, the functions
    it calls, and what its refused statements would have bound or returned, of which nobody is to complain twice.
    """

    file: str  # as messages name it
    lines: list[str]
    place: str = ""  # as positions name it
    bound: frozenset[str] = frozenset()  # every name that the file binds outside its functions
    builtin: Mapping[str, str] = field(default_factory=dict)  # name in the file → name of the language's own function
    words: frozenset[str] = frozenset()  # the words of contracts among them: imported from ncl and bound once
    found: list[Violation] = field(default_factory=list)
    constants: Mapping[str, Constant] = field(default_factory=dict)
    callable: Mapping[str, Signature] = field(default_factory=dict)
    absent: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # imported and not to be had: reason, remedy
    parameters: frozenset[str] = frozenset()
    arrays: frozenset[str] = frozenset()  # its arrays, parameters among them
    own: frozenset[str] = frozenset()  # its parameters, and every name that it assigns
    used: set[str] = field(default_factory=set)
    borrowed: set[str] = field(default_factory=set)  # what it uses of `builtin` that must be imported
    called: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    lost_return: bool = False

    def begin(self) -> None:
        """A new function starts."""
        self.used, self.borrowed, self.called, self.lost, self.lost_return = set(), set(), set(), set(), False

    def lose(self, node: ast.AST) -> None:
        """A statement was refused."""
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                self.lost.add(inner.id)
            self.lost_return |= isinstance(inner, ast.Return)

    def refuse(self, node: ast.AST, reason: str, remedy: str) -> None:
        """Note a violation at a node of the tree; `refuse_at` does it by numbers."""
        line = getattr(node, "lineno", 1)
        column = self._characters(line, getattr(node, "col_offset", 0)) + 1
        end = getattr(node, "end_col_offset", None)
        same_line = getattr(node, "end_lineno", line) == line and end is not None
        text = self.line(line)
        stop = self._characters(line, end) + 1 if same_line and end is not None else len(text) + 1
        self.refuse_at(line, column, stop - column, reason, remedy)

    def refuse_at(self, line: int, column: int, width: int, reason: str, remedy: str) -> None:
        """Note a violation once."""
        item = Violation(self.file, line, column, max(1, width), self.line(line), reason, remedy)
        if item not in self.found:
            self.found.append(item)

    def line(self, number: int) -> str:
        """The text of a line, from 1; "" outside the file."""
        return self.lines[number - 1] if 1 <= number <= len(self.lines) else ""

    def position(self, node: ast.AST) -> Position:
        """Where a node begins, in characters."""
        line = getattr(node, "lineno", 1)
        return Position(line, self._characters(line, getattr(node, "col_offset", 0)) + 1, self.place)

    def _characters(self, line: int, offset: int) -> int:
        """`ast` counts UTF-8 bytes; editors count characters."""
        return len(self.line(line).encode()[:offset].decode(errors="ignore"))
