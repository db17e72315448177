"""Source files → functions of the language. Python's `ast` reads the text; nothing is ever executed.

A program is a top-level function decorated with `@program` or `@ncl.program` (import aliases are resolved), or one that
the caller names. Every violation of all its files is reported at once. Called by `build`, the entry points and the
library.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ncl.errors import NotFoundError
from ncl.language.bindings import stars
from ncl.language.discover import AnyFunction, Marks, functions, misplaced, names_bound, programs, rebound
from ncl.language.files import Defined, File, Files
from ncl.language.meanings import agree
from ncl.language.parse_contracts import function_contract
from ncl.language.parse_signature import signature
from ncl.language.parse_statements import gives_array, new_array, statements
from ncl.language.reach import results
from ncl.language.reader import Reader, read_source
from ncl.language.remedies import near
from ncl.language.syntax import Function
from ncl.language.typecheck import typecheck
from ncl.language.walks import calls

DEEPEST = 100  # levels of statements and expressions in each other; every pass after this one recurses over them


def of_callable(function: Callable[..., Any]) -> Function:
    """The program that a plain or decorated Python function is, read from its file.

    Raises NotFoundError where no file has it at its top level; else as `parse_text`.
    """
    raw = inspect.unwrap(getattr(function, "raw", function))
    try:
        file = inspect.getsourcefile(raw)
    except TypeError:
        file = None
    if file is None or not Path(file).is_file():
        raise NotFoundError(
            f"the source of {getattr(raw, '__name__', raw)!r} is in no file",
            remedy="write the function into a file: source is read, never executed",
        )
    text = read_source(Path(file))
    if getattr(raw, "__qualname__", raw.__name__) != raw.__name__:
        raise NotFoundError(
            f"{raw.__qualname__} stands inside another function or a class",
            where=file,
            remedy="move it to the top level of its file",
        )
    code = getattr(raw, "__code__", None)
    return parse_text(text, file, raw.__name__, code.co_firstlineno if code else None)[0]


def parse_text(
    text: str, file: str, name: str | None = None, line: int | None = None, at: Path | None = None
) -> tuple[Function, ...]:
    """All decorated functions of a text, or the one named (which needs no decorator), in order; each with the functions
    that it reaches by calls, decorated or not, in this file and those that it imports from.

    `line`, where a definition of that name may begin, chooses among several; else the last one stands. `at` is where
    the file stands when that is not what it is called. Raises LanguageError with every violation of all of them,
    NotFoundError when the named one is not there.
    """
    files = Files(text, file, at)
    own = files.own
    chosen = programs(own.tree, own.marks) if name is None else _named(own.tree, name, line)
    if name is not None and not chosen:
        known = list(dict.fromkeys(f.name for f in functions(own.tree)))
        other = near(name, known)
        listed = f"functions there: {', '.join(known) or 'none'}"
        raise NotFoundError(f"no function {name}", where=file, remedy=f"write {other}; {listed}" if other else listed)
    if line is None:
        _stand(own, chosen, misplaced(own.tree, own.marks) if name is None else [])
    read: dict[AnyFunction, Function | None] = {}
    waiting: list[Defined] = [Defined(own, node) for node in chosen]
    while waiting:
        here = waiting.pop(0)
        if here.node not in read:
            files.prepare(here)
            _known(here.file)
            read[here.node] = _function(here.file.reader, here.node, here.file.marks)
            waiting += (files.callee(here, name) for name in sorted(here.file.reader.called))
    found = [_program(files, Defined(own, node), read) for node in chosen]
    files.raise_violations()
    return tuple(f for f in found if f is not None)


def _stand(file: File, chosen: list[AnyFunction], lost: list[AnyFunction]) -> None:
    """Refuse programs whose names mean something else in the end, and those that are made on some condition."""
    for node in lost:
        file.reader.refuse(node, f"{node.name} is no program here: those stand at the top level of a file",
                                "move it there")  # fmt: skip
    for node in chosen:
        if (other := rebound(file.tree, node)) is not None:
            file.reader.refuse(other, f"{node.name} becomes something else here than the function above",
                                    "give one of them another name")  # fmt: skip


def _known(file: File) -> None:
    """Refuse a file in which any name may mean anything."""
    for node in stars(file.tree):
        file.reader.refuse(node, "a star may give any name another meaning", "import by name what is used")


def _program(files: Files, entry: Defined, read: Mapping[AnyFunction, Function | None]) -> Function | None:
    """The function with all that it reaches; None when one could not be read, or a name is not clear."""
    first, places = read[entry.node], _reached(files, entry, read)
    others = {place.node: f for place in places if (f := read[place.node]) is not None}
    if first is None or len(others) < len(places):
        return None
    if not agree(files, [entry, *(place for place in places if place.node is not entry.node)]):
        return None
    texts = [first.digest, *(f.digest for node, f in others.items() if node is not entry.node)]
    digest = first.digest if len(texts) == 1 else hashlib.sha256("\n".join(texts).encode()).hexdigest()
    program = replace(first, others=tuple(f for n, f in others.items() if n is not entry.node), digest=digest)
    results(program, files.reader_of)
    return program


def _reached(files: Files, entry: Defined, read: Mapping[AnyFunction, Function | None]) -> list[Defined]:
    """All functions that are called, directly or not, in the order of their names."""
    seen: dict[AnyFunction, Defined] = {}
    waiting = [entry]
    while waiting:
        here = waiting.pop()
        function = read[here.node]
        for name in calls(function.body) if function else ():
            callee = files.callee(here, name)
            if callee.node not in seen:
                seen[callee.node] = callee
                waiting.append(callee)
    return sorted(seen.values(), key=lambda place: place.node.name)


def _named(tree: ast.Module, name: str, line: int | None) -> list[AnyFunction]:
    """The definition that stands: Python normalises identifiers, so the name is too."""
    wanted = unicodedata.normalize("NFKC", name)
    alike = [f for f in functions(tree) if f.name == wanted]
    return [f for f in alike if _first_line(f) == line] or alike[-1:]


# --- one function ----------------------------------------------------------------------------------------------------


def _function(reader: Reader, node: AnyFunction, marks: Marks) -> Function | None:
    """The typed function; None when it cannot even be read."""
    reader.begin()
    if isinstance(node, ast.AsyncFunctionDef):
        reader.refuse(node, "a program is not asynchronous", "write `def`")
        return None
    if (deep := _too_deep(node)) is not None:
        reader.refuse(deep, f"this nests more than {DEEPEST} levels deep", "split it into smaller statements")
        return None
    head = signature(reader, node, marks)
    body, documentation = node.body, ""
    if (
        isinstance(body[0], ast.Expr)
        and isinstance(body[0].value, ast.Constant)
        and isinstance(body[0].value.value, str)
    ):
        documentation, body = inspect.cleandoc(body[0].value.value), body[1:]
    arrays = frozenset(
        {p.name for p in head.parameters if p.sort == "array"}
        | {
            target.id
            for inner in ast.walk(node)
            if isinstance(inner, ast.Assign) and (new_array(inner.value) or gives_array(reader, inner.value))
            for target in inner.targets
            if isinstance(target, ast.Name)
        }
    )
    reader.parameters, reader.own = frozenset(p.name for p in head.parameters), names_bound(node)
    reader.arrays = arrays
    contract, body = function_contract(reader, body, arrays, head)
    tree = statements(reader, body, arrays, False)
    source = "\n".join(reader.lines[_first_line(node) - 1 : node.end_lineno]) + "\n"
    function = Function(
        node.name, head, tree, reader.file, reader.position(node), _digest(reader, source), source, documentation,
        _written(reader, node), contract=contract,
    )  # fmt: skip
    typecheck(function, reader)
    return function


def _first_line(node: AnyFunction) -> int:
    return min([node.lineno, *(d.lineno for d in node.decorator_list)])


def _too_deep(node: ast.FunctionDef) -> ast.stmt | ast.expr | None:
    """A statement or expression that nests too deep. The n-th side of one `and` or `or` counts as n levels deep."""
    waiting: list[tuple[ast.AST, int]] = [(node, 0)]
    while waiting:
        here, depth = waiting.pop()
        if depth > DEEPEST and isinstance(here, ast.stmt | ast.expr):
            return here
        step = isinstance(here, ast.BoolOp)
        waiting.extend((child, depth + 1 + step * n) for n, child in enumerate(ast.iter_child_nodes(here)))
    return None


def _digest(reader: Reader, source: str) -> str:
    """Of the source text and the constants it uses: what decides the meaning."""
    named = [(n, hex(reader.constants[n].value), reader.constants[n].inverted) for n in sorted(reader.used)]
    borrowed = [(name, reader.builtin[name]) for name in sorted(reader.borrowed)]
    return hashlib.sha256(repr((source, named, *borrowed)).encode()).hexdigest()


def _written(reader: Reader, node: AnyFunction) -> str:
    """What the function uses of its module: imports from `ncl`, and constants as the module might assign them."""
    marked = "".join(map(_alias, node.decorator_list))
    borrowed = "".join(f"from ncl import {reader.builtin[name]} as {name}\n" for name in sorted(reader.borrowed))
    named = ((name, reader.constants[name]) for name in sorted(reader.used))
    constants = "".join(f"{name} = {'~' * constant.inverted}{hex(constant.value)}\n" for name, constant in named)
    return marked + borrowed + constants


def _alias(decorator: ast.expr) -> str:
    """The import that a decorator of another name than its own needs."""
    match decorator:
        case ast.Name(id=name) if name != "program":
            return f"from ncl import program as {name}\n"
        case ast.Attribute(value=ast.Name(id=name)) if name != "ncl":
            return f"import ncl as {name}\n"
    return ""
