"""The files of a program: its own, and those that it imports from, read as text where they stand.

`from .other import f` is looked up as Python would, without running anything: relative to the importing file, a package
before a module. Only names that functions of the program use are looked up. Called by `parse`.
"""

from __future__ import annotations

import ast
import io
import os
import tokenize
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ncl.errors import LanguageError, NclError
from ncl.language import discover
from ncl.language.discover import AnyFunction, Marks
from ncl.language.parse_signature import signature_of
from ncl.language.program import Signature
from ncl.language.reader import Constant, Reader, lines_of, read_source
from ncl.language.syntax import Function


@dataclass(frozen=True)
class Absent:
    """What is imported and cannot be had."""

    reason: str
    remedy: str


@dataclass(frozen=True, eq=False)
class Defined:
    """A function where it stands."""

    file: File
    node: AnyFunction


Meaning = Defined | Constant | str | Absent | None  # str: a function of the language; None: nothing of the language


class File:
    """One file, read once, and what its top level binds."""

    def __init__(self, reader: Reader, tree: ast.Module) -> None:
        self.reader, self.tree = reader, tree
        reader.bound, reader.builtin = discover.bound(tree), discover.builtins(tree)
        reader.words = discover.contract_words(tree)

    @cached_property
    def marks(self) -> Marks:
        """What marks a program in this file."""
        return discover.marks_of(self.tree)

    @cached_property
    def constants(self) -> dict[str, Constant]:
        """Module constants by name."""
        return discover.constants(self.tree)

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef]:
        """Functions that a program may call, by name."""
        return discover.callable_functions(self.tree)

    @cached_property
    def signatures(self) -> dict[str, Signature]:
        """The signature of each of `functions`."""
        return {name: signature_of(node) for name, node in self.functions.items()}

    @cached_property
    def imports(self) -> dict[str, tuple[ast.ImportFrom, ast.alias]]:
        """Names imported from other files, each with its statement and alias."""
        return discover.imports(self.tree)


def deepest(text: str) -> int:
    """The line of a text that no parser takes where the statement begins that has the most signs in it."""
    found: dict[int, int] = {}
    first = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            first = first or token.start[0]
            found[first] = found.get(first, 0) + (token.type == tokenize.OP)
            if token.type in (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT):
                first = first if token.type == tokenize.NL and found[first] else 0
    except (tokenize.TokenError, SyntaxError, RecursionError):
        pass  # what was seen until then decides
    return max(found, key=lambda line: (found[line], -line), default=1)


class Files:
    """All files that one program or several of one file need, each loaded when something in it is first needed."""

    def __init__(self, text: str, file: str, at: Path | None) -> None:
        self.path = os.path.abspath(at or file)
        self.displayed_folder = os.path.dirname(file)
        self.readers: list[Reader] = []  # in the order in which the files were loaded
        self.loaded: dict[str, File | Absent] = {}
        own = self._read(Reader(file, lines_of(text)), text)
        self.raise_violations()  # when it is no Python, there is nothing more to see
        assert isinstance(own, File)
        self.own = own

    def reader_of(self, function: Function) -> Reader:
        """The reader of the file in which a function stands."""
        return next(reader for reader in self.readers if reader.place == function.position.file)

    def raise_violations(self) -> None:
        """Raise LanguageError with what was found in any of the files."""
        found = [v for r in self.readers for v in sorted(r.found, key=lambda v: (v.line, v.column))]
        if found:
            raise LanguageError(tuple(found))

    # --- names

    def meaning(self, file: File, name: str, importers: tuple[File, ...] = ()) -> Meaning:
        """What a name means at the top level of a file."""
        if name in file.functions:
            return Defined(file, file.functions[name])
        if name in file.constants:
            return file.constants[name]
        if name in file.reader.builtin:
            return file.reader.builtin[name]
        return self._imported(file, name, importers) if name in file.imports else None

    def _imported(self, file: File, name: str, importers: tuple[File, ...]) -> Meaning:
        node, alias = file.imports[name]
        if node.level == 0:
            return Absent(f"{name} is imported from {node.module}, of which nothing is read",
                          f"write it as a program, and import that relative: from .FILE import {name}")  # fmt: skip
        written = f"from {'.' * node.level}{node.module or ''} import"
        mended = f"mend `{written} {name}`" + (f" in {file.reader.file}" if importers else "")
        if alias.asname is not None:
            return Absent(f"{name} is imported under another name than its own", f"write {written} {alias.name}")
        other = self._load(file, node)
        if isinstance(other, Absent):
            remedy = other.remedy if node.module else f"name a file, as in from .FILE import {name}"
            return Absent(f"{name} cannot be imported: {other.reason}", f"{remedy}, or {mended}")
        found = None if other in importers else self.meaning(other, name, (*importers, file))
        if isinstance(found, str) or found is None:
            known = ", ".join([*other.functions, *other.constants]) or "none"
            return Absent(f"{name} is no function or constant of {other.reader.file}",
                          f"define it there, once and at the top level; there are: {known}")  # fmt: skip
        return found

    def prepare(self, here: Defined) -> None:
        """Tell the reader of a file what the function that comes next may use."""
        file, reader = here.file, here.file.reader
        used = {n: self.meaning(file, n) for n in discover.names_used(here.node) if n in file.imports}
        reader.callable = file.signatures | {
            n: m.file.signatures[m.node.name] for n, m in used.items() if isinstance(m, Defined)
        }
        reader.constants = file.constants | {n: m for n, m in used.items() if isinstance(m, Constant)}
        reader.absent = {n: (m.reason, m.remedy) for n, m in used.items() if isinstance(m, Absent)}

    def callee(self, here: Defined, name: str) -> Defined:
        """The function that a call means, which was found when its caller was read."""
        found = self.meaning(here.file, name)
        assert isinstance(found, Defined)
        return found

    # --- files

    def _load(self, file: File, node: ast.ImportFrom) -> File | Absent:
        path = self._path(file, node)
        if path == self.path:
            return self.own
        if path not in self.loaded:
            place = os.path.relpath(path, os.path.dirname(self.path)).replace(os.sep, "/")
            shown = os.path.normpath(os.path.join(self.displayed_folder, place))
            try:
                text = read_source(Path(path))
                self.loaded[path] = self._read(Reader(shown, lines_of(text), place), text)
            except NclError as fault:
                self.loaded[path] = Absent(f"{shown}: {fault.message}", fault.remedy or "write that file")
        return self.loaded[path]

    def _path(self, file: File, node: ast.ImportFrom) -> str:
        """Where the import leads: as in Python, `other/__init__.py` goes before `other.py`."""
        up, down = [".."] * (node.level - 1), (node.module or "__init__").split(".")
        here = os.path.join(os.path.dirname(self.path), os.path.dirname(file.reader.place))
        target = os.path.normpath(os.path.join(here, *up, *down))
        package = os.path.join(target, "__init__.py")
        return package if os.path.isfile(package) else f"{target}.py"

    def _read(self, reader: Reader, text: str) -> File | Absent:
        self.readers.append(reader)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # e.g. "invalid escape sequence" in a file of the user's
                return File(reader, ast.parse(text, filename=reader.file))
        except SyntaxError as fault:
            reader.refuse_at(fault.lineno or 1, fault.offset or 1, 1, f"not Python: {fault.msg}", "mend the syntax")
        except (ValueError, RecursionError, MemoryError) as fault:
            if isinstance(fault, ValueError):
                reader.refuse_at(1, 1, 1, f"not Python: {fault}", "mend the text")
            else:
                line = deepest(text)
                reader.refuse_at(line, 1, len(reader.line(line)), "the nesting is too deep", "split it into statements")
        return Absent(f"{reader.file} is no Python", "mend that file")
